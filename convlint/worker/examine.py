"""One model from its construction to its facts: build, run, explore, blame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import sympy
from torch import nn

from convlint.facts import Span
from convlint.worker.deciding.explore import Outcome, explore
from convlint.worker.deciding.findings import Finding, finding, has_known_sizes, in_symbols
from convlint.worker.deciding.mistakes import is_harmless, without_follow_ups
from convlint.worker.deciding.ranks import in_every_rank
from convlint.worker.inputs.evidence import Evidence
from convlint.worker.inputs.guesses import GUESSED, NAMED, TRIED
from convlint.worker.inputs.inference import infer, is_taken
from convlint.worker.inputs.input import BATCH, Input, hint, symbols_of
from convlint.worker.places import Place
from convlint.worker.run import LEVELS, Course, Run, Workshop
from convlint.worker.tracing.nodes import ancestors
from convlint.worker.trail import Halt, Key, Objection, Refusal

MAX_VARIANTS = 8
MAX_FLIPS = 4


@dataclass(frozen=True)
class Examination:
    """What is known of a model after all its runs."""

    run: Run
    outcome: Outcome
    findings: tuple[Finding, ...]
    doubt: str | None  # why the inputs that were found out may be wrong
    guess: str | None = None  # why some findings were held back
    unseen: Halt | None = None  # where another way through forward, by data or in eval mode, could not be followed


def examine(
    shop: Workshop, inputs: tuple[Input, ...] | None, found: Sequence[Evidence] = (), squares: tuple[int, ...] = ()
) -> Examination:
    """Trace a model in train and eval mode and decide its requirements.

    Without `inputs` the evidence found is tried, the strongest first, and then what the layers demand.
    """
    if inputs is not None:
        return _judged(shop, _first(shop, _course(inputs)), is_found_out=False)
    contradicted: list[Examination] = []
    for item in found:
        if not item.is_strong:
            continue
        first = _with(shop, item)
        if first is None or not (item.is_told or is_taken(first)):
            continue
        examination = _judged(shop, first, is_found_out=item.inputs is None)
        if item.is_told or not examination.findings:
            return examination
        if item.exact is not None and _runs(shop, item.exact):
            return replace(examination, findings=(), guess="it runs with the batch of the example, and maybe no other")
        contradicted.append(examination)
    if contradicted:
        return contradicted[0]
    return _found_out(shop, [item for item in found if not item.is_strong], squares)


def glance(
    shop: Workshop, inputs: tuple[Input, ...] | None, found: Sequence[Evidence] = (), squares: tuple[int, ...] = ()
) -> Examination:
    """One run on plain numbers, for a model that takes too long in symbols. It proves that sizes work, and no more."""
    shop = replace(shop, is_plain=True)
    given = [inputs] if inputs is not None else [item.inputs for item in found if item.inputs is not None]
    runs = (shop.run(_course(known)) for known in given)
    first, doubt = next((run for run in runs if inputs is not None or _comes_through(run)), None), None
    if first is None:
        first, doubt = infer(shop.model, lambda course: _trial(shop, course), _course, squares=squares)
    reason = "it takes too long in symbols, so only these sizes were tried"
    return Examination(first, _undecided(first), (), doubt, reason)


def _with(shop: Workshop, item: Evidence) -> Run | None:
    """A run with the inputs of some evidence; what it leaves open is found out, and what its names of sizes mean."""
    if item.inputs is None:
        run, doubt = infer(shop.model, lambda course: _trial(shop, course), _course, item.known)
        return run if doubt is None else None
    run = _first(shop, _course(item.inputs))
    if _comes_through(run) or not item.names_sizes:
        return run
    refined, doubt = infer(shop.model, lambda course: _trial(shop, course), _course, item.opened(shop.model))
    return refined if doubt is None and _comes_through(refined) else run


def _comes_through(run: Run) -> bool:
    return run.trace.trail.end() is None and not run.trace.trail.broken()


def _runs(shop: Workshop, inputs: tuple[Input, ...]) -> bool:
    return _comes_through(_first(shop, _course(inputs)))


def _found_out(shop: Workshop, candidates: Sequence[Evidence], squares: tuple[int, ...]) -> Examination:
    """What the layers demand; a candidate counts where they do not settle it, or where it runs and they complain."""
    # A model that was built for one size of image takes it; any other may be refused far inside.
    start = dict.fromkeys(("H", "W"), squares[0]) if squares else {}
    first, doubt = infer(
        shop.model,
        lambda course: _trial(shop, course),
        lambda inputs: _course(inputs, start),
        squares=squares,
    )
    examination = None if doubt is not None else _judged(shop, first, is_found_out=True)
    if examination is not None and not examination.findings and first.trace.trail.end() is None:
        return examination
    for item in candidates:
        run = _with(shop, item)
        if run is not None and _comes_through(run):
            return replace(_judged(shop, run, is_found_out=True), findings=())
    return examination or Examination(first, _undecided(first), (), doubt)


def _judged(shop: Workshop, first: Run, *, is_found_out: bool) -> Examination:
    """The verdict on inputs that the first layers take; none where forward runs on plain numbers only."""
    if first.is_on_numbers:
        reason = "forward cannot be followed in symbols, so only these sizes were tried"
        return Examination(_past_decisions(shop, first), _undecided(first), (), None, reason)
    return _decided(shop, first, is_found_out=is_found_out)


def _decided(shop: Workshop, first: Run, *, is_found_out: bool) -> Examination:
    """All runs of a model on inputs that its first layers take."""
    main = _examine_course(shop, first)
    findings = {found.key: found for found in main.findings}
    unseen: Halt | None = None
    for course in _other_courses(shop, main.run):
        run = shop.run(course)
        other, end = _examine_course(shop, run, frozenset(findings)), run.trace.trail.end()
        unseen = unseen or (end if isinstance(end, Halt) and not isinstance(end, Refusal | Objection) else None)
        for found in other.findings:
            node = _same_call(main.run, found)
            if node is not None:
                findings.setdefault(found.key, replace(found, node=node))
    one_way = _on_one_way_only(shop, main, findings)
    numbers = _guessed_numbers(main.run)
    unsure = {key: numbers or _unconfirmed(main.run, found.node) for key, found in findings.items()}
    if not numbers:
        doubted = [key for key, names in unsure.items() if names]
        unsure.update({key: set() for key in in_every_rank(main.run, doubted, lambda inputs: _explored(shop, inputs))})
    if is_found_out:  # which dim is the batch is a guess as well, and that an input is a tensor at all
        unsure.update({key: {"the inputs"} for key, found in findings.items() if found.is_misuse})
        unsure.update({key: {BATCH} for key, found in findings.items() if found.is_about_batch})
    agreed = [found for key, found in findings.items() if not unsure[key] and key not in one_way]
    doubtful = sorted(set[str]().union(*unsure.values()))
    reason = None
    if doubtful:
        reason = f"the shape of {', '.join(doubtful)} is only a guess, and what follows from it no finding"
    elif one_way:
        reason = "which way a branch goes that no input decides is not known, and what follows from it no finding"
    return replace(main, findings=tuple(agreed), guess=reason, unseen=unseen)


def _explored(shop: Workshop, inputs: tuple[Input, ...]) -> tuple[Run, Outcome]:
    first = _first(shop, _course(inputs))
    return first, _outcome(shop, first)


def _on_one_way_only(shop: Workshop, main: Examination, findings: Mapping[Key, Finding]) -> set[Key]:
    """What is found on one way alone of a branch that no input decides: a real run may never go there."""
    one_way: set[Key] = set()
    for i in main.run.trace.settled[:MAX_FLIPS]:
        outcome = _outcome(shop, shop.run(main.run.course.flipped(main.run.trace.decisions, i)))
        one_way |= findings.keys() ^ {item.key for item in without_follow_ups(outcome.rejected, outcome.first)}
    return one_way


def _trial(shop: Workshop, course: Course) -> Run:
    run = shop.run(course)
    if course.limit is not None:
        return run
    run = _past_decisions(shop, run)
    # What the user's code raises may be due to how a mistake before it was mended.
    return _best_variant(shop, run) if isinstance(run.trace.trail.end(), Halt) else run


def _guessed_numbers(run: Run) -> set[str]:
    """The inputs that are numbers or texts of our own choice: any size may come from them."""
    items = (item for item in run.course.inputs if item.source == NAMED and item.spec.shape is None)
    return {item.name for item in items if item.spec.value is not None and not isinstance(item.spec.value, bool)}


def _unconfirmed(run: Run, node: int) -> set[str]:
    """The inputs behind a node whose shape no layer has confirmed."""
    guesses = {item.name for item in run.course.inputs if item.source in (GUESSED, TRIED, NAMED)}
    if not guesses:
        return guesses
    behind = ancestors(run.trace.nodes[node])
    return guesses & {str(found.meta.get("name")) for found in behind if found.op == "placeholder"}


def _first(shop: Workshop, course: Course) -> Run:
    """The first run; on plain numbers where a symbol is what stops the trace before any mistake."""
    run = shop.run(course)
    for level in LEVELS[1:] if course.sizes else ():
        if not isinstance(run.trace.trail.end(), Halt) or run.trace.trail.broken():
            break
        plain = shop.run(course.on_numbers(level))
        run = plain if plain.is_further_than(run) else run
    return run


def _course(inputs: tuple[Input, ...], start: Mapping[str, int] | None = None) -> Course:
    return Course(inputs, {name: (start or {}).get(name) or hint(name) for name in symbols_of(inputs)})


def _undecided(run: Run) -> Outcome:
    end = run.trace.trail.end()
    return Outcome(run, (), None, end if isinstance(end, Halt) else None, False)


def _examine_course(shop: Workshop, first: Run, known: frozenset[Key] = frozenset()) -> Examination:
    """All runs on one course; of what is known already nothing more is found out."""
    outcome = _outcome(shop, first)
    run = outcome.first
    rejected = [item for item in without_follow_ups(outcome.rejected, run) if item.key not in known]
    detail = in_symbols(shop, run) if rejected and has_known_sizes(run) else None
    findings = tuple(finding(shop, outcome, run, item, detail) for item in rejected)
    return Examination(run, outcome, findings, None)


def _outcome(shop: Workshop, first: Run) -> Outcome:
    return explore(_best_variant(shop, _past_decisions(shop, first)), shop.run)


def _other_courses(shop: Workshop, run: Run) -> Iterable[Course]:
    """The same inputs in eval mode where forward asks for it, and the other way at each branch on data."""
    course = run.course
    if _asks_for_mode(shop.model):
        yield replace(course, training=False)
    places: set[Place | None] = set()
    for i, (place, _) in enumerate(run.trace.decisions):
        if place not in places and len(places) < MAX_FLIPS and i not in run.trace.settled:
            places.add(place)
            yield course.flipped(run.trace.decisions, i)


def _asks_for_mode(model: nn.Module) -> bool:
    """Whether any forward outside torch looks at `training`."""
    kinds = {type(module) for module in model.modules()}
    return any("training" in _names(kind) for kind in kinds if not kind.__module__.startswith("torch.nn."))


def _names(kind: type) -> set[str]:
    return {
        name
        for function in vars(kind).values()
        if (code := getattr(function, "__code__", None)) is not None
        for name in code.co_names
    }


def _past_decisions(shop: Workshop, run: Run) -> Run:
    """Where the user's own code raises behind a branch on data, the other way is the usual one."""
    for _ in range(MAX_FLIPS):
        decisions = [way for _, way in run.trace.decisions]
        if not isinstance(run.trace.trail.end(), Halt) or not decisions or decisions[-1]:
            return run
        other = shop.run(replace(run.course, decisions=(*decisions[:-1], True)))
        if isinstance(other.trace.trail.end(), Halt) and len(other.trace.nodes) <= len(run.trace.nodes):
            return run
        run = other
    return run


def _best_variant(shop: Workshop, run: Run) -> Run:
    """Of several ways to repair, the one that explains the run with the fewest mistakes."""
    options = run.trace.ambiguous[:3]
    if not options:
        return run
    best = run
    for choices in list(product(*(range(n) for n in options)))[1 : run.affordable(MAX_VARIANTS)]:
        other = shop.run(replace(run.course, choices=choices))
        if _score(other) < _score(best):
            best = other
    return best


def _score(run: Run) -> tuple[int, int]:
    trail = run.trace.trail
    certain = [need for need in trail.broken() if need.condition is sympy.false or not need.condition.free_symbols]
    folded = [need for need in certain if need.name == "batch" and is_harmless(need, run)]
    return len(certain) - len(folded) + (1 if trail.end() is not None else 0), len(certain)


def _same_call(run: Run, finding: Finding) -> int | None:
    """The node of the main run that stands for the finding of another one."""
    for need in run.trace.trail.needs():
        if need.key == finding.key and need.node is not None:
            return need.node
    where = finding.key[0]
    for i, node in enumerate(run.trace.nodes):
        if node.op == "call_module" and str(node.target) == where:
            return i
    return len(run.trace.nodes) - 1


def stopped_at(examination: Examination) -> tuple[str, Span | None] | None:
    """Why and where the main run ended early."""
    end = examination.run.trace.trail.end()
    return (end.reason, end.at) if isinstance(end, Halt) else None

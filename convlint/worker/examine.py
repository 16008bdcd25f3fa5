"""One model from its construction to its facts: build, run, explore, blame."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import sympy
from torch import nn

from convlint.facts import Dim, Span, Unmet
from convlint.worker.blame import blame, linear_behind
from convlint.worker.dimensions import dim, sizes_in_words
from convlint.worker.domain import ACCEPTED, LARGEST, UNCOVERED
from convlint.worker.explore import Outcome, explore
from convlint.worker.formulas import derivation
from convlint.worker.inference import infer
from convlint.worker.inputs import BATCH, Input, hint, symbols_of
from convlint.worker.naming import named
from convlint.worker.places import Place
from convlint.worker.run import Course, Run, run_forward
from convlint.worker.sizes import Size
from convlint.worker.skeleton import Sites
from convlint.worker.torch_private import FakeTensorMode, expr_of
from convlint.worker.trace import tensors_in
from convlint.worker.trail import Halt, Key, Need, Stop
from convlint.worker.users import IsUser

# Requirements whose node hands its own size on; behind a convolution or a Linear a size is what that declares.
_HANDED_ON = frozenset(
    {"num_features", "normalized_shape", "num_groups", "embed_dim", "kdim", "vdim", "broadcast", "concat"}
)
_ANCHORS = ("Conv", "Linear", "Bilinear", "Embedding", "LSTM", "GRU", "RNN")
MAX_VARIANTS = 8
MAX_FLIPS = 4
FEW = 16
"""Up to so many sizes of a symbol are listed; more are put in words."""


@dataclass(frozen=True)
class Workshop:
    """What every run of one model shares."""

    model: nn.Module
    mode: FakeTensorMode
    sites: Sites
    is_user: IsUser

    def run(self, course: Course) -> Run:
        return run_forward(self.model, self.mode, course, self.is_user)


@dataclass(frozen=True)
class Finding:
    """An unmet requirement, at the node of the run that the facts describe."""

    node: int
    unmet: Unmet
    key: Key


@dataclass(frozen=True)
class Examination:
    """What is known of a model after all its runs."""

    run: Run
    outcome: Outcome
    findings: tuple[Finding, ...]
    doubt: str | None  # why the inputs that were found out may be wrong


def examine(shop: Workshop, inputs: tuple[Input, ...] | None) -> Examination:
    """Trace a model in train and eval mode and decide its requirements."""
    if inputs is None:
        first, doubt = infer(shop.model, lambda trial, limit: shop.run(replace(_course(trial), limit=limit)))
        if doubt is not None:
            return Examination(first, _undecided(first), (), doubt)
    else:
        first, doubt = _first(shop, _course(inputs)), None
    main = _examine_course(shop, first)
    findings = {finding.key: finding for finding in main.findings}
    for course in _other_courses(shop, main.run):
        for finding in _examine_course(shop, shop.run(course)).findings:
            node = _same_call(main.run, finding)
            if node is not None:
                findings.setdefault(finding.key, replace(finding, node=node))
    return replace(main, findings=tuple(findings.values()))


def _first(shop: Workshop, course: Course) -> Run:
    """The first run; on plain numbers where only the batch is unknown and its symbol is what stops the trace."""
    run = shop.run(course)
    if isinstance(run.trace.trail.end(), Halt) and set(course.sizes) == {BATCH}:
        plain = shop.run(replace(course, fixed=frozenset(course.sizes)))
        if len(plain.trace.nodes) > len(run.trace.nodes) or plain.trace.trail.end() is None:
            return plain
    return run


def _course(inputs: tuple[Input, ...]) -> Course:
    return Course(inputs, {name: hint(name) for name in symbols_of(inputs)})


def _undecided(run: Run) -> Outcome:
    end = run.trace.trail.end()
    return Outcome(run, (), None, end if isinstance(end, Halt) else None, False)


def _examine_course(shop: Workshop, first: Run) -> Examination:
    run = _past_decisions(shop, first)
    run = _best_variant(shop, run)
    outcome = explore(run, shop.run)
    rejected = _without_follow_ups(outcome.rejected, run)
    detail = _in_symbols(shop, run) if rejected and _has_known_sizes(run) else None
    findings = tuple(_finding(shop, run, item, detail) for item in rejected)
    return Examination(run, outcome, findings, None)


def _other_courses(shop: Workshop, run: Run) -> Iterable[Course]:
    """The same inputs in eval mode where forward asks for it, and the other way at each branch on data."""
    course = run.course
    if _asks_for_mode(shop.model):
        yield replace(course, training=False)
    places: set[Place | None] = set()
    for i, (place, way) in enumerate(run.trace.decisions):
        if place not in places and len(places) < MAX_FLIPS:
            places.add(place)
            yield replace(course, decisions=(*(taken for _, taken in run.trace.decisions[:i]), not way))


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
    for choices in list(product(*(range(n) for n in options)))[1:MAX_VARIANTS]:
        other = shop.run(replace(run.course, choices=choices))
        if _score(other) < _score(best):
            best = other
    return best


def _score(run: Run) -> tuple[int, int]:
    trail = run.trace.trail
    certain = [need for need in trail.broken() if need.condition is sympy.false or not need.condition.free_symbols]
    folded = [need for need in certain if need.name == "batch" and _is_harmless(need, run)]
    return len(certain) - len(folded) + (1 if trail.end() is not None else 0), len(certain)


def _is_harmless(need: Need, run: Run) -> bool:
    """A batch that grows is meant to, if nothing was built for the smaller number or the output has the batch again."""
    assert need.node is not None
    node = run.trace.nodes[need.node]
    if linear_behind(node, need.needed) is None:
        return True
    outputs = [meta for out in run.trace.graph.nodes if out.op == "output" for meta in _output_shapes(run)]
    grown = node.meta["outputs"] and expr_of(node.meta["outputs"][0].shape[0]) != expr_of(run.batch or 0)
    return bool(grown) and all(shape and expr_of(shape[0]) == expr_of(run.batch or 0) for shape in outputs)


def _output_shapes(run: Run) -> list[tuple[Size, ...]]:

    return [tuple(x.shape) for x in tensors_in(run.trace.output)]


def _without_follow_ups(rejected: Iterable[Need | Stop], run: Run) -> list[Need | Stop]:
    """Drop what an earlier mistake explains: the same two numbers, met again behind it."""
    kept: list[Need | Stop] = []
    for item in rejected:
        if isinstance(item, Need):
            if item.name == "batch" and item.condition is sympy.false and _is_harmless(item, run):
                continue
            pair = {str(item.came), str(item.needed)}
            earlier = [
                k for k in kept if isinstance(k, Need) and k.name in _HANDED_ON and {str(k.came), str(k.needed)} == pair
            ]
            if any(_is_behind(run, item, before) for before in earlier):
                continue
        kept.append(item)
    return kept


def _is_behind(run: Run, later: Need, earlier: Need) -> bool:
    if later.node is None or earlier.node is None:
        return False
    goal, queue, seen = run.trace.nodes[earlier.node], [run.trace.nodes[later.node]], set()
    while queue:
        node = queue.pop()
        if node is goal:
            return True
        anchored = (
            type(node.meta.get("layer")).__name__.startswith(_ANCHORS) and node is not run.trace.nodes[later.node]
        )
        if node not in seen and not anchored:
            seen.add(node)
            queue.extend(node.all_input_nodes)
    return False


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


# -- the same model with its known sizes as symbols --------------------------------------------------------------


@dataclass(frozen=True)
class _Symbolic:
    """The run in symbols, and what exploring it says."""

    run: Run
    outcome: Outcome
    values: dict[sympy.Symbol, int]

    @property
    def numbers(self) -> dict[sympy.Basic, sympy.Basic]:
        return {symbol: sympy.Integer(value) for symbol, value in self.values.items()}


def _has_known_sizes(run: Run) -> bool:
    return any(isinstance(size, int) for item in run.course.inputs for size in item.spec.shape or ())


def _in_symbols(shop: Workshop, run: Run) -> _Symbolic | None:
    inputs, known = named(run.course.inputs)
    if not known:
        return None
    course = replace(run.course, inputs=inputs, sizes={**run.course.sizes, **known})
    # At sizes far from 1 no dim collapses, so the formulas stay general.
    symbolic = shop.run(replace(course, sizes={**course.sizes, **{name: hint(name) for name in known}}))
    values = {symbolic.symbols[name]: course.sizes[name] for name in symbolic.symbols}
    return _Symbolic(symbolic, explore(symbolic, shop.run), values)


def _finding(shop: Workshop, run: Run, item: Need | Stop, detail: _Symbolic | None) -> Finding:
    if isinstance(item, Stop):
        return Finding(item.node, Unmet(name="raises", operand="input", detail=item.reason), item.key)
    place = blame(item, run, shop.model, shop.sites, shop.is_user)
    names = run.names
    came, needed = (_shown(size, names) for size in (item.came, item.needed))
    value = int(item.value) if item.value is not None and item.value.is_Integer else None
    unmet = Unmet(
        name=item.name,
        operand=item.operand,
        needed=needed,
        came=came,
        formula=came if isinstance(came, str) and not isinstance(item.came, str) else None,
        argument=item.argument,
        layer=place.layer,
        value=value,
        at=place.at,
        detail=None if item.detail is None else str(_shown(item.detail, names)),
        evidence=_evidence(run),
    )
    return Finding(item.node or 0, _with_symbols(unmet, item, detail), item.key)


def _shown(size: sympy.Expr | str, names: dict[sympy.Symbol, str]) -> Dim | str:
    """A size, or a text in which torch's names of symbols stand, under the symbols' own names."""
    if not isinstance(size, str):
        return dim(size, names)
    known = {str(symbol): name for symbol, name in names.items()}
    return re.sub(r"\bs\d+\b", lambda match: known.get(match.group(), match.group()), size)


def _evidence(run: Run) -> str | None:
    return next((item.source for item in run.course.inputs if _has_known_sizes(run)), None)


def _with_symbols(unmet: Unmet, need: Need, detail: _Symbolic | None) -> Unmet:
    """Add the formula, its numbers, and the sizes that would do."""
    if detail is None:
        return unmet
    twin = next((n for n in detail.run.trace.trail.needs() if n.key == need.key), None)
    if twin is None or isinstance(twin.came, str):
        return unmet
    if int(twin.came.xreplace(detail.numbers)) != need.came:
        return unmet  # another path at these sizes
    proved = any(isinstance(n, Need) and n.key == need.key for n in detail.outcome.rejected)
    return unmet.model_copy(
        update={
            "formula": dim(twin.came, detail.run.names) if twin.came.free_symbols else None,
            "derivation": derivation(twin.came, detail.values),
            "verdict": "proved" if proved else "contradicted",
            "sizes": None if proved else accepted_in_words(detail.outcome),
        }
    )


def accepted_sizes(outcome: Outcome) -> dict[str, list[int]]:
    """For each unknown symbol the sizes that some accepted point has."""
    domain, fate = outcome.domain, outcome.fates
    if outcome.accepted is None or domain is None or fate is None:
        return {}
    result: dict[str, list[int]] = {}
    for i, axis in enumerate(domain.axes):
        others = tuple(j for j in range(fate.ndim) if j != i)
        hits = (fate == ACCEPTED).any(axis=others)
        for symbol in axis.symbols:
            result[str(symbol)] = [int(size) for size in axis.values[np.flatnonzero(hits)]]
    return result


def accepted_in_words(outcome: Outcome) -> str | None:
    """`H = W in {28, 29}`; None where nothing is known or the batch alone counts."""
    domain, fate, sizes = outcome.domain, outcome.fates, accepted_sizes(outcome)
    if domain is None or fate is None or not sizes:
        return None
    if (fate == UNCOVERED).any() and any(len(values) > FEW for values in sizes.values()):
        return None  # other paths may take more sizes than the ones explored
    parts = [
        f"{' = '.join(map(str, axis.symbols))} {sizes_in_words(sizes[str(axis.symbols[0])], LARGEST)}"
        for axis in domain.axes
        if str(axis.symbols[0]) != BATCH
    ]
    return ", ".join(parts) or None


def stopped_at(examination: Examination) -> tuple[str, Span | None] | None:
    """Why and where the main run ended early."""
    end = examination.run.trace.trail.end()
    return (end.reason, end.at) if isinstance(end, Halt) else None

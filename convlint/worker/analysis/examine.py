"""One model on the inputs that it is told, or on those that evidence and its layers support."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convlint.facts import Reason
from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.inference.candidates import infer
from convlint.worker.analysis.inference.demands import is_near, placeholder
from convlint.worker.analysis.inference.evidence import Evidence
from convlint.worker.analysis.session import Run, RunSpec, TraceSession, run_spec_of
from convlint.worker.analysis.solving.fixed_sizes import past_fixed_sizes
from convlint.worker.analysis.verdict.alternatives import other_run_specs_of, together
from convlint.worker.analysis.verdict.degenerate import FIXED_BATCH
from convlint.worker.analysis.verdict.examination import Examination, undecided
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.analysis.verdict.named_sizes import none_of_the_named
from convlint.worker.analysis.verdict.raising import always_raises
from convlint.worker.analysis.verdict.verdict import at_declared_sizes, judged
from convlint.worker.analysis.verdict.ways import best_variant, past_decisions
from convlint.worker.trace.input import Input
from convlint.worker.trace.trail import Oversized, Stop, TraceStopped, UserError
from convlint.worker.values.nesting import tensors_in

MOST_BROKEN = 3
"""Requirements that a run may break for its repairs to be tried in other ways, while inputs are found out."""


def examine(
    session: TraceSession,
    inputs: tuple[Input, ...] | None,
    found: Sequence[Evidence] = (),
    squares: tuple[int, ...] = (),
) -> Examination:
    """Trace a model in train and eval mode and decide its requirements.

    Without `inputs` the evidence found is tried, the strongest first, and then what the layers demand.
    """
    if inputs is not None:
        return judged(session, past_fixed_sizes(session, session.first(run_spec_of(inputs))), is_found_out=False)
    settled = _by_evidence(session, found)
    if settled is not None:
        return settled
    return _found_out(session, [item for item in found if not item.is_strong], squares)


def _by_evidence(session: TraceSession, found: Sequence[Evidence]) -> Examination | None:
    """The verdict by what the project feeds the model: what is certain and refused comes before what is taken."""
    taken: Examination | None = None
    refused: list[tuple[bool, Examination]] = []  # with whether the evidence is certain
    for item in found:
        examination = _tried(session, item, is_settled=taken is not None)
        if examination is None:
            continue
        if item.is_declared:
            return examination
        if examination.findings:
            refused.append((item.is_certain, examination))
        else:
            taken = taken or examination
    for_certain = next((one for is_certain, one in refused if is_certain), None)
    return for_certain or taken or next((one for _, one in refused), None)


def _tried(session: TraceSession, item: Evidence, *, is_settled: bool) -> Examination | None:
    """The verdict on the inputs of some evidence; None where it is not about this model, or where the model is settled
    and runs with them as well."""
    first = _run_of(session, item, is_settled=is_settled)
    if first is None:
        return None
    if not first.comes_through and (item.exact is None or _runs(session, item.exact)):
        first = past_fixed_sizes(session, first)  # of an open batch one may fit
    examination = judged(session, first, is_found_out=item.inputs is None)
    if any(violation.name == FIXED_BATCH for violation in examination.odd):
        examination = _with_exact_batch(session, item) or examination
    if examination.findings and not item.is_declared and item.exact is not None and _runs(session, item.exact):
        silent = tuple(one for one in examination.findings if requirement_kind(one.violation.name).is_silent)
        return replace(examination, findings=silent, guess=None if silent else Reason(kind="batch-of-example"))
    return examination


def _run_of(session: TraceSession, item: Evidence, *, is_settled: bool) -> Run | None:
    """A run on the inputs of some evidence, where it has something to say."""
    if not item.is_strong or (is_settled and not item.is_certain):
        return None
    first = _with(session, item)
    if first is None or (is_settled and first.comes_through):
        return None
    return first if item.is_declared or item.is_certain or _is_taken(first) else None


def _with_exact_batch(session: TraceSession, item: Evidence) -> Examination | None:
    """The verdict on a certain example, where its batch is none of those that the model takes."""
    if not item.is_certain or item.exact is None:
        return None
    examination = judged(session, session.first(run_spec_of(item.exact)), is_found_out=False)
    return examination if examination.findings else None


def examine_concretely(
    session: TraceSession,
    inputs: tuple[Input, ...] | None,
    found: Sequence[Evidence] = (),
    squares: tuple[int, ...] = (),
) -> Examination:
    """A model that takes too long in symbols, on plain numbers.

    A run proves that its sizes work, and no more; or that those do not which the user has told.
    """
    session = replace(session, is_plain=True)
    reason = Reason(kind="symbolic-time-limit", remainder="sizes")
    if inputs is not None:
        first = session.run(run_spec_of(inputs))
        return Examination(first, undecided(first), at_declared_sizes(session, first), None, reason)
    seen = _glanced(session, found)
    if seen is not None:
        return Examination(seen[0], undecided(seen[0]), seen[1], None, reason)
    first, doubt = infer(session.model, lambda run_spec: _trial(session, run_spec), run_spec_of, squares=squares)
    return Examination(first, undecided(first), (), doubt, reason)


def _glanced(session: TraceSession, found: Sequence[Evidence]) -> tuple[Run, tuple[Finding, ...]] | None:
    """A run on declared or certain inputs, with what refuses them; else of the first evidence that runs."""
    taken: Run | None = None
    for item in found:
        run = None if item.inputs is None else session.run(run_spec_of(item.inputs))
        if run is None:
            continue
        if run.comes_through:
            taken = taken or run
        elif item.is_declared or item.is_certain:
            refused = at_declared_sizes(session, run)
            if refused and (item.exact is None or not _runs(session, item.exact)):
                return run, refused
    return None if taken is None else (taken, ())


def _with(session: TraceSession, item: Evidence) -> Run | None:
    """A run with the inputs of some evidence; what it leaves open is found out, and what its names of sizes mean."""
    if item.inputs is None:
        run, doubt = infer(session.model, lambda run_spec: _trial(session, run_spec), run_spec_of, item.known)
        return run if doubt is None else None
    run = session.first(run_spec_of(item.inputs))
    if run.comes_through or not item.names_sizes:
        return run
    refined, doubt = infer(
        session.model, lambda run_spec: _trial(session, run_spec), run_spec_of, item.opened(session.model)
    )
    return refined if doubt is None and refined.comes_through else run


def _runs(session: TraceSession, inputs: tuple[Input, ...]) -> bool:
    return session.first(run_spec_of(inputs)).comes_through


def _found_out(session: TraceSession, candidates: Sequence[Evidence], squares: tuple[int, ...]) -> Examination:
    """What the layers demand; a candidate counts where they do not settle it, or where it runs and they complain."""
    # A model that was built for one size of image takes it; any other may be refused far inside.
    start = dict.fromkeys(("H", "W"), squares[0]) if squares else {}
    first, doubt = infer(
        session.model,
        lambda run_spec: _trial(session, run_spec),
        lambda inputs: run_spec_of(inputs, start),
        squares=squares,
    )
    examination = judged(session, first, is_found_out=True) if doubt is None else _refused(session, first)
    if examination is not None and not examination.findings and first.trace.trail.end() is None:
        odd = None if examination.odd else none_of_the_named(session, examination.outcome, candidates, _is_taken)
        return examination if odd is None else replace(examination, odd=(odd,))
    for item in candidates:
        run = _with(session, item)
        if run is not None and run.comes_through:
            return replace(judged(session, run, is_found_out=True), findings=())
    if examination is not None:
        return examination
    raised = always_raises(session, first, is_found_out=True, alternatives=other_run_specs_of(first))
    return Examination(first, undecided(first), (), doubt, raised=raised)


def _refused(session: TraceSession, first: Run) -> Examination | None:
    """The verdict where torch refuses what it is given by itself, and it is the same with all other inputs.

    A call of several tensors may be refused for how the guesses about them go together.
    """
    if not isinstance(first.trace.trail.end(), Stop | Oversized):
        return None
    first = session.first(first.run_spec)
    end = first.trace.trail.end()
    if not isinstance(end, Stop) or end.call is None or len(list(tensors_in((end.call.args, end.call.kwargs)))) > 1:
        return None
    if any(session.first(run_spec_of(inputs)).comes_through for inputs in together(first.run_spec.inputs)):
        return None
    examination = judged(session, first, is_found_out=True)
    return examination if examination.findings else None


def _trial(session: TraceSession, run_spec: RunSpec) -> Run:
    run = session.run(run_spec)
    if run_spec.limit is not None:
        return run
    run = past_fixed_sizes(session, past_decisions(session, run))
    # What the user's code raises may be due to how a mistake before it was fixed; many tell of the wrong inputs.
    is_close = isinstance(run.trace.trail.end(), TraceStopped) and len(run.trace.trail.broken()) <= MOST_BROKEN
    return best_variant(session, run) if is_close else run


def _is_taken(run: Run) -> bool:
    """Whether the first layers take inputs that were not made for them: else they belong to something else."""
    if isinstance(run.trace.trail.end(), TraceStopped) and not any(
        node.op == "call_module" for node in run.trace.nodes
    ):
        return False
    for requirement in run.trace.trail.broken():
        node = None if requirement.node is None else run.trace.nodes[requirement.node]
        source = None if node is None else placeholder(node)
        if node is not None and source is not None and is_near(node, source):
            return False
    return not isinstance(run.trace.trail.end(), UserError)

"""What becomes of inputs: the first run with them, and what exploring their sizes says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from convlint.worker.analysis.session import Run, TraceSession, run_spec_of
from convlint.worker.analysis.solving.constants import unconditional
from convlint.worker.analysis.solving.explore import Outcome, explore
from convlint.worker.analysis.solving.fixed_sizes import past_fixed_sizes
from convlint.worker.analysis.verdict.alternatives import growing, refused_at_once
from convlint.worker.analysis.verdict.examination import undecided
from convlint.worker.analysis.verdict.ways import best_variant, past_decisions
from convlint.worker.trace.input import Input
from convlint.worker.trace.trail import Key


@dataclass(frozen=True)
class KnownFindings:
    """What is found with the first inputs, which of it no input is known to fix, and sizes that all else accepts."""

    found: frozenset[Key]
    certain: frozenset[Key]
    sizes: Mapping[str, int]


def explored(
    session: TraceSession, inputs: tuple[Input, ...], known: KnownFindings | None = None
) -> tuple[Run, Outcome]:
    """What becomes of other inputs; there is no search where all sizes of them meet the same, or something else that
    is wrong."""
    run_spec = run_spec_of(inputs, {name: size for name, size in known.sizes.items() if size > 1} if known else None)
    for begun in growing(run_spec, session.run) if known is not None else ():
        if known is not None and _is_decided(begun, known):
            return begun, replace(undecided(begun), rejected=tuple(unconditional(begun)))
    first = past_fixed_sizes(session, past_decisions(session, session.first(run_spec)))
    return first, outcome_of(session, first)


def _is_decided(run: Run, known: KnownFindings) -> bool:
    """Whether one run proves that the inputs are refused: by all that is certain again, or by something else."""
    return refused_at_once(run, known.found) or known.certain <= {requirement.key for requirement in unconditional(run)}


def outcome_of(session: TraceSession, first: Run) -> Outcome:
    return explore(best_variant(session, past_decisions(session, first)), session.run)

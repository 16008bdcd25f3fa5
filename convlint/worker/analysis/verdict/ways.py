"""The ways through forward besides the first: other modes, other branches on data, other repairs of a mistake."""

from __future__ import annotations

import dis
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import product
from types import CodeType

import sympy
from torch import nn

from convlint.worker.analysis.session import Run, RunSpec, TraceSession
from convlint.worker.analysis.verdict.mistakes import is_harmless
from convlint.worker.stack.places import FramePlace
from convlint.worker.trace.trail import TraceStopped

MAX_VARIANTS = 8
MAX_FLIPS = 4
_RANKS = frozenset({"dim", "ndim", "ndimension"})


def other_run_specs(session: TraceSession, run: Run) -> Iterable[RunSpec]:
    """The same inputs in eval mode where forward asks for it, and the other way at each branch on data."""
    run_spec = run.run_spec
    if _asks_for_mode(session.model):
        yield replace(run_spec, training=False)
    places: set[FramePlace | None] = set()
    for i, (place, _) in enumerate(run.trace.decisions):
        if place not in places and len(places) < MAX_FLIPS and i not in run.trace.settled:
            places.add(place)
            yield run_spec.flipped(run.trace.decisions, i)


def _asks_for_mode(model: nn.Module) -> bool:
    """Whether any forward outside torch looks at `training`."""
    kinds = {type(module) for module in model.modules()}
    return any("training" in _names(kind) for kind in kinds if not kind.__module__.startswith("torch.nn."))


def asks_for_rank(model: nn.Module) -> bool:
    """Whether any forward outside torch looks at how many dims a tensor has: it may do something else with others."""
    kinds = {type(module) for module in model.modules() if not type(module).__module__.startswith("torch.nn.")}
    functions = (function for kind in kinds for function in vars(kind).values())
    codes = (code for function in functions if (code := getattr(function, "__code__", None)) is not None)
    return any(
        _counts_dims(code) or ("len" in code.co_names and {*code.co_names} & {"shape", "size"}) for code in codes
    )


@lru_cache(maxsize=1024)
def _counts_dims(code: CodeType) -> bool:
    """Whether `dim()` or `ndim` of anything is read; `self.dim` is what a layer was made with."""
    if _RANKS.isdisjoint(code.co_names):
        return False
    before: object = None
    for one in dis.get_instructions(code):
        if one.opname in ("LOAD_ATTR", "LOAD_METHOD") and one.argval in _RANKS and not _is_self(before):
            return True
        before = one.argval
    return False


def _is_self(read: object) -> bool:
    return (read[-1:] == ("self",)) if isinstance(read, tuple) else read == "self"


def _names(kind: type) -> set[str]:
    return {
        name
        for function in vars(kind).values()
        if (code := getattr(function, "__code__", None)) is not None
        for name in code.co_names
    }


def past_decisions(session: TraceSession, run: Run) -> Run:
    """Where the user's own code raises after a branch on data, the other way is the usual one."""
    for _ in range(MAX_FLIPS):
        decisions = [way for _, way in run.trace.decisions]
        if not isinstance(run.trace.trail.end(), TraceStopped) or not decisions or decisions[-1]:
            return run
        other = session.run(replace(run.run_spec, decisions=(*decisions[:-1], True)))
        if isinstance(other.trace.trail.end(), TraceStopped) and len(other.trace.nodes) <= len(run.trace.nodes):
            return run
        run = other
    return run


def best_variant(session: TraceSession, run: Run) -> Run:
    """Of several ways to repair, the one that explains the run with the fewest mistakes."""
    options = run.trace.ambiguous[:3]
    if not options:
        return run
    best = run
    for choices in list(product(*(range(n) for n in options)))[1 : run.affordable(MAX_VARIANTS)]:
        other = session.run(replace(run.run_spec, choices=choices))
        if _score(other) < _score(best):
            best = other
    return best


def _score(run: Run) -> tuple[int, int]:
    trail = run.trace.trail
    certain = [
        requirement
        for requirement in trail.broken()
        if requirement.condition is sympy.false or not requirement.condition.free_symbols
    ]
    folded = [requirement for requirement in certain if requirement.name == "batch" and is_harmless(requirement, run)]
    return len(certain) - len(folded) + (1 if trail.end() is not None else 0), len(certain)

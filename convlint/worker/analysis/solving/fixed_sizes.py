"""Sizes of the input that constants in the code decide: `torch.zeros(32, 1, 64)`, `expand(8, ...)`.

A call that torch refuses at sizes which convlint chose proves nothing as long as other sizes make it run. The numbers
among its operands say which those may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.analysis.session import Run, RunSpec, TraceSession
from convlint.worker.analysis.solving.call_sizes import CallSizes, assignments
from convlint.worker.analysis.solving.evaluate import UnknownFunction, evaluate
from convlint.worker.analysis.solving.search import SPATIAL
from convlint.worker.torch_private.fake import FakeTensor, outside_modes, tree_map
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.trace.confirm import Unconfirmed, refusal
from convlint.worker.trace.stateless import call_with, held_weights
from convlint.worker.trace.trail import Raised, RefusedCall, Stop
from convlint.worker.values.nesting import tensors_in

MOST_TRIES = 1000
"""Sizes at which one refused call is tried again."""
MOST_ROUNDS = 4
"""Calls in one forward that may each fix a size."""
_MOST_FOUND = 6  # sizes for one refused call
_MOST_RUNS = 3  # of forward, for one refused call
_MOST_NUMBERS = 12  # tried for one exception


def past_fixed_sizes(session: TraceSession, run: Run) -> Run:
    """The run at sizes that the refused call takes, where there are any: it goes further, or is the same run."""
    for _ in range(MOST_ROUNDS):
        further = (session.first(run_spec_at(run.run_spec, sizes)) for sizes in _suggested(run))
        found = next((other for other in further if other.is_further_than(run)), None)
        if found is None:
            return run
        run = found
    return run


def _suggested(run: Run) -> Iterator[dict[str, int]]:
    """Sizes at which this run may go on."""
    end = run.trace.trail.end()
    if not run.symbols or any(requirement.condition is sympy.false for requirement in run.trace.trail.broken()):
        return
    if isinstance(end, Stop) and end.call is not None:
        found = list(islice(sizes_that_run(run, end.call), _MOST_FOUND))
        # A size of 1 broadcasts: it says less of what the code is for.
        yield from sorted(found, key=lambda sizes: list(sizes.values()).count(1))[:_MOST_RUNS]
    elif isinstance(end, Raised) and not run.asks_no_size:
        spatial = [name for name in run.symbols if name[0] in SPATIAL]
        each = [[name] for name in run.symbols]
        groups = [spatial, *each] if len(spatial) > 1 else each
        for group in filter(None, groups):
            for size in end.numbers[:_MOST_NUMBERS]:
                yield dict.fromkeys(group, size)


def run_spec_at(run_spec: RunSpec, sizes: Mapping[str, int]) -> RunSpec:
    """The run at other sizes; torch has no symbol for a size of 1."""
    ones = frozenset(name for name, size in sizes.items() if size == 1)
    return replace(run_spec.at(sizes), fixed=run_spec.fixed | ones)


def sizes_that_run(run: Run, call: RefusedCall) -> Iterator[dict[str, int]]:
    """Sizes at which torch takes a call that it refused in this run."""
    given = CallSizes.of(run, call)
    if not given.names:
        return
    for sizes in islice(assignments(run, given), MOST_TRIES):
        if _runs(call, {run.symbols[name]: size for name, size in sizes.items()}):
            yield dict(sizes)


def is_about_strides(run: Run, call: RefusedCall) -> bool:
    """Whether a call is refused for how its operands are in memory: torch takes the same sizes, newly laid out."""
    numbers = {symbol: run.run_spec.sizes[name] for name, symbol in run.symbols.items()}
    with outside_modes():
        try:
            args, kwargs = tree_map(lambda value: _at(value, numbers), (tuple(call.args), dict(call.kwargs)))
            args, kwargs = tree_map(_laid_out, (args, kwargs))
        except (UnknownFunction, ValueError, TypeError, RuntimeError):
            return False
    return not _has_real(call) and _takes(call.subject, args, kwargs)


def _laid_out(value: Any) -> Any:
    return value.contiguous() if isinstance(value, torch.Tensor) else value


def _runs(call: RefusedCall, numbers: Mapping[sympy.Symbol, int]) -> bool:
    """Whether torch takes the call at these sizes: without contents first, and then on real tensors."""
    with outside_modes():
        try:
            args, kwargs = tree_map(lambda value: _at(value, numbers), (tuple(call.args), dict(call.kwargs)))
        except (UnknownFunction, ValueError, TypeError, RuntimeError):
            return False
    if not _has_real(call) and not _takes(call.subject, args, kwargs):
        return False
    try:
        return refusal(call.subject, tuple(args), kwargs) is None
    except Unconfirmed:
        return not _has_real(call)


def _has_real(call: RefusedCall) -> bool:
    """Whether small tensors with contents are among the operands."""
    return any(not isinstance(x, FakeTensor) for x in tensors_in((call.args, dict(call.kwargs))))


def _takes(subject: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    with outside_modes(), torch.no_grad():
        try:
            if isinstance(subject, nn.Module):
                weights = {name: _at(tensor, {}) for name, tensor in held_weights(subject)}
                call_with(subject, weights, args, kwargs)
            else:
                subject(*args, **kwargs)
        except NotImplementedError:
            return True  # there is no kernel without contents: real tensors decide
        except Exception:
            return False
    return True


def _at(value: Any, numbers: Mapping[sympy.Symbol, int]) -> Any:
    """A value with numbers for its symbols, fake tensors as tensors without contents."""
    if isinstance(value, torch.SymInt):
        return _number(value, numbers)
    if isinstance(value, (torch.SymFloat, torch.SymBool)):
        return evaluate(value.node.expr, numbers, {})
    if not isinstance(value, FakeTensor):
        return value
    shape, strides = ([_number(size, numbers) for size in sizes] for sizes in (value.shape, value.stride()))
    return torch.empty_strided(shape, strides, dtype=value.dtype, device="meta")


def _number(size: int | torch.SymInt, numbers: Mapping[sympy.Symbol, int]) -> int:
    return int(evaluate(expr_of(size), numbers, {})) if isinstance(size, torch.SymInt) else int(size)

"""Sizes of the input that constants in the code decide: `torch.zeros(32, 1, 64)`, `expand(8, ...)`.

A call that torch refuses at sizes which convlint chose proves nothing as long as other sizes make it run. The numbers
among its operands say which those may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice, product
from typing import Any

import numpy as np
import sympy
import torch
from torch import nn

from convlint.facts import LARGEST_SIZE
from convlint.worker.deciding.evaluate import UnknownFunction, evaluate
from convlint.worker.deciding.search import SPATIAL
from convlint.worker.run import Course, Run, Workshop
from convlint.worker.stateless import call_with, held_weights
from convlint.worker.torch_private.fake import FakeTensor, outside_modes, tree_map
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.trace import tensors_in
from convlint.worker.tracing.confirm import Unconfirmed, refusal
from convlint.worker.trail import Raised, RefusedCall, Stop

MOST_TRIES = 1000
"""Sizes at which one refused call is tried again."""
MOST_ROUNDS = 4
"""Calls in one forward that may each fix a size."""
_EACH = 40  # sizes that are tried for one symbol
_MOST_FOUND = 6  # sizes for one refused call
_MOST_RUNS = 3  # of forward, for one refused call
_MOST_NUMBERS = 12  # tried for one exception
_MOST_OF = (1, 40, 20, 6)  # options of each symbol, by how many change together
_MOST_OBLONG = 3  # images of one area
_SIDES = np.arange(1, 129, dtype=np.int64)
_EVERY = np.arange(1, LARGEST_SIZE + 1, dtype=np.int64)


def past_fixed_sizes(shop: Workshop, run: Run) -> Run:
    """The run at sizes that the refused call takes, where there are any: it goes further, or is the same run."""
    for _ in range(MOST_ROUNDS):
        further = (shop.first(course_at(run.course, sizes)) for sizes in _suggested(run))
        found = next((other for other in further if other.is_further_than(run)), None)
        if found is None:
            return run
        run = found
    return run


def _suggested(run: Run) -> Iterator[dict[str, int]]:
    """Sizes at which this run may go on."""
    end = run.trace.trail.end()
    if not run.symbols or any(need.condition is sympy.false for need in run.trace.trail.broken()):
        return
    if isinstance(end, Stop) and end.call is not None:
        found = list(islice(sizes_that_run(run, end.call), _MOST_FOUND))
        # A size of 1 broadcasts: it says less of what the code is for.
        yield from sorted(found, key=lambda sizes: list(sizes.values()).count(1))[:_MOST_RUNS]
    elif isinstance(end, Raised):
        spatial = [name for name in run.symbols if name[0] in SPATIAL]
        each = [[name] for name in run.symbols]
        groups = [spatial, *each] if len(spatial) > 1 else each
        for group in filter(None, groups):
            for size in end.numbers[:_MOST_NUMBERS]:
                yield dict.fromkeys(group, size)


def course_at(course: Course, sizes: Mapping[str, int]) -> Course:
    """The course at other sizes; torch has no symbol for a size of 1."""
    ones = frozenset(name for name, size in sizes.items() if size == 1)
    return replace(course.at(sizes), fixed=course.fixed | ones)


def sizes_that_run(run: Run, call: RefusedCall) -> Iterator[dict[str, int]]:
    """Sizes at which torch takes a call that it refused in this run."""
    given = _Given.of(run, call)
    if not given.names:
        return
    for sizes in islice(_assignments(run, given), MOST_TRIES):
        if _runs(call, {run.symbols[name]: size for name, size in sizes.items()}):
            yield dict(sizes)


@dataclass(frozen=True)
class _Given:
    """The formulas among the sizes of a call, the symbols in them by name, and the plain numbers."""

    formulas: tuple[sympy.Expr, ...]
    names: tuple[str, ...]
    numbers: tuple[int, ...]  # among the operands and arguments
    own: tuple[int, ...]  # those that the layer was made with

    @classmethod
    def of(cls, run: Run, call: RefusedCall) -> _Given:
        sizes = list(_sizes((call.args, dict(call.kwargs))))
        own = dict.fromkeys(_own_numbers(call.subject)) if isinstance(call.subject, nn.Module) else {}
        formulas = list(dict.fromkeys(expr_of(size) for size in sizes if isinstance(size, torch.SymInt)))
        used = set().union(*(formula.free_symbols for formula in formulas))
        numbers = dict.fromkeys(size for size in sizes if type(size) is int)
        names = tuple(name for name, symbol in run.symbols.items() if symbol in used)
        return cls(tuple(f for f in formulas if f.free_symbols), names, tuple(numbers), tuple(own))


def _sizes(value: Any) -> Iterator[int | torch.SymInt]:
    if isinstance(value, torch.Tensor):
        yield from value.shape
    elif isinstance(value, torch.SymInt) or type(value) is int:
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _sizes(item)
    elif isinstance(value, slice):
        yield from _sizes((value.start, value.stop, value.step))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _sizes(item)


def _own_numbers(layer: nn.Module) -> Iterator[int]:
    """The sizes that a layer was made with."""
    for name, value in vars(layer).items():
        if not name.startswith("_"):
            yield from (size for size in _sizes(value) if type(size) is int)
    for weight in layer.parameters(recurse=False):
        yield from (size for size in weight.shape if type(size) is int)


def _targets(given: _Given) -> list[int]:
    """What a size may have to be, the likeliest first: a number of the call, or what is made of one or two."""
    plain = [number for number in given.numbers if 0 < number <= LARGEST_SIZE]
    near = [number + step for number in plain for step in (1, -1)]
    parts = [value for number in plain for value in (number // 2, number // 2 + 1, number * 2)]
    pairs = [
        value
        for a, b in product(plain[:8], [*plain[:8], *given.own])
        for value in (a * b, a // b if b else 0, a + b, a - b)
    ]
    found = dict.fromkeys([*plain, *parts, 2, *near, sum(plain), *pairs, LARGEST_SIZE])
    least = 1 if 1 in plain else 2  # a single example fits nearly everything, and says nothing
    return [target for target in found if least <= target <= LARGEST_SIZE]


def _assignments(run: Run, given: _Given) -> Iterator[dict[str, int]]:
    """Square sizes of images first, and few changes before many."""
    targets = _targets(given)
    spatial = tuple(name for name in given.names if name[0] in SPATIAL)
    others: list[tuple[str, ...]] = [(name,) for name in given.names if name not in spatial]
    ways = [_of_groups(run, given, [spatial, *others], targets)] if len(spatial) > 1 else []
    if len(spatial) == 2:
        ways.append(_oblong(run, given, others, targets))
    ways.append(_of_groups(run, given, [(name,) for name in given.names], targets))
    seen = set[tuple[int, ...]]()
    for sizes in chain.from_iterable(ways):
        key = tuple(sizes[name] for name in given.names)
        if key not in seen:
            seen.add(key)
            yield sizes


def _of_groups(run: Run, given: _Given, groups: list[tuple[str, ...]], targets: list[int]) -> Iterator[dict[str, int]]:
    """Each group of symbols at one size."""
    options = [_options(run, given, group, targets) for group in groups]
    for chosen in _fewest_first(options):
        yield {name: size for group, size in zip(groups, chosen, strict=True) for name in group}


def _oblong(run: Run, given: _Given, others: list[tuple[str, ...]], targets: list[int]) -> Iterator[dict[str, int]]:
    """Images that are not square, where the number of their places is one of the call's numbers."""
    height, width = (run.symbols[name] for name in given.names if name[0] in SPATIAL)
    hints: dict[sympy.Symbol, Any] = {symbol: run.course.sizes[name] for name, symbol in run.symbols.items()}
    for formula in given.formulas:
        if not {height, width} <= formula.free_symbols:
            continue
        try:
            values = evaluate(formula, {**hints, height: _SIDES[:, None], width: _SIDES[None, :]}, {})
        except UnknownFunction:
            continue
        for number in given.numbers:
            rows, columns = np.nonzero(np.broadcast_to(np.asarray(values), (len(_SIDES),) * 2) == number)
            for i in np.argsort(np.abs(rows - columns), kind="stable")[:_MOST_OBLONG]:
                sides = {run.names[height]: int(_SIDES[rows[i]]), run.names[width]: int(_SIDES[columns[i]])}
                rest = islice(_of_groups(run, given, others, targets), _EACH) if others else [dict[str, int]()]
                yield from (sides | other for other in rest)


def _fewest_first(options: list[list[int]]) -> Iterator[tuple[int, ...]]:
    """Combinations of options: few changes from the first options before many, and likely values before others."""
    for changed in range(len(options) + 1):
        for places in combinations(range(len(options)), changed):
            others = [options[i][1:] if i in places else options[i][:1] for i in range(len(options))]
            indices = product(*(range(min(len(one), _MOST_OF[min(changed, 3)])) for one in others))
            for index in sorted(indices, key=sum):
                yield tuple(one[i] for one, i in zip(others, index, strict=True))


def _options(run: Run, given: _Given, group: tuple[str, ...], targets: list[int]) -> list[int]:
    """The size of the run, and those at which a formula of the call is one of the targets."""
    symbols = {run.symbols[name] for name in group}
    found = dict.fromkeys([run.course.sizes[group[0]]])
    values = []
    for formula in given.formulas:
        if formula.free_symbols & symbols:
            sizes: dict[sympy.Symbol, Any] = {s: run.course.sizes[name] for name, s in run.symbols.items()}
            sizes.update(dict.fromkeys(symbols, _EVERY))
            try:
                values.append(np.broadcast_to(np.asarray(evaluate(formula, sizes, {})), _EVERY.shape))
            except UnknownFunction:
                continue
    for target in targets:
        for value in values:
            hits = np.flatnonzero(value == target)
            if len(hits):
                found.update(dict.fromkeys((int(_EVERY[hits[0]]), int(_EVERY[hits[-1]]))))
        if len(found) > _EACH:
            break
    return list(found)[: _EACH + 1]


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

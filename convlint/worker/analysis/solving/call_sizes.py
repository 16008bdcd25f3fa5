"""The sizes among the operands of a call that torch refused, and those that its symbols may stand for."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain, combinations, islice, product
from typing import Any

import numpy as np
import sympy
import torch
from numpy.typing import NDArray
from torch import nn

from convlint.facts import LARGEST_SIZE
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.evaluate import UnknownFunction, evaluate
from convlint.worker.analysis.solving.search import SPATIAL
from convlint.worker.torch_private.fake import outside_modes
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.trace.trail import RefusedCall
from convlint.worker.values.nesting import tensors_in

Shape = tuple[int | torch.SymInt, ...]
_EACH = 40  # sizes that are tried for one symbol
_MOST_OF = (1, 40, 20, 6)  # options of each symbol, by how many change together
_MOST_OBLONG = 3  # images of one area
_SIDES = np.arange(1, 129, dtype=np.int64)
_EVERY = np.arange(1, LARGEST_SIZE + 1, dtype=np.int64)


@dataclass(frozen=True)
class CallSizes:
    """The formulas among the sizes of a call, the symbols in them by name, and the plain numbers."""

    formulas: tuple[sympy.Expr, ...]
    names: tuple[str, ...]
    shapes: tuple[Shape, ...]  # of the operands, and of what the call writes into
    numbers: tuple[int, ...]  # among the operands and arguments
    own: tuple[int, ...]  # those that the layer was made with

    @classmethod
    def of(cls, run: Run, call: RefusedCall) -> CallSizes:
        operands = (call.args, dict(call.kwargs))
        shapes = tuple(filter(None, (*(tuple(tensor.shape) for tensor in tensors_in(operands)), _region(call))))
        sizes = [*_sizes(operands), *_sizes(shapes)]
        own = dict.fromkeys(_own_numbers(call.subject)) if isinstance(call.subject, nn.Module) else {}
        formulas = list(dict.fromkeys(expr_of(size) for size in sizes if isinstance(size, torch.SymInt)))
        used = set().union(*(formula.free_symbols for formula in formulas))
        numbers = dict.fromkeys(size for size in sizes if type(size) is int)
        names = tuple(name for name, symbol in run.symbols.items() if symbol in used)
        return cls(tuple(f for f in formulas if f.free_symbols), names, shapes, tuple(numbers), tuple(own))


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


def _region(call: RefusedCall) -> Shape:
    """The shape of what `tensor[index] = value` writes into, which is in no operand: `zeros(2, 9)[:, 2:-2]`."""
    if call.subject not in (torch.Tensor.__setitem__, operator.setitem) or len(call.args) < 2:
        return ()
    target, index = call.args[:2]
    with outside_modes(), torch.no_grad():
        try:
            return tuple(torch.empty(target.shape, device="meta")[index].shape)
        except (RuntimeError, IndexError, TypeError):
            return ()


def _own_numbers(layer: nn.Module) -> Iterator[int]:
    """The sizes that a layer was made with."""
    for name, value in vars(layer).items():
        if not name.startswith("_"):
            yield from (size for size in _sizes(value) if type(size) is int)
    for weight in layer.parameters(recurse=False):
        yield from (size for size in weight.shape if type(size) is int)


def _targets(given: CallSizes) -> list[int]:
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


def assignments(run: Run, given: CallSizes) -> Iterator[dict[str, int]]:
    """Sizes for the symbols of a call: those that broadcast, then square images, few changes before many."""
    targets = _targets(given)
    spatial = tuple(name for name in given.names if name[0] in SPATIAL)
    others: list[tuple[str, ...]] = [(name,) for name in given.names if name not in spatial]
    ways = [_aligned(run, given)]
    if len(spatial) > 1:
        ways.append(_of_groups(run, given, [spatial, *others], targets))
    if len(spatial) == 2:
        ways.append(_oblong(run, given, others, targets))
    ways.append(_of_groups(run, given, [(name,) for name in given.names], targets))
    seen = set[tuple[int, ...]]()
    for sizes in chain.from_iterable(ways):
        key = tuple(sizes[name] for name in given.names)
        if key not in seen:
            seen.add(key)
            yield sizes


def _aligned(run: Run, given: CallSizes) -> Iterator[dict[str, int]]:
    """The sizes of which two shapes are the same, dimension for dimension from the last, as broadcasting takes them."""
    for a, b in combinations(given.shapes, 2):
        found = {name: run.run_spec.sizes[name] for name in given.names}
        for pair in zip(reversed(a), reversed(b), strict=False):
            free = [size for size in pair if isinstance(size, torch.SymInt)]
            number = next((size for size in pair if not isinstance(size, torch.SymInt)), None)
            symbols = expr_of(free[0]).free_symbols & run.names.keys() if free else set()
            if number is not None and len(symbols) == 1:
                values = _values(run, expr_of(free[0]), symbols)
                hits = [] if values is None else np.flatnonzero(values == number).tolist()
                found.update({run.names[symbol]: int(_EVERY[hits[0]]) for symbol in symbols if len(hits)})
        yield found


def _of_groups(
    run: Run, given: CallSizes, groups: list[tuple[str, ...]], targets: list[int]
) -> Iterator[dict[str, int]]:
    """Each group of symbols at one size."""
    options = [_options(run, given, group, targets) for group in groups]
    for chosen in _fewest_first(options):
        yield {name: size for group, size in zip(groups, chosen, strict=True) for name in group}


def _oblong(run: Run, given: CallSizes, others: list[tuple[str, ...]], targets: list[int]) -> Iterator[dict[str, int]]:
    """Images that are not square, where the number of their places is one of the call's numbers."""
    height, width = (run.symbols[name] for name in given.names if name[0] in SPATIAL)
    hints: dict[sympy.Symbol, Any] = {symbol: run.run_spec.sizes[name] for name, symbol in run.symbols.items()}
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


def _options(run: Run, given: CallSizes, group: tuple[str, ...], targets: list[int]) -> list[int]:
    """The size of the run, and those at which a formula of the call is one of the targets."""
    symbols = {run.symbols[name] for name in group}
    found = dict.fromkeys([run.run_spec.sizes[group[0]]])
    of_formulas = (_values(run, formula, symbols) for formula in given.formulas if formula.free_symbols & symbols)
    values = [value for value in of_formulas if value is not None]
    for target in targets:
        for value in values:
            hits = np.flatnonzero(value == target)
            if len(hits):
                found.update(dict.fromkeys((int(_EVERY[hits[0]]), int(_EVERY[hits[-1]]))))
        if len(found) > _EACH:
            break
    return list(found)[: _EACH + 1]


def _values(run: Run, formula: sympy.Expr, symbols: Collection[sympy.Symbol]) -> NDArray[Any] | None:
    """What a formula gives for every size of these symbols, the others as in the run."""
    sizes: dict[sympy.Symbol, Any] = {symbol: run.run_spec.sizes[name] for name, symbol in run.symbols.items()}
    sizes.update(dict.fromkeys(symbols, _EVERY))
    try:
        return np.broadcast_to(np.asarray(evaluate(formula, sizes, {})), _EVERY.shape)
    except UnknownFunction:
        return None

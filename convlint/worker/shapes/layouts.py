"""Shapes of the same numbers laid out anew, and of images made larger or smaller."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy
import torch

from convlint.worker.call import Call
from convlint.worker.requirements.window import per_dim
from convlint.worker.shapes.rule import Shape
from convlint.worker.shapes.strides import moved_dims
from convlint.worker.sizes import Size, equal, product


def flattened(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    start, end = call.option(1, "start_dim", 0), call.option(2, "end_dim", -1)
    if x is None or x.dim() == 0 or not isinstance(start, int) or not isinstance(end, int):
        return None
    start, end = start % x.dim(), end % x.dim()
    if start >= end:
        return tuple(x.shape) if start == end else None
    return (*x.shape[:start], product(x.shape[start : end + 1]), *x.shape[end + 1 :])


def unflattened(call: Call) -> Shape | None:
    """One dim taken apart; a -1 stands for what the other sizes leave (torch.unflatten)."""
    layer: Any = call.layer
    x = call.tensor(0, "input")
    dim, sizes = (
        (layer.dim, layer.unflattened_size) if layer is not None else (call.get(1, "dim"), call.get(2, "sizes"))
    )
    if x is None or type(dim) is not int or not isinstance(sizes, (list, tuple)) or not -x.dim() <= dim < x.dim():
        return None
    dim %= x.dim()
    filled = _filled(sizes, x.shape[dim]) if _are_sizes(sizes) else None
    return (*x.shape[:dim], *filled, *x.shape[dim + 1 :]) if filled is not None else None


def _filled(sizes: Sequence[Size], whole: Size) -> list[Size] | None:
    """With what the others leave of the whole in the place of a -1."""
    known = [size for size in sizes if not _is_open(size)]
    if len(known) < len(sizes) - 1 or any(isinstance(size, int) and size < 1 for size in known):
        return None
    rest = whole // product(known)
    return [rest if _is_open(size) else size for size in sizes]


def _are_sizes(given: Sequence[Any]) -> bool:
    """Whether all are numbers or symbols, and none a dtype or a nested list."""
    return all(isinstance(size, (int, torch.SymInt)) for size in given)


def _is_open(size: Size) -> bool:
    """A -1, for what the other sizes leave."""
    return isinstance(size, int) and size == -1


def moved(call: Call) -> Shape | None:
    """The same dims in another order, or with a new one of size 1."""
    x = call.tensor(0, "input")
    dims = moved_dims(call, x.dim()) if x is not None else None
    if x is None or (dims is None and not call.target.endswith("unsqueeze")):
        return None
    if dims is not None:
        return tuple(x.shape[dim] for dim in dims)
    dim = call.get(1, "dim")
    if type(dim) is not int or not -x.dim() <= dim + 1 <= x.dim() + 1:
        return None
    dim %= x.dim() + 1
    return (*x.shape[:dim], 1, *x.shape[dim:])


def shuffled(call: Call) -> Shape | None:
    """Channels become pixels, or pixels channels, r in each direction (torch.nn.PixelShuffle)."""
    x, up, down = call.tensor(0, "input"), call.option(1, "upscale_factor"), call.option(1, "downscale_factor")
    if x is None or x.dim() < 3:
        return None
    *front, channels, height, width = x.shape
    if call.target.endswith(("PixelShuffle", "pixel_shuffle")):
        return (*front, channels // (up * up), height * up, width * up) if isinstance(up, int) else None
    return (*front, channels * down * down, height // down, width // down) if isinstance(down, int) else None


def viewed(call: Call) -> Shape | None:
    """A target with one -1 whose size is a plain quotient."""
    x, target = call.tensor(0, "input"), _target(call)
    if x is None or call.kwargs or not target:
        return None
    known = [size for size in target if not _is_open(size)]
    if len(known) < len(target) - 1 or any(isinstance(size, int) and size == 0 for size in target):
        return None
    if len(known) == len(target):
        return target
    shape, known = _cancelled(list(x.shape), known)
    inferred = product(shape) // product(known) if known else product(shape)
    return tuple(inferred if _is_open(size) else size for size in target)


def _target(call: Call) -> Shape | None:
    """The sizes that a view is given, one by one or together."""
    rest = call.args[1:]
    given = rest[0] if len(rest) == 1 and isinstance(rest[0], (list, tuple, torch.Size)) else rest
    return tuple(given) if _are_sizes(given) else None


def _cancelled(shape: list[Size], target: list[Size]) -> tuple[list[Size], list[Size]]:
    """Both without the sizes that they share, so that a quotient stays simple."""
    for size in list(target):
        twin = next((i for i, own in enumerate(shape) if equal(own, size) is sympy.true), None)
        if twin is not None:
            del shape[twin]
            target.remove(size)
    return shape, target


def interpolated(call: Call) -> Shape | None:
    """`size`, or `floor(size * scale_factor)` where the factor is a fraction (torch.nn.functional.interpolate)."""
    x, size, scale = call.tensor(0, "input"), call.get(1, "size"), call.get(2, "scale_factor")
    if x is None or x.dim() < 3 or not x.is_floating_point():
        return None
    rank = x.dim() - 2
    if size is not None:
        target = per_dim(size, rank)
    elif scale is not None:
        factors = [Fraction(factor).limit_denominator(64) for factor in per_dim(scale, rank)]
        if any(float(f) != given for f, given in zip(factors, per_dim(scale, rank), strict=True)):
            return None  # torch multiplies floats: only exact factors can be told in symbols
        target = [old * f.numerator // f.denominator for old, f in zip(x.shape[2:], factors, strict=True)]
    else:
        return None
    return (*x.shape[:2], *target) if len(target) == rank else None


def upsampled(call: Call) -> Shape | None:
    layer: Any = call.layer
    x = call.tensor(0, "input")
    return None if x is None else interpolated(Call(call.ledger, "", [x, layer.size, layer.scale_factor], {}))


def padded(call: Call) -> Shape | None:
    """Two numbers a dim, the last dim first (torch.nn.functional.pad)."""
    x, pads = call.tensor(0, "input"), call.get(1, "pad")
    if x is None or not isinstance(pads, (list, tuple)) or len(pads) % 2 or len(pads) > 2 * x.dim():
        return None
    shape: list[Size] = list(x.shape)
    for i in range(0, len(pads), 2):
        shape[-1 - i // 2] = shape[-1 - i // 2] + pads[i] + pads[i + 1]
    return tuple(shape)


def padded_by_layer(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    pads = getattr(call.layer, "padding", None)
    return None if x is None else padded(Call(call.ledger, "", [x, pads], {}))

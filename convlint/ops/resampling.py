"""Images that are made larger or smaller."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.ops.argument import LayerArgument
from convlint.ops.expression import operand
from convlint.ops.kind import Numbers, OperationKind
from convlint.ops.operation import Operation


def _interpolated(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    shape, factor = operation.inputs[0], operation.options.get("scale_factor")
    factors = factor if isinstance(factor, tuple) else (factor,) * (len(shape) - 2)
    for index, scale in zip(range(-len(factors), 0), factors, strict=True):
        if isinstance(scale, (int, float)) and -index <= len(shape):
            whole = float(scale).is_integer()
            yield index, f"{operand(shape[index])} * {int(scale)}" if whole else f"floor({shape[index]} * {scale})"


def _shuffled(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    factor, shape = operation.number("upscale_factor"), operation.inputs[0]
    if factor is not None and len(shape) >= 3:
        yield -3, f"{operand(shape[-3])} // ({factor}*{factor})"
        yield from ((index, f"{operand(shape[index])} * {factor}") for index in (-2, -1))


def _unshuffled(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    factor, shape = operation.number("downscale_factor"), operation.inputs[0]
    if factor is not None and len(shape) >= 3:
        yield -3, f"{operand(shape[-3])} * {factor}*{factor}"
        yield from ((index, f"{operand(shape[index])} // {factor}") for index in (-2, -1))


KINDS = (
    OperationKind(
        "interpolate",
        layers=("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"),
        functions=("interpolate",),
        arguments=(None, "size", "scale_factor"),
        law=_interpolated,
        of_pixels=True,
        declares=(LayerArgument("scale_factor", "the output is so many times larger"),),
    ),
    OperationKind(
        "upsample", functions=("upsample",), arguments=(None, "size", "scale_factor"), law=_interpolated, of_pixels=True
    ),
    OperationKind(
        "pixel_shuffle",
        layers=("PixelShuffle",),
        functions=("pixel_shuffle",),
        arguments=(None, "upscale_factor"),
        law=_shuffled,
        of_pixels=True,
        declares=(LayerArgument("upscale_factor", "height and width become {} times larger"),),
    ),
    OperationKind(
        "pixel_unshuffle",
        layers=("PixelUnshuffle",),
        functions=("pixel_unshuffle",),
        arguments=(None, "downscale_factor"),
        law=_unshuffled,
        of_pixels=True,
        declares=(LayerArgument("downscale_factor", "height and width become {} times smaller"),),
    ),
)

"""Convolutions, and what spreads each pixel over a window."""

from __future__ import annotations

import math
from collections.abc import Iterator

from convlint.ops.argument import LayerArgument
from convlint.ops.kind import Numbers, OperationKind
from convlint.ops.operation import Operation
from convlint.ops.window import slid, spread
from convlint.ops.words import counted, kernel_text
from convlint.ops.work import UNKNOWN, Work, product_of


def weight_of(operation: Operation) -> tuple[int, ...] | None:
    """The shape of a convolution's weight, as its arguments give it."""
    inside, outside = operation.number("in_channels"), operation.number("out_channels")
    groups, kernel = operation.number("groups") or 1, operation.numbers("kernel_size")
    if inside is None or outside is None or kernel is None:
        return None
    if operation.kind == "conv_transpose":
        return inside, outside // groups, *kernel
    return outside, inside // groups, *kernel


def _convolved(operation: Operation) -> Work:
    weight = weight_of(operation)
    # Each weight is used once for each pixel: of the output, or of the input where the convolution is transposed.
    image = operation.inputs[0] if operation.kind == "conv_transpose" else operation.outputs[0]
    if weight is None or len(image) < operation.spatial:
        return UNKNOWN
    pixels = image[-operation.spatial :]
    return product_of(weight, image[: -operation.spatial - 1], pixels)


def windowed(operation: Operation, numbers: Numbers) -> Iterator[tuple[int, str]]:
    for (index, size), window in zip(operation.spatial_sizes(), operation.windows(), strict=False):
        yield index, slid(size, window, example=numbers.example)


def _transposed(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    extra = operation.numbers("output_padding", 0) or (0,) * operation.spatial
    for (index, size), window, more in zip(operation.spatial_sizes(), operation.windows(), extra, strict=False):
        yield index, spread(size, window, more)


def _convolution(operation: Operation) -> str | None:
    weight, kernel = weight_of(operation), operation.numbers("kernel_size")
    if weight is None or kernel is None:
        return None
    inside, outside = operation.number("in_channels"), operation.number("out_channels")
    groups = operation.number("groups") or 1
    own = f"{'its own' if inside == groups else 'each with its own'} {_window(kernel)}"
    if inside == groups == outside and groups > 1:
        does = f"each of the {inside} channels has {own} and is not mixed with the others"
    elif inside == groups and groups > 1:
        does = f"each of the {outside} output channels looks at one input channel, with its own {_window(kernel)}"
    else:
        summed = counted((inside or 0) // groups, "input channel")
        where = f" of its group (there are {groups} groups)" if groups > 1 else ""
        outputs = f"each of the {outside} output channels" if outside != 1 else "the one output channel"
        does = f"{outputs} sums over {summed}{where}, each with its own {_window(kernel)}"
        does = does.replace("1 input channel, each with", "1 input channel with")
    return f"{does}: weight {list(weight)}, {math.prod(weight)} weights"


def _window(kernel: tuple[int, ...]) -> str:
    return f"kernel of size {kernel[0]}" if len(kernel) == 1 else f"{kernel_text(kernel)} kernel"


def _spreading(operation: Operation) -> str | None:
    weight, kernel = weight_of(operation), operation.numbers("kernel_size")
    if weight is None or kernel is None:
        return None
    outputs = counted(weight[1], "output channel")
    does = f"each pixel of the {weight[0]} input channels is spread over a {kernel_text(kernel)} window of {outputs}"
    return f"{does}: weight {list(weight)}, {math.prod(weight)} weights"


_ARGUMENTS = (
    LayerArgument("in_channels", "the input must have {} channels: its second size", size_of="input"),
    LayerArgument("out_channels", "{} kernels are learnt, each gives one output channel", size_of="result"),
    LayerArgument("kernel_size", "the window that one output pixel looks at"),
    LayerArgument(
        "stride",
        "the window moves on by {} each time, so sizes shrink about {} times",
        special={1: "the window moves on by one pixel each time"},
    ),
    LayerArgument(
        "padding",
        "{} zeros are put around the input, on each side",
        special={
            0: "nothing is put around the input",
            "same": "so many zeros are put around the input that the size stays",
            "valid": "nothing is put around the input",
        },
    ),
    LayerArgument("dilation", "the pixels that a kernel looks at lie {} apart", usual=1),
    LayerArgument("groups", "the channels are split into {} groups that do not see each other", usual=1),
)

KINDS = (
    OperationKind(
        "conv",
        layers=("Conv",),
        functions=("conv",),
        arguments=(None, None, None, "stride", "padding", "dilation", "groups"),
        spatial=True,
        law=windowed,
        of_pixels=True,
        work=_convolved,
        meaning=_convolution,
        declares=_ARGUMENTS,
    ),
    OperationKind(
        "conv_transpose",
        layers=("ConvTranspose",),
        functions=("conv_transpose",),
        arguments=(None, None, None, "stride", "padding", "output_padding", "groups", "dilation"),
        spatial=True,
        law=_transposed,
        of_pixels=True,
        work=_convolved,
        meaning=_spreading,
        declares=(LayerArgument("output_padding", "{} is added to one side of the output", usual=0),),
    ),
)

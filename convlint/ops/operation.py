"""What a call of forward does, for explanations: its kind, its options by name, and the shapes around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from convlint.facts import Attribute, Dim, Layer
from convlint.ops.window import Window

Shape = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a node does, under one name for the layer and the function: `nn.MaxPool2d(2)` and `F.max_pool2d(x, 2)`."""

    kind: str  # "conv", "max_pool", "linear", "reshape", ...; else the plain name of the layer or function
    spatial: int  # how many sizes windows move over
    options: Mapping[str, Attribute]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    layer: Layer | None

    def numbers(self, name: str, default: int | None = None) -> tuple[int, ...] | None:
        """An option as one number for each size that windows move over."""
        value = self.options.get(name)
        if value is None or value == ():
            return None if default is None else (default,) * self.spatial
        values = value if isinstance(value, tuple) else (value,) * self.spatial
        if len(values) == 1:
            values = values * self.spatial
        numbers = tuple(item for item in values if isinstance(item, int))
        return numbers if len(numbers) == len(values) == self.spatial else None

    def number(self, name: str) -> int | None:
        value = self.options.get(name)
        return value if isinstance(value, int) else None

    def spatial_sizes(self) -> Iterator[tuple[int, Dim]]:
        """The sizes of the first input that windows move over, by their indices counted from the end."""
        shape = self.inputs[0]
        count = min(self.spatial, len(shape))
        return ((index, shape[index]) for index in range(-count, 0))

    def windows(self) -> tuple[Window, ...]:
        """How the windows of a convolution or pooling move, one for each size; none where it is not known."""
        padding = self.options.get("padding", 0)
        kernel = self.numbers("kernel_size")
        paddings = (0,) * self.spatial if isinstance(padding, str) else self.numbers("padding", 0)
        pools = self.kind.endswith("_pool")
        strides = self.numbers("stride") or (kernel if pools else (1,) * self.spatial)
        dilations = self.numbers("dilation", 1)
        if kernel is None or strides is None or paddings is None or dilations is None or padding == "same":
            return ()
        ceil_mode = self.options.get("ceil_mode") is True
        return tuple(
            Window(*numbers, ceil_mode=ceil_mode) for numbers in zip(kernel, strides, paddings, dilations, strict=True)
        )


def shape_text(shape: Shape) -> str:
    """`[B, 1, 28, 28]`."""
    return f"[{', '.join(map(str, shape))}]"

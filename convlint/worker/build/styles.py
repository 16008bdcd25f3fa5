"""The styles in which arguments are filled, and the plain values of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from convlint.conventions import ArgumentKind


@dataclass(frozen=True)
class Style:
    """One way to fill: sizes of arguments by the order in which they are asked for."""

    name: str
    sizes: tuple[int, ...]  # of inputs, outputs, hidden layers: taken one after the other
    classes: int
    vocab: int
    heads: int
    layers: int
    kernel: int
    scale: int
    image: int
    patch: int
    length: int
    count: int
    flag: bool  # of switches: `bidirectional`


# Two with distinct sizes, so that swapped arguments show, and one where all hidden sizes and all counts agree, since
# many blocks are written for that, and the fields of a configuration depend on one another in ways nobody sees here.
# The last two are the numbers of channels that images have: code may be written for one of these alone.
STYLES = (
    Style("distinct", (64, 128, 192, 256, 320, 384), 10, 1000, 4, 2, 3, 2, 64, 8, 32, 4, True),
    Style("other", (96, 32, 160, 224, 288, 352), 7, 900, 8, 3, 5, 4, 128, 16, 48, 2, True),
    Style("uniform", (64,), 10, 1000, 2, 2, 3, 2, 64, 8, 32, 2, False),
    Style("color", (3,), 10, 1000, 1, 2, 3, 2, 64, 8, 32, 2, False),
    Style("gray", (1,), 10, 1000, 1, 2, 3, 2, 64, 8, 32, 2, False),
)


def plain_values(style: Style) -> dict[ArgumentKind, list[Any]]:
    """The values to try for kinds that need no more than the style."""
    return {
        "classes": [style.classes],
        "vocab": [style.vocab],
        "heads": [style.heads, 1, (style.heads,) * 4, (style.heads,) * 3],
        "layers": [style.layers, 4, (2, 2, 2, 2), (2, 2, 2), 18, 50, 16, 28, 40, 121],
        "head_size": [64 // style.heads],
        "kernels": [[3, 4, 5], [3, 3]],
        "kernel": [style.kernel, (style.kernel,) * 2, 3],
        "one": [1, (1, 1), 2],
        "scale": [style.scale, 1, 4],
        "rate": [0.1, 1],
        "image": [style.image, (style.image, style.image), 224, 256],
        "patch": [style.patch, (style.patch,) * 2, 4, 16],
        "length": [style.length, 64],
        "flag": [style.flag, not style.flag],
        "off": [False],
        "device": ["cpu", torch.device("cpu")],
        "dtype": [torch.float32],
        "path": ["", None],
        "count": [style.count, 8, [2, 2, 2, 2]],
        "counts": [[2, 2, 2, 2], 2, [2, 2, 2], [2, 2, 2, 2, 2]],
        "pair": [(3, style.image, style.image), (style.image,), (4,)],
        "words": [{f"w{i}": i for i in range(100)}, 100],
        "function": [nn.functional.relu, nn.Identity()],
    }

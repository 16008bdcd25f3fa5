"""A net while it is written: every line is run by real torch on real tensors, and kept only where torch takes it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from torch import nn

from benchmarks.oracle.parameters import TooLarge, limited
from benchmarks.oracle.prelude import PRELUDE, expected
from convlint.inputspec import InputSpec

LARGEST = 60_000
"""Elements of one example, so that a net runs in milliseconds."""
MOST_PARAMETERS = 10_000_000
"""Of the layers of one step."""
BATCH = 2


class _Holder(nn.Module):
    """`self` while the lines are run one by one."""


@dataclass(frozen=True)
class Step:
    """Some lines: layers by their attribute, and what forward does with them."""

    layers: dict[str, str]
    lines: Sequence[str]


@dataclass
class Draft:
    """The lines so far, and the tensor `x` that has come out of them."""

    random: Random
    x: torch.Tensor
    holder: nn.Module = field(default_factory=_Holder)
    layers: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    constants: dict[str, int] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, torch.Tensor] = field(default_factory=dict)  # tensors that forward has put aside
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        exec(PRELUDE, self.names)  # noqa: S102 - our own text

    def fresh(self, stem: str) -> str:
        """A name that is not taken: `conv3`."""
        self.counts[stem] = self.counts.get(stem, 0) + 1
        return f"{stem}{self.counts[stem]}"

    def number(self, value: int) -> str:
        """A size as people write it: a literal mostly, a constant of the file, a product."""
        way = self.random.random()
        if way < 0.12:
            name = next((name for name, known in self.constants.items() if known == value), None)
            if name is None:
                name = f"WIDTH_{len(self.constants) + 1}"
                self.constants[name] = self.names[name] = value
            return name
        if way < 0.24 and value > 3:
            factor = next((factor for factor in (4, 3, 2) if value % factor == 0), None)
            if factor is not None:
                return f"{factor} * {value // factor}"
        return str(value)

    def take(self, step: Step) -> bool:
        """Run the lines; they stay where torch takes them and the tensor is of a usable size."""
        names = {**self.names, "self": self.holder, "x": self.x, **self.kept}
        try:
            with torch.no_grad(), limited(MOST_PARAMETERS):
                for name, text in step.layers.items():
                    setattr(self.holder, name, eval(text, names))  # noqa: S307
                exec("\n".join(step.lines), names)  # noqa: S102
        except (RuntimeError, ValueError, TypeError, LookupError, AssertionError, TooLarge):
            return False
        x = names["x"]
        if not isinstance(x, torch.Tensor) or not 0 < x[:1].numel() <= LARGEST or x.dim() < 2 or x.shape[0] != BATCH:
            return False
        self.x = x
        self.layers += [f"self.{name} = {text}" for name, text in step.layers.items()]
        self.lines += step.lines
        new = {name: value for name, value in names.items() if name.startswith("kept_")}
        self.kept |= {name: value for name, value in new.items() if isinstance(value, torch.Tensor)}
        return True

    def source(self) -> str:
        """The whole file."""
        body = "\n".join(self.layers) + "\n" + "\n".join(self.lines)
        constants = "".join(f"{name} = {value}\n" for name, value in self.constants.items())
        parts = [
            "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n",
            constants,
            *expected(body),
            "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            + textwrap.indent("\n".join(self.layers), " " * 8)
            + "\n\n    def forward(self, x):\n"
            + textwrap.indent("\n".join(self.lines), " " * 8)
            + "\n        return x\n",
        ]
        return "\n\n".join(part for part in parts if part)

    def spec(self, first: torch.Tensor) -> InputSpec:
        """The input that `first` was: its batch a symbol."""
        whole = first.dtype == torch.int64
        high = int(first.max()) + 1 if whole else None
        return InputSpec(shape=("B", *first.shape[1:]), dtype="int64" if whole else "float32", high=high)

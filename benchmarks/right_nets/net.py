"""A net that is right, as source text, and what torch runs it with."""

from __future__ import annotations

from dataclasses import dataclass

PRELUDE = """\
import math

import torch
import torch.nn.functional as F
from torch import nn

"""


@dataclass(frozen=True)
class RightNet:
    """One file with a class `Net`, which takes no arguments."""

    name: str  # fit for a module: "cat_class_token_03"
    kind: str
    source: str
    inputs: tuple[str, ...]  # expressions of torch, "mask=torch.ones(2)" for one given by keyword
    declared: str | None  # the inputs as a directive has them, None where a directive cannot say it

    def file(self, *, declared: bool) -> str:
        """The text of its file, with or without its inputs."""
        if not declared:
            return self.source
        place = self.source.index("class Net(")
        start = self.source.index("\n", place) + 1
        return f"{self.source[:start]}    # convlint: input={self.declared}\n{self.source[start:]}"

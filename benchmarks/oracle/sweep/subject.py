"""What is swept: models by name, with the ways to build and to feed them, and the events of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from convlint.inputspec import InputSpec

Feed = tuple[InputSpec, ...]
"""What goes into forward; "B" stands for the batch."""

Meta = tuple[tuple[int | str, ...], str]
"""A tensor: its shape and its dtype. A size that no number is known for is a text."""

BATCH = 2


def with_contents(spec: InputSpec) -> InputSpec:
    """The input with a tensor in place of a value of integers: lists pass between processes, and tensors do not."""
    if spec.value is None or spec.dtype != "int64":
        return spec
    return spec.model_copy(update={"value": torch.tensor(spec.value)})


@dataclass(frozen=True)
class Variant:
    """One way to build a model, and what may go into it: the first feed that real torch takes counts."""

    label: str
    build: Callable[[], nn.Module]
    feeds: Callable[[nn.Module], Sequence[Feed]]


@dataclass(frozen=True)
class Subject:
    """A model of a package."""

    name: str
    variants: tuple[Variant, ...]
    home: str  # a file of the package: its folder counts as the user's own code


@dataclass(frozen=True)
class Event:
    """A call in forward: a module that has no parts (`where` is its path) or a function (`where` is the block)."""

    kind: str  # "module", "function"
    where: str
    name: str  # the function; "" for a module
    outputs: tuple[Meta, ...]
    inside: tuple[str, ...] = ()  # the paths of all modules that are running; only of a real run


@dataclass(frozen=True)
class Choice:
    """Which of a subject's variants and feeds, and which mode."""

    variant: int
    feed: Feed | None  # None where nothing was run on real tensors
    training: bool
    label: str = ""


@dataclass(frozen=True)
class Real:
    """What real torch did, and at what it failed."""

    choice: Choice | None
    failure: Literal["", "cannot be built", "real run fails", "too large"] = ""
    reason: str = ""
    events: tuple[Event, ...] = ()
    outputs: tuple[Meta, ...] = ()
    parameters: int = 0


@dataclass(frozen=True)
class Traced:
    """What convlint says."""

    reason: str = ""  # why forward was not traced to its end
    findings: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    outputs: tuple[Meta, ...] = ()
    notes: tuple[str, ...] = ()  # what weakens the trace: "on numbers", "branches on data", ...
    seconds: float = 0.0
    is_built: bool = True

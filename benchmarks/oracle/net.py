"""A model as the oracle holds it: source text, and what goes into forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from convlint.inputspec import InputSpec


@dataclass(frozen=True)
class Net:
    """One model of a source text. Its inputs have "B" for the batch, and numbers else."""

    name: str  # unique, and fit for a file: "net-000123"
    source: str
    inputs: tuple[InputSpec, ...]
    target: str = "Net"
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    classes: frozenset[str] | None = None  # those that the model is made of, where the file holds others as well
    search_path: tuple[str, ...] = ()  # where its file's own imports are looked up

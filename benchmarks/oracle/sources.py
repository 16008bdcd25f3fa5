"""Nets from files that others wrote: only what real torch builds and runs is worth a mutant."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import resolve_name
from typing import Final

from torch import nn

from benchmarks.oracle.apart import apart
from benchmarks.oracle.child import Lost
from benchmarks.oracle.judge import BATCHES
from benchmarks.oracle.net import Net
from benchmarks.oracle.sweep.subject import Feed
from benchmarks.oracle.truth import MODULE, Raised, Ran, Real, Truth

FeedsOf = Callable[[nn.Module], Sequence[Feed]]

_RELATIVE: Final = re.compile(r"from\s*\.+[\w.]*\s")


@dataclass(frozen=True)
class LeftOut:
    """A net or a mutant that is not judged."""

    name: str
    reason: str


def running(net: Net, feeds_of: FeedsOf) -> Net | LeftOut:
    """The net with the first of the inputs that real torch takes at both batches, and the classes it is made of."""
    found = apart(lambda: _running(net, feeds_of))
    if isinstance(found, Net):
        return found
    return LeftOut(net.name, found.reason if isinstance(found, Lost) else found)


def _running(net: Net, feeds_of: FeedsOf) -> Net | str:
    real = Real(net)
    if real.model is None:
        assert real.broken is not None
        return f"cannot be built: {real.broken.error}"
    classes = frozenset(kind.__name__ for kind in map(type, real.model.modules()) if kind.__module__ == MODULE)
    reason = "no input is known"
    for feed in feeds_of(real.model):
        real.net = replace(net, inputs=feed, classes=classes)
        told = [real.run({"B": batch}) for batch in BATCHES]
        refused = [one for one in told if isinstance(one, Raised)]
        if not refused:
            return "gives more examples than go in" if all(map(_has_more, told, BATCHES)) else real.net
        reason = f"does not run: {refused[0].error}"
    return reason


def _has_more(told: Truth, batch: int) -> bool:
    """A view that splits examples is a mistake that torch does not see."""
    first = told.output[0] if isinstance(told, Ran) and told.output else batch
    return first > batch and first % batch == 0


def standing_alone(source: str, package: str) -> str:
    """The text with the names of its relative imports written out, as a copy of it elsewhere needs them."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            name = resolve_name("." * node.level + (node.module or ""), package)
            line, start = lines[node.lineno - 1], node.col_offset
            lines[node.lineno - 1] = line[:start] + _RELATIVE.sub(f"from {name} ", line[start:], count=1)
    return "\n".join(lines)


def fit_for_a_file(name: str) -> str:
    """A name of a net, whose mutants add a dash and a number."""
    return re.sub(r"\W+", "_", name).strip("_")

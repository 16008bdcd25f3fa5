"""Paths into facts: what a string operand of a rule means, such as `input.shape[-1]`.

A malformed path, or one that no facts could have, is an error when the rule is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from convlint.facts import Split, Violation

HOPS: Final = ("next", "previous")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(-?\d+)\]")
_ROOT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

VIOLATION_FIELDS: Final = (*Violation.model_fields, "elsewhere", "always")

# What may follow what. "*" stands for any name, "[]" for an index.
_GRAMMAR: Final[dict[str, dict[str, str]]] = {
    "root": {
        "inputs": "tensors",
        "outputs": "tensors",
        "module": "attributes",
        "option": "attributes",
        "layer": "layer",
        "node": "node",
        "violation": "violation",
        "model": "model",
        "failure": "failure",
        "effect": "effect",
        "trouble": "trouble",
        "sides": "sides",
    },
    "tensors": {"[]": "tensor"},
    "tensor": {"shape": "shape", "dtype": "value", "device": "value", "rank": "value"},
    "shape": {"[]": "value"},
    "shapes": {"[]": "shape"},
    "attributes": {"*": "value"},
    "layer": dict.fromkeys(("path", "type", "short", "parameters"), "value"),
    "node": dict.fromkeys(("name", "op", "target", "title", "shapes", "block"), "value"),
    "violation": {**dict.fromkeys(VIOLATION_FIELDS, "value"), "edit": "edit", "split": "split", "*": "requirement"},
    "requirement": dict.fromkeys(VIOLATION_FIELDS, "value"),
    "edit": dict.fromkeys(("code", "codes", "kind", "rows"), "value"),
    "split": dict.fromkeys((*Split.model_fields, "product"), "value"),
    "sides": dict.fromkeys(("differ", "shapes", "halved", "strided"), "value"),
    "model": {
        **dict.fromkeys(("name", "target", "row", "status", "reason", "reason_kind"), "value"),
        "inputs": "model inputs",
        "outputs": "shapes",
    },
    "model inputs": {"[]": "model input"},
    "model input": {"name": "value", "shape": "shape", "dtype": "value", "source": "value", "origin": "value"},
    "failure": dict.fromkeys(("kind", "message", "target"), "value"),
    "effect": dict.fromkeys(("kind", "what", "more"), "value"),
    "trouble": dict.fromkeys(("kind", "said", "predicted", "observed", "call", "scenario", "device"), "value"),
    "value": {"[]": "value"},
}


class PathError(ValueError):
    """A path that no facts could have."""


@dataclass(frozen=True)
class Path:
    """A parsed path; `input` is `inputs[0]`, and hops lead to a neighbour in the graph first."""

    root: str
    steps: tuple[str | int, ...] = ()
    hops: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def parse(text: str) -> Path:
    """The path that `text` spells, or a PathError that says what is wrong with it."""
    names: list[str | int] = []
    start = _ROOT.match(text)
    if start is None:
        raise PathError(f"{text!r} is no path: it must begin with a name, as in input.shape[-1]")
    position = start.end()
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise PathError(f"{text!r} is no path: cannot read {text[position:]!r}")
        names.append(step[1] if step[1] is not None else int(step[2]))
        position = step.end()
    return _checked(text, start[0], names)


def _checked(text: str, root: str, steps: Sequence[str | int]) -> Path:
    hops: list[str] = []
    while root in HOPS:
        hops.append(root)
        if not steps:
            return Path("node", (), tuple(hops))
        if not isinstance(steps[0], str):
            raise PathError(f"{text!r}: {root} takes no index")
        root, steps = steps[0], steps[1:]
    if root in ("input", "output"):
        root, steps = root + "s", (0, *steps)
    kind = _follow(text, "root", root)
    for step in steps:
        kind = _follow(text, kind, step)
    return Path(root, tuple(steps), tuple(hops))


def _follow(text: str, kind: str, step: str | int) -> str:
    options = _GRAMMAR[kind]
    after = options.get("[]") if isinstance(step, int) else options.get(step, options.get("*"))
    if after is None:
        known = [*("input", "output"), *HOPS] if kind == "root" else []
        allowed = ", ".join(sorted({*options, *known}))
        where = "a path" if kind == "root" else f"{kind}"
        raise PathError(f"{text!r}: {step!r} is not part of {where}; it has: {allowed}")
    return after

"""Where arguments and inputs come from, in words."""

from __future__ import annotations

from typing import Final

from convlint.facts import ConstructionFact, ConstructionOrigin, InputFact, InputOrigin

_CONSTRUCTIONS: Final[dict[ConstructionOrigin, str]] = {
    "defaults": "its defaults",
    "instance": "the file itself",
    "configuration": "pyproject.toml",
}
_INPUTS: Final[dict[InputOrigin, str]] = {
    "annotation": "its annotation",
    "name": "its name",
    "tried": "tried",
    "guessed": "guessed",
}


def construction_text(construction: ConstructionFact) -> str:
    """`its defaults`, `Net(28, 10) (train.py, line 40)`, `guessed: width=64`."""
    if construction.origin == "guessed":
        return f"guessed: {arguments_text(construction)}"
    if construction.origin == "code":
        return f"{construction.call} ({construction.place})"
    return _CONSTRUCTIONS[construction.origin]


def arguments_text(construction: ConstructionFact) -> str:
    """`width=64, depth=2`: the arguments that were guessed."""
    return ", ".join(f"{one.name}={one.text}" for one in construction.arguments)


def source_text(given: InputFact) -> str:
    """`conv1 (Conv2d)`, `pyproject.toml`, `guessed`."""
    return given.source or _INPUTS.get(given.origin, given.origin)

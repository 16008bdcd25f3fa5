"""How a model was built: with which arguments, and who gives them."""

from __future__ import annotations

from typing import Literal

from convlint.facts.values import Attribute, Fact

ConstructionOrigin = Literal[
    "defaults",  # no argument is given
    "instance",  # the file itself holds the built model
    "configuration",  # its entry in pyproject.toml
    "code",  # a call in the project
    "guessed",  # plausible arguments where nobody gives any
]


class GuessedArgument(Fact):
    """An argument that nobody gives. `value` is set where it is plain: a number, a text, or a list of such."""

    name: str
    text: str  # as Python, cut short where it is long
    value: Attribute | tuple[Attribute, ...] = None
    is_plain: bool = False


class ConstructionFact(Fact):
    origin: ConstructionOrigin = "defaults"
    call: str | None = None  # of code: "Net(28, 10)"
    place: str | None = None  # of code: "train.py, line 40"
    arguments: tuple[GuessedArgument, ...] = ()

"""Edits of the user's code that a model was traced again with."""

from __future__ import annotations

from typing import Literal

from convlint.facts.values import Fact, Span

EditKind = Literal[
    "number",  # another number or expression in a constructor call
    "layout",  # permute or transpose: the size is another dim of the input
    "rank",  # flatten, unsqueeze, squeeze
    "layer",  # a layer of another rank or kind
    "window",  # stride, padding or output_padding
    "shortcut",  # a layer on the side that skips the others
    "pad",  # the smaller side padded to the size of the other
    "state",  # the sizes of a hidden state
    "order",  # operands or arguments in another order
    "dim",  # the dim that is joined
    "dtype",  # a conversion
    "call",  # a call that was forgotten: of a layer that is made, or of a join
]


class Change(Fact):
    """A piece of the user's text, and what takes its place; an empty piece is where text is put in."""

    at: Span
    text: str


class TriedEdit(Fact):
    """The smallest edit that meets a requirement: the model was traced with it, and nothing else broke."""

    kind: EditKind
    code: str  # what a reader is to write: "nn.Linear(hidden, 10)"
    changes: tuple[Change, ...]
    is_whole: bool = True  # nothing but what is reported keeps forward from running
    others: tuple[str, ...] = ()  # edits that do as well, tried like this one


class Split(Fact):
    """Features that are divided among heads and leave a rest."""

    whole: int
    parts: int
    each: int
    name: str = "parts"  # what the parts are called: "heads"

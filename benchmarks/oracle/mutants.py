"""Every text that differs from a model's file in exactly one spot, with all rows where they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from benchmarks.oracle.spots import Node, Spot, is_atom, number, parts, spots
from convlint.magics import parsed

_BREAK: Final = re.compile(r"\r\n|\r|\n")  # what ends a row for Python; str.splitlines knows more
_BLANK: Final = r"(?:\s|#[^\r\n]*)*"
_COMMA: Final = re.compile(rf"{_BLANK},[ \t]*")
_END: Final = re.compile(rf"({_BLANK},)?{_BLANK}\)")


@dataclass(frozen=True)
class Mutant:
    """One mutated text.

    Its kind is "times 2", "plus 1", "plus 16", "swapped arguments", "window", "groups", "view", "dim", "dropped call",
    "dropped layer", "swapped layers" or "swapped statements".
    """

    kind: str
    row: int  # of the changed argument, layer or statement; of the first one of a swap
    name: str  # the layer or function concerned as it is written: "nn.Linear", "x.view", "torch.cat"
    source: str
    before: str  # the changed piece as it was
    after: str  # and as it is


@dataclass(frozen=True)
class _Edit:
    """A mutant without its text: what the text between two offsets becomes."""

    kind: str
    start: int
    end: int
    new: str
    row: int = 0
    name: str = ""


class _Text:
    """A source text by the positions of its tree, which count bytes."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._starts = [0, *(found.end() for found in _BREAK.finditer(source)), len(source)]

    def span(self, node: Node) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def piece(self, node: Node) -> str:
        start, end = self.span(node)
        return self.source[start:end]

    def _offset(self, row: int, column: int) -> int:
        start = self._starts[row - 1]
        line = self.source[start : self._starts[row]]
        return start + (column if line.isascii() else len(line.encode()[:column].decode()))


def mutants(source: str, classes: Collection[str] | None = None) -> Iterator[Mutant]:
    """All mutants by row: of the whole file, or of these classes and what stands next to all classes.

    No two are the same text, and each is Python. A text that is no Python has none.
    """
    for edit in _edits(source, classes):
        mutant = _applied(source, edit)
        if mutant is not None:
            yield mutant


def sample(source: str, count: int, random: Random, classes: Collection[str] | None = None) -> list[Mutant]:
    """At most `count` mutants, of as many kinds as there are: one of each kind in turn."""
    by_kind: dict[str, list[_Edit]] = {}
    for edit in _edits(source, classes):
        by_kind.setdefault(edit.kind, []).append(edit)
    kinds = list(by_kind.values())
    random.shuffle(kinds)
    for edits in kinds:
        random.shuffle(edits)
    drawn: list[Mutant] = []
    while any(kinds) and len(drawn) < count:
        for edits in kinds:
            mutant = _next(source, edits)
            if mutant is not None and len(drawn) < count:
                drawn.append(mutant)
    return drawn


def _next(source: str, edits: list[_Edit]) -> Mutant | None:
    while edits:
        mutant = _applied(source, edits.pop())
        if mutant is not None:
            return mutant
    return None


def _edits(source: str, classes: Collection[str] | None) -> Iterator[_Edit]:
    """By row and column, none twice. Whether they leave Python is not looked at: that is what costs time."""
    tree = parsed(source)
    if not isinstance(tree, ast.Module):
        return
    text = _Text(source)
    found = [edit for spot in spots(tree, classes) for edit in _of_spot(text, spot)]
    seen = {hash(source)}
    for edit in sorted(found, key=lambda edit: (edit.row, edit.start)):
        key = hash(_text(source, edit))  # all the texts at once are large
        if key not in seen:
            seen.add(key)
            yield edit


def _of_spot(text: _Text, spot: Spot) -> Iterator[_Edit]:
    for edit in _EDITS[spot.kind](text, spot):
        yield _Edit(edit.kind, edit.start, edit.end, edit.new, spot.nodes[0].lineno, spot.name)


def _applied(source: str, edit: _Edit) -> Mutant | None:
    text = _text(source, edit)
    if not isinstance(parsed(text), ast.Module):
        return None
    before = source[edit.start : edit.end].strip()
    return Mutant(edit.kind, edit.row, edit.name, text, before, edit.new.strip())


def _text(source: str, edit: _Edit) -> str:
    return source[: edit.start] + edit.new + source[edit.end :]


def _grown(text: _Text, spot: Spot) -> Iterator[_Edit]:
    node = spot.nodes[0]
    piece, value = text.piece(node), number(node)
    operand = piece if is_atom(node) else f"({piece})"
    for kind, operator, by in _GROWTH[spot.kind]:
        if value is None:
            yield _Edit(kind, *text.span(node), f"{operand} {operator} {by}")
        else:
            yield _Edit(kind, *text.span(node), str(value * by if operator == "*" else value + by))


def _window(text: _Text, spot: Spot) -> Iterator[_Edit]:
    node = spot.nodes[0]
    assert isinstance(node, ast.expr)
    start, end = text.span(node)
    new, at = "", start
    for part in parts(node):
        first, last = text.span(part)
        new += f"{text.source[at:first]}{(number(part) or 0) + spot.step}"
        at = last
    yield _Edit("window", start, end, new + text.source[at:end])


def _dim(text: _Text, spot: Spot) -> Iterator[_Edit]:
    span = text.span(spot.nodes[0])
    yield _Edit("dim", *span, str((number(spot.nodes[0]) or 0) + 1))
    yield _Edit("dim", *span, "0")


def _no_groups(text: _Text, spot: Spot) -> Iterator[_Edit]:
    yield _Edit("groups", *text.span(spot.nodes[0]), f"{text.piece(spot.nodes[0])}, groups=3")


def _no_start_dim(text: _Text, spot: Spot) -> Iterator[_Edit]:
    yield _Edit("view", *text.span(spot.nodes[0]), f"{text.piece(spot.nodes[0])[:-1]}2)")


def _swapped(text: _Text, spot: Spot) -> Iterator[_Edit]:
    (start, first_end), (second_start, end) = map(text.span, spot.nodes)
    new = text.source[second_start:end] + text.source[first_end:second_start] + text.source[start:first_end]
    yield _Edit(spot.kind, start, end, new)


def _dropped_call(text: _Text, spot: Spot) -> Iterator[_Edit]:
    """A statement, or a call around the argument that is kept."""
    start, end = text.span(spot.nodes[0])
    if len(spot.nodes) == 1:
        yield _Edit(spot.kind, start, end, "pass" + _breaks(text.source[start:end]))
        return
    first, last = text.span(spot.nodes[1])
    new = _breaks(text.source[start:first]) + text.source[first:last] + _breaks(text.source[last:end])
    yield _Edit(spot.kind, start, end, new)


def _dropped_layer(text: _Text, spot: Spot) -> Iterator[_Edit]:
    """An element goes with the comma after it, if there is one. One in parentheses of its own stays."""
    start, end = text.span(spot.nodes[0])
    first, last = text.span(spot.nodes[1])
    comma = _COMMA.match(text.source, end, last)
    if comma is None and (first > end or _END.fullmatch(text.source, end, last) is None):
        return
    end = comma.end() if comma else end
    yield _Edit(spot.kind, start, end, _breaks(text.source[start:end]))


def _breaks(piece: str) -> str:
    return "".join(_BREAK.findall(piece))


_GROWTH: Final[Mapping[str, Iterable[tuple[str, str, int]]]] = {
    "size": (("times 2", "*", 2), ("plus 1", "+", 1), ("plus 16", "+", 16)),
    "view": (("view", "+", 1), ("view", "*", 2)),
    "start dim": (("view", "+", 1),),
    "groups": (("groups", "*", 2),),
}
_EDITS: Final[Mapping[str, Callable[[_Text, Spot], Iterator[_Edit]]]] = {
    **dict.fromkeys(_GROWTH, _grown),
    **dict.fromkeys(("swapped arguments", "swapped layers", "swapped statements"), _swapped),
    "no start dim": _no_start_dim,
    "no groups": _no_groups,
    "window": _window,
    "dim": _dim,
    "dropped call": _dropped_call,
    "dropped layer": _dropped_layer,
}

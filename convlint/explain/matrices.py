"""Small matrices of numbers side by side, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from convlint.facts import Share

_GAP = "  "
_MORE = "..."
_LARGE = 1e6
Matrix = tuple[tuple[str, ...], ...]


def number(value: float, digits: int = 3) -> str:
    """A number with so many digits; a whole one with all that it has."""
    if value.is_integer() and abs(value) < _LARGE:
        return str(int(value))
    return f"{value:.{digits}g}"


def pictures(shares: Sequence[Share], *, word: str, width: int) -> list[str]:
    """Each share with its title: its numbers, times its weights, the products, and what all of them come to.

    `word` says what they come to: "sum". Where that is too wide, the products of matrices are left out; else all
    stand below each other.
    """
    parts = [_parts(share) for share in shares]
    cells = [max(map(_cell, column)) for column in zip(*parts, strict=True)]
    margin = max((len(share.title) for share in shares), default=0)
    pairs = [(share, f"{word} {number(share.total, 6)}", one) for share, one in zip(shares, parts, strict=True)]
    for count in (3,) if _are_flat(parts) else (3, 2):
        drawn = [_beside(share.title.ljust(margin), _all_drawn(one[:count], cells), end) for share, end, one in pairs]
        lines = list(chain(*drawn))
        if max(map(len, lines), default=0) <= width:
            return lines
    same = [max(cells)] * len(cells)
    return [line for share, end, one in pairs for line in _below(share.title, _all_drawn(one, same), end)]


def _are_flat(parts: Sequence[Sequence[Matrix]]) -> bool:
    """Whether all matrices have one row."""
    return all(len(matrix) == 1 for one in parts for matrix in one)


def _parts(share: Share) -> list[Matrix]:
    numbers = [f"({number(one)})" if i in share.padding else number(one) for i, one in enumerate(share.numbers)]
    if share.weights is None:
        return [_matrix(numbers, share)]
    products = [number(a * b) for a, b in zip(share.numbers, share.weights, strict=True)]
    return [_matrix(cells, share) for cells in (numbers, [number(one) for one in share.weights], products)]


def _matrix(cells: Sequence[str], share: Share) -> Matrix:
    """The cells row by row; a third size of a window goes on below an empty row, and what is left out is dots."""
    if not cells:
        return (("-",),)
    *outer, height, width = (1, 1, *share.shown)
    *all_outer, all_height, all_width = (1, 1, *share.sizes)
    lines = [(*cells[i : i + width], *([_MORE] if width < all_width else [])) for i in range(0, len(cells), width)]
    pages: list[tuple[str, ...]] = []
    for i in range(0, len(lines), height):
        pages += [*([()] if i else []), *lines[i : i + height], *([(_MORE,)] if height < all_height else [])]
    return (*pages, *([(), (_MORE,)] if outer != all_outer else []))


def _cell(matrix: Matrix) -> int:
    return max(len(cell) for row in matrix for cell in row)


def _across(matrix: Matrix, cell: int) -> int:
    return max(len(row) for row in matrix) * (cell + 1) - 1


def _all_drawn(parts: Sequence[Matrix], cells: Sequence[int]) -> list[list[str]]:
    return [_drawn(part, cell) for part, cell in zip(parts, cells, strict=False)]


def _drawn(matrix: Matrix, cell: int) -> list[str]:
    width = _across(matrix, cell)
    return [" ".join(one.rjust(cell) for one in row).ljust(width) for row in matrix]


def _beside(title: str, drawn: Sequence[Sequence[str]], end: str) -> Iterator[str]:
    """All in one row; the signs are in the middle of it."""
    height = max(map(len, drawn))
    for i in range(height):
        is_middle = i == height // 2
        signs = ["", "  *  ", "  =  "] if is_middle else ["", "     ", "     "]
        line = (title if not i else " " * len(title)) + _GAP
        line += "".join(sign + part[i] for sign, part in zip(signs, drawn, strict=False))
        yield (line + (f"{_GAP}{end}" if is_middle else "")).rstrip()


def _below(title: str, drawn: Sequence[Sequence[str]], end: str) -> Iterator[str]:
    yield title
    signs = " *=" if len(drawn[0]) == 1 else " *"  # matrices of products would fill the page
    for sign, part in zip(signs, drawn, strict=False):
        yield from (f"{_GAP}{sign if not i else ' '} {line}".rstrip() for i, line in enumerate(part))
    yield f"{_GAP}  {end}"

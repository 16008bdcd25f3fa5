"""Small matrices of numbers side by side, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convlint.facts import Share

_GAP = "  "
_SIGN = "  *  "
_MORE = "..."
Matrix = tuple[tuple[str, ...], ...]


def number(value: float, digits: int = 4) -> str:
    return f"{value + 0.0:.{digits}g}"  # no -0


def pictures(shares: Sequence[Share], *, word: str, width: int) -> Iterator[str]:
    """Each share with its title: its numbers, times its weights, the products, and what all of them come to.

    `word` says what they come to: "sum". Where that is too wide, the matrices stand below each other.
    """
    rows = [_parts(share) for share in shares]
    cells = [max(_cell(parts[i]) for parts in rows) for i in range(len(rows[0]))] if rows else []
    margin = max((len(share.title) for share in shares), default=0)
    ends = [f"{word} {number(share.total, 6)}" for share in shares]
    across = margin + sum(
        _across(part, cell) + len(_SIGN) for parts in rows[:1] for part, cell in zip(parts, cells, strict=True)
    ) + max(map(len, ends), default=0)  # fmt: skip
    for share, parts, end in zip(shares, rows, ends, strict=True):
        drawn = [_drawn(part, cell) for part, cell in zip(parts, cells, strict=True)]
        if across <= width:
            yield from _beside(share.title.ljust(margin), drawn, end)
        else:
            yield from _below(share.title, drawn, end)


def _parts(share: Share) -> list[Matrix]:
    numbers = [f"({number(one)})" if i in share.padding else number(one) for i, one in enumerate(share.numbers)]
    if share.weights is None:
        return [_matrix(numbers, share)]
    products = [number(a * b) for a, b in zip(share.numbers, share.weights, strict=True)]
    return [_matrix(cells, share) for cells in (numbers, [number(one) for one in share.weights], products)]


def _matrix(cells: Sequence[str], share: Share) -> Matrix:
    """The cells row by row; a third size of a window goes on below an empty row, and what is left out is dots."""
    *outer, height, width = (1, 1, *share.shown)
    *all_outer, all_height, all_width = (1, 1, *share.sizes)
    lines = [(*cells[i : i + width], *([_MORE] if width < all_width else [])) for i in range(0, len(cells), width)]
    if not lines:
        return (("-",),)
    pages: list[tuple[str, ...]] = []
    for i in range(0, len(lines), height):
        pages += [*([()] if i else []), *lines[i : i + height], *([(_MORE,)] if height < all_height else [])]
    return (*pages, *([(), (_MORE,)] if outer != all_outer else []))


def _cell(matrix: Matrix) -> int:
    return max(len(cell) for row in matrix for cell in row)


def _across(matrix: Matrix, cell: int) -> int:
    return max(len(row) for row in matrix) * (cell + 1) - 1


def _drawn(matrix: Matrix, cell: int) -> list[str]:
    width = _across(matrix, cell)
    return [" ".join(one.rjust(cell) for one in row).ljust(width) for row in matrix]


def _beside(title: str, drawn: Sequence[Sequence[str]], end: str) -> Iterator[str]:
    """All in one row; the signs stand in the middle of it."""
    height = max(map(len, drawn))
    for i in range(height):
        is_middle = i == height // 2
        signs = ["", "  *  ", "  =  "] if is_middle else ["", "     ", "     "]
        line = (title if not i else " " * len(title)) + _GAP
        line += "".join(sign + part[i] for sign, part in zip(signs, drawn, strict=False))
        yield (line + (f"{_GAP}{end}" if is_middle else "")).rstrip()


def _below(title: str, drawn: Sequence[Sequence[str]], end: str) -> Iterator[str]:
    yield title
    for sign, part in zip((" ", "*", "="), drawn, strict=False):
        yield from (f"{_GAP}{sign if not i else ' '} {line}".rstrip() for i, line in enumerate(part))
    yield f"{_GAP}  {end}"

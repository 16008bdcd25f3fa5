"""Shapes as people write them: `[B, 3, 224, 224]`, `(batch, seq_len, d_model)`, `"b 3 h w"`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from convlint.inputspec import InputSpec

Sizes = tuple[int | str, ...]

# Words for the well-known sizes; any other name is a symbol of its own.
_SYMBOLS = {
    "b": "B",
    "bs": "B",
    "bsz": "B",
    "batch": "B",
    "batchsize": "B",
    "batch_size": "B",
    "batch_sz": "B",
    "n_batch": "B",
    "num_batch": "B",
    "nbatch": "B",
    "minibatch": "B",
    "c": "C",
    "channel": "C",
    "channels": "C",
    "h": "H",
    "height": "H",
    "w": "W",
    "width": "W",
}
# What stands in brackets beside shapes, and is none.
_NO_SIZES = re.compile(
    r"\b(tensor|optional|str|int|float|bool|list|tuple|dict|none|default|array|ndarray|e\.?g|i\.?e|see|and|or|of|the|is|in)\b",
    re.I,
)
_GROUP = re.compile(r"(?<![\w\])])[\[(]([^\[\]()]*)[\])]")  # not those of a call
_WORD = re.compile(r"[A-Za-z_]\w*(?:[ -][A-Za-z_]\w*){0,2}")
_PRODUCT = re.compile(r"\d+(?:\s*\*\s*\d+)*")


def first_shape(text: str) -> Sizes | None:
    """The first bracketed list of sizes in a line of prose."""
    return next(shapes_in(text), None)


def shapes_in(text: str) -> Iterator[Sizes]:
    for match in _GROUP.finditer(text):
        sizes = parse_sizes(match[1].split(","))
        if sizes is not None and (len(sizes) > 1 or match[1].rstrip().endswith(",")):
            yield sizes


def parse_sizes(words: Iterable[str]) -> Sizes | None:
    """None as soon as one is not a plain size, such as `...` or `h*w`."""
    items = [word.strip().strip("`'\"") for word in words]
    if items and not items[-1]:
        items.pop()  # `(4,)`
    sizes: list[int | str] = []
    for number, item in enumerate(items):
        size = _size(item, is_first=number == 0)
        if size is None:
            return None
        sizes.append(size)
    if len(sizes) > 2 and sizes[0] == "N" and sizes.count("N") == 1:
        sizes[0] = "B"  # of a table or a graph it may be something else
    return tuple(sizes) or None


def _size(item: str, *, is_first: bool) -> int | str | None:
    if _PRODUCT.fullmatch(item):
        size = 1
        for factor in item.split("*"):
            size *= int(factor)
        return size if 0 < size < 10**9 else None
    if item in ("-1", "?", "None"):
        return "B" if is_first else None
    if not _WORD.fullmatch(item) or _NO_SIZES.search(item):
        return None
    name = re.sub(r"[ -]", "_", item)
    return _SYMBOLS.get(name.lower(), name.upper())


def specs(shapes: dict[str, tuple[Sizes, str]], required: Iterable[str]) -> tuple[InputSpec, ...]:
    """The shapes and dtypes of parameters as inputs of forward: by position as long as none is left out."""
    names = list(required)
    result: list[InputSpec] = []
    ordered = [name for name in names if name in shapes] + [name for name in shapes if name not in names]
    for number, name in enumerate(ordered):
        sizes, dtype = shapes[name]
        is_next = number < len(names) and names[number] == name
        result.append(InputSpec(name=None if is_next else name, shape=sizes, dtype=dtype))
    return tuple(result)

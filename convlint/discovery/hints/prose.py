"""Sizes of images in the prose of docstrings: "trained on 1x28x28 digits"."""

from __future__ import annotations

import re

from convlint.discovery.hints.definition import Definition, docstring_of
from convlint.inputspec import InputSpec
from convlint.jobs import Hint

_SIZE = re.compile(r"(?<![\w.])(\d{1,4})\s?[x\u00d7]\s?(\d{1,4})\s?[x\u00d7]\s?(\d{1,4})(?![\w.]|\s?[x\u00d7])")
_RESULT = re.compile(
    r"(->|\bto|\binto|outputs?|returns?|produces?|gives?|yields?|kernels?|filters?|weights?)\W*$", re.I
)
_CHANNELS = (1, 3, 4)
_SMALLEST = 8  # what is smaller is a kernel or a feature map


def images_in_prose(definition: Definition) -> list[Hint]:
    """The one size of image that the docstring of the class or its forward speaks of, channels first or last."""
    forward = definition.forward
    if forward is None or len(forward.required) != 1:
        return []
    found: dict[tuple[int, int, int], int] = {}
    for node in (definition.node, forward.node):
        first, docstring = docstring_of(node) or (0, "")
        for row, text in enumerate(docstring.split("\n"), first):
            for match in _SIZE.finditer(text):
                size = _image(*map(int, match.groups()))
                if size is not None and not _RESULT.search(text[: match.start()]):
                    found.setdefault(size, row)
    if len(found) != 1:
        return []
    ((size, row),) = found.items()
    source = definition.view.source("docstring", row, definition.view.path)
    return [Hint(kind="inputs", source=source, is_evidence=False, inputs=(InputSpec(shape=("B", *size)),))]


def _image(first: int, second: int, third: int) -> tuple[int, int, int] | None:
    if first in _CHANNELS and min(second, third) >= _SMALLEST:
        return first, second, third
    if third in _CHANNELS and min(first, second) >= _SMALLEST:
        return third, first, second
    return None

"""Arguments of layers that shapes depend on; layers of one kind call them alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from convlint.facts import Attribute

SizeOf = Literal["input", "result"]


@dataclass(frozen=True, slots=True)
class LayerArgument:
    """What one argument means, with `{}` for its value, and whether it is the size of a tensor."""

    name: str
    meaning: str | None = None
    usual: Attribute = None  # a value that is not worth a word
    special: Mapping[Attribute, str] = field(default_factory=dict)  # what other values mean
    size_of: SizeOf | None = None

    def means(self, value: Attribute, text: str) -> str | None:
        """The meaning of a value, which is written like this."""
        special = self.special.get(value)
        if special is not None or self.meaning is None:
            return special
        return self.meaning.replace("{}", text)

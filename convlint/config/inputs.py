"""`--input "B,1,28,28:int64"`: one input of forward as the command line spells it."""

from __future__ import annotations

from pydantic import ValidationError

from convlint.config.error import ConfigError
from convlint.config.schema import InputEntry
from convlint.inputspec import InputSpec


def parse_input(text: str) -> InputSpec:
    """Raises ConfigError with the part that is wrong."""
    sizes, colon, dtype = text.partition(":")
    words = [word.strip() for word in sizes.strip().strip("[]()").split(",")]
    if not words[-1]:
        words.pop()  # `(4,)` as Python writes it; nothing at all is a scalar
    shape = [int(word) if word.removeprefix("-").isdecimal() else word for word in words]
    entry: dict[str, object] = {"shape": shape}
    if colon:
        entry["dtype"] = dtype.strip()
    try:
        return InputEntry.model_validate(entry).spec()
    except ValidationError as error:
        reasons = dict.fromkeys(str(item.get("ctx", {}).get("error", item["msg"])) for item in error.errors())
        raise ConfigError(*(f'--input "{text}": {reason}' for reason in reasons)) from None

"""`# convlint: input=[B, 1, 28, 28]`: the user's own word on what a model is fed."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pydantic import ValidationError

from convlint.config.schema import InputEntry
from convlint.inputspec import InputSpec

_DIRECTIVE = re.compile(r"#\s*convlint\s*:\s*inputs?\b(?P<rest>.*)")
_INPUT = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)\s*:\s*)?(?:\[(?P<list>[^\]]*)\]|\((?P<tuple>[^)]*)\))(?:\s*:\s*(?P<dtype>[\w.]+))?"
)
_WRITE = "write it as `# convlint: input=[B, 3, 224, 224]`, followed by `:int64` where it is not float32"


@dataclass(frozen=True, slots=True)
class Directive:
    row: int
    inputs: tuple[InputSpec, ...] = ()
    problem: str | None = None


def directives(lines: list[str]) -> list[Directive]:
    """Those of a file, also the wrong ones."""
    if not any("convlint" in line and _DIRECTIVE.search(line) for line in lines):
        return []
    return [_parse(row, match["rest"]) for row, text in _comments(lines) if (match := _DIRECTIVE.match(text))]


def _comments(lines: list[str]) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):
        return  # the parser took the file, so nearly nothing ends here


def _parse(row: int, rest: str) -> Directive:
    text = rest.strip()
    if not text.startswith("="):
        return Directive(row, problem=f"there is no `=` behind `input`; {_WRITE}")
    text = text[1:].split("#")[0].strip()
    inputs: list[InputSpec] = []
    position = 0
    while position < len(text):
        match = _INPUT.match(text, position)
        if match is None:
            return Directive(row, problem=f'"{text[position:].strip()}" is not a shape; {_WRITE}')
        try:
            inputs.append(_entry(match).spec())
        except ValidationError as error:
            reason = error.errors()[0]
            return Directive(row, problem=str(reason.get("ctx", {}).get("error", reason["msg"])))
        position = match.end() + len(re.match(r"\s*,?\s*", text[match.end() :])[0])  # type: ignore[index]
    if not inputs:
        return Directive(row, problem=f"no shape is given; {_WRITE}")
    return Directive(row, tuple(inputs))


def _entry(match: re.Match[str]) -> InputEntry:
    text = match["list"] if match["list"] is not None else match["tuple"]
    words = [word.strip() for word in text.split(",")]
    if not words[-1]:
        words.pop()
    entry: dict[str, object] = {"shape": [_number(word) for word in words]}
    if match["name"]:
        entry["name"] = match["name"]
    if match["dtype"]:
        entry["dtype"] = match["dtype"]
    return InputEntry.model_validate(entry)


@cache
def _number(word: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word

"""Whole nets as texts with alternatives: `templates/*.txt`.

A net starts with `### name`, then `inputs:` and, where a directive can say it, `declared:`, and lines such as
`B: 1 4 8` that give the values a size may take; then the source. `$B` is a size, `${B*2}` is computed from sizes, and
`<<a||b>>` is one of several texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

from benchmarks.right_nets.net import PRELUDE, RightNet

_SIZE = re.compile(r"^([A-Z]\w*): ([\d ]+)$")
_CHOICE = re.compile(r"<<(.*?)>>", re.DOTALL)
_NUMBER = re.compile(r"\$(?:\{([^{}]+)\}|([A-Z]\w*))")


def whole(seed: int, each: int) -> Iterator[RightNet]:
    """So many nets of each template, the same for the same seed."""
    for path in sorted(Path(__file__).parent.glob("*.txt")):
        for text in path.read_text(encoding="utf-8").split("\n### ")[1:]:
            for number in range(each):
                yield _drawn(text, number, seed)


def _drawn(text: str, number: int, seed: int) -> RightNet:
    head, _, body = text.partition("\n\n")
    kind, *fields = head.splitlines()
    random = Random(f"{seed} {kind} {number}")
    sizes = {match[1]: int(random.choice(match[2].split())) for match in map(_SIZE.match, fields) if match}
    body, inputs, declared = (
        _filled(part, sizes, random) for part in (body, _field(fields, "inputs"), _field(fields, "declared"))
    )
    source = f"{PRELUDE}\n{body.strip()}\n"
    return RightNet(f"{kind}_{number}", kind, source, (inputs,), declared or None)


def _field(fields: list[str], name: str) -> str:
    return next((field.partition(": ")[2] for field in fields if field.startswith(f"{name}: ")), "")


def _filled(text: str, sizes: dict[str, int], random: Random) -> str:
    chosen = _CHOICE.sub(lambda match: random.choice(match[1].split("||")), text)
    return _NUMBER.sub(lambda match: str(eval(match[1] or match[2], {}, sizes)), chosen)  # noqa: S307

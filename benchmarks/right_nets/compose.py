"""Nets of three parts: layers that make a layout, a line that fixes a size of it, and layers after that."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from benchmarks.right_nets.fixes import FIXES
from benchmarks.right_nets.heads import HEADS
from benchmarks.right_nets.net import PRELUDE, RightNet
from benchmarks.right_nets.piece import Draw, Fix, Piece, Stem
from benchmarks.right_nets.stems import STEMS

_ATTRIBUTE = re.compile(r"(?:self\.|register_buffer\(\")(\w+)(?: = |\",)")
_OWN = re.compile(r"self\.\w+|register_buffer\(\"\w+")


def composed(seed: int, each: int) -> Iterator[RightNet]:
    """So many nets of every fix and layout, the same for the same seed."""
    for layout, registered in FIXES.items():
        for kind, fix in registered:
            for number in range(each):
                draw = Draw(Random(f"{seed} {layout} {kind} {number}"))
                stem = draw.random.choice(STEMS[layout])(draw)
                yield _net(f"{kind}_{layout}_{number}", kind, stem, _middle(draw, stem, fix), draw)


def _middle(draw: Draw, stem: Stem, fix: Fix) -> list[Piece]:
    """The fix, and now and then a second one of the layout that the first leaves."""
    first = fix(draw, stem.piece.shape)
    if first.layout is None or draw.random.random() < 0.6:
        return [first]
    _, other = draw.random.choice(FIXES[first.layout])
    if other is fix:
        return [first]
    return [first, other(draw, first.shape)]


def _net(name: str, kind: str, stem: Stem, middle: list[Piece], draw: Draw) -> RightNet:
    pieces = [stem.piece, *middle]
    last = pieces[-1]
    pieces.append(HEADS[last.layout](draw, last.shape) if last.layout else Piece("return x", last.shape))
    pieces = [_renamed(piece, number, pieces[:number]) for number, piece in enumerate(pieces)]
    init = "\n".join(piece.init for piece in pieces if piece.init)
    forward = "\n".join(piece.forward for piece in pieces)
    source = (
        f"{PRELUDE}\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"{textwrap.indent(init, ' ' * 8)}\n\n    def forward(self, x):\n{textwrap.indent(forward, ' ' * 8)}\n"
    )
    return RightNet(name, kind, source, stem.inputs, stem.declared)


def _renamed(piece: Piece, number: int, before: list[Piece]) -> Piece:
    """With names of its own for the attributes that a piece before it has as well."""
    taken = {name for other in before for name in _ATTRIBUTE.findall(other.init)}
    clashing = taken & set(_ATTRIBUTE.findall(piece.init))
    if not clashing:
        return piece
    pattern = re.compile(rf"\b({'|'.join(sorted(clashing))})\b")
    lines = [
        _OWN.sub(lambda match: pattern.sub(rf"\1_{number}", match[0]), text) for text in (piece.init, piece.forward)
    ]
    return replace(piece, init=lines[0], forward=lines[1])

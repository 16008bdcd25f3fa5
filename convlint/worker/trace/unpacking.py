"""Shapes that the user's code takes for others: `b, c, h, w = x.shape` of three dims, `x.shape[3]`, `x.size(3)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType

import torch

from convlint.worker.stack.parsed_file import node_position, source_of
from convlint.worker.stack.places import FramePlace, Position, position_of, user_step
from convlint.worker.stack.users import IsUser


@dataclass(frozen=True)
class Reading:
    """How many dims some code reads from the shape of a tensor that it calls `name`; more may be there or not."""

    name: str
    dims: int
    is_least: bool


@dataclass(frozen=True)
class Misreading:
    """A tensor with more dims, or fewer, than the code at a place reads from it."""

    tensor: torch.Tensor
    reading: Reading
    place: FramePlace
    frame: FrameType


def misreading(error: BaseException, is_user: IsUser) -> Misreading | None:
    """What an error comes from that Python raised where the user's code reads a shape; None for any other error."""
    if not isinstance(error, ValueError | IndexError):
        return None
    step = user_step(error, is_user)
    if step is None:
        return None
    frame = step.tb_frame
    place = FramePlace(frame.f_code, step.tb_lasti)
    position = position_of(place)
    reading = _readings(frame.f_code.co_filename).get(position) if position is not None else None
    tensor = frame.f_locals.get(reading.name) if reading is not None else None
    if reading is None or not isinstance(tensor, torch.Tensor) or _fits(reading, tensor.dim()):
        return None
    return Misreading(tensor, reading, place, frame)


def _fits(reading: Reading, dims: int) -> bool:
    return reading.dims <= dims if reading.is_least else reading.dims == dims


@lru_cache(maxsize=256)
def _readings(filename: str) -> dict[Position, Reading]:
    """What each place of a file reads that names a tensor: the names on the left, or the dim that is asked for."""
    source = source_of(filename)
    return dict(_read(source.tree)) if source is not None else {}


def _read(tree: ast.Module) -> Iterator[tuple[Position, Reading]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            name, skipped = _shape_of(node.value), 0
            if isinstance(node.value, ast.Subscript) and isinstance(node.value.slice, ast.Slice):
                name, skipped = _shape_of(node.value.value), _start(node.value.slice)
            for target in node.targets:
                if name and skipped >= 0 and isinstance(target, ast.Tuple | ast.List):
                    starred = sum(isinstance(one, ast.Starred) for one in target.elts)
                    reading = Reading(name, skipped + len(target.elts) - starred, bool(starred))
                    yield node_position(target), reading
        elif isinstance(node, ast.Subscript):
            yield from _asked(node, _shape_of(node.value), node.slice)
        elif isinstance(node, ast.Call):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="size"), args=[index], keywords=[]):
                    yield from _asked(node, name, index)


def _shape_of(node: ast.expr) -> str:
    """The name in `x.shape` or `x.size()`."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr="shape"):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="size"), args=[], keywords=[]):
            return name
        case _:
            return ""


def _start(piece: ast.Slice) -> int:
    """Where an open slice `[k:]` begins; -1 for every other slice."""
    if piece.upper is not None or piece.step is not None:
        return -1
    start = 0 if piece.lower is None else _number(piece.lower)
    return -1 if start is None else start


def _asked(node: ast.expr, name: str, index: ast.expr) -> Iterator[tuple[Position, Reading]]:
    """One dim by its number, counted from the front or from the back."""
    dim = _number(index)
    if name and dim is not None:
        yield node_position(node), Reading(name, -dim if dim < 0 else dim + 1, is_least=True)


def _number(node: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if type(value) is int else None

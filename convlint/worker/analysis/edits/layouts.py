"""What goes into a call turned around: the wanted size is another dim of it, or a dim is missing or too many."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from torch import nn

from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.edits.case import Candidate, EditCase, number, shape_of
from convlint.worker.analysis.edits.syntax import SourceExpression, inserted, one_line, replaced
from convlint.worker.analysis.verdict.turned import turned_pair
from convlint.worker.ops.normalisation import NORMS
from convlint.worker.trace.trail import Requirement


def layouts(case: EditCase) -> Iterator[Candidate]:
    """Permutations that bring the wanted size to where it is wanted."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement) or requirement_kind(requirement.name).along is None or not case.inputs:
        return
    given, whole = given_expression(case), case.written()
    shape = shape_of(case.inputs[0])
    wanted = number(requirement.expected)
    if given is None or whole is None or wanted is None or len(shape) < 3:
        return
    goal = len(shape) - 1 if requirement_kind(requirement.name).along == "features" else 1
    there = _only_other(shape, wanted, goal)
    if there is None:
        return
    order = moved(len(shape), there, goal)
    text = given.atom + permutation(order)
    if not isinstance(case.layer, NORMS):
        yield Candidate("layout", (replaced(given, text),), text, whole.span, 0)
    elif isinstance(whole.node, ast.Call):
        yield from _other_norm(case, goal)
        yield _turned_back(whole, whole.node, given, order)


def _only_other(shape: Sequence[int | None], wanted: int, goal: int) -> int | None:
    """The one dim after the batch that has the wanted size, and is not where it is wanted."""
    found = [dim for dim, size in enumerate(shape) if dim > 0 and dim != goal and size == wanted]
    return found[0] if len(found) == 1 else None


def _turned_back(whole: SourceExpression, call: ast.Call, given: SourceExpression, order: Sequence[int]) -> Candidate:
    """A norm gives the layout that it takes, so what follows must be turned back."""
    text = given.atom + permutation(order)
    back = permutation([order.index(dim) for dim in range(len(order))])
    end = whole.span
    changes = (replaced(given, text), inserted(whole.filename, end.end_row, end.end_column, back))
    called = whole.part(call.func).text
    return Candidate("layout", changes, one_line(f"{called}({text}){back}", text), whole.span, 0)


def _other_norm(case: EditCase, goal: int) -> Iterator[Candidate]:
    """`nn.GroupNorm(1, 64)` normalises over the channels and the places, a LayerNorm over the last dims alone."""
    made = case.constructor(case.layer)
    if not isinstance(case.layer, nn.LayerNorm) or goal == 1 or made is None or not isinstance(made.node, ast.Call):
        return
    callee = made.part(made.node.func).text
    if not callee.endswith("LayerNorm") or not made.node.args:
        return
    text = f"{callee.removesuffix('LayerNorm')}GroupNorm(1, {made.part(made.node.args[0]).text})"
    yield Candidate("layer", (replaced(made, text),), text, made.span, 0)


def turned(case: EditCase) -> Iterator[Candidate]:
    """The transposition that brings one of two operands to the shape of the other, where that one is made."""
    found = turned_pair(case.node)
    if found is None:
        return
    first, second = found[2:]
    for operand in found[:2]:
        made = case.written(operand)
        if made is not None and isinstance(made.node, ast.Call) and operand.meta.get("layer") is None:
            text = f".transpose({first}, {second})"
            end = made.span
            change = inserted(made.filename, end.end_row, end.end_column, text)
            yield Candidate("layout", (change,), one_line(made.text + text, f"...{text}"), made.span, 0)


def ranks(case: EditCase) -> Iterator[Candidate]:
    """A dim more or less, or a layer for as many dims as there are."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement) or requirement.name != "rank" or not case.inputs:
        return
    actual, goal = len(case.inputs[0].shape), _rank_wanted(requirement)
    given = given_expression(case)
    if given is not None:
        for text in _reshaped(given, actual, goal):
            yield Candidate("rank", (replaced(given, text),), text, None, 0)
    yield from _flattened_layer(case, requirement)
    yield from _of_rank(case, actual)


def _rank_wanted(requirement: Requirement) -> int | None:
    if "[-1]" in requirement.operand:
        return 2
    return number(requirement.expected)


def _reshaped(given: SourceExpression, actual: int, goal: int | None) -> Iterator[str]:
    if goal == 2 and actual > 2:
        yield f"{given.atom}.flatten(1)"
    if goal is not None and goal == actual + 1:
        yield f"{given.atom}.unsqueeze(1)"
        yield f"{given.atom}.unsqueeze(-1)"
        if actual < 3:
            yield f"{given.atom}.unsqueeze(0)"
    if goal is not None and goal == actual - 1:
        yield f"{given.atom}.squeeze(1)"
        yield f"{given.atom}.squeeze(-1)"
    if goal is not None and 2 < goal < actual:
        yield f"{given.atom}.flatten({goal - 1})"


def _flattened_layer(case: EditCase, requirement: Requirement) -> Iterator[Candidate]:
    """`nn.Flatten(), nn.Linear(1024, 10)` among the layers of a Sequential."""
    made = case.constructor(case.layer) if case.layer is not None else None
    if _rank_wanted(requirement) != 2 or made is None or not isinstance(made.node, ast.Call):
        return
    callee = made.part(made.node.func).text
    prefix = callee.rpartition(".")[0]
    if not prefix or not isinstance(case.layer, nn.Linear | nn.BatchNorm1d):
        return
    span = made.span
    text = f"{prefix}.Flatten()"
    change = inserted(made.filename, span.row, span.column, f"{text}, ")
    yield Candidate("rank", (change,), one_line(f"{text}, {made.text}", f"{text}, {callee}(...)"), span, 0)


def _of_rank(case: EditCase, actual: int) -> Iterator[Candidate]:
    """`nn.BatchNorm1d` for `nn.BatchNorm2d`."""
    made = case.constructor(case.layer) if case.layer is not None else None
    if made is None or not isinstance(made.node, ast.Call):
        return
    part = made.part(made.node.func)
    name = part.text
    if name[-2:] not in ("1d", "2d", "3d"):
        return
    is_flat = "BatchNorm" in name and actual == 2
    other = f"{name[:-2]}{1 if is_flat else actual - 2}d"
    if other == name or not (is_flat or 3 <= actual <= 5):
        return
    full = other + made.text[len(name) :]
    yield Candidate("layer", (replaced(part, other),), one_line(full, f"{other}(...)"), made.span, 1)


def given_expression(case: EditCase) -> SourceExpression | None:
    """The expression of the first input at the call in forward."""
    whole = case.written()
    if whole is None:
        return None
    if whole.operands:
        return whole.part(whole.operands[0])
    if not isinstance(whole.node, ast.Call):
        return None
    call = whole.node
    if (
        case.node.op == "call_method"
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == str(case.node.target)
    ):
        return whole.part(call.func.value)
    if call.args and not isinstance(call.args[0], ast.Starred):
        return whole.part(call.args[0])
    return None


def moved(rank: int, start: int, goal: int) -> list[int]:
    """The order of dims in which `start` stands at `goal`, and the others as before; a swap of two where it is one."""
    if goal == 1 and start != rank - 1:
        order = list(range(rank))
        order[start], order[goal] = order[goal], order[start]
        return order
    rest = [dim for dim in range(rank) if dim != start]
    return [*rest[:goal], start, *rest[goal:]]


def permutation(order: Sequence[int]) -> str:
    """The call that puts dims into this order."""
    others = [dim for dim, source in enumerate(order) if dim != source]
    if len(others) == 2:
        return f".transpose({others[0]}, {others[1]})"
    return f".permute({', '.join(map(str, order))})"

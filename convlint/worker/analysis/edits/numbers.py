"""Numbers and expressions in constructor calls: the innermost that can be changed and nothing right with it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from torch import nn

from convlint.ops.registry import names_of_sizes
from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.edits.case import Candidate, EditCase, Tier, layers_behind, number
from convlint.worker.analysis.edits.expressions import Point, expressions, names_alone
from convlint.worker.analysis.edits.rebuild import is_editable
from convlint.worker.analysis.edits.syntax import SourceExpression, function_around, replaced, shown_call, text_at
from convlint.worker.analysis.layers import constructor_parameters
from convlint.worker.stack.constructor_arguments import argument_places, default_of
from convlint.worker.stack.parsed_file import call_at, expression_span, node_position
from convlint.worker.stack.places import Position
from convlint.worker.trace.trail import Requirement

_NEAREST = 4
"""Layers before a call whose place is looked at."""
MOST_EXPRESSIONS = 3
"""Expressions that are tried in one place."""


@dataclass
class EditSlot:
    """An expression in the user's code, and the layers' arguments that it gives."""

    filename: str
    node: ast.expr
    call: ast.Call | None  # that it is an argument of; None for a default
    points: list[Point] = field(default_factory=list)
    is_handed_on: bool = False  # a parameter, whose value is written at the call of the function
    is_unknown: bool = False  # some call that it is in has a value that cannot be worked with

    @property
    def written(self) -> SourceExpression:
        return SourceExpression(self.filename, self.node)


def numbers(case: EditCase) -> Iterator[Candidate]:
    """What the layer at fault is made with; then what the layers are made with that give the size."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement):
        return
    wanted = _broken_values(case)
    if case.layer is not None and requirement.argument is not None and number(requirement.value) is not None:
        yield from _for(case, case.layer, requirement.argument, wanted, tier=1)
    yield from givers(case, requirement, wanted)


def givers(case: EditCase, requirement: Requirement, wanted: Mapping[tuple[int, str], int]) -> Iterator[Candidate]:
    """The nearest layer whose result has the size that came is to give the one that is needed; and the reverse."""
    if not requirement_kind(requirement.name).is_produced:
        return
    is_either = case.layer is None and requirement.name != "elements"
    for side in (1, 2) if is_either else (1,):
        found = _giver(case, requirement, side)
        if found is None:
            continue
        layer, name, _ = found
        # The same line of forward may be run by several blocks, each with layers of its own.
        others = (_giver(case, other, side) for other in case.broken if _is_twin(case, requirement, other))
        sizes = {(id(one[0]), one[1]): one[2] for one in (*others, found) if one is not None}
        for candidate in _for(case, layer, name, {**wanted, **sizes}, tier=2):
            # A table of vectors is often given, so what takes them is the place to look at.
            yield replace(candidate, side=side, at=None if isinstance(layer, nn.Embedding) else candidate.at)


def _is_twin(case: EditCase, requirement: Requirement, other: Requirement) -> bool:
    if other.node is None or other.name != requirement.name:
        return False
    return bool(case.run.trace.nodes[other.node].meta["place"] == case.node.meta["place"])


def _giver(case: EditCase, requirement: Requirement, side: int) -> tuple[nn.Module, str, int] | None:
    """A layer before the call, the argument that says how large its result is, and the value that is wanted there."""
    actual, expected = number(requirement.actual), number(requirement.expected)
    if actual is None or expected is None or requirement.node is None:
        return None
    value, other = (actual, expected) if side == 1 else (expected, actual)
    node = case.run.trace.nodes[requirement.node]
    for one in layers_behind(node):
        layer = one.meta["layer"]
        if one is node:
            continue
        if requirement.name == "elements":
            return _scaled(layer, actual, expected) if case.layer is None else None
        name = next((name for name in names_of_sizes("result") if getattr(layer, name, None) == value), None)
        if name is not None:
            return layer, name, other
    return None


def _scaled(layer: nn.Module, actual: int, expected: int) -> tuple[nn.Module, str, int] | None:
    """As `_giver`, of a layer before a reshape: it gives too much or too little by some factor."""
    name = next((name for name in names_of_sizes("result") if type(getattr(layer, name, None)) is int), None)
    if name is None:
        return None
    size, rest = divmod(getattr(layer, name) * expected, actual)
    return (layer, name, size) if rest == 0 else None


def _broken_values(case: EditCase) -> dict[tuple[int, str], int]:
    """By layer and argument: the number that reaches it, where that is not the one it has."""
    found: dict[tuple[int, str], int] = {}
    for requirement in case.broken:
        layer = _layer(case, requirement)
        value = number(requirement.value)
        if layer is not None and requirement.argument is not None and value is not None:
            found.setdefault((id(layer), requirement.argument), value)
    return found


def _layer(case: EditCase, requirement: Requirement) -> nn.Module | None:
    node = case.run.trace.nodes[requirement.node] if requirement.node is not None else None
    return node.meta.get("layer") if node is not None else None


def _for(
    case: EditCase, layer: nn.Module, argument: str, wanted: Mapping[tuple[int, str], int], tier: Tier
) -> Iterator[Candidate]:
    current = getattr(layer, argument, None)
    if isinstance(current, tuple) and len(current) > 1:
        return  # it holds more sizes than the one that is wrong
    for slot in slots(case, layer, argument, wanted):
        yield from _written(case, slot, tier)


def _written(case: EditCase, slot: EditSlot, tier: Tier) -> Iterator[Candidate]:
    """The slot with the expressions that suit every layer that it gives a size."""
    if slot.is_unknown or not slot.points or not is_editable(slot.filename, case.built.is_user):
        return
    part = slot.written
    function = function_around(slot.filename, slot.node)
    body = text_at(expression_span(slot.filename, function)) if function is not None else ""  # type: ignore[arg-type]
    is_foreign = slot.is_handed_on and not any(_function(case, one) is function for one in _sources(case))
    found = (
        names_alone(slot.points, part.text)
        if is_foreign
        else expressions(slot.points, part.text, body, near=_near(function), has_literal=not slot.is_handed_on)
    )
    for _, text in zip(range(MOST_EXPRESSIONS), found, strict=False):
        code = text if slot.call is None else shown_call(part.part(slot.call), slot.node, text)
        at = part.span if slot.call is not None else None  # a default is right for whoever gives the argument
        yield Candidate("number", (replaced(part, text),), code, at, tier)


def _sources(case: EditCase) -> Iterator[nn.Module]:
    """The layers before the call, the nearest of each way."""
    for node in islice(layers_behind(case.node), _NEAREST):
        if node.meta["layer"] is not case.layer:
            yield node.meta["layer"]


def _function(case: EditCase, layer: nn.Module) -> ast.AST | None:
    """The function that makes a layer."""
    made = case.constructor(layer)
    return function_around(made.filename, made.node) if made is not None else None


def _near(function: ast.FunctionDef | ast.AsyncFunctionDef | None) -> list[str]:
    """The names, and the expressions with an operator, that calls in a function are given."""
    if function is None:
        return []
    given = [
        argument
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
    ]
    return list(dict.fromkeys(ast.unparse(one) for one in given if isinstance(one, ast.BinOp | ast.Name)))


def slots(case: EditCase, layer: nn.Module, argument: str, wanted: Mapping[tuple[int, str], int]) -> Iterator[EditSlot]:
    """The places that gave a layer this argument, the innermost first, each with all that it gives besides."""
    sizes = names_of_sizes("input", "result")
    places = list(_places(case, layer, argument))
    by_position = {
        (filename, node_position(node)): EditSlot(filename, node, call, is_handed_on=_is_handed_on(places[i + 1 :]))
        for i, (filename, node, call, _) in enumerate(places)
    }
    for path, module in case.built.model.named_modules(remove_duplicate=False):
        chain = case.built.chain(module)
        is_users = bool(chain) and case.built.is_user(chain[0].code.co_filename)
        for name in constructor_parameters(type(module)):
            # What torch's own layers make of their arguments follows those.
            if name in sizes and hasattr(module, name) and (is_users or (id(module), name) in wanted):
                _add_points(case, by_position, path, module, name, wanted)
    yield from by_position.values()


def _is_handed_on(outer: Sequence[tuple[str, ast.expr, ast.Call | None, int]]) -> bool:
    """Whether the expression is a parameter that a call of the user's gives, and no default."""
    return any(call is not None for _, _, call, _ in outer)


def _add_points(
    case: EditCase,
    found: Mapping[tuple[str, Position], EditSlot],
    path: str,
    module: nn.Module,
    name: str,
    wanted: Mapping[tuple[int, str], int],
) -> None:
    scopes = case.built.scopes.get(path, ())
    for filename, node, _, level in _places(case, module, name):
        slot = found.get((filename, node_position(node)))
        if slot is None:
            continue
        value = wanted.get((id(module), name), _plain(getattr(module, name)))
        if value is None or level >= len(scopes):
            slot.is_unknown = True
        else:
            slot.points.append(Point(scopes[level] if level >= 0 else {}, value))


def _places(case: EditCase, layer: nn.Module, argument: str) -> Iterator[tuple[str, ast.expr, ast.Call | None, int]]:
    """The expressions that an argument came through, each with its call and its level in the chain."""
    chain = case.built.chain(layer)
    node: ast.expr | None = None
    level = -1
    for level, (filename, node) in enumerate(argument_places(chain, argument, constructor_parameters(type(layer)))):
        yield filename, node, call_at(chain[level]), level
    if isinstance(node, ast.Name):
        default = default_of(chain[level], node.id)
        if default is not None:
            yield chain[level].code.co_filename, default, None, -1


def _plain(value: Any) -> int | None:
    if isinstance(value, tuple) and len(value) == 1:
        return _plain(value[0])
    return value if type(value) is int else None

"""Three-valued evaluation of what a rule requires: an unknown never becomes a violation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from convlint.facts import Node
from convlint.rules.environment import UNKNOWN, Environment, Formula, is_present, neighbours, resolve
from convlint.rules.paths import Path, PathError, parse
from convlint.rules.schema import Condition, NodeMatch, Operand


class Truth(Enum):
    """True, false, or not known; ordered so that "all" is the least and "any" the greatest."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2


def truth(value: bool) -> Truth:
    """A plain boolean as a Truth."""
    return Truth.TRUE if value else Truth.FALSE


def all_of(values: Iterable[Truth]) -> Truth:
    """True if all are; false if one is."""
    return min(values, key=lambda one: one.value, default=Truth.TRUE)


def any_of(values: Iterable[Truth]) -> Truth:
    """True if one is; false if all are."""
    return max(values, key=lambda one: one.value, default=Truth.FALSE)


def negate(value: Truth) -> Truth:
    """The opposite; the opposite of unknown is unknown."""
    return Truth(2 - value.value)


def evaluate(condition: Condition, environment: Environment) -> Truth:
    """Whether the condition holds: every operator in it."""
    return all_of(_operators(condition, environment))


def _operators(condition: Condition, environment: Environment) -> Iterable[Truth]:
    if condition.equal is not None:
        yield _equal(*condition.equal, environment)
    for pair, test in (
        (condition.at_most, _at_most),
        (condition.at_least, _at_least),
        (condition.divisible_by, _divisible),
    ):
        if pair is not None:
            yield _compare(*pair, environment, test)
    if condition.one_of is not None:
        path, choices = condition.one_of
        value = _value(path, environment)
        yield Truth.UNKNOWN if value is UNKNOWN or isinstance(value, Formula) else truth(value in choices)
    if condition.absent is not None:
        yield truth(not is_present(_value(condition.absent, environment)))
    for direction, match in (("next", condition.next), ("previous", condition.previous)):
        if match is not None:
            yield _neighbours_match(match, direction, environment)
    if condition.all is not None:
        yield all_of(evaluate(part, environment) for part in condition.all)
    if condition.any is not None:
        yield any_of(evaluate(part, environment) for part in condition.any)
    if condition.negated is not None:
        yield negate(evaluate(condition.negated, environment))


def matches(match: NodeMatch, node: Node, layer_type: str | None) -> bool:
    """Whether a call is one of those that the match names; an empty match names all."""
    if not match.module and not match.function:
        return True
    if layer_type is not None:
        return any(fnmatchcase(layer_type, pattern) for pattern in match.module)
    return node.op == "function" and any(fnmatchcase(node.target, pattern) for pattern in match.function)


def _equal(left: Operand, right: Operand, environment: Environment) -> Truth:
    first, second = _value(left, environment), _value(right, environment)
    if first is UNKNOWN or second is UNKNOWN:
        return Truth.UNKNOWN
    if first == second:
        return Truth.TRUE
    if isinstance(first, Formula) or isinstance(second, Formula):
        refuted = _refuted(left, environment) or _refuted(right, environment)
        return Truth.FALSE if refuted else Truth.UNKNOWN
    return Truth.FALSE


def _refuted(operand: Operand, environment: Environment) -> bool:
    """Whether the solver says that this operand does not fit, for every input size that counts."""
    if not isinstance(operand, str) or environment.node is None:
        return False
    path = parse(operand)
    return any(_operand_path(violation.operand) == path for violation in environment.node.violations)


def _operand_path(operand: str) -> Path | None:
    try:
        return parse(operand)
    except PathError:  # written by the worker for a reader, such as "weight.shape[1]"
        return None


def _compare(left: Operand, right: Operand, environment: Environment, test: Callable[[Any, Any], Truth]) -> Truth:
    first, second = _value(left, environment), _value(right, environment)
    if not isinstance(first, (int, float)) or not isinstance(second, (int, float)):
        return Truth.UNKNOWN
    return test(first, second)


def _at_most(value: float, bound: float) -> Truth:
    return truth(value <= bound)


def _at_least(value: float, bound: float) -> Truth:
    return truth(value >= bound)


def _divisible(value: float, divisor: float) -> Truth:
    return truth(value % divisor == 0) if divisor else Truth.UNKNOWN


def _neighbours_match(match: NodeMatch, direction: str, environment: Environment) -> Truth:
    nodes = neighbours(environment, direction)
    if not nodes:
        partial = environment.model is not None and environment.model.status == "partial"
        return Truth.UNKNOWN if partial else Truth.FALSE
    return truth(all(matches(match, node, _layer_type(node, environment)) for node in nodes))


def _layer_type(node: Node, environment: Environment) -> str | None:
    layer = environment.model.layers.get(node.layer) if environment.model and node.layer is not None else None
    return layer.type if layer is not None else None


def _value(operand: Operand, environment: Environment) -> Any:
    return resolve(parse(operand), environment) if isinstance(operand, str) else operand

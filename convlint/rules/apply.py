"""From facts and rules to diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from convlint.diagnostics import Diagnostic, Side
from convlint.facts import FileFacts, Violation
from convlint.ops.requirements import requirement_kind
from convlint.rules.environment import Environment, Formula, resolve
from convlint.rules.evaluate import Truth, evaluate
from convlint.rules.locate import end, primary, start
from convlint.rules.paths import Path, PathError, parse
from convlint.rules.remedy import fix, hint
from convlint.rules.schema import Condition, Operand, Rule
from convlint.rules.sides import sides
from convlint.rules.subjects import subjects
from convlint.rules.templates import choose, fill
from convlint.rules.trail import related

_PATH = re.compile(r"`(?:\w+\.)+(\w+)`")  # `block.fc`, which is `fc` where the block is looked at by itself


def diagnose(facts: FileFacts, rules: Sequence[Rule], options: Mapping[str, Any] | None = None) -> list[Diagnostic]:
    """What the rules find in the facts of one file, each finding once, in the order of the file."""
    found: dict[tuple[object, ...], Diagnostic] = {}
    for rule in rules:
        for diagnostic, is_requirement in _findings(rule, facts, options or {}):
            # The same mistake seen through two models, in two places of one or in both modes, is one finding; a line
            # that makes several layers makes one mistake.
            said = None if is_requirement else _PATH.sub(r"`\1`", diagnostic.message)
            key = (diagnostic.code, diagnostic.filename, diagnostic.location, diagnostic.end_location, said)
            found[key] = _joined(found[key], diagnostic) if key in found else diagnostic
    return sorted(found.values(), key=_order)


def _joined(first: Diagnostic, other: Diagnostic) -> Diagnostic:
    """One finding with what it breaks besides."""
    more = [one for one in (*first.also, *_named(other, first), *other.also) if one != first.layer]
    return first.model_copy(update={"also": tuple(dict.fromkeys(more))})


def _named(other: Diagnostic, first: Diagnostic) -> tuple[str, ...]:
    if other.layer is None or other.layer == first.layer:
        return ()
    return (other.layer,)


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    return diagnostic.filename, diagnostic.location.row, diagnostic.location.column, diagnostic.code


def _findings(rule: Rule, facts: FileFacts, options: Mapping[str, Any]) -> Iterator[tuple[Diagnostic, bool]]:
    """Each finding, and whether it is about a requirement that has a place of its own in the user's code."""
    for environment in subjects(rule.match, facts, options):
        if evaluate(rule.require, environment) is Truth.FALSE:
            violation = environment.violation or _stated(rule.require, environment)
            yield _diagnostic(rule, replace(environment, violation=violation)), violation is not None


def _diagnostic(rule: Rule, environment: Environment) -> Diagnostic:
    violation, model, layer = environment.violation, environment.model, environment.layer
    text = choose(rule.messages, rule.message, environment) or rule.message
    place = primary(environment, violation)
    expected, actual = _sizes(rule.require, environment)
    return Diagnostic(
        code=rule.id,
        name=rule.name,
        severity=rule.severity,
        message=fill(text, environment)[0],
        filename=place.filename,
        location=start(place),
        end_location=end(place),
        model=model.name if model is not None else None,
        layer=layer.path if layer is not None else None,
        expected=expected,
        actual=actual,
        formula=violation.formula if violation is not None and violation.split is None else None,
        hint=hint(rule, environment, violation),
        also=violation.also if violation is not None else (),
        sides=_sides(environment),
        related=related(environment, place, violation),
        fix=fix(rule.fix, environment, violation),
        url=rule.docs,
    )


def _sides(environment: Environment) -> tuple[Side, ...]:
    """The sides of an operation that do not fit, where shapes of equal rank can be told apart."""
    node, model, violation = environment.node, environment.model, environment.violation
    if node is None or model is None or violation is None or not requirement_kind(violation.name).is_of_two_sides:
        return ()
    found = sides(model, node)
    return found if any(one.differs for one in found) else ()


def _stated(condition: Condition, environment: Environment) -> Violation | None:
    """The violation of the node that is about the same operand as the rule."""
    wanted = {_path(operand) for operand in condition.equal or ()}
    entries = environment.node.violations if environment.node is not None else ()
    return next((violation for violation in entries if _path(violation.operand) in wanted - {None}), None)


def _path(operand: Operand) -> Path | None:
    try:
        return parse(operand) if isinstance(operand, str) else None
    except PathError:
        return None


def _sizes(condition: Condition, environment: Environment) -> tuple[int | str | None, int | str | None]:
    """What is declared and what comes: as the worker states it, else the two sides of the rule's equality."""
    violation = environment.violation
    if violation is not None:
        return violation.expected, violation.actual
    if condition.equal is None:
        return None, None
    actual, expected = (_size(operand, environment) for operand in condition.equal)
    return expected, actual


def _size(operand: Operand, environment: Environment) -> int | str | None:
    value = resolve(parse(operand), environment) if isinstance(operand, str) else operand
    if isinstance(value, Formula):
        return value.text
    return value if isinstance(value, int) and not isinstance(value, bool) else None

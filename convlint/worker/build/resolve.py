"""Expressions of the user's code, evaluated where they stand."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convlint.jobs import Expression, UserFile
from convlint.worker.build.importing import ImportedProject
from convlint.worker.user_code.folders import started_in
from convlint.worker.user_code.scope import RuntimeScope
from convlint.worker.user_code.source import tree_of
from convlint.worker.user_code.standins import lacks
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit
from convlint.worker.user_code.unavailable import Unavailable

MAX_SECONDS = 10.0


class Unresolved(Exception):
    """The value of an expression is not to be had without running the script; the reason is the message."""


@dataclass(frozen=True)
class CallArgument:
    """One argument of a call: by position (`name` is None) or by name; `is_lost` where it could not be evaluated."""

    name: str | None
    text: str
    value: Any = None
    is_lost: bool = False
    is_literal: bool = False


@dataclass
class Resolver:
    """Evaluates expressions in the files of a job."""

    project: ImportedProject
    files: Mapping[str, UserFile]

    def folders(self, path: str) -> tuple[str, ...]:
        """Where a script may be started, its own folder first."""
        search_path = self.files[path].search_path if path in self.files else ()
        return (*self.project.importer.folders(path), *search_path)

    def evaluate(self, expression: Expression) -> Any:
        """Raises Unresolved."""
        return self._value(_parsed(expression), expression)

    def call_arguments(self, expression: Expression) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The evaluated arguments of a call. Raises Unresolved unless all of them can be had."""
        given = self.arguments(expression)
        broken = next((one for one in given if one.is_lost), None)
        if broken is not None:
            raise Unresolved(f"`{broken.text}` could not be evaluated")
        return (
            tuple(one.value for one in given if one.name is None),
            {one.name: one.value for one in given if one.name is not None},
        )

    def arguments(self, expression: Expression) -> list[CallArgument]:
        """The arguments of a call one by one. Raises Unresolved where a star hides what they are."""
        call = _parsed(expression)
        if not isinstance(call, ast.Call):
            raise Unresolved(f"`{expression.text}` is not a call")
        result: list[CallArgument] = []
        for node in call.args:
            if isinstance(node, ast.Starred):
                values = self._value(node.value, expression)
                result += [CallArgument(None, ast.unparse(node), value) for value in _listed(values)]
            else:
                result.append(self._given(None, node, expression))
        for keyword in call.keywords:
            if keyword.arg is None:
                pairs = self._value(keyword.value, expression)
                if not isinstance(pairs, Mapping):
                    raise Unresolved(f"`{ast.unparse(keyword.value)}` is not a dict")
                result += [CallArgument(str(name), str(name), value) for name, value in pairs.items()]
            else:
                result.append(self._given(keyword.arg, keyword.value, expression))
        return result

    def _given(self, name: str | None, node: ast.expr, expression: Expression) -> CallArgument:
        text = ast.unparse(node)
        try:
            return CallArgument(name, text, ast.literal_eval(node), is_literal=True)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            pass
        try:
            value = self._value(node, expression)
        except Unresolved:
            return CallArgument(name, text, is_lost=True)
        return CallArgument(name, text, value, is_lost=lacks(value) is not None)

    def _value(self, node: ast.expr, expression: Expression) -> Any:
        try:
            with time_limit(MAX_SECONDS):
                scope = self._scope(expression)
                return started_in(self.folders(expression.path), lambda: scope.evaluate(node))
        except Unavailable as error:
            raise Unresolved(str(error)) from error
        except TimeLimitExceeded:
            raise Unresolved(f"`{ast.unparse(node)}` takes too long to be computed") from None
        except (Exception, SystemExit) as error:
            raise Unresolved(f"`{ast.unparse(node)}`: {type(error).__name__}: {error}") from error

    def _scope(self, expression: Expression) -> RuntimeScope:
        tree = tree_of(expression.path)
        if tree is None or expression.path not in self.files:
            raise Unresolved(f"{expression.path} cannot be read")
        module = self.project.module_at(expression.path, self.files[expression.path])
        return RuntimeScope(module, expression.path, tree, expression.row)


def _parsed(expression: Expression) -> ast.expr:
    try:
        node = ast.parse(expression.text, mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise Unresolved(f"`{expression.text}` is not an expression") from error
    return node


def _listed(values: Any) -> list[Any]:
    if isinstance(values, (list, tuple)):
        return list(values)
    raise Unresolved("a starred argument is not a list")

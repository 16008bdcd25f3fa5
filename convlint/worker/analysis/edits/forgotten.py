"""A call that was forgotten: a layer that is made and never called, or a value that is given and never read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

from torch import nn

from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.edits.case import Candidate, EditCase, number, shape_of
from convlint.worker.analysis.edits.layouts import given_expression
from convlint.worker.analysis.edits.rebuild import is_editable
from convlint.worker.analysis.edits.syntax import SourceExpression, function_around, one_line, replaced
from convlint.worker.stack.parsed_file import function_of
from convlint.worker.trace.trail import Requirement

_MOST = 3
"""Layers, or values, that are tried."""


def forgotten(case: EditCase) -> Iterator[Candidate]:
    """What no run calls, and what a forward does not read, put in before the layer, or before a block that holds it."""
    if not isinstance(case.requirement, Requirement):
        return
    for site in _sites(case):
        for name in _never_called(case, site)[:_MOST]:
            yield site.with_argument(f"{name}({site.given.text})", f"{name}(...)")
        for name in _never_read(site.given)[:_MOST] if _lacks_channels(case) else ():
            yield site.with_argument(f"torch.cat([{name}, {site.given.text}], 1)", f"torch.cat([{name}, ...], 1)")


@dataclass(frozen=True)
class _CallSite:
    """A call in the forward of some block, on whose argument the refused call works."""

    block: str
    whole: SourceExpression
    given: SourceExpression

    def with_argument(self, text: str, short: str) -> Candidate:
        return Candidate("call", (replaced(self.given, text),), one_line(text, short), self.whole.span, 0)


def _sites(case: EditCase) -> Iterator[_CallSite]:
    """The refused call, and the calls of the blocks around it, the innermost first."""
    given, whole = given_expression(case), case.written()
    path = str(case.node.meta["block"])
    if given is not None and whole is not None:
        yield _CallSite(path, whole, given)
    while path:
        path, _, name = path.rpartition(".")
        found = _only_call(case, path, name)
        if found is not None:
            yield found


def _only_call(case: EditCase, path: str, name: str) -> _CallSite | None:
    """The one call of a child, with one argument at least, in the forward of a block."""
    module = case.built.model.get_submodule(path) if path else case.built.model
    code = getattr(type(module).forward, "__code__", None)
    function = function_of(code) if isinstance(code, CodeType) else None
    if code is None or function is None or not is_editable(code.co_filename, case.built.is_user):
        return None
    calls = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]
    if len(calls) != 1 or not calls[0].args or isinstance(calls[0].args[0], ast.Starred):
        return None
    whole = SourceExpression(code.co_filename, calls[0])
    return _CallSite(path, whole, whole.part(calls[0].args[0]))


def _never_called(case: EditCase, site: _CallSite) -> list[str]:
    """The layers of a block, as `self.pool`, that nothing calls and its forward does not name."""
    module = case.built.model.get_submodule(site.block) if site.block else case.built.model
    function = function_around(site.given.filename, site.given.node)
    if function is None or not function.args.args:
        return []
    read = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    called = _called(case)
    names: list[str] = []
    for name, child in module.named_children():
        path = f"{site.block}.{name}" if site.block else name
        is_called = any(one == path or one.startswith(f"{path}.") for one in called)
        if not is_called and name not in read and name.isidentifier() and not _is_idle(child):
            names.append(f"{function.args.args[0].arg}.{name}")
    return names


def _called(case: EditCase) -> set[str]:
    """The paths of the layers that were called, and of the blocks that something was called in."""
    nodes = case.run.trace.nodes
    layers = {str(node.target) for node in nodes if node.op == "call_module"}
    return layers | {str(node.meta["block"]) for node in nodes if "block" in node.meta}


def _is_idle(module: nn.Module) -> bool:
    return isinstance(module, nn.ModuleList | nn.ModuleDict | nn.Identity | nn.Dropout)


def _lacks_channels(case: EditCase) -> bool:
    """Whether a layer for maps gets fewer channels than it takes: a join may be missing."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement) or requirement_kind(requirement.name).along != "channels":
        return False
    actual, expected = number(requirement.actual), number(requirement.expected)
    return actual is not None and expected is not None and actual < expected and len(shape_of(case.inputs[0])) > 2


def _never_read(given: SourceExpression) -> list[str]:
    """The parameters of the function that makes the call, and its own names, that it never reads."""
    function = function_around(given.filename, given.node)
    if function is None:
        return []
    nodes = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    read = {node.id for node in nodes if isinstance(node.ctx, ast.Load)}
    bound = [arg.arg for arg in function.args.args[1:]]
    bound += [node.id for node in nodes if isinstance(node.ctx, ast.Store) and node.lineno < given.node.lineno]
    return [name for name in dict.fromkeys(bound) if name not in read and not name.startswith("_")]

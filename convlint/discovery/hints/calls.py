"""Example calls: a model that is constructed and fed in the same code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from convlint.discovery.hints.contexts import Context
from convlint.discovery.hints.exact import exact
from convlint.discovery.hints.inlining import inlined
from convlint.discovery.hints.models import Made, ProjectModels
from convlint.discovery.hints.probes import Probe, probe_of
from convlint.discovery.hints.scopes import SyntaxPlace, live
from convlint.discovery.hints.values import is_made
from convlint.discovery.hints.view import View, shorten
from convlint.facts import Span
from convlint.jobs import Expression

EXAMPLE = "example_input_array"
"""The attribute by which a LightningModule says what its forward takes; Lightning runs it for its summary."""


@dataclass(frozen=True, slots=True, eq=False)
class ExampleCall:
    """A call whose arguments are forward's, or that names their sizes."""

    made: Made
    what: str  # as reports show it
    row: int
    call: Expression | None = None
    shape: Expression | None = None
    has_batch: bool = True
    node: ast.Call | None = None
    is_exact: bool = True  # it is made, and its arguments mean one thing


def examples(models: ProjectModels) -> list[ExampleCall]:
    """All of a file, in the order of their rows."""
    found = [
        example for scope in models.view.scopes for call, spot in scope.calls for example in _of(call, spot, models)
    ]
    return sorted(found, key=lambda example: example.row)


def fed(call: ast.Call, spot: SyntaxPlace, models: ProjectModels) -> list[Made]:
    """The models that a call runs."""
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr == "forward":
        function = function.value
    return models.of(function, spot)


def example_inputs(node: ast.ClassDef, view: View) -> Iterator[tuple[Expression, Span]]:
    """`example_input_array` of a LightningModule, in its body or its constructor, and where it is given."""
    if EXAMPLE.encode() not in view.data:
        return
    cls = next(scope for scope in view.scopes if scope.node is node)
    bindings = [*cls.bindings.get(EXAMPLE, ()), *cls.attributes.get(EXAMPLE, ())]
    for binding in bindings:
        if binding.kind == "assign" and binding.value is not None and is_made([binding.value], view, binding.spot):
            value = binding.value
            yield _forward(spread(value, binding.spot), binding.spot, view, value.lineno), view.span(value)


def _of(call: ast.Call, spot: SyntaxPlace, models: ProjectModels) -> Iterator[ExampleCall]:
    probe = probe_of(call, spot, models.view)
    if probe is not None:
        yield from _probed(call, spot, models, probe)
        return
    if not call.args and not call.keywords:
        return
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    found = fed(call, spot, models)
    if found and is_made(arguments, models.view, spot):
        text = _forward(call, spot, models.view, call.lineno)
        is_exact = _is_exact(arguments, spot, models.view)
        for made in found:
            yield ExampleCall(made, shorten(ast.unparse(call)), call.lineno, call=text, node=call, is_exact=is_exact)


def _is_exact(arguments: list[ast.expr], spot: SyntaxPlace, view: View) -> bool:
    return not spot.is_doubtful and exact(arguments, Context(view, spot)) is not None


def _probed(call: ast.Call, spot: SyntaxPlace, models: ProjectModels, probe: Probe) -> Iterator[ExampleCall]:
    """`summary(model, (1, 28, 28))`, `torch.jit.trace(model, x)` and the like."""
    model = probe.model_of(call)
    found = models.of(model, spot) if model is not None else []
    given = probe.argument_of(call) if found else None
    if given is None or not is_made([given.node], models.view, spot):
        return
    what = shorten(ast.unparse(call))
    is_exact = _is_exact([given.node], spot, models.view)
    for made in found:
        example = ExampleCall(made, what, call.lineno, node=call, is_exact=is_exact)
        if given.is_sizes:
            shape = models.view.expression(given.node)
            yield replace(example, shape=shape, has_batch=given.has_batch)
        else:
            text = _forward(spread(given.node, spot), spot, models.view, call.lineno)
            yield replace(example, call=text)


def spread(node: ast.expr, spot: SyntaxPlace) -> ast.Call:
    """The call of forward that a tool makes of its inputs: a tuple holds one argument each."""
    value = node
    if isinstance(node, ast.Name):
        bindings = live(node.id, spot) or []
        values = [binding.value for binding in bindings if binding.kind == "assign" and binding.value]
        value = values[0] if len(values) == 1 and len(bindings) == 1 else node
    arguments: list[ast.expr]
    if not isinstance(value, ast.Tuple):
        arguments = [node]
    elif value is node:
        arguments = list(value.elts)
    else:
        arguments = [ast.Starred(value=node, ctx=ast.Load())]
    return ast.Call(func=ast.Name(id="forward", ctx=ast.Load()), args=arguments, keywords=[])


def _forward(call: ast.Call, spot: SyntaxPlace, view: View, row: int) -> Expression:
    keywords = [ast.keyword(arg=keyword.arg, value=inlined(keyword.value, spot)) for keyword in call.keywords]
    return forward_call([inlined(argument, spot) for argument in call.args], keywords, view, row)


def forward_call(arguments: list[ast.expr], keywords: list[ast.keyword], view: View, row: int) -> Expression:
    """A call of the model with these arguments, which are evaluated at the row."""
    again = ast.Call(func=ast.Name(id="forward", ctx=ast.Load()), args=arguments, keywords=keywords)
    return Expression(text=ast.unparse(again), path=view.path, row=row)

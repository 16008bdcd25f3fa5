"""Whether an expression is computed from what the code itself says, and not from data that it reads."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

from convlint.discovery.hints.scopes import Binding, SyntaxPlace, live
from convlint.discovery.hints.view import View
from convlint.discovery.project import Symbol

# Packages whose functions compute, but for those that read or fetch something.
_PACKAGES = frozenset(
    {
        "torch",
        "numpy",
        "math",
        "random",
        "argparse",
        "types",
        "collections",
        "itertools",
        "copy",
        "functools",
        "os",
        "sys",
    }
)
_READERS = (
    "torch.load",
    "torch.hub",
    "torch.utils",
    "torch.distributed",
    "numpy.load",
    "numpy.fromfile",
    "numpy.genfromtxt",
    "os.listdir",
    "os.walk",
    "os.popen",
    "sys.stdin",
)
_NO_BUILTINS = frozenset({"open", "input", "next", "exec", "eval", "__import__"})
# Methods of tensors, arrays, lists, dicts, strings and parsers. What a method of another class gives is not known.
_METHODS = frozenset(
    """
    abs add add_ argmax argmin astype bernoulli_ bfloat16 bool choice chunk clamp clone contiguous copy count cpu cuda
    detach dim double exp expand expand_as fill_ flatten float format gather get half index index_select int item items
    join keys log log_softmax long lower masked_fill masked_fill_ max mean min mul mul_ ndimension new new_full new_ones
    new_tensor new_zeros normal normal_ nonzero numel numpy parse_args parse_known_args permute randint randn random
    random_ ravel repeat replace requires_grad_ reshape round scatter scatter_ short sigmoid size softmax sort split
    squeeze squeeze_ stack standard_normal strip sum swapaxes t tanh tile to tolist transpose tril triu type type_as
    unbind unsqueeze unsqueeze_ uniform uniform_ upper values view view_as zero_
    """.split()  # noqa: SIM905 - a list of a hundred lines would be no better to read
)
_GROWING = frozenset({"append", "extend", "insert", "update", "setdefault", "add", "appendleft"})
IN_PLACE = frozenset({"resize_", "squeeze_", "unsqueeze_", "transpose_", "t_"})
"""Methods that change the shape of a tensor itself."""
OPTIONS = frozenset({"args", "opt", "opts", "options", "cfg", "config", "hparams", "flags", "conf"})
_DEEPEST = 25


def is_made(nodes: Iterable[ast.expr], view: View, spot: SyntaxPlace) -> bool:
    """Whether all the expressions can be computed where they stand."""
    return all(_is_made(node, view, spot, frozenset(), 0) for node in nodes)


def _is_made(node: ast.expr, view: View, spot: SyntaxPlace, own: frozenset[str], depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    match node:
        case ast.Name(id=name):
            return name in own or _is_known(name, view, spot, depth)
        case ast.Call():
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            return _may_call(node.func, view, spot, own, depth) and all(
                _is_made(argument, view, spot, own, depth + 1) for argument in arguments
            )
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp() | ast.Lambda():
            own |= _bound_inside(node)
        case ast.Await() | ast.Yield() | ast.YieldFrom():
            return False
        case _:
            pass
    return all(_is_made(inner, view, spot, own, depth + 1) for inner in _inner(node))


def _bound_inside(node: ast.expr) -> frozenset[str]:
    """The variables of a comprehension, the parameters of a lambda."""
    stored = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    parameters = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    return frozenset(stored | parameters)


def _inner(node: ast.expr) -> Iterable[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.comprehension):
            yield from (child.iter, *child.ifs)


def _is_known(name: str, view: View, spot: SyntaxPlace, depth: int) -> bool:
    bindings = live(name, spot)
    if bindings is None:
        return (hasattr(builtins, name) and name not in _NO_BUILTINS) or bool(view.member.outline.stars)
    return bool(bindings) and all(_is_bound(name, binding, view, depth) for binding in bindings)


def _is_bound(name: str, binding: Binding, view: View, depth: int) -> bool:
    if binding.kind in ("import", "definition"):
        return True
    if binding.kind == "parameter":
        return _is_given(name, binding, view, depth)
    if binding.kind not in ("assign", "unpack") or binding.value is None:
        return False
    if isinstance(binding.value, ast.List | ast.Dict | ast.Call) and _is_grown(name, binding.spot):
        return False
    return _is_made(binding.value, view, binding.spot, frozenset(), depth + 1)


def _is_grown(name: str, spot: SyntaxPlace) -> bool:
    """`inputs.append(...)`: how often depends on what runs."""
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr in _GROWING
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == name
        for call, _ in spot.scope.calls
    )


def _is_given(name: str, binding: Binding, view: View, depth: int) -> bool:
    """Whether a parameter has its value from a parser, a number as its default, or a call in the same file."""
    function = binding.spot.scope.node
    if not isinstance(function, ast.FunctionDef) or name == binding.spot.scope.self_name:
        return False
    if name in OPTIONS:
        return True
    given = next(view.given(function, name), None) if binding.spot.scope.owner is None else None
    if given is not None:
        return _is_made(given[0], view, given[1], frozenset(), depth + 1)
    positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    defaults = dict(zip(positional[::-1], function.args.defaults[::-1], strict=False))
    defaults |= {
        argument.arg: default
        for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if default
    }
    default = defaults.get(name)
    return default is not None and any(isinstance(one, ast.Constant) and one.value for one in ast.walk(default))


def _may_call(function: ast.expr, view: View, spot: SyntaxPlace, own: frozenset[str], depth: int) -> bool:
    meaning = view.meaning_of(function, spot)
    if isinstance(meaning, str):
        return _computes(meaning)
    if isinstance(meaning, Symbol) and view.project.value_of(meaning) is None:
        return _is_harmless(meaning, view, frozenset())
    if isinstance(function, ast.Attribute):
        is_known = function.attr in _METHODS or function.attr.startswith("init")
        return is_known and _is_made(function.value, view, spot, own, depth + 1)
    return _is_made(function, view, spot, own, depth + 1)


def _computes(name: str) -> bool:
    return name.partition(".")[0] in _PACKAGES and not name.startswith(_READERS)


def _is_harmless(symbol: Symbol, view: View, met: frozenset[Symbol]) -> bool:
    """Whether a function of the project, or the functions that it calls, read nothing."""
    if symbol in met or len(met) > _DEEPEST:
        return True
    found = view.project.function_of(symbol)
    if found is None:
        return True
    for name in found.references:
        meaning = view.project.meaning(symbol.path, name)
        if isinstance(meaning, str) and not _computes(meaning):
            return False
        if meaning is None and name in _NO_BUILTINS:
            return False
        if isinstance(meaning, Symbol) and not _is_harmless(meaning, view, met | {symbol}):
            return False
    return True

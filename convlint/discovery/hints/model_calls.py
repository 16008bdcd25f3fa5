"""How a file feeds a model with what a loader gives: as it comes, or reshaped before."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from convlint.discovery.hints.calls import fed
from convlint.discovery.hints.models import Made, ProjectModels
from convlint.discovery.hints.scopes import Binding, SyntaxPlace, live
from convlint.discovery.hints.values import IN_PLACE, is_made
from convlint.discovery.hints.view import View
from convlint.discovery.references import dotted
from convlint.jobs import Expression

_DEEPEST = 12
ITERATORS = frozenset({"enumerate", "tqdm", "iter", "next", "islice", "trange", "track", "log_every"})
_LOADER = ("load", "data", "train", "test", "val", "batch", "iter", "dl", "set")
# What leaves the shape of a tensor as it is.
SAME = frozenset(
    {
        "to",
        "cuda",
        "cpu",
        "float",
        "double",
        "half",
        "type",
        "type_as",
        "detach",
        "clone",
        "contiguous",
        "requires_grad_",
        "pin_memory",
        "clamp",
        "add",
        "sub",
        "mul",
        "div",
    }
)
WRAPPED = frozenset({"Variable", "Tensor", "FloatTensor", "as_tensor", "randn_like"})
RESHAPES = frozenset({"view", "reshape", "flatten"})
_CHANGING = frozenset(
    {"squeeze", "unsqueeze", "permute", "transpose", "repeat", "expand", "mean", "sum", "narrow", "t"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """A call of a model with something of a loader as its only argument."""

    made: Made
    row: int
    is_plain: bool  # the images as they come
    is_loaded: bool = True  # False for what comes from no loader
    shape: Expression | None = None  # the sizes they get before, the batch first
    is_flat: bool = False  # all sizes after the batch become one
    node: ast.Call | None = None
    is_doubtful: bool = False  # of `Spot`


@dataclass(frozen=True, slots=True, eq=False)
class _Origin:
    """Where a value comes from: an item of a loader, and what became of it."""

    path: tuple[int, ...]  # () is the batch, (0,) its first element
    reshape: ast.Call | None = None
    spot: SyntaxPlace | None = None
    is_changed: bool = False


def feeds(models: ProjectModels) -> list[Feed]:
    found = [feed for scope in models.view.scopes for call, spot in scope.calls for feed in _of(call, spot, models)]
    return sorted(found, key=lambda feed: feed.row)


def _of(call: ast.Call, spot: SyntaxPlace, models: ProjectModels) -> Iterator[Feed]:
    if not call.args or isinstance(call.args[0], ast.Starred):
        return
    made = fed(call, spot, models)
    origins = _origins(call.args[0], spot, models.view, 0) if made else []
    for one in made:
        if not origins:
            yield Feed(one, call.lineno, is_plain=False, is_loaded=False, node=call)
        # A loop that reshapes in its body has both of them after it.
        reshaped = [origin for origin in origins if origin.reshape is not None]
        for origin in reshaped or origins:
            yield replace(_feed(one, call, origin, models.view), node=call, is_doubtful=spot.is_doubtful)


def _feed(made: Made, call: ast.Call, origin: _Origin, view: View) -> Feed:
    unknown = Feed(made, call.lineno, is_plain=False)
    if origin.is_changed:
        return unknown
    is_image = origin.path in ((), (0,)) and len(call.args) == 1 and not call.keywords
    if origin.reshape is None or origin.spot is None:
        return replace(unknown, is_plain=is_image)
    sizes = reshaped_to(origin.reshape)
    if sizes is None or not is_image:
        return unknown
    rest = sizes[1:]
    texts = [ast.unparse(size) for size in rest]
    if texts == ["-1"]:
        return replace(unknown, is_flat=True)
    if not rest or "-1" in texts or not is_made(rest, view, origin.spot):
        return unknown
    text = f"(-1, {', '.join(texts)})"
    return replace(unknown, shape=Expression(text=text, path=view.path, row=origin.reshape.lineno))


def reshaped_to(call: ast.Call) -> list[ast.expr] | None:
    """The sizes of `x.view(-1, 784)`, `x.flatten(1)` and `torch.flatten(x, 1)`, the batch first."""
    assert isinstance(call.func, ast.Attribute)
    minus_one = ast.UnaryOp(op=ast.USub(), operand=ast.Constant(1))
    if call.func.attr == "flatten":
        start = call.args[-1] if call.args else None
        start = next((keyword.value for keyword in call.keywords if keyword.arg == "start_dim"), start)
        is_flat = isinstance(start, ast.Constant) and start.value == 1
        return [minus_one, minus_one] if is_flat else None
    given = call.args[1:] if dotted(call.func.value) == "torch" else call.args
    sizes = list(given[0].elts) if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List) else list(given)
    return sizes if len(sizes) > 1 and not any(isinstance(size, ast.Starred) for size in sizes) else None


def _origins(node: ast.expr, spot: SyntaxPlace, view: View, depth: int) -> list[_Origin]:
    """None for what comes from no loader."""
    if depth > _DEEPEST:
        return []
    match node:
        case ast.Name(id=name):
            return _of_name(name, spot, view, depth)
        case ast.Subscript(value=value, slice=ast.Constant(value=int(number))):
            return [_element(one, (number,)) for one in _origins(value, spot, view, depth + 1)]
        case ast.Call():
            return _of_call(node, spot, view, depth)
        case ast.BinOp(left=left, right=right):
            return _origins(left, spot, view, depth + 1) or _origins(right, spot, view, depth + 1)
        case ast.Attribute(value=value, attr="data"):
            return _origins(value, spot, view, depth + 1)
        case ast.Subscript(value=value):
            return [replace(one, is_changed=True) for one in _origins(value, spot, view, depth + 1)]
        case _:
            return []


def _element(origin: _Origin, path: tuple[int, ...]) -> _Origin:
    if origin.path or origin.reshape:
        return replace(origin, is_changed=True)  # `images[0]` is one image
    return replace(origin, path=path)


def _of_name(name: str, spot: SyntaxPlace, view: View, depth: int) -> list[_Origin]:
    found = [one for binding in live(name, spot) or [] for one in _of_binding(name, binding, spot, view, depth)]
    changes = [(call, at) for call, at in spot.scope.calls if _changes(call, name) and at.position < spot.position]
    if not changes:
        return found
    call, at = max(changes, key=lambda change: change[1].position)
    is_sized = isinstance(call.func, ast.Attribute) and call.func.attr == "resize_"
    return [replace(one, reshape=call, spot=at) if is_sized else replace(one, is_changed=True) for one in found]


def _of_binding(name: str, binding: Binding, spot: SyntaxPlace, view: View, depth: int) -> Iterator[_Origin]:
    """One way in which the name may have come by its value."""
    match binding.kind, binding.value:
        case "loop", _:
            yield from _of_loop(binding)
        case "parameter", _:
            yield from _of_parameter(name, spot)
        case "assign" | "unpack", ast.expr() as value:
            for one in _origins(value, binding.spot, view, depth + 1):
                yield _element(one, binding.index) if binding.index else one
        case _:
            pass


def _changes(call: ast.Call, name: str) -> bool:
    """`images.resize_(64, 784)`."""
    function = call.func
    return isinstance(function, ast.Attribute) and function.attr in IN_PLACE and dotted(function.value) == name


def _of_loop(binding: Binding) -> Iterator[_Origin]:
    node, path = binding.value, binding.index
    while isinstance(node, ast.Call):
        name = (dotted(node.func) or "").rpartition(".")[2]
        if name not in ITERATORS:
            break
        if name == "enumerate":
            if path[:1] != (1,):
                return  # the number
            path = path[1:]
        if not node.args:
            return
        node = node.args[0]
    if _is_loader(node):
        yield _Origin(path)


def _is_loader(node: ast.expr | None) -> bool:
    """A variable called like one, or a loader itself."""
    if isinstance(node, ast.Call):
        return (dotted(node.func) or "").endswith("DataLoader")
    name = (dotted(node) or "").rpartition(".")[2].lower() if node is not None else ""
    if isinstance(node, ast.Subscript):
        return _is_loader(node.value)  # `loaders["train"]`
    return any(word in name for word in _LOADER)


def _of_parameter(name: str, spot: SyntaxPlace) -> Iterator[_Origin]:
    """The batch that Lightning gives to `training_step`."""
    node = spot.scope.node
    if isinstance(node, ast.FunctionDef) and name == "batch" and node.name.endswith("_step"):
        yield _Origin(())


def _of_call(node: ast.Call, spot: SyntaxPlace, view: View, depth: int) -> list[_Origin]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else (dotted(node.func) or "")
    if name in ITERATORS and name != "enumerate" and node.args:
        return [_Origin(())] if name == "next" and _is_loader(_iterated(node.args[0])) else []
    if name in WRAPPED and node.args:
        return _origins(node.args[0], spot, view, depth + 1)
    if isinstance(node.func, ast.Attribute):
        return _of_method(node, node.func, spot, view, depth)
    return []  # what another model made of it, perhaps


def _of_method(call: ast.Call, method: ast.Attribute, spot: SyntaxPlace, view: View, depth: int) -> list[_Origin]:
    """`images.view(-1, 784)`, `torch.flatten(images, 1)`."""
    is_torch = dotted(method.value) == "torch"
    subject = call.args[0] if is_torch and call.args else method.value
    origins = _origins(subject, spot, view, depth + 1)
    if method.attr in SAME and not is_torch:
        return origins
    if method.attr in RESHAPES:
        # Of two reshapes the last one counts.
        return [replace(one, reshape=call, spot=spot) for one in origins]
    return [replace(one, is_changed=True) for one in origins] if method.attr in _CHANGING else []


def _iterated(node: ast.expr) -> ast.expr:
    """The loader in `iter(tqdm(loader))`."""
    while isinstance(node, ast.Call) and node.args and (dotted(node.func) or "") in ITERATORS:
        node = node.args[0]
    return node

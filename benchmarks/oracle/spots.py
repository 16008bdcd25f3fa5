"""What a mutant may change in the file of a model: numbers, arguments, calls and statements, as nodes of its tree."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

Node = ast.expr | ast.stmt

_DIMENSIONS: Final = ("1d", "2d", "3d")
_CONV: Final = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")
_POOL: Final = ("kernel_size", "stride", "padding")
_RECURRENT: Final = ("input_size", "hidden_size")
_TRANSFORMER: Final = ("d_model", "nhead", "dim_feedforward")
# By the last part of a name, in the order of the positions. A method has no "input".
_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    **{f"Conv{n}": _CONV for n in _DIMENSIONS},
    **{f"ConvTranspose{n}": _CONV for n in _DIMENSIONS},
    **{f"conv{n}": ("input", "weight", "bias", "stride", "padding") for n in _DIMENSIONS},
    **{f"BatchNorm{n}": ("num_features",) for n in _DIMENSIONS},
    **{f"InstanceNorm{n}": ("num_features",) for n in _DIMENSIONS},
    **{f"{kind}Pool{n}": _POOL for n in _DIMENSIONS for kind in ("Max", "Avg")},
    **{f"{kind}_pool{n}": ("input", *_POOL) for n in _DIMENSIONS for kind in ("max", "avg")},
    **{kind + cell: _RECURRENT for kind in ("LSTM", "GRU", "RNN") for cell in ("", "Cell")},
    "Linear": ("in_features", "out_features"),
    "Bilinear": ("in1_features", "in2_features", "out_features"),
    "GroupNorm": ("num_groups", "num_channels"),
    "LayerNorm": ("normalized_shape",),
    "Embedding": ("num_embeddings", "embedding_dim"),
    "MultiheadAttention": ("embed_dim", "num_heads"),
    "TransformerEncoderLayer": _TRANSFORMER,
    "TransformerDecoderLayer": _TRANSFORMER,
    "cat": ("tensors", "dim"),
    "stack": ("tensors", "dim"),
    "chunk": ("input", "chunks", "dim"),
    "flatten": ("input", "start_dim"),
    "Flatten": ("start_dim",),
    "reshape": ("input", "shape"),
    "Unflatten": ("", "unflattened_size"),
}
_STEPS: Final = {"kernel_size": 2, "stride": 1, "padding": 1}
_SHAPES: Final = ("shape", "unflattened_size")
_SIZES: Final = frozenset({*_CONV[:2], *_RECURRENT, *_TRANSFORMER, "num_features", "in_features", "out_features"}) | {
    *("in1_features", "in2_features", "num_groups", "num_channels", "normalized_shape"),
    *("num_embeddings", "embedding_dim", "embed_dim", "num_heads"),
}
_ATOMS: Final = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
_EXPRESSIONS: Final = (*_ATOMS, ast.BinOp, ast.UnaryOp, ast.IfExp)
_MODULES: Final = ("torch", "F", "functional")
_OF_ONE_TENSOR: Final = ("relu", "flatten", *(name for name in _PARAMETERS if "_pool" in name))


@dataclass(frozen=True)
class Spot:
    """One place that may be changed; mutants.py knows how each kind is changed."""

    kind: str
    name: str  # of the layer or function, as Mutant has it
    nodes: tuple[Node, ...]  # in the order of the text, what is changed first
    step: int = 0  # by which a window grows


def spots(tree: ast.Module, classes: Collection[str] | None) -> Iterator[Spot]:
    for root in [tree] if classes is None else _chosen(tree.body, classes):
        for node in _walk(root):
            if isinstance(node, ast.Call):
                yield from _of_call(node)
            elif isinstance(node, ast.FunctionDef) and node.name == "forward":
                yield from _of_forward(node)


def number(node: ast.AST) -> int | None:
    """The number that is written there."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        positive = number(node.operand)
        return None if positive is None else -positive
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def parts(node: ast.expr) -> list[ast.expr]:
    """The elements of a tuple or a list that is written there, or the node itself."""
    return node.elts if isinstance(node, ast.Tuple | ast.List) else [node]


def is_atom(node: Node) -> bool:
    """It needs no parentheses as an operand."""
    return isinstance(node, _ATOMS)


def _chosen(body: Iterable[ast.AST], classes: Collection[str]) -> Iterator[ast.AST]:
    """The classes of these names, and the functions and constants that they may use."""
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name not in classes:
            yield from _chosen((inner for inner in node.body if isinstance(inner, ast.ClassDef)), classes)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign):
            yield node
        elif isinstance(node, ast.Try) or (isinstance(node, ast.If) and "__name__" not in ast.unparse(node.test)):
            yield from _chosen(ast.iter_child_nodes(node), classes)


def _walk(root: ast.AST) -> Iterator[ast.AST]:
    todo = [root]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.JoinedStr):  # Python 3.11 does not know the positions in there
            todo.extend(ast.iter_child_nodes(node))


def _of_call(call: ast.Call) -> Iterator[Spot]:
    last, name = _last(call.func), _written(call)
    for parameter, value in (arguments := _arguments(call)).items():
        yield from _of_argument(name, parameter, value)
    if last in ("view", "reshape") and _is_method(call.func):
        for value in call.args:
            yield from _of_argument(name, "shape", value)
    sizes = [value for parameter, value in arguments.items() if parameter in _SIZES and _is_size(value)][:2]
    if len(sizes) == 2 and all(map(_is_on_one_row, sizes)):
        yield Spot("swapped arguments", name, _in_order(sizes))
    if last == "Sequential":
        yield from _of_sequential(call)
    elif last == "Flatten" and not call.args and not call.keywords:
        yield Spot("no start dim", name, (call,))
    elif last.startswith("Conv") and "groups" in _PARAMETERS.get(last, ()) and "groups" not in arguments:
        values = [*call.args, *(keyword.value for keyword in call.keywords)]
        is_plain = not any(isinstance(value, ast.Starred) for value in values)
        if values and is_plain and all(keyword.arg for keyword in call.keywords):
            yield Spot("no groups", name, _in_order(values)[-1:])


def _of_argument(name: str, parameter: str, value: ast.expr) -> Iterator[Spot]:
    if parameter in _SIZES:
        yield from (Spot("size", name, (part,)) for part in parts(value) if _is_size(part))
    elif parameter in _SHAPES:
        yield from (Spot("view", name, (part,)) for part in parts(value) if _is_number_of_shape(part))
    elif parameter in _STEPS and all(number(part) is not None for part in parts(value)):
        yield Spot("window", name, (value,), _STEPS[parameter])
    elif parameter in ("dim", "groups") and number(value) is not None:
        yield Spot(parameter, name, (value,))
    elif parameter == "start_dim" and number(value) == 1:
        yield Spot("start dim", name, (value,))


def _of_sequential(call: ast.Call) -> Iterator[Spot]:
    elements = call.args
    if len(elements) < 2:
        return
    for element, following in pairwise([*elements, call]):
        if isinstance(element, ast.Starred):
            continue
        yield Spot("dropped layer", _written(element), (element, following))
        is_alone = following is call or isinstance(following, ast.Starred)
        if not is_alone and _is_on_one_row(element) and _is_on_one_row(following):
            yield Spot("swapped layers", _written(element), (element, following))


def _of_forward(function: ast.FunctionDef) -> Iterator[Spot]:
    for node in _walk(function):
        if isinstance(node, ast.Call):
            yield from _inner_calls(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)  # a lambda has a body that is not a list
            if isinstance(block, list):
                yield from _of_block(block)


def _inner_calls(outer: ast.Call) -> Iterator[Spot]:
    for value in [*outer.args, *(keyword.value for keyword in outer.keywords)]:
        if not isinstance(value, ast.Call) or not value.args or isinstance(value.args[0], ast.Starred):
            continue
        is_layer = _written(value).startswith("self.") and len(value.args) == 1
        if is_layer or (_last(value.func) in _OF_ONE_TENSOR and not _is_method(value.func)):
            yield Spot("dropped call", _written(value), (value, value.args[0]))


def _of_block(block: list[ast.stmt]) -> Iterator[Spot]:
    for statement in block:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
            continue
        used = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
        if len(statement.targets) == 1 and isinstance(target := statement.targets[0], ast.Name) and target.id in used:
            yield Spot("dropped call", _written(statement.value), (statement,))
    for first, second in pairwise(block):
        value = _assigned(first)
        if value and _assigned(second) and _is_on_one_row(first) and _is_on_one_row(second):
            yield Spot("swapped statements", _written(value), (first, second))


def _assigned(statement: ast.stmt) -> ast.expr | None:
    return statement.value if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) else None


def _arguments(call: ast.Call) -> dict[str, ast.expr]:
    """The arguments of a known layer or function by the names of its parameters, as far as they are plain to see."""
    names = _PARAMETERS.get(_last(call.func), ())
    if names[:1] == ("input",) and _is_method(call.func):
        names = () if names == _PARAMETERS["reshape"] else names[1:]
    found: dict[str, ast.expr] = {}
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        found[name] = value
    return found | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in names and keyword.arg}


def _is_size(node: ast.expr) -> bool:
    return number(node) is not None or isinstance(node, _EXPRESSIONS)


def _is_number_of_shape(node: ast.expr) -> bool:
    return number(node) not in (None, -1) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult))


def _is_on_one_row(node: Node) -> bool:
    return node.lineno == node.end_lineno


def _is_method(function: ast.expr) -> bool:
    """It is called on a tensor: `x.flatten`, and neither `torch.flatten` nor `flatten`."""
    return isinstance(function, ast.Attribute) and _last(function.value) not in _MODULES


def _in_order(nodes: Iterable[ast.expr]) -> tuple[ast.expr, ...]:
    return tuple(sorted(nodes, key=lambda node: (node.lineno, node.col_offset)))


def _last(node: ast.expr) -> str:
    """`Linear` of `torch.nn.Linear`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _written(node: ast.expr) -> str:
    """What is called, or else the expression: `x.view`, and `.view` of a longer expression."""
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute) and any(isinstance(inner, ast.Call) for inner in ast.walk(called)):
        return f".{called.attr}"
    return ast.unparse(called)

"""What a constructor does with its parameters, read from its code: which are sequences, numbers, keys, or called."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from convlint.notebook import SUFFIXES
from convlint.worker.user_code.source import tree_of

# Layers whose first two arguments are numbers.
_SIZED = ("Conv", "Linear", "BatchNorm", "Embedding", "LSTM", "GRU", "RNN")
_WALKERS = frozenset({"zip", "enumerate", "reversed", "list", "tuple", "sorted", "iter", "sum", "len", "map", "set"})


@dataclass
class ParameterUse:
    """The signs of what one parameter is."""

    is_many: bool = False  # iterated, counted, unpacked or indexed
    count: int | None = None  # how many, where that is certain
    least: int = 0  # the highest index that is asked for, and one
    is_number: bool = False
    is_called: bool = False
    keys_of: set[str] = field(default_factory=set)  # the names of the tables that it is looked up in

    def holds(self, count: int) -> bool:
        return count >= self.least and self.count in (None, count)


def uses_of(target: Callable[..., Any]) -> Mapping[str, ParameterUse]:
    """By parameter; empty for what has no Python code."""
    found: dict[str, ParameterUse] = {}
    for function in _constructors(target):
        arguments = function.args
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        for name, use in _in(function, names).items():
            found.setdefault(name, use)
    return found


def _constructors(target: Callable[..., Any]) -> Iterator[ast.FunctionDef]:
    """The function, or the constructors of a class and its bases, nearest first."""
    inits = (vars(base).get("__init__") for base in target.__mro__) if isinstance(target, type) else (target,)
    for init in inits:
        code = getattr(inspect.unwrap(init), "__code__", None) if callable(init) else None
        if not isinstance(code, CodeType) or not code.co_filename.endswith(SUFFIXES):
            continue
        tree = tree_of(code.co_filename)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                if first == code.co_firstlineno:
                    yield node


def _in(function: ast.FunctionDef, names: list[str]) -> dict[str, ParameterUse]:
    found = {name: ParameterUse() for name in names}
    alias = _aliases(function, names)

    def use(node: ast.AST) -> ParameterUse:
        return found.get(
            alias.get(ast.unparse(node), "") if isinstance(node, ast.Name | ast.Attribute) else "", ParameterUse()
        )

    for node in ast.walk(function):
        for walked in _walked(node):
            use(walked).is_many = True
        for number in _counted(node):
            use(number).is_number = True
        match node:
            case ast.Call(func=called):
                use(called).is_called = True
            case ast.Subscript(value=value, slice=index):
                _indexed(use(value), use(index), value, index)
            case ast.Assign(targets=[ast.Tuple(elts=parts)], value=value) if not _stars(parts):
                use(value).is_many, use(value).count = True, len(parts)
            case ast.Compare(left=ast.Call(func=ast.Name(id="len"), args=[value]), ops=[ast.Eq()], comparators=[right]):
                if isinstance(right, ast.Constant) and isinstance(right.value, int):
                    use(value).count = right.value
            case _:
                pass
    return found


def _walked(node: ast.AST) -> list[ast.expr]:
    """What a piece of code takes for a sequence."""
    match node:
        case ast.For(iter=walked) | ast.comprehension(iter=walked) | ast.Starred(value=walked):
            return [walked]
        case ast.Call(func=ast.Name(id=name), args=args) if name in _WALKERS:
            return args
        case ast.BinOp(left=ast.List(), right=walked) | ast.BinOp(left=walked, right=ast.List()):
            return [walked]
        case _:
            return []


def _counted(node: ast.AST) -> list[ast.expr]:
    """What a piece of code computes with."""
    match node:
        case ast.BinOp(left=ast.List()) | ast.BinOp(right=ast.List()):
            return []
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Call(func=ast.Name(id="range" | "int" | "float"), args=args):
            return args
        case ast.Call(func=ast.Attribute(attr=layer), args=args) if layer.startswith(_SIZED):
            return args[:2]
        case _:
            return []


def _indexed(value: ParameterUse, index: ParameterUse, node: ast.expr, at: ast.expr) -> None:
    """`sizes[0]`, `sizes[1:]`, `table[name]`."""
    if isinstance(node, ast.Name):
        index.keys_of.add(node.id)
    match at:
        case ast.Constant(value=int(number)):
            value.is_many, value.least = True, max(value.least, number + 1)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
            value.is_many, value.least = True, max(value.least, number)
        case ast.Slice() | ast.Name() | ast.BinOp():
            value.is_many = True
        case _:
            pass


def _aliases(function: ast.FunctionDef, names: list[str]) -> dict[str, str]:
    """The parameters, and the attributes that hold them: `self.dims = dims`."""
    alias = {name: name for name in names}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Attribute() as target], value=ast.Name(id=name)) if name in alias:
                alias[ast.unparse(target)] = name
            case _:
                pass
    return alias


def _stars(parts: list[ast.expr]) -> bool:
    return any(isinstance(part, ast.Starred) for part in parts)

"""What a statement may do besides binding names, judged by its syntax."""

from __future__ import annotations

import ast
import copy
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from convlint.discovery.references import dotted

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)

_WORDS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("calls.toml").read_text(encoding="utf-8"))
_PURE, _PURE_METHODS = frozenset(_WORDS["pure"]), frozenset(_WORDS["pure_methods"])
_SETTINGS, _WORK, _SHORT = (frozenset(_WORDS[name]) for name in ("settings", "work", "short"))
_PURE_FOLDERS = ("os.path.", "math.", "operator.", "string.")
_QUESTIONS = ("is_", "has_")  # `is_flash_attn_available()`: who asks changes nothing
_IMPURE_OWNERS = frozenset({"os", "shutil", "requests", "urllib", "subprocess", "sys", "torch"})


def defines(node: ast.AST) -> bool:
    """Whether a definition or import stands somewhere among the statements of a compound one."""
    return any(isinstance(inner, _DEFINITIONS) for inner in _statements(node))


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    for body in bodies(node):
        for inner in body:
            yield inner
            if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _statements(inner)


def bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
    for handler in getattr(node, "handlers", ()):
        yield handler.body


def is_light(node: ast.AST) -> bool:
    """Whether it neither trains nor writes nor loops without end, as far as names tell."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.While | ast.AsyncFor | ast.AsyncWith | ast.Await):
            return False
        if isinstance(inner, ast.Call) and (_last(inner.func) in _WORK or _iterates_data(inner)):
            return False
    return not (isinstance(node, ast.For) and not _is_short(node.iter))


def _iterates_data(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in ("next", "iter", "print", "exit", "quit")


def _is_short(iterated: ast.expr) -> bool:
    """A loop over a list, a range or the parts of a model; not over a loader, an environment or a file."""
    match iterated:
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.Constant():
            return True
        case ast.Call(func=func):
            return _last(func) in _SHORT
        case ast.Name(id=name):
            return not any(sign in name.lower() for sign in ("loader", "iter", "batch", "data"))
        case _:
            return isinstance(iterated, ast.Attribute | ast.Subscript)


def is_quiet(node: ast.stmt) -> bool:
    """Whether executing it cannot do anything but bind names to plain values."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=targets, value=value):
            return all(map(_is_plain, targets)) and _is_plain(value)
        case ast.AnnAssign(value=value):
            return value is None or _is_plain(value)
        case ast.AugAssign(target=target, value=value):
            return _is_plain(target) and _is_plain(value)
        case ast.Expr(value=ast.Call(func=func, args=args)):
            name = dotted(func)
            return name in _SETTINGS and all(map(_is_plain_enough, args))
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=test):
            return _is_plain(test) and _is_quiet_inside(node)
        case ast.Try() | ast.TryStar():
            return _is_quiet_inside(node)
        case _:
            return False


def _is_quiet_inside(node: ast.stmt) -> bool:
    """Whether every statement of a compound one is quiet."""
    return all(is_quiet(inner) for body in bodies(node) for inner in body)


def assignments(node: ast.stmt, name: str) -> Iterator[ast.stmt]:
    """The plain assignments of a name inside a compound statement: what it would be, whichever way that goes."""
    for inner in _statements(node):
        targets = inner.targets if isinstance(inner, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets) and is_quiet(inner):
            yield inner


def quietened(node: ast.If | ast.Try | ast.TryStar | ast.With) -> ast.stmt:
    """A copy of a compound statement that keeps only what is quiet in it. A `with` is opened no more."""
    kept = copy.copy(node)
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            setattr(kept, name, _kept(block) or ([_nothing(node)] if name == "body" else []))
    if isinstance(kept, ast.Try | ast.TryStar):
        kept.handlers = [_handler(handler) for handler in kept.handlers]
    if isinstance(kept, ast.If) and not _is_plain(kept.test):
        return _always(kept)
    return _always(kept) if isinstance(kept, ast.With) else kept


def _kept(block: Iterable[ast.stmt]) -> list[ast.stmt]:
    result: list[ast.stmt] = []
    for inner in block:
        if is_quiet(inner):
            result.append(inner)
        elif isinstance(inner, ast.If | ast.Try | ast.TryStar | ast.With) and defines(inner):
            result.append(quietened(inner))
    return result


def _handler(handler: ast.ExceptHandler) -> ast.ExceptHandler:
    kept = copy.copy(handler)
    kept.body = _kept(handler.body) or [_nothing(handler)]
    return kept


def _always(node: ast.If | ast.With) -> ast.If:
    """The body alone, where what is in front of it cannot be evaluated without side effects."""
    return ast.copy_location(ast.If(ast.copy_location(ast.Constant(True), node), node.body, []), node)


def _nothing(node: ast.AST) -> ast.Pass:
    return ast.copy_location(ast.Pass(), node)


def _is_plain_enough(node: ast.expr) -> bool:
    """An argument of a setting: paths are often computed by calls that only look at names."""
    return all(dotted(call.func) is not None for call in ast.walk(node) if isinstance(call, ast.Call))


def _is_plain(node: ast.expr) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Await | ast.Yield | ast.YieldFrom):
            return False
        if isinstance(inner, ast.Call) and not _is_pure(inner.func):
            return False
    return True


def _is_pure(function: ast.expr) -> bool:
    name = dotted(function)
    if name is None:
        return isinstance(function, ast.Attribute) and function.attr in _PURE_METHODS
    if name in _PURE or name.startswith(_PURE_FOLDERS) or name.rpartition(".")[2].startswith(_QUESTIONS):
        return True
    return name.rpartition(".")[2] in _PURE_METHODS and name.partition(".")[0] not in _IMPURE_OWNERS and "." in name


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""

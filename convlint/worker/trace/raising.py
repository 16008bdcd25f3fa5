"""What an exception that leaves forward says: whether anything that convlint chose can have a part in it."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import types
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn

from convlint.tracebacks import steps_of
from convlint.worker.stack.parsed_file import call_at
from convlint.worker.stack.places import FramePlace, user_step
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import UNDECIDABLE
from convlint.worker.trace.bindings import is_bound_later
from convlint.worker.user_code.guessed import GuessedConfig
from convlint.worker.user_code.source import tree_of
from convlint.worker.user_code.standins import StandIn, lacks

_GUARDS = str(Path(__file__).parent.parent / "sandbox")
_MACHINE = ("distributed", "cuda", "_C")  # parts of torch that ask for processes or hardware
_MOST_NUMBERS = 24


def is_own(error: BaseException, is_user: IsUser) -> bool:
    """Whether an exception may be the user's: not of a guard, of a stand-in, of missing hardware or of fake tensors."""
    chain = list(_chain(error))
    steps = [step for one in chain for step in steps_of(one)]
    if user_step(error, is_user) is None or any(isinstance(one, (MemoryError, RecursionError)) for one in chain):
        return False
    if any(step.tb_frame.f_code.co_filename.startswith(_GUARDS) for step in steps):
        return False
    inner = steps_of(error)[0].tb_frame.f_code.co_filename
    if any(part in Path(inner).parts for part in _MACHINE):
        return False
    if isinstance(error, UNDECIDABLE) and called_container(error) is None:
        return False
    return not any(_is_made_up(value) for step in steps for value in list(step.tb_frame.f_locals.values()))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set[int]()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _is_made_up(value: Any) -> bool:
    return isinstance(value, StandIn | GuessedConfig) or lacks(value) is not None


def called_container(error: BaseException) -> nn.Module | None:
    """The `nn.ModuleList` or `nn.ModuleDict` that was called as if it were a layer."""
    steps = steps_of(error)
    frame = steps[0].tb_frame if steps else None
    if frame is None or frame.f_code.co_name != "_forward_unimplemented":
        return None
    module = frame.f_locals.get("self")
    return module if isinstance(module, nn.ModuleList | nn.ModuleDict) else None


def is_certain(error: BaseException, is_user: IsUser) -> bool:
    """Whether no input and no constructor argument decides an exception."""
    if called_container(error) is not None:
        return True
    step = user_step(error, is_user)
    if isinstance(error, AttributeError):  # which nn.Module raises itself
        return _is_set_nowhere(error)
    if step is None or steps_of(error)[0] is not step:
        return False
    frame = step.tb_frame
    if isinstance(error, UnboundLocalError):
        return is_bound_later(FramePlace(frame.f_code, step.tb_lasti))
    if isinstance(error, NameError):
        return error.name not in frame.f_code.co_freevars and _is_bound_nowhere(
            frame.f_code.co_filename, error.name or ""
        )
    return isinstance(error, TypeError) and _takes_other_arguments(frame, FramePlace(frame.f_code, step.tb_lasti))


def _is_bound_nowhere(filename: str, name: str) -> bool:
    tree = tree_of(filename)
    return (
        tree is not None
        and not hasattr(builtins, name)
        and name not in _bound(filename)
        and "*" not in _bound(filename)
    )


@lru_cache(maxsize=64)
def _bound(filename: str) -> frozenset[str]:
    """Every name that a file binds for all its functions; "*" where it may bind any."""
    found: set[str] = set()
    tree = tree_of(filename)
    for node in _outside_functions(tree) if tree is not None else ():
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add(other or name.partition(".")[0])
            case _:
                pass
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Global(names=names):
                found.update(names)
            case ast.Call(func=ast.Name(id="globals" | "exec" | "eval" | "setattr")):
                found.add("*")
            case _:
                pass
    return frozenset(found)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _outside_functions(child)


def _is_set_nowhere(error: AttributeError) -> bool:
    """An attribute of a module of the model, or of torch, that nothing in the files of its classes sets."""
    owner, name = error.obj, error.name or ""
    if owner is None or isinstance(owner, types.ModuleType):
        return _is_asked_of_torch(error)
    kinds = type(owner).__mro__
    if not isinstance(owner, nn.Module) or type(owner).__getattr__ is not nn.Module.__getattr__:
        return False
    own = [kind for kind in kinds if kind.__module__.partition(".")[0] not in ("torch", "builtins")]
    files = {filename for kind in own for filename in _files_of(kind)}
    if not files or any(map(lacks, kinds)):
        return False
    names = frozenset(kind.__name__ for kind in own)
    return all(name not in _attributes_set(file, names) for file in files)


def _is_asked_of_torch(error: AttributeError) -> bool:
    """Whether a name is looked up in torch or in one of its modules; some of these raise without saying so."""
    if isinstance(error.obj, types.ModuleType):
        return error.obj.__name__.partition(".")[0] == "torch"
    inner = steps_of(error)[0].tb_frame
    return inner.f_code.co_name == "__getattr__" and inner.f_globals.get("__name__") == "torch"


def is_no_tensor_method(error: AttributeError, is_user: IsUser) -> bool:
    """Whether a name that no tensor has is read, and that the user's file does not set on one."""
    step, name = user_step(error, is_user), error.name or ""
    if step is None or steps_of(error)[0] is not step or hasattr(torch.Tensor, name):
        return False
    return name not in _attributes_set(step.tb_frame.f_code.co_filename, frozenset())


def _files_of(kind: type) -> Iterator[str]:
    """The files of a class's own methods."""
    for value in vars(kind).values():
        code = getattr(value, "__code__", None)
        if isinstance(code, types.CodeType):
            yield code.co_filename


@lru_cache(maxsize=64)
def _attributes_set(filename: str, kinds: frozenset[str]) -> frozenset[str]:
    """What a file sets on anything, and its texts, as in `setattr(self, "name", ...)`; classes but `kinds` aside."""
    found: set[str] = set()
    tree = tree_of(filename)
    for node in _outside_classes(tree, kinds) if tree is not None else ():
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.Constant(value=str(name)):
                found.add(name)
            case _:
                pass
    return frozenset(found)


def _outside_classes(node: ast.AST, but: frozenset[str]) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef) or child.name in but:
            yield child
            yield from _outside_classes(child, but)


def _takes_other_arguments(frame: FrameType, place: FramePlace) -> bool:
    """Whether the called function or layer of the user's cannot be called with so many arguments, or these names."""
    call = call_at(place)
    if (
        call is None
        or any(isinstance(arg, ast.Starred) for arg in call.args)
        or any(k.arg is None for k in call.keywords)
    ):
        return False
    called = _value(call.func, frame)
    if isinstance(called, nn.Module):
        called = called.forward
    if not isinstance(called, types.FunctionType | types.MethodType):
        return False
    try:
        inspect.signature(called).bind(*call.args, **{str(k.arg): None for k in call.keywords})
    except TypeError:
        return True
    return False


def _value(node: ast.expr, frame: FrameType) -> Any:
    """What a name, or an attribute of one, stands for in a frame; None for anything else."""
    match node:
        case ast.Name(id=name):
            return frame.f_locals.get(name, frame.f_globals.get(name))
        case ast.Attribute(value=value, attr=name):
            owner = _value(value, frame)
            return getattr(owner, name, None) if owner is not None else None
        case _:
            return None


def is_unpacking(error: BaseException) -> bool:
    """Whether Python found more or fewer values than there are names on the left."""
    step = steps_of(error)[0]
    return isinstance(error, ValueError) and _unpacked(step.tb_frame.f_code, step.tb_lasti) is not None


def _unpacked(code: types.CodeType, offset: int) -> int | None:
    """How many values the instruction at a place unpacks."""
    found = (one for one in dis.get_instructions(code) if one.offset == offset and one.opname == "UNPACK_SEQUENCE")
    return next((int(one.arg or 0) for one in found), None)


def numbers_near(error: BaseException) -> tuple[int, ...]:
    """Sizes that the code an exception came through holds: of tensors, in its text, and counts of what it unpacks."""
    found: dict[int, None] = {}
    for step in steps_of(error):
        count = _unpacked(step.tb_frame.f_code, step.tb_lasti)
        if count is not None:
            found.setdefault(count)
    for step in steps_of(error):
        for value in list(step.tb_frame.f_locals.values()):
            sizes = value.shape if isinstance(value, torch.Tensor) else (value,)
            found.update(dict.fromkeys(size for size in sizes if type(size) is int))
        found.update(dict.fromkeys(size for size in step.tb_frame.f_code.co_consts if type(size) is int))
    return tuple(size for size in found if size > 0)[:_MOST_NUMBERS]

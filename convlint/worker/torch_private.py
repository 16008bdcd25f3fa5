"""Everything convlint touches of torch that torch calls private, with the reason and a fallback.

torch 2.11 to 2.13 are supported. No other module of convlint imports an underscored module of torch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from types import FrameType
from typing import Any

import sympy
import torch

from convlint.worker.deferral import defer, take_back

# What the first fake operation needs of torch._dynamo; each loads without the rest of that package.
_LIGHT = frozenset({"config", "exc", "utils", "source", "metrics_context", "graph_utils", "bytecode_transformation",
                    "bytecode_analysis", "bytecode_debugger"})  # fmt: skip


def _run_as_is(function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Any:
    """`torch._dynamo.disable` while nothing compiles: the function itself."""
    return function if function is not None else _run_as_is


# FakeTensorMode imports `torch._dynamo.config`, and with it 0.8 s of compiler that a trace never uses.
defer("torch._dynamo", light=_LIGHT, given={"disable": _run_as_is})
# torch's C++ asks once for the class DTensor, to know one when it meets it, and with it for 0.4 s of sharding rules.
defer("torch.distributed.tensor", given={"DTensor": type("DTensor", (), {})})


def settle() -> None:
    """After the first fake operation: who asks for DTensor now is no longer torch's C++."""
    take_back("torch.distributed.tensor", "DTensor")


from torch._guards import Source  # noqa: E402
from torch._subclasses import fake_tensor as _fake  # noqa: E402
from torch.fx.experimental import symbolic_shapes as _symbolic  # noqa: E402
from torch.fx.experimental.sym_node import SymNode  # noqa: E402
from torch.overrides import handle_torch_function, has_torch_function_unary, resolve_name  # noqa: E402
from torch.utils import _python_dispatch as _dispatch  # noqa: E402
from torch.utils import _pytree  # noqa: E402

tree_map = _pytree.tree_map
FakeTensor = _fake.FakeTensor
FakeTensorMode = _fake.FakeTensorMode


def is_inner_call(function: Callable[..., Any], caller: FrameType) -> bool:
    """Whether torch calls itself on the way to a fake tensor, as below `torch.FloatTensor(size)`.

    No function mode hears of such a call where the tensors are real.
    """
    is_for_fake = str(caller.f_globals.get("__name__")).startswith(("torch._subclasses.", "torch.nn.parameter"))
    return is_for_fake or isinstance(function, torch._ops.OpOverload)


# FakeTensor's own tolist makes a symbol of each value before any mode sees the call.
if "tolist" in vars(FakeTensor):
    del FakeTensor.tolist

_UNSUPPORTED = (
    "DataDependentOutputException",
    "DynamicOutputShapeException",
    "UnsupportedFakeTensorException",
    "UnsupportedOperatorException",
    "UnsupportedMutationAliasingException",
)
UNDECIDABLE: tuple[type[Exception], ...] = (
    *(getattr(_fake, name) for name in _UNSUPPORTED if hasattr(_fake, name)),
    _symbolic.GuardOnDataDependentSymNode,
    NotImplementedError,
)
"""What a fake tensor raises where it cannot tell: never an error of the user's."""

UNREADABLE: tuple[type[Exception], ...] = (*UNDECIDABLE, RuntimeError)
"""What reading a fake tensor's value may raise."""


class _Name(str):
    """A source's name: torch 2.13 reads an attribute, torch 2.11 calls a method."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


class _SymbolSource(Source):
    """Where a symbol comes from. torch wants one and only prints it."""

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = _Name(name)

    def __hash__(self) -> int:
        return hash(self.__dict__["name"])

    def __eq__(self, other: object) -> bool:
        return self is other

    @property
    def _name_template(self) -> str:
        return str(self.__dict__["name"])


_NOWHERE = _symbolic.SLoc("", None)  # type: ignore[attr-defined]  # of None torch 2.11 would print the file


class SizeEnv(_symbolic.ShapeEnv):
    """A ShapeEnv that does not look up the Python stack for every guard: nobody reads that, and it costs a third."""

    def _get_stack_summary(self, *_: Any, **__: Any) -> Any:
        return _NOWHERE, ""

    def _get_sloc(self, *_: Any, **__: Any) -> Any:
        return _NOWHERE


def new_env() -> SizeEnv:
    """An environment in which two symbols with one hint stay two symbols."""
    return SizeEnv(duck_shape=False)


class OneMode(FakeTensorMode):  # type: ignore[no-untyped-call]
    """A mode that a deep copy of its tensors shares; torch would copy the mode with each of them."""

    def __deepcopy__(self, memo: dict[int, Any]) -> OneMode:
        return self


def new_mode(env: SizeEnv | None) -> FakeTensorMode:
    """A fake mode that takes the small real tensors that constructors made."""
    mode = OneMode(allow_non_fake_inputs=True, shape_env=env)
    # Results under the symbols of one trace are of no use to the next, and to look them up takes half of a trace.
    mode.cache_enabled = False
    return mode


def new_symbol(env: SizeEnv, name: str, hint: int) -> tuple[int | torch.SymInt, sympy.Symbol]:
    """A size of at least 2 that is `hint` in this trace."""
    source = _SymbolSource(name)
    symbol = env.create_symbol(hint, source=source, dynamic_dim=_symbolic.DimDynamic.DYNAMIC)
    return env.create_symintnode(symbol, hint=hint, source=source), symbol


def guard_exprs(env: SizeEnv, start: int = 0) -> list[sympy.Basic]:
    """The conditions on symbols that the trace took as true, in their order, from the `start`-th."""
    return [guard.expr for guard in env.guards[start:]]


def guard_count(env: SizeEnv) -> int:
    return len(env.guards)


def expr_of(size: int | torch.SymInt) -> sympy.Expr:
    """The formula of a size, with the replacements that equalities of this trace brought."""
    if isinstance(size, torch.SymInt):
        return size.node.expr
    return sympy.Integer(size)


def hint_of(size: int | torch.SymInt) -> int | None:
    """The number that a size has in this trace; None for a size that depends on data."""
    if isinstance(size, torch.SymInt):
        hint = size.node.hint
        return None if hint is None else int(hint)
    return int(size)


def blank(shape: tuple[int | torch.SymInt, ...], dtype: torch.dtype, order: Sequence[int]) -> torch.Tensor:
    """A shape without contents, of which `fake_of` makes tensors: symbolic strides are dear to work out.

    `order` holds the dims from the largest stride to the smallest. The sizes are those of a tensor that there is: that
    none is negative need not be proved.
    """
    with outside_modes(), _known_as_sizes():
        if list(order) == sorted(order):
            return torch.empty(shape, dtype=dtype, device="meta")
        strides: list[int | torch.SymInt] = [1] * len(order)
        for outer, inner in reversed(list(pairwise(order))):
            strides[outer] = strides[inner] * shape[inner]
        return torch.empty_strided(shape, strides, dtype=dtype, device="meta")


@contextmanager
def _known_as_sizes() -> Iterator[None]:
    """torch would work out in sympy that each size of a new tensor is at least 0, and keep it as a guard.

    It asks the same of the strides, as `max(size, 1)`: a tensor without elements has none that count.
    """
    answers: dict[str, Callable[..., SymNode]] = {"ge": _granted, "sym_max": _the_size}
    originals = {name: getattr(SymNode, name) for name in answers}
    for name, answer in answers.items():
        setattr(SymNode, name, answer)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(SymNode, name, original)


def _granted(size: SymNode, _: SymNode) -> SymNode:
    return size.wrap_bool(True)


def _the_size(size: SymNode, _: SymNode) -> SymNode:
    return size


def fake_of(mode: FakeTensorMode, pattern: torch.Tensor) -> torch.Tensor:
    """A fake tensor on the CPU with the shape and dtype of a blank, without a call through torch's dispatcher."""
    return FakeTensor(mode, pattern, torch.device("cpu"))


def has_constant(x: torch.Tensor) -> bool:
    """Whether torch knows the values of a fake tensor, as of one that `torch.tensor(3)` makes."""
    return getattr(x, "constant", None) is not None


def outside_modes() -> Any:
    """A context in which tensors are real again, to ask torch itself for a verdict."""
    return _fake.unset_fake_temporarily()


def set_env(mode: FakeTensorMode, env: SizeEnv | None) -> None:
    """Give one fake mode, whose parameters stay, the sizes of a new trace."""
    mode.shape_env = env
    mode.static_shapes = env is None


Wrapper = Callable[..., Any]
_wrappers: list[Wrapper] = []  # of the trace that runs; at most one
_call_module = torch.nn.Module.__call__


def _call_through(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
    return _wrappers[-1](_call_module, module, *args, **kwargs) if _wrappers else _call_module(module, *args, **kwargs)


# For good: to change a method of Module makes Python forget what it knows of a thousand classes, which takes 1 ms.
torch.nn.Module.__call__ = _call_through  # type: ignore[method-assign]


@contextmanager
def module_calls(wrapper: Wrapper) -> Iterator[None]:
    """Send every module call through `wrapper(original, module, *args, **kwargs)`, as torch.fx itself does."""
    _wrappers.append(wrapper)
    try:
        yield
    finally:
        _wrappers.pop()


@contextmanager
def undecided(decide: Callable[[FrameType], bool | None]) -> Iterator[None]:
    """Have a branch on a number that hangs on data decided by whoever runs forward; None leaves it an error.

    `decide` is given the frame that asks for the truth of a comparison, which may be torch's own code.
    """
    original: Callable[[torch.SymBool], bool] = torch.SymBool.__bool__

    def truth(self: torch.SymBool) -> bool:
        try:
            return original(self)
        except _symbolic.GuardOnDataDependentSymNode:
            way = decide(sys._getframe(1))
            if way is None:
                raise
            return way

    torch.SymBool.__bool__ = truth  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.SymBool.__bool__ = original  # type: ignore[method-assign]


def keep_symbolic_kernels() -> None:
    """Let `F.avg_pool2d(x, x.size(2))` reach a trace with its symbol.

    torch's argument parser turns the SymInts of an int list into plain ints before any mode sees the call.
    """
    for rank in (1, 2, 3):
        name = f"avg_pool{rank}d"
        resolve_name(getattr(torch.nn.functional, name))  # torch looks names up once; the wrapper must not be it
        setattr(torch.nn.functional, name, _through_modes(getattr(torch.nn.functional, name)))


def _through_modes(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(input: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if has_torch_function_unary(input):
            return handle_torch_function(original, (input,), input, *args, **kwargs)
        return original(input, *args, **kwargs)

    call.__name__, call.__doc__ = original.__name__, original.__doc__
    return call


def own_tensors(module: torch.nn.Module) -> Iterator[tuple[dict[str, torch.Tensor | None], bool]]:
    """The module's own tables of parameters and of buffers, to be changed in place; true for parameters.

    Setting an attribute would run checks that refuse a fake tensor in the place of a parameter.
    """
    yield module._parameters, True  # type: ignore[misc]
    yield module._buffers, False


def changes_results(module: torch.nn.Module) -> bool:
    """Whether forward hooks may make something else of what the module gives."""
    return bool(module._forward_hooks)


def computes_otherwise(module: torch.nn.Module, kind: type[torch.nn.Module]) -> bool:
    """Whether a layer has a forward of its own instead of that of torch's class; a convolution's has a second part."""
    names = ("forward", "_conv_forward")
    own = (getattr(type(module), name, None) is not getattr(kind, name, None) for name in names)
    return any(own) or any(name in vars(module) for name in names)


class DispatchMode(_dispatch.TorchDispatchMode):
    """What hears of every operation below autograd. torch documents it as the way to do so, in a private module."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]


def storage_key(x: torch.Tensor) -> int:
    """What tells the memory of a tensor from that of others, also where it has no address."""
    return int(x.untyped_storage()._cdata)


def no_missing_keys() -> Any:
    """What `load_state_dict` gives when everything fitted."""
    return torch.nn.modules.module._IncompatibleKeys([], [])


@contextmanager
def unmoved_modules() -> Iterator[None]:
    """`model.cuda()`, `.to(...)`, `.half()` leave a module as it is: one device, and shapes do not ask for more.

    torch cannot put a fake tensor in the place of a real parameter.
    """
    original = torch.nn.Module._apply
    torch.nn.Module._apply = _unmoved  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        torch.nn.Module._apply = original  # type: ignore[method-assign]


def _unmoved(module: torch.nn.Module, *_: Any, **__: Any) -> torch.nn.Module:
    return module

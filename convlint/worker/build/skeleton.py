"""A model built without memory for its weights and without initialising them.

Large tensors that constructors make are fake from the start; small ones stay real, so that `linspace(...).tolist()`,
`.item()` and tables of indices work. While a model is built, every module's construction site is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from convlint.worker.build import constructors
from convlint.worker.ops.constructor import ConstructorRequirement
from convlint.worker.stack.places import FramePlace, place_of
from convlint.worker.torch_private.fake import FakeTensor, FakeTensorMode, outside_modes
from convlint.worker.torch_private.modules import no_missing_keys, own_tensors, unmoved_modules
from convlint.worker.trace import devices
from convlint.worker.trace.trace import function_name

SMALL = 1 << 14
"""Elements up to which a constructor's tensor stays real."""
_CHAIN = "_convlint_chain"
_REQUIREMENT = "_convlint_requirement"
_DEEPEST = 24  # frames kept of a construction site
_OWN = str(Path(__file__).parents[1])
_BUILDER = str(Path(__file__).with_name("builder.py"))

FACTORIES = frozenset(
    f"torch.{name}"
    for name in [
        "empty",
        "zeros",
        "ones",
        "full",
        "rand",
        "randn",
        "randint",
        "normal",
        "eye",
        "empty_strided",
        "randperm",
        "arange",
        "linspace",
    ]
)
# In-place fills of parameters: their values never matter here.
FILLS = frozenset(
    f"torch.Tensor.{name}_"
    for name in [
        "uniform",
        "normal",
        "fill",
        "zero",
        "trunc_normal",
        "erfinv",
        "clamp",
        "mul",
        "add",
        "sub",
        "div",
        "copy",
        "random",
        "bernoulli",
        "exponential",
        "log_normal",
        "cauchy",
        "geometric",
    ]
)


@dataclass
class Sites:
    """Where modules were constructed: for each, the frames from the constructor's caller outwards."""

    _needs: list[ConstructorRequirement] = field(default_factory=list)

    def add(self, module: nn.Module) -> None:
        # Kept on the module itself, so that a deep copy (nn.TransformerEncoder makes some) has it as well.
        if _CHAIN not in module.__dict__:
            module.__dict__[_CHAIN] = tuple(map(place_of, islice(frames_of(module), _DEEPEST)))

    def report(self, module: nn.Module, requirement: ConstructorRequirement) -> None:
        """Keep a violation of a module's constructor, its copies included."""
        self.add(module)
        module.__dict__[_REQUIREMENT] = len(self._needs)
        self._needs.append(requirement)

    def needs(self, model: nn.Module) -> list[tuple[nn.Module, ConstructorRequirement]]:
        """The broken needs of a model's layers, each with the first of its copies."""
        first: dict[int, nn.Module] = {}
        for module in model.modules():
            if _REQUIREMENT in module.__dict__:
                first.setdefault(module.__dict__[_REQUIREMENT], module)
        return [(module, self._needs[number]) for number, module in sorted(first.items(), key=lambda item: item[0])]

    def chain(self, module: nn.Module) -> tuple[FramePlace, ...]:
        chain: tuple[FramePlace, ...] = module.__dict__.get(_CHAIN, ())
        return chain


def frames_of(module: nn.Module) -> Iterator[FrameType]:
    """The frames outside the constructors of a module that is being made, from its caller outwards."""
    frame: FrameType | None = sys._getframe(1)
    inside = True
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_OWN):
            inside = inside and code.co_argcount > 0 and frame.f_locals.get(code.co_varnames[0]) is module
            if not inside:
                yield frame
        elif code.co_filename == _BUILDER:
            return  # convlint itself called the outermost constructor
        frame = frame.f_back


class _Factories(TorchFunctionMode):
    """Makes large tensors fake, and leaves fills of parameters out."""

    def __init__(self, mode: FakeTensorMode) -> None:
        super().__init__()
        self._mode = mode

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = function_name(func)
        args, kwargs = devices.neutral(name, tuple(args), kwargs)
        if devices.is_move(name) and len(args) == 1 and not kwargs:
            return args[0]
        if name in FACTORIES and elements(args, kwargs) > SMALL:
            kwargs.pop("generator", None)
            with self._mode:
                return func(*args, **kwargs)
        if name in FILLS and isinstance(args[0], (nn.Parameter, FakeTensor)):
            return args[0]
        if name == "torch.Tensor.__get__":
            return func(*args, **kwargs)
        return func(*args, **kwargs)


def elements(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """A bound of the elements that a factory call makes; 0 where its arguments are no plain sizes."""
    sizes = kwargs.get("size", args)
    flat = [item for size in sizes for item in (size if isinstance(size, (tuple, list, torch.Size)) else (size,))]
    total = 1
    for size in flat:
        if isinstance(size, int) and not isinstance(size, bool):
            total *= max(1, size)
    return total


@contextmanager
def building(mode: FakeTensorMode, sites: Sites) -> Iterator[None]:
    """The context in which the user's file is imported and its models are constructed."""
    with sited(sites), constructors.checked(sites.report), unmoved_modules(), quiet_loading(), _Factories(mode):
        yield


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Loading weights changes nothing."""
    load = nn.Module.load_state_dict
    nn.Module.load_state_dict = _keep_weights  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.load_state_dict = load  # type: ignore[method-assign]


@contextmanager
def sited(sites: Sites) -> Iterator[None]:
    """Keep the construction site of every module that is made."""
    original = nn.Module.__init__

    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        sites.add(self)
        original(self, *args, **kwargs)

    nn.Module.__init__ = init  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def _keep_weights(*_: Any, **__: Any) -> Any:
    """`load_state_dict` without effect: weights have no values here."""
    return no_missing_keys()


def make_fake(model: nn.Module, mode: FakeTensorMode) -> None:
    """Turn parameters, and buffers that are no small tables, into fake tensors; tied ones stay tied."""
    memo: dict[int, torch.Tensor] = {}

    def fake(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in memo:
            memo[id(tensor)] = mode.from_tensor(tensor, static_shapes=True)
        return memo[id(tensor)]

    with outside_modes():
        for module in model.modules():
            for table, all_of_them in own_tensors(module):
                for name, tensor in table.items():
                    if tensor is None or isinstance(tensor, FakeTensor) or is_lazy(tensor):
                        continue
                    if all_of_them or tensor.is_floating_point() or tensor.numel() > SMALL:
                        table[name] = fake(tensor)


def count_parameters(module: nn.Module) -> int:
    """Elements of a layer's parameters; those that a lazy layer has not made yet count as none."""
    return sum(p.numel() for p in module.parameters() if not is_lazy(p))

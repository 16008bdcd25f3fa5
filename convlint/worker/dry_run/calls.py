"""The models of a program, called on fake tensors, and what they are called with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from convlint.facts import Span
from convlint.inputspec import InputSpec
from convlint.worker.build.importing import place_in
from convlint.worker.build.skeleton import make_fake
from convlint.worker.dry_run import contents, frames, recurrent
from convlint.worker.dry_run.record import CallError, ModelCall
from convlint.worker.dry_run.specs import NoInput, map_tensors, spec_of, spec_or_none
from convlint.worker.dry_run.torch_calls import MOST_CALLS, TorchCalls
from convlint.worker.dry_run.unknown import first_unknown, reason_of, why_unknown
from convlint.worker.dry_run.world import DryRun, Finished
from convlint.worker.stack.places import span_of, user_place
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import UNDECIDABLE, FakeTensor, FakeTensorMode
from convlint.worker.torch_private.modules import module_calls
from convlint.worker.user_code.standins import StandIn
from convlint.worker.user_code.wording import first_line

_ON_DATA = ("torchvision.transforms", "torchaudio.transforms")
"""Modules that prepare data: these are no models."""
_LOSS_MODULES = "torch.nn.modules.loss"


class NotFollowed(Exception):
    """What a model gives depends on contents."""


class ProgramCalls(TorchCalls):
    """Watches the models of one program as well."""

    def __init__(self, world: DryRun, mode: FakeTensorMode, is_user: IsUser) -> None:
        super().__init__(world, mode, is_user)
        self._faked: dict[int, nn.Module] = {}
        self._known: dict[Hashable, Any] = {}  # what modules without a state gave

    def of_module(self, original: Callable[..., Any], module: nn.Module, /, *args: Any, **kwargs: Any) -> Any:
        if self.depth:
            packed = recurrent.of_packed(original, module, args, kwargs)
            return original(module, *args, **kwargs) if packed is None else packed
        if type(module).__module__.startswith(_ON_DATA):
            return original(module, *args, **kwargs)
        inner = _wrapped(module)
        if inner is not None:
            return inner(*args, **kwargs)
        owner, is_building = self._around(sys._getframe(2))
        if is_building:
            return self._run(original, module, args, kwargs)
        unknown = first_unknown((args, kwargs))
        if type(module).__module__ == _LOSS_MODULES:
            return self.of_loss(module, original, args, kwargs)
        return self._of_model(original, module, args, kwargs, owner, unknown)

    def _around(self, frame: FrameType | None) -> tuple[nn.Module | None, bool]:
        """The module whose method makes a call, if one does; and whether a module is being constructed."""
        for one in frames.outwards(frame):
            if one.f_code.co_filename.startswith("<frozen"):
                continue
            owner = frames.owner_of(one) if one.f_code.co_argcount else None
            if owner is not None:
                return owner, one.f_code.co_name == "__init__"
            if one.f_code.co_name == "<module>":
                break
        return None, False

    def _of_model(
        self,
        original: Callable[..., Any],
        module: nn.Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        owner: nn.Module | None,
        unknown: StandIn | None,
    ) -> Any:
        at = self._line()
        record = None
        self.world.fed += 1
        self.world.check_time()
        if at is not None and len(self.world.calls) < MOST_CALLS:
            record = self._record(module, at, args, kwargs, owner)
            self.world.calls.append(record)
            self._end_here(type(module).__qualname__)
        try:
            found = self._once(original, module, args, kwargs, record)
        except NotFollowed as error:
            if record is not None:
                record.is_followed = False
            return contents.not_followed(str(error))
        except Exception as error:
            if record is not None:
                self._note(record, error, unknown)
            raise
        if self.world.is_tainted(module) or self.world.is_tainted((args, kwargs)):
            self.world.taint(found)
        return found

    def _note(self, record: ModelCall, error: Exception, unknown: StandIn | None) -> None:
        """Keep the exception that ends a call, unless it is due to something unknown."""
        reason = why_unknown(error)
        if reason is None and unknown is not None and self._is_due_to(error):
            reason = reason_of(unknown)
        if frames.is_handled(sys._getframe(2), error):
            record.doubt = contents.handled_reason()
        if reason is None:
            record.raised = CallError(type(error).__name__, first_line(error), place_in(error, self.is_user))
        else:
            record.is_followed = False

    def _end_here(self, kind: str) -> None:
        if self.world.ends_at is not None and self.world.ends_at[0] == kind:
            count = sum(type(call.module).__qualname__ == kind for call in self.world.calls)
            if count >= self.world.ends_at[1]:
                raise Finished

    def _is_due_to(self, error: BaseException) -> bool:
        """Whether an unknown value was among what torch was given, or may have been."""
        return not getattr(error, "convlint_known", False)

    def _record(
        self, module: nn.Module, at: Span, args: tuple[Any, ...], kwargs: dict[str, Any], owner: nn.Module | None
    ) -> ModelCall:
        names: list[str] = []
        positional: list[InputSpec] = []
        keywords: list[InputSpec] = []
        is_input = True
        for number, (name, value) in enumerate([(None, arg) for arg in args] + list(kwargs.items())):
            try:
                spec = spec_of(value, name)
            except NoInput:
                is_input = False
                names.append(name or str(number))
                continue
            (positional if name is None else keywords).append(spec)
        doubt = self.doubt((module, *args), kwargs)
        given = tuple(positional)
        is_partial = not is_input and _is_enough(module, args, given, kwargs, keywords)
        whole = given if is_input or is_partial else None
        call = ModelCall(
            module, at, tuple(names), whole, tuple(keywords), module.training, doubt, self.world.options, owner
        )
        call.is_partial = is_partial
        return call

    def _once(
        self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any, record: ModelCall | None
    ) -> Any:
        """What a call gives; where the same one left no trace on the module before, what it gave then."""
        specs = record.inputs if record is not None else None
        key = (id(module), repr(specs), module.training, torch.is_grad_enabled())
        if specs is not None and key in self._known:
            return map_tensors(self._known[key], lambda x: x.detach().requires_grad_(x.requires_grad))
        before = _state(module)
        found = self._run(original, module, args, kwargs)
        if specs is not None and before == _state(module):
            self._known[key] = found
        return found

    def _run(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        self._make_fake(module)
        self.depth += 1
        try:
            args, kwargs = map_tensors(args, self._fake), map_tensors(kwargs, self._fake)
            with self.mode:
                return original(module, *args, **kwargs)
        except UNDECIDABLE as error:
            raise NotFollowed(first_line(error)) from None
        finally:
            self.depth -= 1

    def _make_fake(self, module: nn.Module) -> None:
        if id(module) not in self._faked or any(
            not isinstance(one, FakeTensor) for one in module.parameters() if one is not None
        ):
            make_fake(module, self.mode)
            self._faked[id(module)] = module

    def _fake(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(x, FakeTensor) or x.layout is not torch.strided:
            return x
        fake: torch.Tensor = self.mode.from_tensor(x.detach(), static_shapes=True)
        return fake.requires_grad_(x.requires_grad) if x.requires_grad else fake

    def _line(self) -> Span | None:
        place = user_place(sys._getframe(3), self.is_user)
        return span_of(place) if place is not None else None


def _is_enough(
    module: nn.Module, args: tuple[Any, ...], given: tuple[InputSpec, ...], kwargs: Mapping[str, Any], named: Any
) -> bool:
    """Whether forward runs without the arguments that are not known: they come last, and have defaults."""
    if not given or any(spec_or_none(arg) is None for arg in args[: len(given)]):
        return False
    try:
        bound = inspect.signature(module.forward).bind(*args[: len(given)], **{one.name: None for one in named})
    except (TypeError, ValueError):
        return False
    return bound is not None and len(kwargs) >= len(named)


def _state(module: nn.Module) -> tuple[int, ...]:
    """What changes where a call leaves something on a module."""
    return tuple(id(value) for one in module.modules() for value in vars(one).values())


def _wrapped(module: nn.Module) -> nn.Module | None:
    """The model that a wrapper of torch hands its arguments on to."""
    if type(module).__name__ in ("DataParallel", "DistributedDataParallel", "FullyShardedDataParallel"):
        return getattr(module, "module", None)
    return None


class _Functions(TorchFunctionMode):
    def __init__(self, calls: ProgramCalls) -> None:
        super().__init__()
        self._calls = calls

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._calls.of_function(func, tuple(args), dict(kwargs or {}))


@contextmanager
def watched(calls: ProgramCalls) -> Iterator[None]:
    with module_calls(calls.of_module), _Functions(calls):
        yield

"""The calls of a program: those of models run on fake tensors, all others on real ones, and what matters is kept."""

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
from convlint.worker.build.skeleton import FACTORIES, FILLS, SMALL, elements, make_fake
from convlint.worker.dry_run import contents, frames, optimizers, recurrent
from convlint.worker.dry_run.record import CallError, ModelCall, ProgramCall
from convlint.worker.dry_run.specs import NoInput, map_tensors, spec_of, spec_or_none
from convlint.worker.dry_run.tables import filled
from convlint.worker.dry_run.unknown import Unknowable, UnknownValue, first_unknown, reason_of, why_unknown
from convlint.worker.dry_run.world import DryRun, Finished
from convlint.worker.stack.places import span_of, user_place
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import UNDECIDABLE, FakeTensor, FakeTensorMode
from convlint.worker.torch_private.modules import module_calls
from convlint.worker.trace import devices
from convlint.worker.trace.trace import function_name, is_in_place
from convlint.worker.user_code.standins import StandIn
from convlint.worker.user_code.wording import first_line
from convlint.worker.values.nesting import tensors_in

LARGE = 1 << 25
"""Elements up to which the data of a program is real."""
_MOST_CALLS = 2000
_LOSSES = frozenset(
    {
        *("binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy"),
        *("ctc_loss", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss"),
        *("margin_ranking_loss", "mse_loss", "multi_margin_loss", "multilabel_margin_loss"),
        *("multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss"),
        *("triplet_margin_loss", "triplet_margin_with_distance_loss"),
    }
)
_ON_DATA = ("torchvision.transforms", "torchaudio.transforms")
"""Modules that prepare data: these are no models."""
_MAKERS = frozenset({"torch.tensor", "torch.as_tensor"})
_LOSS_MODULES = "torch.nn.modules.loss"


class NotFollowed(Exception):
    """What a model gives depends on contents."""


class ProgramCalls:
    """Watches one program. The mode and the sites are those that its models are traced with later."""

    def __init__(self, world: DryRun, mode: FakeTensorMode, is_user: IsUser) -> None:
        self.world, self.mode, self.is_user = world, mode, is_user
        self.depth = 0  # of calls of models
        self._faked: dict[int, nn.Module] = {}
        self._known: dict[Hashable, Any] = {}  # what modules without a state gave

    # ProgramCalls of modules

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
            return self._of_loss(module, original, args, kwargs)
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
        if at is not None and len(self.world.calls) < _MOST_CALLS:
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
            reason = why_unknown(error)
            if reason is None and unknown is not None and self._is_due_to(error):
                reason = reason_of(unknown)
            if record is not None and frames.is_handled(sys._getframe(1), error):
                record.doubt = contents.handled_reason()
            if record is not None and reason is None:
                record.raised = CallError(type(error).__name__, first_line(error), place_in(error, self.is_user))
            elif record is not None:
                record.is_followed = False
            raise
        if self.world.is_tainted(module) or self.world.is_tainted((args, kwargs)):
            self.world.taint(found)
        return found

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
        doubt = self.world.doubt
        if doubt is None and (self.world.is_tainted(module) or self.world.is_tainted((args, kwargs))):
            doubt = contents.tainted_reason()
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

    # Losses

    def _of_loss(self, module: nn.Module, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        name = f"torch.nn.{type(module).__name__}"
        self.depth += 1
        try:
            return self._kept(name, module, args, kwargs, lambda: original(module, *args, **kwargs))
        finally:
            self.depth -= 1

    def _kept(self, name: str, function: Any, args: Any, kwargs: Mapping[str, Any], run: Callable[[], Any]) -> Any:
        at = self._line_here()
        doubt = self.world.doubt
        if self.world.is_tainted((tuple(args), dict(kwargs))):
            doubt = doubt or contents.tainted_reason()
        unknown = first_unknown((tuple(args), dict(kwargs)))
        shapes = tuple(tuple(map(int, x.shape)) for x in tensors_in((tuple(args), dict(kwargs))))
        record = None
        if at is not None and unknown is None and len(self.world.losses) < _MOST_CALLS:
            options = self.world.options
            record = ProgramCall(function, name, at, tuple(args), dict(kwargs), doubt, options, shapes=shapes)
            self.world.losses.append(record)
        try:
            return run()
        except UNDECIDABLE as error:
            if record is not None:
                self.world.losses.remove(record)
            return contents.not_followed(first_line(error))
        except Exception as error:
            if record is not None and frames.is_handled(sys._getframe(1), error):
                record.doubt = contents.handled_reason()
            if record is not None and why_unknown(error) is None:
                record.raised = CallError(type(error).__name__, first_line(error), at)
            raise

    def _line_here(self) -> Span | None:
        place = user_place(sys._getframe(2), self.is_user)
        return span_of(place) if place is not None else None

    # ProgramCalls of functions

    def of_function(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = function_name(func)
        if name == "torch.Tensor.__get__":
            return func(*args, **kwargs)
        args, kwargs = devices.neutral(name, args, kwargs)
        args, kwargs = _known_options(args, kwargs)
        if devices.is_move(name) and len(args) == 1 and not kwargs:
            return args[0]
        unknown = first_unknown((args, kwargs))
        if unknown is not None:
            return self._of_unknown(name, unknown, func, args, kwargs)
        if name in contents.READERS and isinstance(args[0], FakeTensor):
            return contents.READERS[name](args[0], *args[1:], **kwargs)
        if name in recurrent.FUNCTIONS and (known := recurrent.by_shape(name, args)) is not None:
            return known
        if name == "torch.Tensor.backward":
            return optimizers.backward(*args, **kwargs)
        if name in FILLS and isinstance(args[0], nn.Parameter | FakeTensor):
            return args[0]
        if name in FACTORIES and elements(args, kwargs) > (SMALL if self._is_constructing() else LARGE):
            kwargs.pop("generator", None)
            with self.mode:
                return func(*args, **kwargs)
        return self._of_torch(name, func, args, kwargs)

    def _of_cells(self, func: Callable[..., Any], data: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A tensor of cells of a table, whose shape is known."""
        if kwargs.get("dtype") is None:
            kwargs = {**kwargs, "dtype": self.world.made_up("a dtype", torch.float32, torch.int64)}
        return func(data, *args[1:], **kwargs)

    def _of_unknown(
        self, name: str, unknown: StandIn, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name in FACTORIES and self._is_constructing():
            raise Unknowable(reason_of(unknown))
        if name in _MAKERS and (data := filled(args[0])) is not None:
            return self._of_cells(func, data, args, kwargs)
        if is_in_place(name.rpartition(".")[2]):
            self.world.taint(args[0])
            return args[0]
        return UnknownValue("_", reason_of(unknown))

    def _of_torch(self, name: str, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        def run() -> Any:
            return func(*args, **kwargs)

        if self.depth:
            return self._noted(args, kwargs, run)
        try:
            if name.rpartition(".")[2] in _LOSSES:
                found = self._kept(name, func, args, kwargs, run)
            else:
                found = run()
        except UNDECIDABLE as error:
            return contents.not_followed(first_line(error))
        except Exception as error:
            self._keep_refused(name, func, args, kwargs, error)
            raise
        if self.world.tainted and self.world.is_tainted((tuple(args), kwargs)):
            self.world.taint(found)
        return found

    def _noted(self, args: Any, kwargs: Any, run: Callable[[], Any]) -> Any:
        """A call inside of a model, whose error tells whether it had to do with anything unknown."""
        try:
            return run()
        except Exception as error:
            if first_unknown((tuple(args), kwargs)) is None and not hasattr(error, "convlint_known"):
                error.convlint_known = True  # type: ignore[attr-defined]
            raise

    def _keep_refused(self, name: str, func: Any, args: Any, kwargs: Any, error: Exception) -> None:
        """A call of the program's own that torch refuses."""
        known = (
            self.world.losses and self.world.losses[-1].raised is not None and self.world.losses[-1].function is func
        )
        if known or why_unknown(error) is not None or first_unknown((tuple(args), kwargs)) is not None:
            return
        place = user_place(sys._getframe(2), self.is_user)
        at = span_of(place) if place is not None else None
        if at is None or len(self.world.losses) >= _MOST_CALLS:
            return
        doubt = self.world.doubt
        if self.world.is_tainted((tuple(args), kwargs)):
            doubt = doubt or contents.tainted_reason()
        if frames.is_handled(sys._getframe(1), error):
            doubt = contents.handled_reason()
        shapes = tuple(tuple(map(int, x.shape)) for x in tensors_in((tuple(args), kwargs)))
        raised = CallError(type(error).__name__, first_line(error), at)
        self.world.losses.append(
            ProgramCall(func, name, at, tuple(args), dict(kwargs), doubt, self.world.options, raised, shapes)
        )

    def _is_constructing(self) -> bool:
        for frame in frames.outwards(sys._getframe(3)):
            code = frame.f_code
            is_init = code.co_name == "__init__" and code.co_argcount
            if is_init and isinstance(frame.f_locals.get(code.co_varnames[0]), nn.Module):
                return True
        return False


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


def _known_options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Without a device or dtype that is not known: it decides no shape."""
    if not any(isinstance(kwargs.get(name), StandIn) for name in ("device", "dtype")):
        return args, kwargs
    return args, {k: v for k, v in kwargs.items() if k not in ("device", "dtype") or not isinstance(v, StandIn)}


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

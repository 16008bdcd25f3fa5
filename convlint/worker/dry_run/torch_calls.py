"""The calls of torch in a program: losses are kept, and what torch refuses; contents that are not there are made up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from convlint.facts import Reason, Span
from convlint.worker.build.skeleton import FACTORIES, FILLS, SMALL, elements
from convlint.worker.dry_run import contents, frames, optimizers, recurrent
from convlint.worker.dry_run.record import CallError, ProgramCall
from convlint.worker.dry_run.tables import filled
from convlint.worker.dry_run.unknown import Unknowable, UnknownValue, first_unknown, reason_of, why_unknown
from convlint.worker.dry_run.world import DryRun
from convlint.worker.stack.places import span_of, user_place
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import UNDECIDABLE, FakeTensor, FakeTensorMode
from convlint.worker.trace import devices
from convlint.worker.trace.trace import function_name, is_in_place
from convlint.worker.user_code.standins import StandIn
from convlint.worker.user_code.wording import first_line
from convlint.worker.values.nesting import tensors_in

LARGE = 1 << 25
"""Elements up to which the data of a program is real."""
MOST_CALLS = 2000
_LOSSES = frozenset(
    {
        *("binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy"),
        *("ctc_loss", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss"),
        *("margin_ranking_loss", "mse_loss", "multi_margin_loss", "multilabel_margin_loss"),
        *("multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss"),
        *("triplet_margin_loss", "triplet_margin_with_distance_loss"),
    }
)
_MAKERS = frozenset({"torch.tensor", "torch.as_tensor"})


class TorchCalls:
    """Watches one program. The mode is that which its models are traced with later."""

    def __init__(self, world: DryRun, mode: FakeTensorMode, is_user: IsUser) -> None:
        self.world, self.mode, self.is_user = world, mode, is_user
        self.depth = 0  # of calls of models

    def doubt(self, args: Any, kwargs: Mapping[str, Any]) -> Reason | None:
        """Why a call with these arguments may not be what the program does."""
        is_tainted = self.world.is_tainted((tuple(args), dict(kwargs)))
        return self.world.doubt or (contents.tainted_reason() if is_tainted else None)

    def of_loss(self, module: nn.Module, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        name = f"torch.nn.{type(module).__name__}"
        self.depth += 1
        try:
            return self._kept(name, module, args, kwargs, lambda: original(module, *args, **kwargs))
        finally:
            self.depth -= 1

    def _kept(self, name: str, function: Any, args: Any, kwargs: Mapping[str, Any], run: Callable[[], Any]) -> Any:
        at = self._line_here()
        doubt = self.doubt(args, kwargs)
        unknown = first_unknown((tuple(args), dict(kwargs)))
        shapes = tuple(tuple(map(int, x.shape)) for x in tensors_in((tuple(args), dict(kwargs))))
        record = None
        if at is not None and unknown is None and len(self.world.losses) < MOST_CALLS:
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

    def of_function(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = function_name(func)
        if name == "torch.Tensor.__get__":
            return func(*args, **kwargs)
        args, kwargs = _known_options(*devices.neutral(name, args, kwargs))
        if devices.is_move(name) and len(args) == 1 and not kwargs:
            return args[0]
        unknown = first_unknown((args, kwargs))
        if unknown is not None:
            return self._of_unknown(name, unknown, func, args, kwargs)
        return self._of_known(name, func, args, kwargs)

    def _of_known(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
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
        if at is None or len(self.world.losses) >= MOST_CALLS:
            return
        doubt = self.doubt(args, kwargs)
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


def _known_options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Without a device or dtype that is not known: it decides no shape."""
    if not any(isinstance(kwargs.get(name), StandIn) for name in ("device", "dtype")):
        return args, kwargs
    return args, {k: v for k, v in kwargs.items() if k not in ("device", "dtype") or not isinstance(v, StandIn)}

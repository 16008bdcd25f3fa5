"""A real run of forward, written down call by call, with one entry where a trace has one node."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from convlint.facts import Array, RefusedCallFact, RunCall, Unfit
from convlint.jobs import Handed
from convlint.worker.stack.places import span_of, user_place
from convlint.worker.stack.users import IsUser
from convlint.worker.trace import devices
from convlint.worker.trace.leaves import PROPERTIES, QUESTIONS, is_leaf
from convlint.worker.trace.reading import READERS
from convlint.worker.trace.trace import function_name, type_name
from convlint.worker.user_code.wording import first_line
from convlint.worker.values.arrays import arrays
from convlint.worker.values.nesting import tensors_in
from convlint.worker.verify.device import synchronize

SILENT = "silent"
"""The type of a refusal where nothing is raised, and what comes out is of another shape than the layer declares."""


class Recorder(TorchFunctionMode):
    """Writes down each call of a layer and each call of a torch function; a call that raises may be gone on from."""

    def __init__(
        self, model: nn.Module, is_user: IsUser, device: torch.device, handed: Sequence[Handed] = (), *, watches: bool
    ) -> None:
        super().__init__()
        self.calls: list[RunCall] = []
        self.refused: list[RefusedCallFact] = []
        self.unfit: dict[str, Unfit] = {}  # by kind: the first call that makes nan or inf of numbers that are none
        self.running: list[str] = []  # the modules that are running, by path
        self._model, self._is_user, self._device = model, is_user, device
        self._handed = {(one.call.key, one.number): one.call for one in handed}
        self._seen = Counter[object]()
        self._watches = watches
        self._paths: dict[int, str] = {}
        self._silent = 0

    def call_module(self, original: Callable[..., Any], module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """A module's call: a layer is written down, anything else is entered."""
        if self._silent:
            return original(module, *args, **kwargs)
        path = self._path(module)
        self.running.append(path)
        if not is_leaf(module):
            result = original(module, *args, **kwargs)
        else:
            block = self.running[-2] if len(self.running) > 1 else ""
            name = path or type(module).__name__
            result = self._record(type_name(type(module)), name, block, module, args, kwargs, original)
        self.running.pop()  # not where it raises: the report says what was running
        return result

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = function_name(func)
        if self._silent or not _is_node(name, tuple(args), kwargs):
            return func(*args, **kwargs)
        block = self.running[-1] if self.running else ""
        return self._record(name.removesuffix(".__get__"), None, block, None, args, kwargs, func)

    def _record(
        self,
        target: str,
        layer: str | None,
        block: str,
        module: nn.Module | None,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        function: Callable[..., Any],
    ) -> Any:
        place = user_place(sys._getframe(2), self._is_user)
        call = RunCall(target=target, layer=layer, block=block, at=span_of(place) if place else None)
        given = args if module is None else (module, *args)
        self._silent += 1
        try:
            result = self._result(call, module, partial(function, *given, **kwargs))
        finally:
            self._silent -= 1
        writes = target.endswith("__setitem__")
        outputs = () if writes else arrays(result, on_device=True)
        if outputs or writes:
            self.calls.append(call.model_copy(update={"outputs": outputs}))
            if self._watches:
                self._silent += 1
                self._watch((args, kwargs), result)
                self._silent -= 1
        return result

    def _result(self, call: RunCall, module: nn.Module | None, function: Callable[[], Any]) -> Any:
        """What the device gives; where a call is refused as expected, what was expected of it instead."""
        expected = self._expected(call)
        try:
            result = function()
            synchronize(self._device)
        except Exception as error:
            if expected is None:
                raise
            self._refuse(first_line(error), type(error).__name__)
            return self._given(expected, module)
        given = arrays(result, on_device=True)
        if expected is None or _is_alike(given, expected.outputs):
            return result
        self._refuse(f"it gives {', '.join(str(list(one.shape)) for one in given)}", SILENT)
        return self._given(expected, module)

    def _refuse(self, what: str, kind: str) -> None:
        self.refused.append(RefusedCallFact(call=len(self.calls), what=what, type=kind))

    def _expected(self, call: RunCall) -> RunCall | None:
        """What this call gives where it is expected to be refused."""
        number = self._seen[call.key]
        self._seen[call.key] += 1
        return self._handed.get((call.key, number))

    def _given(self, expected: RunCall, module: nn.Module | None) -> Any:
        """Tensors of the shapes that were expected."""
        made = [
            torch.zeros(
                [size or 1 for size in one.shape], dtype=getattr(torch, one.dtype or "float32"), device=self._device
            )
            for one in expected.outputs
        ]
        if len(made) == 1:
            return made[0]
        return (made[0], tuple(made[1:])) if isinstance(module, nn.LSTM) else tuple(made)

    def _watch(self, given: Any, result: Any) -> None:
        """Note the first call that makes nan, or inf, of numbers that are none."""
        for kind, test in _TESTS.items():
            if kind not in self.unfit and _any(test, result) and not _any(test, given):
                self.unfit[kind] = Unfit(kind=kind, where="", call=len(self.calls) - 1)

    def _path(self, module: nn.Module) -> str:
        if id(module) not in self._paths:  # forward may change the model
            self._paths = {id(part): path for path, part in self._model.named_modules()}
        return self._paths.setdefault(id(module), "")


_TESTS: dict[Any, Callable[[torch.Tensor], torch.Tensor]] = {"nan": torch.isnan, "inf": torch.isinf}


def _any(test: Callable[[torch.Tensor], torch.Tensor], value: Any) -> bool:
    return any(bool(test(x).any()) for x in tensors_in(value) if _may_be_unfit(x))


def _may_be_unfit(x: torch.Tensor) -> bool:
    """False where all numbers are finite, as a sum tells at a glance; it may overflow by itself."""
    if not x.is_floating_point() and not x.is_complex():
        return False
    return x.is_complex() or not bool(x.detach().sum(dtype=torch.float32).isfinite())


def not_finite(value: Any) -> list[Any]:
    """Which of "nan" and "inf" are among the numbers of the tensors in a value."""
    return [kind for kind, test in _TESTS.items() if _any(test, value)]


def _is_node(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a trace has a node for such a call where it gives a tensor."""
    parts = name.rsplit(".", 2)
    if parts[-1] == "__get__":
        return parts[-2] in PROPERTIES
    if parts[-1] in QUESTIONS or parts[-1] in READERS:
        return False
    if not devices.is_move(name):
        return True
    kept, named = devices.neutral(name, args, dict(kwargs))
    return len(kept) > 1 or bool(named)


def _is_alike(actual: Sequence[Array], expected: Sequence[Array]) -> bool:
    return [one.shape for one in actual] == [one.shape for one in expected]

"""ShapeTracer: a torch.fx graph recorded while `forward` runs on fake tensors.

One node a leaf layer, one a function or method call (see `nodes`). Requirements are checked before a call runs and
repaired where they do not hold (see `requirements`), so that forward goes on after a mistake.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import torch
from torch import fx
from torch.overrides import TorchFunctionMode

from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.registry import function_check, layer_check
from convlint.worker.ops.signatures.check import check_operator
from convlint.worker.ops.signatures.operator import Operator
from convlint.worker.stack.places import FramePlace, span_of, user_place
from convlint.worker.torch_private.fake import is_inner_call, outside_modes
from convlint.worker.torch_private.modules import module_calls
from convlint.worker.torch_private.symbols import undecided
from convlint.worker.trace import devices
from convlint.worker.trace.aliases import canonical
from convlint.worker.trace.call_runner import CallRunner, is_hooked
from convlint.worker.trace.constant_folding.known_values import KnownValues
from convlint.worker.trace.ending import RunEnding
from convlint.worker.trace.leaves import PROPERTIES, QUESTIONS, is_leaf
from convlint.worker.trace.ledger import TraceLedger
from convlint.worker.trace.nodes import NodeRecorder
from convlint.worker.trace.reading import READERS, Reader
from convlint.worker.trace.trace import (
    Trace,
    TraceAborted,
    TraceSetting,
    function_name,
    has_fake,
    is_small_and_real,
    type_name,
)
from convlint.worker.trace.trail import Oversized, TraceStopped
from convlint.worker.user_code.standins import lacking
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.strides import contiguous

# How torch.distributions and torch._check_tensor_all ask whether values are fit: a model that trains passes them.
_ASSERTIONS = frozenset({"torch._assert", "_assert"})  # which raise what an `assert` does
_VALIDITY = frozenset({"_is_all_true"})


class ShapeTracer(fx.Tracer):
    """Records one run of a model's forward."""

    def __init__(self, model: torch.nn.Module, setting: TraceSetting) -> None:
        super().__init__()
        self.root = model
        self.graph = fx.Graph(tracer_cls=type(self))
        self._setting = setting
        self._trace = Trace(self.graph)
        self._recorder = NodeRecorder(model, self._trace, self._user_place, setting.limit)
        self._ledger = TraceLedger(model, setting, self._trace, self._recorder, self._user_place, _ROOT)
        self._reader = Reader(self._trace, setting, self._recorder.maker, self._user_place)
        self._ending = RunEnding(self._trace, setting, self._ledger, self._recorder)
        self._runner = CallRunner(self._trace, setting, self._ledger, self._user_place, self._recorder.is_computed)
        self._known_values = KnownValues()

    def run(self, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: Iterable[tuple[str, Any]]) -> Trace:
        """Run forward and keep what happened; raises only what is a fault of convlint's own.

        `inputs` are the names and values that reports speak of: parts of arguments, or arguments themselves.
        """
        for name, value in inputs:
            self._recorder.placeholder(name, value)
            for tensor in tensors_in(value):
                self._ledger.note(tensor, contiguous(tensor.dim()))
        try:
            with _FunctionCalls(self), module_calls(self.call_layer), undecided(self._reader.compared):
                self._trace.output = self.root(*args, **kwargs)
        except TraceAborted as stopped:
            inner = stopped.reason.inner
            kind = Oversized if inner is not None and inner.kind == "too-large-to-try" else TraceStopped
            self._ledger.append(kind(stopped.reason, span_of(stopped.place) if stopped.place else None))
        except Exception as error:
            refused, stop = self._runner.refused or (None, None)
            self._ledger.append(stop if error is refused else self._ending.of(error))
        else:
            absent = lacking([self._trace.output])  # what nobody computed is nothing that was followed
            self._ledger.append(TraceStopped(absent) if absent is not None else None)
            self.graph.output(self._recorder.as_argument(self._trace.output))
        return self._trace

    # -- layers ---------------------------------------------------------------------------------------------

    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str = "") -> bool:
        """Of torch.fx: a module that becomes one node."""
        del module_qualified_name
        return is_leaf(m)

    def call_layer(self, original: Callable[..., Any], module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        """A module's call: a leaf becomes a node, anything else is entered."""
        if self._ledger.silent:
            return original(module, *args, **kwargs)
        path = self._ledger.path(module) or ""
        if not self.is_leaf_module(module):
            self._recorder.blocks.append(path)
            try:
                return original(module, *args, **kwargs)
            finally:
                self._recorder.blocks.pop()
        call = Call(self._ledger, type_name(type(module)), list(args), dict(kwargs), layer=module)

        def forward(*given: Any, **named: Any) -> Any:
            return original(module, *given, **named)

        return self._record("call_module", path or type(module).__name__, call, module, forward)

    # -- functions ------------------------------------------------------------------------------------------

    def call_function(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a torch function or method, from the user's code."""
        if self._ledger.silent:
            return function(*args, **kwargs)
        name = function_name(function)
        short = name.rsplit(".", 1)[-1]
        if short in QUESTIONS or name in _ASSERTIONS:
            return function(*args, **kwargs)
        if short == "__get__":
            return self._property(function, name, args)
        if short in READERS and args and isinstance(args[0], torch.Tensor):
            return self._reader.read(function, short, args, kwargs)
        if short in _VALIDITY and has_fake(args):
            with outside_modes():
                return torch.ones((), dtype=torch.bool)
        return self._computed(function, name, args, kwargs)

    def _computed(self, function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call that makes tensors of tensors: a node, unless it only moves them or is about values that are known."""
        short = name.rsplit(".", 1)[-1]
        args, kwargs = devices.neutral(name, args, canonical(name, kwargs))
        if devices.is_move(name) and len(args) == 1 and not kwargs:
            return args[0]
        args, kwargs = self._known_values.sized(short, args, kwargs)
        if is_small_and_real(args, kwargs):
            with outside_modes():  # small real tensors keep their values
                return function(*args, **kwargs)
        is_method = name.startswith("torch.Tensor.")
        op, target = ("call_method", short) if is_method else ("call_function", function)
        call = Call(self._ledger, name, list(args), dict(kwargs))
        return self._known_values.call(short, args, kwargs, function, partial(self._record, op, target, call, function))

    def call_operator(self, operator: Operator, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of what only a signature describes."""
        if self._ledger.silent:
            return operator(*args, **kwargs)
        call = Call(self._ledger, operator.name, list(args), dict(kwargs))
        return self._record("call_function", operator, call, operator, operator)

    def _property(self, function: Callable[..., Any], name: str, args: tuple[Any, ...]) -> Any:
        """`x.shape` is read as it is; `x.T` is a node."""
        short = name.rsplit(".", 2)[-2]
        if short not in PROPERTIES:
            return function(*args)
        call = Call(self._ledger, name.removesuffix(".__get__"), list(args), {})
        return self._record("call_method", short, call, function, function)

    # -- one call -------------------------------------------------------------------------------------------

    def _record(self, op: str, target: Any, call: Call, subject: Any, run: Callable[..., Any]) -> Any:
        """Check a call, run it, and keep it as a node. `subject` is what a confirmation would call."""
        check = layer_check(call.layer) if call.layer is not None else _function_check(call, subject)
        self._ledger.settle(is_inner=False)
        with self._recorder.node(op, target, call) as node:
            self._ledger.silent += 1
            try:
                if check is not None and not is_hooked(call):
                    check(call)
                result = self._runner.result(call, subject, run)
                # How many tensors come of a call may decide how often a loop of the user's code turns.
                self._ledger.settle(is_inner=call.layer is not None or isinstance(result, torch.Tensor))
            finally:
                self._ledger.silent -= 1
            self._recorder.finish(node, result, call)
        return result

    # -- places ---------------------------------------------------------------------------------------------

    def _user_place(self) -> FramePlace | None:
        """The innermost frame of the user's code."""
        return user_place(sys._getframe(1), self._setting.is_user)


def _function_check(call: Call, subject: Any) -> Check | None:
    return partial(check_operator, operator=subject) if isinstance(subject, Operator) else function_check(call.target)


_ROOT: Final = ShapeTracer.run.__code__


class _FunctionCalls(TorchFunctionMode):
    """Hands every torch-level call of the user's code to the tracer."""

    def __init__(self, tracer: ShapeTracer) -> None:
        super().__init__()
        self._tracer = tracer

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if is_inner_call(func, sys._getframe(1)):
            return func(*args, **(kwargs or {}))
        if isinstance(func, Operator):
            return self._tracer.call_operator(func, tuple(args), dict(kwargs or {}))
        return self._tracer.call_function(func, tuple(args), dict(kwargs or {}))

"""ShapeTracer: a torch.fx graph recorded while `forward` runs on fake tensors.

One node a leaf layer, one a function or method call (see `nodes`). Requirements are checked before a call runs and
repaired where they do not hold (see `requirements`), so that forward goes on behind a mistake.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, Final, NoReturn

import torch
from torch import fx
from torch.overrides import TorchFunctionMode

from convlint.facts import Reason
from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.memory import of_computed, of_result
from convlint.worker.ops.registry import function_check, layer_check
from convlint.worker.ops.results import goes_on_numbers, has_rule, is_one_dtype, numbers_among, result_shape
from convlint.worker.ops.signatures.check import check_operator
from convlint.worker.ops.signatures.operator import Operator
from convlint.worker.stack.places import FramePlace, place_of, span_of, user_place
from convlint.worker.torch_private.fake import UNDECIDABLE, FakeTensor, is_inner_call, outside_modes
from convlint.worker.torch_private.modules import changes_arguments, changes_results, module_calls
from convlint.worker.torch_private.symbols import undecided
from convlint.worker.trace import devices
from convlint.worker.trace.aliases import canonical
from convlint.worker.trace.confirm import Unconfirmed, is_of_torch_nn, refusal
from convlint.worker.trace.constant_folding.known_values import KnownValues
from convlint.worker.trace.dtypes import unmixed
from convlint.worker.trace.ending import RunEnding
from convlint.worker.trace.leaves import PROPERTIES, QUESTIONS, is_leaf
from convlint.worker.trace.ledger import TraceLedger
from convlint.worker.trace.misuse import cannot_bind, is_invalid_for_all
from convlint.worker.trace.nodes import NodeRecorder
from convlint.worker.trace.numeric import on_numbers
from convlint.worker.trace.reading import READERS, Reader
from convlint.worker.trace.trace import (
    Trace,
    TraceAborted,
    TraceSetting,
    function_name,
    has_fake,
    is_small_and_real,
    is_symbolic,
    type_name,
)
from convlint.worker.trace.trail import Oversized, RefusedCall, Stop, TraceStopped
from convlint.worker.user_code.standins import lacking
from convlint.worker.user_code.unavailable import Unavailable
from convlint.worker.user_code.wording import first_line
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.strides import contiguous, of_fake

# How torch.distributions and torch._check_tensor_all ask whether values are fit: a model that trains passes them.
_ASSERTIONS = frozenset({"torch._assert", "_assert"})  # which raise what an `assert` does
_INDEXING: Final = ("__getitem__", "embedding", "Embedding", "index_select", "gather", "take")
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
        self._refused: tuple[BaseException, Stop] | None = None
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
            refused, stop = self._refused or (None, None)
            self._ledger.append(stop if error is refused else self._ending.of(error))
        else:
            self._ledger.append(None)
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
                if check is not None and not _is_hooked(call):
                    check(call)
                result = self._result(call, subject, run)
                # How many tensors come of a call may decide how often a loop of the user's code turns.
                self._ledger.settle(is_inner=call.layer is not None or isinstance(result, torch.Tensor))
            finally:
                self._ledger.silent -= 1
            self._recorder.finish(node, result, call)
        return result

    def _result(self, call: Call, subject: Any, run: Callable[..., Any]) -> Any:
        """What a check has settled, or a rule of shapes says, or torch computes."""
        if call.is_done:
            return call.result
        self._check_indices(call, subject)
        told = self._told(call)
        if told is not None:
            return told
        result = self._attempt(call, subject, run)
        operands = list(tensors_in((call.args, call.kwargs)))
        for tensor in tensors_in(result):
            if not any(tensor is operand for operand in operands):
                strides = of_computed(call, tensor.dim(), self._ledger.strides, operands)
                self._ledger.note(tensor, strides or of_fake(tensor))
        return result

    def _check_indices(self, call: Call, subject: Any) -> None:
        """Indices whose values are known may lie outside of a table: fake tensors do not look at values."""
        if not call.target.endswith(_INDEXING):
            return
        real = [x for x in tensors_in((call.args, call.kwargs)) if not isinstance(x, FakeTensor)]
        if not any(x.dtype in (torch.int64, torch.int32) for x in real):
            return
        with suppress(Unconfirmed):
            error = refusal(subject, tuple(call.args), call.kwargs)
            if isinstance(error, IndexError):
                self._refuse(call, subject, error)

    def _told(self, call: Call) -> torch.Tensor | None:
        """The result as a rule of shapes says, where it knows the strides as well."""
        tensors = list(tensors_in((call.args, call.kwargs)))
        if not self._is_ruled(call, tensors):
            return None
        shape = result_shape(call) if is_one_dtype(call, tensors) else None
        strides = of_result(call, shape, self._ledger.strides, tensors) if shape is not None else None
        if shape is None or (strides is None and not goes_on_numbers(call)):
            return None
        if call.target.endswith("_"):
            return tensors[0]  # in place: what was given, with the shape that the check made sure of
        result = self._ledger.fresh(shape, like=numbers_among(tensors), strides=strides)
        self._ledger.note(result, strides)  # unknown ones do not count as contiguous
        return result

    def _is_ruled(self, call: Call, tensors: Sequence[torch.Tensor]) -> bool:
        """Whether a rule of shapes may answer for torch: on symbols or for speed, of a call that no hook changes."""
        if not self._setting.is_quick and (self._setting.env is None or not any(map(is_symbolic, tensors))):
            return False
        if not has_rule(call) or _is_hooked(call):
            return False
        return call.layer is None or not changes_results(call.layer)

    def _attempt(self, call: Call, subject: Any, run: Callable[..., Any]) -> Any:
        """Run a call on fake tensors; a refusal is held against real torch before it counts."""
        quickly = on_numbers(self._setting.mode, call, run)
        if quickly is not None:
            return quickly[0]
        try:
            return run(*call.args, **call.kwargs)
        except Unavailable:
            raise
        except Exception as error:
            absent = lacking((call.args, call.kwargs))
            if absent is not None:  # a layer asks a stand-in for its shape
                raise Unavailable(absent) from None
            if isinstance(error, UNDECIDABLE) and not is_of_torch_nn(error):
                reason = Reason(kind="data-dependent", name=call.target, detail=first_line(error))
                raise TraceAborted(reason, self._user_place()) from None
            real = self._confirmed(call, subject, error)
            if unmixed(call, subject):
                return run(*call.args, **call.kwargs)
            self._refuse(call, subject, real)

    def _refuse(self, call: Call, subject: Any, error: Exception) -> NoReturn:
        """Raise what torch raises, which the user's code may handle by its type."""
        key = (self._ledger.where(call), "raises", call.target)
        at = max(0, len(self._trace.nodes) - 1)
        refused = RefusedCall(subject, tuple(call.args), dict(call.kwargs))
        is_misuse = isinstance(error, TypeError) and not self._never_fits(call)
        self._refused = error, Stop(first_line(error), at, key, is_misuse=is_misuse, call=refused)
        raise error from None

    def _never_fits(self, call: Call) -> bool:
        """Whether the user's code calls torch with arguments that no inputs of forward make valid."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not self._setting.is_user(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is None:
            return False
        if call.layer is not None:
            return cannot_bind(place_of(frame), call.layer)
        return is_invalid_for_all(frame, place_of(frame), self._recorder.is_computed, None)

    def _confirmed(self, call: Call, subject: Any, error: Exception) -> Exception:
        """The exception with which real torch refuses the call. Raises Halted where it does not, or cannot be asked."""
        place, words = self._user_place(), first_line(error)
        try:
            real = refusal(subject, tuple(call.args), call.kwargs)
        except Unconfirmed as unsure:
            reason = Reason(kind="refusal-unconfirmed", name=call.target, detail=words, inner=unsure.reason)
            raise TraceAborted(reason, place) from None
        if real is None:
            raise TraceAborted(Reason(kind="not-traceable", name=call.target, detail=words), place) from None
        return real

    # -- places ---------------------------------------------------------------------------------------------

    def _user_place(self) -> FramePlace | None:
        """The innermost frame of the user's code."""
        return user_place(sys._getframe(1), self._setting.is_user)


def _function_check(call: Call, subject: Any) -> Check | None:
    return partial(check_operator, operator=subject) if isinstance(subject, Operator) else function_check(call.target)


def _is_hooked(call: Call) -> bool:
    """Whether the layer gets other arguments than those of the call."""
    return call.layer is not None and changes_arguments(call.layer, tuple(call.args))


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

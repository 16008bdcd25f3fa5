"""The result of one call: what a check has settled, a rule of shapes says, or torch computes on fake tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, Final, NoReturn

import torch

from convlint.facts import Reason
from convlint.worker.ops.call import Call
from convlint.worker.ops.result_strides import of_computed, of_result
from convlint.worker.ops.results import goes_on_numbers, has_rule, is_one_dtype, numbers_among, result_shape
from convlint.worker.stack.places import FramePlace, place_of
from convlint.worker.torch_private.fake import UNDECIDABLE, FakeTensor
from convlint.worker.torch_private.modules import changes_arguments, changes_results
from convlint.worker.trace.confirm import Unconfirmed, is_of_torch_nn, refusal
from convlint.worker.trace.dtypes import unmixed
from convlint.worker.trace.ledger import TraceLedger
from convlint.worker.trace.misuse import cannot_bind, is_invalid_for_all
from convlint.worker.trace.numeric import on_numbers
from convlint.worker.trace.trace import Trace, TraceAborted, TraceSetting, is_symbolic
from convlint.worker.trace.trail import RefusedCall, Stop
from convlint.worker.user_code.standins import lacking
from convlint.worker.user_code.unavailable import Unavailable
from convlint.worker.user_code.wording import first_line
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.strides import of_fake

_INDEXING: Final = ("__getitem__", "embedding", "Embedding", "index_select", "gather", "take")


class CallRunner:
    """Finds the results of the calls of one trace. `refused` is the last exception of torch's, and what it means."""

    def __init__(
        self,
        trace: Trace,
        setting: TraceSetting,
        ledger: TraceLedger,
        user_place: Callable[[], FramePlace | None],
        is_computed: Callable[[Any], bool],
    ) -> None:
        self.refused: tuple[BaseException, Stop] | None = None
        self._trace = trace
        self._setting = setting
        self._ledger = ledger
        self._user_place = user_place
        self._is_computed = is_computed

    def result(self, call: Call, subject: Any, run: Callable[..., Any]) -> Any:
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
        if not has_rule(call) or is_hooked(call):
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
        self.refused = error, Stop(first_line(error), at, key, is_misuse=is_misuse, call=refused)
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
        return is_invalid_for_all(frame, place_of(frame), self._is_computed, None)

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


def is_hooked(call: Call) -> bool:
    """Whether the layer gets other arguments than those of the call."""
    return call.layer is not None and changes_arguments(call.layer, tuple(call.args))

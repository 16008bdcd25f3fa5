"""What an error that leaves forward means: a misread shape, the user's own check, or what cannot be told."""

from __future__ import annotations

from dataclasses import dataclass

import sympy
import torch

from convlint.facts import Reason, Span
from convlint.tracebacks import steps_of
from convlint.worker.ops.call import Call
from convlint.worker.stack.parsed_file import raises_at
from convlint.worker.stack.places import FramePlace, position_of, raised_at, span_of, user_step
from convlint.worker.torch_private.fake import UNDECIDABLE
from convlint.worker.trace.ledger import TraceLedger
from convlint.worker.trace.misuse import is_invalid_for_all
from convlint.worker.trace.nodes import NodeRecorder, ancestors
from convlint.worker.trace.raising import (
    called_container,
    is_certain,
    is_no_tensor_method,
    is_own,
    is_unpacking,
    numbers_near,
)
from convlint.worker.trace.trace import Trace, TraceSetting
from convlint.worker.trace.trail import Raised, TraceStopped, Unread, UserError, UserErrorOnBranch
from convlint.worker.trace.unpacking import Misreading, misreading
from convlint.worker.user_code.unavailable import Unavailable
from convlint.worker.user_code.wording import first_line, said


@dataclass(frozen=True)
class RunEnding:
    """How errors end one run."""

    trace: Trace
    setting: TraceSetting
    ledger: TraceLedger
    recorder: NodeRecorder

    def of(self, error: Exception) -> TraceStopped:
        """The last event of a run that an error ended."""
        place = raised_at(error, self.setting.is_user)
        at = span_of(place) if place else None
        misread = misreading(error, self.setting.is_user)
        if misread is not None and not self.trace.decisions and self._is_noted(misread):
            return Unread(_raises(error), at)
        if isinstance(error, Unavailable):
            return TraceStopped(error.reason, at)
        if isinstance(error, UNDECIDABLE) and called_container(error) is None:
            return TraceStopped(Reason(kind="data-dependent", detail=first_line(error)), at)
        if not self._is_raised_by_user(error):
            return self._raised(error, at)
        return UserErrorOnBranch(_raises(error), at) if self.trace.decisions else self._refusal(error, at)

    def _raised(self, error: Exception, at: Span | None) -> TraceStopped:
        if self.trace.decisions or not is_own(error, self.setting.is_user):
            return TraceStopped(_raises(error), at)
        return Raised(
            _raises(error),
            at,
            kind=type(error).__name__,
            numbers=numbers_near(error),
            is_unpacking=is_unpacking(error),
            is_certain=is_certain(error, self.setting.is_user) or self._is_misspelt(error) or self._is_misused(error),
        )

    def _is_misused(self, error: Exception) -> bool:
        """Whether the user's code calls torch with arguments that it takes of no tensor."""
        step = user_step(error, self.setting.is_user)
        if not isinstance(error, TypeError) or step is None:
            return False
        place = FramePlace(step.tb_frame.f_code, step.tb_lasti)
        last = self.trace.nodes[-1].meta["place"] if self.trace.nodes else None
        made_last = position_of(last) if last is not None and last.code is place.code else None
        return is_invalid_for_all(step.tb_frame, place, self.recorder.is_computed, made_last)

    def _is_misspelt(self, error: Exception) -> bool:
        """Whether what a layer gave, which is a tensor whatever the inputs are, is asked for what no tensor has."""
        if not isinstance(error, AttributeError) or not isinstance(error.obj, torch.Tensor):
            return False
        maker = self.recorder.maker(error.obj)
        if maker is None or not any(node.meta.get("layer") is not None for node in ancestors(maker)):
            return False
        return is_no_tensor_method(error, self.setting.is_user)

    def _refusal(self, error: Exception, at: Span | None) -> TraceStopped:
        if not is_own(error, self.setting.is_user):
            return TraceStopped(_raises(error), at)
        return UserError(_raises(error), at, type(error).__name__, numbers_near(error))

    def _is_noted(self, misread: Misreading) -> bool:
        """The code that reads a shape as a node, whose requirement is broken; not where a repair gave the shape."""
        maker = self.recorder.maker(misread.tensor)
        if maker is None or maker.meta["tainted"] or len(self.trace.nodes) >= self.setting.limit:
            return False
        block, dims = misread.frame.f_locals.get("self"), misread.reading.dims
        path = self.ledger.path(block) if isinstance(block, torch.nn.Module) else None
        call = Call(self.ledger, "torch.Tensor.shape", [misread.tensor], {})
        expected = f"at least {dims}" if misread.reading.is_least else dims
        with self.recorder.node("call_method", "size", call) as node:
            node.meta.update(place=misread.place, block=path or "", outputs=[])
            call.require("rank", "inputs[0].rank", sympy.false, actual=misread.tensor.dim(), expected=expected)
        return True

    def _is_raised_by_user(self, error: Exception) -> bool:
        steps = steps_of(error)
        if not steps:
            return False
        filename = steps[0].tb_frame.f_code.co_filename
        return self.setting.is_user(filename) and raises_at(filename, steps[0].tb_lineno)


def _raises(error: Exception) -> Reason:
    return Reason(kind="raises", detail=said(error))

"""The ledger of a trace: requirements and guards in their order, repairs and the tensors they make."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Any, Final

import sympy
import torch
from torch import fx

from convlint.worker.ops.call import Call
from convlint.worker.ops.result_strides import of_result
from convlint.worker.ops.views import MOVES
from convlint.worker.stack.places import FramePlace, span_of
from convlint.worker.torch_private.fake import blank, fake_of, set_env
from convlint.worker.torch_private.symbols import SizeEnv, expr_of, guard_count, guard_exprs, new_env, new_symbol
from convlint.worker.trace.handlers import Handled, is_handled
from convlint.worker.trace.nodes import NodeRecorder, ancestors
from convlint.worker.trace.trace import Trace, TraceSetting, is_symbolic
from convlint.worker.trace.trail import Assumption, Event, Requirement
from convlint.worker.trace.work import GUARD, spend
from convlint.worker.values.sizes import Size, holds_at
from convlint.worker.values.strides import Strides, contiguous, of_tensor

# What a tainted shape proves nothing about; channels stay what the layer before declares.
_SPATIAL = frozenset(
    {
        "spatial",
        "in_features",
        "in_features_of_two",
        "elements",
        "batch",
        "broadcast",
        "concat",
        "matmul",
        "normalized_shape",
        "loss_shape",
        "loss_size",
        "loss_broadcast",
        "class_axis",
        "reconstruction",
        "signature",
        "signature_condition",
    }
)


_SAME_NUMBERS: Final = MOVES | {
    *("view", "reshape", "flatten", "Flatten", "squeeze", "detach", "clone", "contiguous", "float", "to"),
}


def _keeps_numbers(node: fx.Node) -> bool:
    """Whether a call gives the numbers of its one operand in another shape or dtype."""
    return len(node.all_input_nodes) == 1 and str(node.meta.get("name")).rpartition(".")[2] in _SAME_NUMBERS


class TraceLedger:
    """Implements `convlint.worker.ops.call.Ledger` for one trace."""

    def __init__(
        self,
        model: torch.nn.Module,
        setting: TraceSetting,
        trace: Trace,
        recorder: NodeRecorder,
        place: Callable[[], FramePlace | None],
        root: CodeType,
    ) -> None:
        self._root = root  # of the frame that called forward
        self._setting = setting
        self._trace = trace
        self._recorder = recorder
        self._place = place
        self._model = model
        self._paths: dict[int, str | None] = {id(module): name for name, module in model.named_modules()}
        self._others: list[torch.nn.Module] = []
        self._strides: dict[int, tuple[torch.Tensor, Strides]] = {}  # with the tensor, so that its id stays its own
        self._blanks: dict[tuple[object, ...], torch.Tensor] = {}  # by dtype and shape: layers repeat their shapes
        self._guards_seen = guard_count(setting.env) if setting.env is not None else 0
        self._unknown = 0
        self._extra: SizeEnv | None = None  # of sizes that data decides, where all others are numbers
        self.silent = 0  # above 0 while a layer or a check works: its own calls are not nodes

    def require(self, call: Call, name: str, operand: str, condition: sympy.Basic, **facts: Any) -> bool:
        if condition is sympy.true or not condition.free_symbols <= self._setting.hints.keys():
            return True  # a size that depends on data breaks nothing that could be told
        holds = holds_at(condition, self._setting.hints)
        node = self._recorder.current
        if node is not None and node.meta["tainted"] and name in _SPATIAL:
            return holds
        if self._is_handled():
            self.assume(condition)
            if not holds:
                raise Handled(f"{call.target} does not take these sizes")
            return True
        actual, expected, value = facts.pop("actual"), facts.pop("expected"), facts.pop("value", None)
        self.append(
            Requirement(
                name=name,
                operand=operand,
                condition=condition,
                actual=actual if isinstance(actual, str) else expr_of(actual),
                expected=expected if isinstance(expected, str) else expr_of(expected),
                value=None if value is None else expr_of(value),
                key=(self.where(call), name, operand),
                node=len(self._trace.nodes) - 1,
                holds=holds,
                **facts,
            )
        )
        return holds

    def _is_handled(self) -> bool:
        return is_handled(sys._getframe(1), self._setting.is_user, self._root)

    def append(self, event: Event | None) -> None:
        """Write an event down after the guards that torch has set since the last one."""
        self.settle(is_inner=self.silent > 0)
        if event is not None:
            self._trace.trail.events.append(event)

    def settle(self, *, is_inner: bool) -> None:
        """Write down the guards that torch has set since the last event."""
        env = self._setting.env
        if env is not None:
            new = guard_exprs(env, self._guards_seen)
            self._guards_seen += len(new)
            self._trace.trail.events.extend(Assumption(condition, is_inner) for condition in new)
            spend(GUARD * len(new))

    def assume(self, condition: sympy.Basic) -> None:
        if condition.free_symbols and condition.free_symbols <= self._setting.hints.keys():
            holds = holds_at(condition, self._setting.hints)
            self.append(Assumption(condition if holds else sympy.Not(condition), is_inner=True))

    def choose(self, options: int) -> int:
        made = self._trace.ambiguous
        made.append(options)
        index = len(made) - 1
        return self._setting.choices[index] if index < len(self._setting.choices) else 0

    def fresh(
        self,
        shape: tuple[Size, ...],
        like: torch.Tensor,
        dtype: torch.dtype | None = None,
        strides: Strides | None = None,
    ) -> torch.Tensor:
        wanted, strides = dtype or like.dtype, strides or contiguous(len(shape))
        key = (wanted, strides.order, *map(expr_of, shape))
        if key not in self._blanks:
            self.silent += 1
            try:
                self._blanks[key] = blank(shape, wanted, strides.order)
            finally:
                self.silent -= 1
        tensor = fake_of(self._setting.mode, self._blanks[key])
        self.note(tensor, strides)
        return tensor

    def like(self, call: Call, x: torch.Tensor) -> torch.Tensor:
        strides = of_result(call, x.shape, self.strides, [x])
        if strides is not None:
            return self.fresh(tuple(x.shape), x, strides=strides)
        self.silent += 1
        try:
            return torch.empty_like(x)
        finally:
            self.silent -= 1

    def note(self, tensor: torch.Tensor, strides: Strides | None) -> None:
        """Keep what is known of a tensor's strides."""
        if strides is not None:
            self._strides[id(tensor)] = tensor, strides
        else:
            self._strides.pop(id(tensor), None)

    def strides(self, x: torch.Tensor) -> Strides | None:
        """Known without asking torch, which would answer with guards."""
        _, known = self._strides.get(id(x), (x, None))
        return known if known is not None or is_symbolic(x) else of_tensor(x)

    def unknown(self, size: Size) -> Size:
        if not isinstance(size, int) or size < 2:
            return size  # of a symbol every number is looked at in any case
        self._unknown += 1
        return new_symbol(self._env(), f"unknown{self._unknown}", size)[0]

    def undecided(self, most: Size, like: torch.Tensor) -> Size:
        self._env()
        self.silent += 1
        try:
            return torch.nonzero(self.fresh((most,), like, torch.bool)).shape[0]
        finally:
            self.silent -= 1

    def _env(self) -> SizeEnv:
        """Where symbols are, also where all sizes were numbers so far."""
        if self._setting.env is not None:
            return self._setting.env
        if self._extra is None:
            self._extra = new_env()
            set_env(self._setting.mode, self._extra)
        return self._extra

    def bound(self, x: torch.Tensor) -> int | None:
        return self._setting.bounds.get(id(x))

    def rebuilds(self, made: torch.Tensor, given: torch.Tensor) -> bool:
        node = self._recorder.maker(given)
        while node is not None and node.op != "placeholder":
            node = node.all_input_nodes[0] if _keeps_numbers(node) else None
        maker = self._recorder.maker(made)
        return node is not None and maker is not None and maker is not node and node in ancestors(maker)

    def is_batch(self, size: Size) -> bool:
        batch = self._setting.batch
        return batch is not None and expr_of(size) == expr_of(batch)

    def path(self, module: torch.nn.Module) -> str | None:
        if id(module) not in self._paths:  # forward may put new layers in the place of others
            self._paths |= {id(part): name for name, part in self._model.named_modules()}
            self._others.append(module)  # so that its id stays its own
            self._paths.setdefault(id(module), None)
        return self._paths[id(module)]

    def where(self, call: Call) -> str:
        """A name of this call that is the same in every trace."""
        path = self.path(call.layer) if call.layer is not None else None
        if path is not None:
            return path
        node = self._recorder.current
        place = node.meta["place"] if node is not None else self._place()
        span = span_of(place) if place is not None else None
        return f"{''.join(self._recorder.blocks[-1:])}@{span.row}:{span.column}" if span else call.target

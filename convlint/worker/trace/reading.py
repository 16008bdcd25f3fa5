"""Values that a model reads off its tensors: known real ones, a decision or a stand-in for unknown ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch import fx

from convlint.facts import Reason
from convlint.worker.stack.parsed_file import way_past
from convlint.worker.stack.places import FramePlace, place_of
from convlint.worker.torch_private.fake import UNREADABLE, FakeTensor, outside_modes
from convlint.worker.trace.nodes import ancestors
from convlint.worker.trace.trace import Trace, TraceAborted, TraceSetting
from convlint.worker.user_code.standins import StandIn
from convlint.worker.user_code.wording import first_line
from convlint.worker.values.contents import number, numbers
from convlint.worker.values.nesting import tensors_in

READERS = frozenset({"item", "tolist", "__bool__", "__int__", "__float__", "__index__", "numpy", "equal", "allclose"})
MAX_DECISIONS = 64

_COMPARISONS = frozenset({"equal", "allclose"})
_RESULTS = frozenset({"item", "numpy", "tolist"})
_AS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("item", "tolist"), lambda value: value),
    **dict.fromkeys(("__int__", "__index__"), int),
    "__bool__": bool,
    "__float__": float,
}


@dataclass(frozen=True)
class Reader:
    """What one run of forward reads, noted in its trace."""

    trace: Trace
    setting: TraceSetting
    maker: Callable[[torch.Tensor], fx.Node | None]
    place: Callable[[], FramePlace | None]

    def read(self, function: Callable[..., Any], short: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The value of the first argument, asked for by one of READERS.

        Raises `Halted` where forward cannot go on without it.
        """
        if not isinstance(args[0], FakeTensor):
            with outside_modes():
                return function(*args, **kwargs)
        known = numbers(args[0]) if short == "tolist" else number(args[0])
        if known is not None and short in _AS:
            return _AS[short](known)
        if short in _COMPARISONS or (short == "__bool__" and args[0].numel() == 1):
            return self._decide(self.place(), args)
        if short in _RESULTS and (maker := self.maker(args[0])) is not None:
            self.trace.read.append(maker)
        if short == "tolist":  # torch would make a symbol for each value
            return StandIn("the result of .tolist()", Reason(kind="value-from-data"))
        try:
            return function(*args, **kwargs)
        except UNREADABLE as error:
            if short in _RESULTS:  # often only logged or plotted
                return StandIn(f"the result of .{short}()", Reason(kind="value-from-data"))
            raise TraceAborted(Reason(kind="value-from-data", detail=first_line(error)), self.place()) from None

    def compared(self, frame: FrameType) -> bool | None:
        """The truth of a comparison of numbers that depend on data; None where torch's own code asks for it."""
        return self._decide(place_of(frame), ()) if self.setting.is_user(frame.f_code.co_filename) else None

    def _decide(self, place: FramePlace | None, args: tuple[Any, ...]) -> bool:
        """Which way to go at a branch on data: not where the code raises, else as the setting says, else past it."""
        check = way_past(place) if place is not None else None
        if check is not None:
            return check
        taken, given = self.trace.decisions, self.setting.decisions
        if len(taken) >= MAX_DECISIONS:
            raise TraceAborted(Reason(kind="loop-on-data"), place)
        makers = [self.maker(tensor) for tensor in tensors_in(args)]
        way = given[len(taken)] if len(taken) < len(given) else any(map(_asks_for_fit_values, makers))
        if makers and all(
            maker is not None and all(one.op != "placeholder" for one in ancestors(maker)) for maker in makers
        ):
            self.trace.settled.append(len(taken))
        taken.append((place, way))
        return way


def _asks_for_fit_values(maker: fx.Node | None) -> bool:
    """`torch.isfinite(x).all()`, which holds of a model that trains."""
    if maker is None or not str(maker.meta["name"]).endswith(".all"):
        return False
    return any(str(asked.meta["name"]).endswith(".isfinite") for asked in maker.all_input_nodes)

"""ShapeTracer: a torch.fx graph recorded while `forward` runs on fake tensors.

One node a leaf layer, one a function or method call. `node.meta` holds `val` (the result), `inputs` (what came,
before any repair), `place` (the user's call), `block` (the module whose forward made it) and `spoiled`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sympy
import torch
from torch import fx
from torch.overrides import TorchFunctionMode, resolve_name

from convlint.worker import devices
from convlint.worker.call import Call
from convlint.worker.confirm import Unconfirmed, first_line, refusal
from convlint.worker.places import Place, place_of, span_of
from convlint.worker.requirements import function_check, layer_check
from convlint.worker.shapes import needs_contiguous, result_shape
from convlint.worker.sizes import Size, holds_at
from convlint.worker.torch_private import (
    UNDECIDABLE,
    FakeTensor,
    SizeEnv,
    expr_of,
    guard_count,
    guard_exprs,
    module_calls,
    outside_modes,
)
from convlint.worker.trail import Assumption, Halt, Need, Stop, Trail

MAX_NODES = 200_000
MAX_DECISIONS = 64

# What a spoiled shape proves nothing about; channels stay what the layer before declares.
_SPATIAL = frozenset(
    {"spatial", "in_features", "elements", "batch", "broadcast", "concat", "matmul", "normalized_shape"}
)
_READERS = frozenset({"item", "tolist", "__bool__", "__int__", "__float__", "__index__", "numpy"})
_VIEWS = frozenset({"T", "mT", "H", "mH", "data", "real", "imag"})
_RESETS = ("Linear", "AdaptiveAvgPool", "AdaptiveMaxPool", "Embedding")


class Halted(BaseException):
    """Leaves the user's forward where the trace cannot tell; no `except Exception` may catch it."""

    def __init__(self, reason: str, place: Place | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


@dataclass
class Trace:
    """What one run of forward gave."""

    graph: fx.Graph
    nodes: list[fx.Node]
    trail: Trail
    output: Any = None
    decisions: list[tuple[Place | None, bool]] = field(default_factory=list)
    ambiguous: list[int] = field(default_factory=list)  # options of each repair that was a choice


@dataclass(frozen=True)
class Setting:
    """What a trace depends on besides the model and its inputs."""

    env: SizeEnv | None
    hints: Mapping[sympy.Basic, sympy.Basic]  # symbol -> its number in this trace
    batch: Size | None
    is_user: Callable[[str], bool]
    choices: Sequence[int] = ()  # which repair to take, in order
    decisions: Sequence[bool] = ()  # which way to go at branches on data, in order


class ShapeTracer(fx.Tracer):
    """Records one run of a model's forward. It is also the ledger to which requirements report."""

    def __init__(self, model: torch.nn.Module, setting: Setting) -> None:
        super().__init__()
        self.root = model
        self.setting = setting
        self.graph = fx.Graph(tracer_cls=type(self))
        self.trace_result = Trace(self.graph, [], Trail())
        self._paths = {id(module): name for name, module in model.named_modules()}
        self._attributes = {id(t): name for name, t in (*model.named_parameters(), *model.named_buffers())}
        self._producers: dict[int, fx.Node] = {}
        self._alive: list[Any] = []  # ids stay unique while their tensors live
        self._plain: set[int] = set()  # tensors known to be contiguous
        self._blocks: list[str] = []
        self._quiet = 0
        self._guards_seen = guard_count(setting.env) if setting.env is not None else 0
        self._current: fx.Node | None = None
        self._refused: BaseException | None = None
        self._stop: Stop | None = None

    # -- running --------------------------------------------------------------------------------------------

    def run(self, args: Sequence[Any], kwargs: Mapping[str, Any], names: Iterable[str]) -> Trace:
        """Run forward and keep what happened; raises only what is a fault of convlint's own."""
        given = [*args, *kwargs.values()]
        for name, value in zip(names, given, strict=True):
            self._placeholder(name, value)
        trail = self.trace_result.trail
        try:
            with _Recorder(self), module_calls(self.call_module_quietly):
                self.trace_result.output = self.root(*args, **kwargs)
        except Halted as halted:
            self._sync()
            trail.events.append(Halt(halted.reason, span_of(halted.place) if halted.place else None))
        except Exception as error:
            self._sync()
            trail.events.append(self._ending(error))
        else:
            self._sync()
            self.graph.output(self._as_node(self.trace_result.output))
        return self.trace_result

    def _ending(self, error: Exception) -> Stop | Halt:
        if error is self._refused and self._stop is not None:
            return self._stop
        place = self._place_of_error(error)
        if isinstance(error, UNDECIDABLE):
            return Halt(f"depends on data: {first_line(error)}", span_of(place) if place else None)
        return Halt(f"{type(error).__name__}: {first_line(error)}", span_of(place) if place else None)

    def _place_of_error(self, error: BaseException) -> Place | None:
        """The innermost frame of the user's that the error came through."""
        found = None
        traceback = error.__traceback__
        while traceback is not None:
            if self.setting.is_user(traceback.tb_frame.f_code.co_filename):
                found = Place(traceback.tb_frame.f_code, traceback.tb_lasti)
            traceback = traceback.tb_next
        return found

    # -- the calls ------------------------------------------------------------------------------------------

    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str = "") -> bool:
        """A layer of torch without parts, or one whose forward is torch's own and has a check."""
        if isinstance(m, torch.nn.MultiheadAttention):
            return layer_check(m) is not None
        if next(m.children(), None) is not None:
            return False
        return layer_check(m) is not None or (type(m).__module__ or "").startswith(
            ("torch.nn.", "torch.ao.nn.")
        )

    def call_module_quietly(
        self, original: Callable[..., Any], module: torch.nn.Module, *args: Any, **kwargs: Any
    ) -> Any:
        """A module's call: a leaf becomes a node, anything else is entered."""
        if self._quiet:
            return original(module, *args, **kwargs)
        path = self._paths.get(id(module), "")
        if not self.is_leaf_module(module, path):
            self._blocks.append(path)
            try:
                return original(module, *args, **kwargs)
            finally:
                self._blocks.pop()
        call = Call(self, type_name(type(module)), list(args), dict(kwargs), layer=module)
        with self._node("call_module", path or type(module).__name__, call) as node:
            node.meta["layer"] = module
            check = layer_check(module)
            with self.silence():
                if check is not None:
                    check(call)
                result = self._result(call, module, lambda *a, **k: original(module, *a, **k))
            self._finish(node, result, call)
        return result

    def call_function(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A call of a torch function or method, from the user's code."""
        name = function_name(function)
        short = name.rsplit(".", 1)[-1]
        if self._quiet:
            return function(*args, **kwargs)
        if short == "__get__":
            value = function(*args, **kwargs)
            return self._plain(name, value, args) if name.rsplit(".", 2)[-2] in _VIEWS else value
        if short in _READERS and args and isinstance(args[0], torch.Tensor):
            return self._read(function, short, args, kwargs)
        args, kwargs = devices.neutral(name, args, kwargs)
        if devices.is_move(name) and len(args) == 1 and not kwargs:
            return args[0]
        if not _has_fake(args) and not _has_fake(kwargs.values()) and _has_tensor(args):
            with outside_modes():  # small real tensors keep their values
                return function(*args, **kwargs)
        return self._record(function, name, args, kwargs)

    def _record(
        self, function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        call = Call(self, name, list(args), dict(kwargs))
        check = function_check(name)
        if check is None and not _has_tensor(args):
            result = self._attempt(function, function, call)  # a factory: no node before it is used
            if not _has_tensor((result,)):
                return result
        op = "call_method" if name.startswith("torch.Tensor.") else "call_function"
        target = name.rsplit(".", 1)[-1] if op == "call_method" else function
        with self._node(op, target, call) as node:
            with self.silence():
                if check is not None:
                    check(call)
                result = self._result(call, function, function)
            self._finish(node, result, call)
        return result

    def _result(self, call: Call, subject: Any, run: Callable[..., Any]) -> Any:
        """What a check has settled, or a rule of shapes says, or torch computes."""
        if not call.is_done and self.setting.env is not None:
            tensors = list(_tensors((call.args, call.kwargs)))
            known = not needs_contiguous(call) or all(self._is_contiguous(x) for x in tensors)
            if known and any(_is_symbolic(x) for x in tensors):
                shape = result_shape(call)
                if shape is not None:
                    call.result = self.fresh(shape, tensors[0])
        return call.result if call.is_done else self._attempt(subject, run, call)

    def _is_contiguous(self, x: torch.Tensor) -> bool:
        """Known without asking torch, which would answer with guards."""
        return id(x) in self._plain or (not _is_symbolic(x) and x.is_contiguous())

    def _attempt(self, subject: Any, run: Callable[..., Any], call: Call) -> Any:
        """Run a call on fake tensors; a refusal is held against real torch before it counts."""
        try:
            return run(*call.args, **call.kwargs)
        except UNDECIDABLE as error:
            raise Halted(f"{call.target} depends on data: {first_line(error)}", self._user_place()) from None
        except Exception as error:
            node = self._current
            place = self._user_place()
            if any(isinstance(base, Halted) for base in (error, error.__context__)):
                raise
            try:
                reason = refusal(subject, tuple(call.args), call.kwargs)
            except Unconfirmed as unsure:
                raise Halted(f"{call.target} is refused ({first_line(error)}), but {unsure}", place) from None
            if reason is None:
                raise Halted(
                    f"{call.target} runs in torch but cannot be traced: {first_line(error)}", place
                ) from None
            index = len(self.trace_result.nodes) - 1 if node is not None else 0
            self._refused = error
            self._stop = Stop(reason, index, (self._where(call), "raises", call.target))
            raise

    def _read(
        self, function: Callable[..., Any], short: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The value of a tensor: known for real ones; a branch on an unknown one is a decision."""
        if not isinstance(args[0], FakeTensor):
            with outside_modes():
                return function(*args, **kwargs)
        if short == "__bool__" and args[0].numel() == 1:
            return self._decide()
        try:
            return function(*args, **kwargs)
        except UNDECIDABLE as error:
            raise Halted(f"depends on data: {first_line(error)}", self._user_place()) from None
        except RuntimeError as error:
            raise Halted(
                f"a value that depends on data is read: {first_line(error)}", self._user_place()
            ) from None

    def _decide(self) -> bool:
        taken = self.trace_result.decisions
        if len(taken) >= MAX_DECISIONS:
            raise Halted("a loop runs on data", self._user_place())
        given = self.setting.decisions
        place = self._user_place()
        way = given[len(taken)] if len(taken) < len(given) else False
        taken.append((place, way))
        return way

    def _plain(self, name: str, value: Any, args: tuple[Any, ...]) -> Any:
        """A property that gives a tensor: a node without a check."""
        if isinstance(value, torch.Tensor):
            call = Call(self, name.removesuffix(".__get__"), list(args), {})
            with self._node("call_method", call.target.rsplit(".", 1)[-1], call) as node:
                self._finish(node, value, call)
        return value

    # -- the ledger -----------------------------------------------------------------------------------------

    def need(self, call: Call, name: str, operand: str, condition: sympy.Basic, **facts: Any) -> bool:
        if condition is sympy.true:
            return True
        holds = holds_at(condition, self.setting.hints)
        if self._current is not None and self._current.meta["spoiled"] and name in _SPATIAL:
            return holds
        self._sync()
        came, needed, value = facts.pop("came"), facts.pop("needed"), facts.pop("value", None)
        self.trace_result.trail.events.append(
            Need(
                name=name,
                operand=operand,
                condition=condition,
                came=came if isinstance(came, str) else expr_of(came),
                needed=needed if isinstance(needed, str) else expr_of(needed),
                value=None if value is None else expr_of(value),
                key=(self._where(call), name, operand),
                node=len(self.trace_result.nodes) - 1,
                holds=holds,
                **facts,
            )
        )
        return holds

    def choose(self, options: int) -> int:
        made = self.trace_result.ambiguous
        made.append(options)
        index = len(made) - 1
        return self.setting.choices[index] if index < len(self.setting.choices) else 0

    def fresh(
        self, shape: tuple[Size, ...], like: torch.Tensor, dtype: torch.dtype | None = None
    ) -> torch.Tensor:
        with self.silence():
            tensor = torch.empty(shape, dtype=dtype or like.dtype)
        self._plain.add(id(tensor))
        self._alive.append(tensor)
        return tensor

    def like(self, x: torch.Tensor) -> torch.Tensor:
        if id(x) in self._plain:
            return self.fresh(tuple(x.shape), x)
        with self.silence():
            return torch.empty_like(x)

    def is_batch(self, size: Size) -> bool:
        batch = self.setting.batch
        return batch is not None and expr_of(size) == expr_of(batch)

    def _where(self, call: Call) -> str:
        """A name of this call that is the same in every trace."""
        if call.layer is not None and id(call.layer) in self._paths:
            return self._paths[id(call.layer)]
        span = span_of(place) if (place := self._user_place()) else None
        return f"{'.'.join(self._blocks[-1:])}@{span.row}:{span.column}" if span else call.target

    def _sync(self) -> None:
        """Bring the guards since the last event into the trail."""
        env = self.setting.env
        if env is not None:
            new = guard_exprs(env, self._guards_seen)
            self._guards_seen += len(new)
            self.trace_result.trail.events.extend(Assumption(condition) for condition in new)

    # -- nodes ----------------------------------------------------------------------------------------------

    @contextmanager
    def silence(self) -> Iterator[None]:
        """While a layer or a check works, its own calls are no nodes."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    @contextmanager
    def _node(self, op: str, target: Any, call: Call) -> Iterator[fx.Node]:
        nodes = self.trace_result.nodes
        if len(nodes) >= MAX_NODES:
            raise Halted(f"more than {MAX_NODES} calls", self._user_place())
        args, kwargs = self._as_node(tuple(call.args)), self._as_node(dict(call.kwargs))
        node = self.graph.create_node(op, target, args, kwargs)
        inputs = [x for x in _tensors((call.args, call.kwargs))]
        node.meta.update(
            name=call.target,
            inputs=[tensor_meta(x) for x in inputs],
            place=self._user_place(),
            block=self._blocks[-1] if self._blocks else "",
            spoiled=any(p.meta.get("spoiled") for p in node.all_input_nodes),
        )
        nodes.append(node)
        outer, self._current = self._current, node
        try:
            yield node
        finally:
            self._current = outer

    def _finish(self, node: fx.Node, result: Any, call: Call) -> None:
        reset = call.layer is not None and type(call.layer).__name__.startswith(_RESETS)
        node.meta["spoiled"] = call.spoiled or (node.meta["spoiled"] and not reset)
        node.meta["val"] = result
        node.meta["outputs"] = [tensor_meta(x) for x in _tensors(result)]
        self._own(result, node)
        if call.target.endswith("__setitem__"):
            self._own(call.args[0], node)

    def _placeholder(self, name: str, value: Any) -> None:
        node = self.graph.placeholder(name)
        tensors = list(_tensors(value))
        metas = [tensor_meta(x) for x in tensors]
        node.meta.update(
            name=name, inputs=[], outputs=metas, val=value, place=None, block="", spoiled=False, source=name
        )
        self.trace_result.nodes.append(node)
        self._plain.update(id(x) for x in tensors)
        self._own(value, node)

    def _own(self, value: Any, node: fx.Node) -> None:
        self._alive.append(value)
        for tensor in _tensors(value):
            self._producers[id(tensor)] = node

    def _as_node(self, value: Any) -> Any:
        """The arguments of a call with each tensor as the node that made it."""
        if isinstance(value, torch.Tensor):
            node = self._producers.get(id(value))
            if node is None:
                node = self.graph.get_attr(self._attributes.get(id(value), "_tensor_constant"))
                node.meta.update(val=value, spoiled=False)
                self._producers[id(value)] = node
                self._alive.append(value)
            return node
        if type(value) in (tuple, list):
            return type(value)(self._as_node(item) for item in value)
        if type(value) is dict:
            return {str(key): self._as_node(item) for key, item in value.items()}
        return value if isinstance(value, (int, float, bool, str, torch.dtype, type(None))) else str(value)

    def _user_place(self) -> Place | None:
        """The innermost frame of the user's code."""
        frame = sys._getframe(1)
        while frame is not None:
            if self.setting.is_user(frame.f_code.co_filename):
                return place_of(frame)
            frame = frame.f_back  # type: ignore[assignment]
        return None


class _Recorder(TorchFunctionMode):
    """Hands every torch-level call of the user's code to the tracer."""

    def __init__(self, tracer: ShapeTracer) -> None:
        super().__init__()
        self._tracer = tracer

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._tracer.call_function(func, tuple(args), dict(kwargs or {}))


@dataclass(frozen=True, slots=True)
class TensorMeta:
    """A tensor's shape and dtype, kept without the tensor."""

    shape: tuple[Size, ...]
    dtype: str
    device: str


def tensor_meta(x: torch.Tensor) -> TensorMeta:
    return TensorMeta(tuple(x.shape), str(x.dtype).removeprefix("torch."), x.device.type)


@lru_cache(maxsize=4096)
def function_name(function: Callable[..., Any]) -> str:
    """The public name of a torch function: `torch.nn.functional.linear`, `torch.Tensor.view`."""
    return resolve_name(function) or getattr(function, "__name__", "?")


@lru_cache(maxsize=4096)
def type_name(kind: type) -> str:
    """The public name of a class: `torch.nn.Linear`."""
    if kind.__module__.startswith("torch.nn.modules."):
        return f"torch.nn.{kind.__qualname__}"
    return f"{kind.__module__}.{kind.__qualname__}"


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in a result or in arguments, through containers and dataclasses."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list, set)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for name in value.__dataclass_fields__:
            yield from _tensors(getattr(value, name, None))


def _is_symbolic(x: torch.Tensor) -> bool:
    return any(isinstance(size, torch.SymInt) for size in x.shape)


def _has_tensor(values: Iterable[Any]) -> bool:
    return any(True for value in values for _ in _tensors(value))


def _has_fake(values: Iterable[Any]) -> bool:
    return any(isinstance(x, FakeTensor) for value in values for x in _tensors(value))

"""The nodes of a trace: one a call, linked by the tensors that go from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx

from convlint.facts import Reason
from convlint.worker.ops.call import Call
from convlint.worker.stack.places import FramePlace
from convlint.worker.trace.handlers import Handled
from convlint.worker.trace.trace import Trace, TraceAborted, has_tensor, tensor_meta
from convlint.worker.trace.work import CALL, spend
from convlint.worker.values.nesting import tensors_in

# Layers whose output sizes come from themselves alone, whatever was tainted before.
_RESETS = ("Linear", "AdaptiveAvgPool", "AdaptiveMaxPool", "Embedding")


class NodeRecorder:
    """Writes calls into a torch.fx graph and remembers which node made which tensor.

    `node.meta` holds `name` (the public name of what is called), `val`, `inputs` and `outputs` (TensorMeta, the
    inputs as they came, before any repair), `place` (the user's call), `block` (the module whose forward made the
    call), `layer` (the leaf module) and `tainted` (sizes that come from a repair and prove nothing).
    """

    def __init__(
        self, model: torch.nn.Module, trace: Trace, place: Callable[[], FramePlace | None], limit: int
    ) -> None:
        self.blocks: list[str] = []  # the modules whose forward is running, by path
        self.current: fx.Node | None = None
        self._trace = trace
        self._place = place
        self._limit = limit
        self._attributes = {id(t): name for name, t in (*model.named_parameters(), *model.named_buffers())}
        self._makers: dict[int, fx.Node] = {}
        self._alive: list[Any] = []  # ids stay unique while their tensors live

    @contextmanager
    def node(self, op: str, target: Any, call: Call) -> Iterator[fx.Node]:
        """A node for a call that is about to run; it goes again where the call gives no tensor."""
        nodes = self._trace.nodes
        if len(nodes) >= self._limit:
            raise TraceAborted(Reason(kind="too-many-calls", limit=self._limit), self._place())
        spend(CALL)
        args, kwargs = self.as_argument(tuple(call.args)), self.as_argument(dict(call.kwargs))
        node = self._trace.graph.create_node(op, target, args, kwargs)
        node.meta.update(
            name=call.target,
            inputs=[tensor_meta(x) for x in tensors_in((call.args, call.kwargs))],
            place=self._place(),
            block=self.blocks[-1] if self.blocks else "",
            layer=call.layer,
            training=call.layer is not None and call.layer.training,  # in this run
            tainted=any(producer.meta.get("tainted") for producer in node.all_input_nodes),
        )
        nodes.append(node)
        outer, self.current = self.current, node
        try:
            yield node
        except Handled:
            nodes.remove(node)
            raise
        finally:
            self.current = outer

    def finish(self, node: fx.Node, result: Any, call: Call) -> None:
        """Write down what a call gave."""
        writes = call.target.endswith("__setitem__")
        if not writes and not has_tensor((result,)):
            if self._trace.nodes[-1] is node:
                self._trace.nodes.pop()
                self._trace.graph.erase_node(node)
            return
        reset = call.layer is not None and type(call.layer).__name__.startswith(_RESETS)
        node.meta["tainted"] = call.tainted or (node.meta["tainted"] and not reset)
        node.meta["val"] = result
        node.meta["outputs"] = [tensor_meta(x) for x in tensors_in(result)]
        self.made(call.args[0] if writes else result, node)

    def placeholder(self, name: str, value: Any) -> None:
        """A node for an argument of forward."""
        node = self._trace.graph.placeholder(name)
        node.meta.update(
            name=name,
            inputs=[],
            outputs=[tensor_meta(x) for x in tensors_in(value)],
            val=value,
            place=None,
            block="",
            tainted=False,
        )
        self._trace.nodes.append(node)
        self.made(value, node)

    def made(self, value: Any, node: fx.Node) -> None:
        """From now on this node is the producer of these tensors."""
        self._alive.append(value)
        for tensor in tensors_in(value):
            self._makers[id(tensor)] = node

    def maker(self, tensor: Any) -> fx.Node | None:
        """The node that a tensor came from."""
        return self._makers.get(id(tensor))

    def is_computed(self, value: Any) -> bool:
        """Whether a call of forward made a tensor, not the caller."""
        maker = self.maker(value)
        return maker is not None and maker.op != "placeholder"

    def as_argument(self, value: Any) -> Any:
        """A value as torch.fx wants it: each tensor as the node that made it, the rest plain."""
        if isinstance(value, torch.Tensor):
            return self._makers.get(id(value)) or self._attribute(value)
        if isinstance(value, (tuple, list)):  # packed sequences too are named tuples
            return (list if isinstance(value, list) else tuple)(self.as_argument(item) for item in value)
        if isinstance(value, dict):
            return {str(key): self.as_argument(item) for key, item in value.items()}
        if inner := list(tensors_in(value)):
            return tuple(map(self.as_argument, inner))
        plain = isinstance(value, (int, float, bool, str, torch.dtype, type(None)))
        return value if plain else f"<{type(value).__name__}>"

    def _attribute(self, tensor: torch.Tensor) -> fx.Node:
        """A parameter, a buffer, or a tensor that forward made of nothing."""
        node = self._trace.graph.get_attr(self._attributes.get(id(tensor), "_tensor_constant"))
        node.meta.update(val=tensor, tainted=False)
        self.made(tensor, node)
        return node


def ancestors(node: fx.Node) -> Iterator[fx.Node]:
    """The node and all that it is made of."""
    queue, seen = [node], set[fx.Node]()
    while queue:
        current = queue.pop()
        if current not in seen:
            seen.add(current)
            queue.extend(current.all_input_nodes)
            yield current

"""The batch as a symbol where a trace had to put a number in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convlint.facts import ModelFacts, Node, TensorFact
from convlint.ops.expression import BATCH
from convlint.ops.operation import Shape


@dataclass(frozen=True, slots=True)
class _Batch:
    """The number that a trace ran with, and where it is in the inputs."""

    number: int
    places: frozenset[int]

    def in_(self, shape: Shape) -> Shape:
        """A shape with `B` for the number: 1664 becomes `64*B` where the batch of 26 was folded into another size."""
        return tuple(self._size(size) if i in self.places else size for i, size in enumerate(shape))

    def _size(self, size: int | str) -> int | str:
        if isinstance(size, str) or not size or size % self.number:
            return size
        return BATCH if size == self.number else f"{size // self.number}*{BATCH}"


def with_batch(model: ModelFacts) -> ModelFacts:
    """The model with `B` for that number in everything that comes from its inputs."""
    batch = _batch(model)
    if batch is None:
        return model
    old = {node.id: node for node in model.nodes}
    fed = _fed(model)
    nodes = tuple(_renamed(node, batch, fed, old) if node.id in fed else node for node in model.nodes)
    return model.model_copy(update={"nodes": nodes, "outputs": tuple(map(batch.in_, model.outputs))})


def _batch(model: ModelFacts) -> _Batch | None:
    """None where the trace kept the symbol, or where there is none."""
    given = {node.target: node.outputs for node in model.nodes if node.op == "input"}
    places: set[int] = set()
    number: int | None = None
    for one in model.inputs:
        traced = given.get(one.name, ())
        if one.shape is None or BATCH not in one.shape or len(traced) != 1:
            continue
        place = one.shape.index(BATCH)
        size = traced[0].shape[place] if place < len(traced[0].shape) else None
        if isinstance(size, int) and size > 1:
            places.add(place)
            number = size
    return None if number is None else _Batch(number, frozenset(places))


def _fed(model: ModelFacts) -> frozenset[int]:
    """The nodes that the inputs lead to."""
    fed: set[int] = set()
    for node in model.nodes:  # in the order of the calls: producers come first
        if node.op == "input" or not fed.isdisjoint(node.producers):
            fed.add(node.id)
    return frozenset(fed)


def _renamed(node: Node, batch: _Batch, fed: frozenset[int], nodes: Mapping[int, Node]) -> Node:
    # Weights are inputs too, and no batch is in them.
    computed = {fact.shape for number in node.producers if number in fed for fact in nodes[number].outputs}

    def renamed(fact: TensorFact) -> TensorFact:
        return fact.model_copy(update={"shape": batch.in_(fact.shape)})

    inputs = tuple(renamed(fact) if fact.shape in computed else fact for fact in node.inputs)
    return node.model_copy(update={"inputs": inputs, "outputs": tuple(map(renamed, node.outputs))})

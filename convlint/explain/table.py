"""A model as a table: a row for each call of forward, in the order in which they run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from convlint.explain.batch import with_batch
from convlint.explain.counts import parameters_text, work
from convlint.explain.laws import LayerFormula, sizes
from convlint.explain.remarks import mismade, problem, remarks
from convlint.explain.reshapes import equation, joined, regrouped
from convlint.facts import Dim, Layer, ModelFacts, Node, Violation
from convlint.ops.expression import BATCH, Count, Values, symbols, work_out
from convlint.ops.kind import Numbers
from convlint.ops.operation import Operation, Shape
from convlint.ops.registry import kind_named, operation_of
from convlint.reporters.source import beside, line, spot

_ARITHMETIC: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/", "true_divide": "/", "floor_divide": "//"}
_OPERATORS: Final = _ARITHMETIC | {"pow": "**", "matmul": "@", "__matmul__": "@", "__getitem__": "[...]"}


@dataclass(frozen=True, slots=True)
class Row:
    """One call of forward."""

    id: int  # of the node in the facts
    filename: str | None  # where the call stands
    cell: int | None  # of a notebook
    line: int | None  # in the file or cell
    code: str | None  # that line
    path: str | None  # of the layer; None for a function
    block: str  # the path of the module whose forward makes the call
    kind: str  # "Conv2d", "F.relu"
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    parameters: int
    multiply_adds: Dim | None  # for one sample; None where they are not known
    formulas: tuple[LayerFormula, ...]
    meaning: str | None
    remarks: tuple[str, ...]
    problems: tuple[str, ...]
    operation: Operation

    @property
    def name(self) -> str:
        return self.path if self.path is not None else self.kind


@dataclass(frozen=True, slots=True)
class Table:
    """One model. `rows` may be a part of it; the totals are those of the whole."""

    filename: str
    model: ModelFacts
    rows: tuple[Row, ...]
    parameters: int
    multiply_adds: Dim  # of the rows where they are known
    uncounted: tuple[str, ...]  # rows whose multiply-adds are not known
    numbers: Numbers
    at_example: int | None  # the multiply-adds at `numbers.example`
    problems: tuple[str, ...]  # of constructors
    shares_weights: bool = False
    is_part: bool = False  # whether `rows` are only some of the model's

    @property
    def name(self) -> str:
        return f"{self.filename}:{self.model.target}"

    @property
    def has_batch(self) -> bool:
        """Whether the batch is a symbol, so that one sample can be told from it."""
        return any(BATCH in symbols(size) for one in self.model.inputs for size in one.shape or ())


def table_of(filename: str, model: ModelFacts) -> Table:
    """The whole table of a model."""
    model = with_batch(model)
    numbers = _numbers(model)
    nodes = [(node, operation_of(node, model)) for node in model.nodes if node.op != "input"]
    counts = [work(operation).total for _, operation in nodes]
    broken = {one.layer: mismade(one) for one in model.violations if one.layer}
    rows = tuple(_rows(nodes, filename, numbers, broken))
    total = sum((one for one in counts if one is not None), Count()).value
    listed = sum(row.parameters for row in rows) + sum(map(math.prod, model.other_weights.values()))
    return Table(
        filename=filename,
        model=model,
        rows=rows,
        parameters=model.parameters,
        multiply_adds=total,
        uncounted=tuple(row.name for row, one in zip(rows, counts, strict=True) if one is None),
        numbers=numbers,
        at_example=work_out(total, numbers.example) if isinstance(total, str) else None,
        shares_weights=listed > model.parameters,
        problems=tuple(map(_of_constructor, model.violations)),
    )


def _of_constructor(violation: Violation) -> str:
    """What is wrong with the arguments that a layer is made with."""
    return f"{violation.layer}: {mismade(violation)}" if violation.layer else mismade(violation)


def _numbers(model: ModelFacts) -> Numbers:
    named = sorted({name for one in model.inputs for size in one.shape or () for name in symbols(size)})
    example = {name: sizes[0] for name, sizes in model.sizes.items() if sizes}
    # Two sets of sizes that no two formulas agree on by chance.
    samples: list[Values] = [
        {name: (3 if name == BATCH else 224 + 32 * i) for i, name in enumerate(named)} | example,
        {name: (5 if name == BATCH else 331 + 18 * i) for i, name in enumerate(named)} | example,
    ]
    return Numbers(tuple(samples), example)


def _rows(
    nodes: Sequence[tuple[Node, Operation]], filename: str, numbers: Numbers, broken: Mapping[str, str]
) -> Iterator[Row]:
    origins: dict[int, str] = {}  # by node: how the last size of its output was joined, and where
    seen: dict[str, str] = {}  # layers that had a row, and where
    for node, operation in nodes:
        groups = _joins(operation, numbers)
        if groups:
            origins[node.id] = f"{groups[-1]} ({_place(node, filename)})" if node.call else groups[-1]
        elif len(node.producers) == 1 and _keeps_last(operation) and node.producers[0] in origins:
            origins[node.id] = origins[node.producers[0]]
        row = _row(node, operation, numbers, seen, origins.get(node.producers[0]) if node.producers else None)
        if (
            node.layer is not None and node.layer in broken
        ):  # what was traced is a repaired layer, of which nothing can be told
            row = replace(row, problems=(broken[node.layer], *row.problems), meaning=None, formulas=())
        yield row
        if node.layer is not None:
            seen.setdefault(node.layer, _place(node, filename))


def _place(node: Node, filename: str) -> str:
    """The line of a call, as a reader of the model's file finds it."""
    return beside(node.call.filename, node.call.row, filename) if node.call else "its first call"


def _joins(operation: Operation, numbers: Numbers) -> list[str]:
    """How the last size of a reshape was joined."""
    if operation.kind != "reshape" or len(operation.inputs) != 1 or len(operation.outputs) != 1:
        return []
    groups = regrouped(operation.inputs[0], operation.outputs[0], numbers.samples)
    return [equation(group) for group in joined(groups) if group[1][-1] == operation.outputs[0][-1]]


def _keeps_last(operation: Operation) -> bool:
    return bool(operation.inputs and operation.outputs and operation.inputs[0] == operation.outputs[0])


def _row(node: Node, operation: Operation, numbers: Numbers, seen: dict[str, str], origin: str | None) -> Row:
    layer, call = operation.layer, node.call
    parameters = layer.parameters if layer is not None else 0
    notes = list(remarks(operation))
    if parameters and node.layer in seen:
        notes.append(f"the same layer as in {seen[node.layer]}: its parameters count once")
        parameters = 0
    place = spot(call.filename, call.row) if call else None
    total = work(operation).total
    return Row(
        id=node.id,
        filename=call.filename if call else None,
        cell=place.cell if place else None,
        line=place.row if place else None,
        code=(line(call.filename, call.row) or "").strip() if call else None,
        path=node.layer,
        block=node.block,
        kind=kind_of(node, layer),
        inputs=operation.inputs,
        outputs=operation.outputs,
        parameters=parameters,
        multiply_adds=None if total is None else total.value,
        formulas=tuple(_formulas(operation, numbers, origin, counts_parameters=parameters > 0)),
        meaning=kind_named(operation.kind).say(operation),
        remarks=tuple(notes),
        problems=tuple(problem(one) for one in node.violations),
        operation=operation,
    )


def _formulas(
    operation: Operation, numbers: Numbers, origin: str | None, *, counts_parameters: bool
) -> Iterator[LayerFormula]:
    """How the numbers of a row are reckoned; `origin` says how the last size of its input was joined."""
    if operation.kind == "linear" and origin:
        yield LayerFormula("features", origin)
    yield from sizes(operation, numbers)
    if operation.layer is not None and counts_parameters:
        text = parameters_text(operation.layer)
        if text:
            yield LayerFormula("parameters", text)
    done = work(operation)
    if done.total is not None and done.total.value:
        yield LayerFormula("multiply-adds", f"{done.text} = {done.total.value}")


def kind_of(node: Node, layer: Layer | None) -> str:
    """`Conv2d`, `F.relu`, `torch.cat`, `.view()`, `+`."""
    if layer is not None:
        return layer.type.rpartition(".")[2]
    owner, _, name = node.target.rpartition(".")
    if owner == "torch.nn.functional":
        return f"F.{name}"
    if owner == "torch.Tensor":
        return _OPERATORS.get(name, f".{name}()")
    return f"torch.{name}" if owner == "torch" or owner.startswith("torch._") else node.target

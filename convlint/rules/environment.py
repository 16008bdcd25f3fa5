"""What one evaluation of a rule looks at, and the value that a path has there.

A path that leads nowhere in the facts at hand is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, TypeVar

from convlint.facts import (
    BuildFailure,
    Effect,
    Failure,
    FileFacts,
    Layer,
    ModelFacts,
    Node,
    TensorFact,
    TriedEdit,
    Trouble,
    Violation,
)
from convlint.rules import sides
from convlint.rules.naming import short_type, title
from convlint.rules.paths import VIOLATION_FIELDS, Path
from convlint.sentences import sentence, source_text

_Fact = TypeVar("_Fact")
_MOST_SHAPES: Final = 4


class Missing(Enum):
    """What a path gives that leads nowhere."""

    UNKNOWN = "?"


UNKNOWN: Final = Missing.UNKNOWN


@dataclass(frozen=True)
class Formula:
    """A size in symbols; whether it equals a number is for the solver to say."""

    text: str


@dataclass(frozen=True)
class Environment:
    """What one evaluation of a rule looks at."""

    file: FileFacts
    model: ModelFacts | None = None
    node: Node | None = None
    violation: Violation | None = None
    failure: Failure | BuildFailure | None = None
    effects: tuple[Effect, ...] = ()
    trouble: Trouble | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What the texts of a rule may be chosen by: a call's public name, a requirement's, a trouble's kind."""
        call = (self.node.target,) if self.node is not None else ()
        if self.trouble is not None:
            return (self.trouble.kind,)
        return (*_ways(self.violation), *call, self.violation.name) if self.violation is not None else call

    @property
    def layer(self) -> Layer | None:
        """The layer that the node calls, if it calls one."""
        if self.model is None or self.node is None or self.node.layer is None:
            return None
        return self.model.layers.get(self.node.layer)


def _ways(violation: Violation) -> tuple[str, ...]:
    """A requirement with what meets it: `in_features:layout`."""
    split = (f"{violation.name}:split",) if violation.split is not None else ()
    return (*split, f"{violation.name}:{violation.edit.kind}") if violation.edit is not None else split


def resolve(path: Path, environment: Environment) -> Any:
    """The value at the path, a Formula for a size in symbols, or UNKNOWN."""
    for position, hop in enumerate(path.hops):
        nodes = neighbours(environment, hop)
        bare = not path.steps and position == len(path.hops) - 1
        if not nodes or (len(nodes) > 1 and not bare):
            return UNKNOWN
        environment = replace(environment, node=nodes[0], violation=None)
    value = _root(path.root, environment)
    for number, step in enumerate(path.steps):
        if path.root == "violation" and number == 0 and step not in VIOLATION_FIELDS:
            value = _named_violation(environment, step)
            continue
        value = _step(value, step)
    return value


def neighbours(environment: Environment, direction: str) -> tuple[Node, ...]:
    """The nodes that use this node's result (`next`), or that feed it (`previous`)."""
    model, node = environment.model, environment.node
    if model is None or node is None:
        return ()
    wanted = node.consumers if direction == "next" else node.producers
    by_id = {other.id: other for other in model.nodes if other.id in wanted}
    return tuple(by_id[number] for number in wanted if number in by_id)


def _step(value: Any, step: str | int) -> Any:
    if isinstance(step, int):
        if not isinstance(value, (list, tuple)) or not -len(value) <= step < len(value):
            return UNKNOWN
        return value[step]
    if not isinstance(value, Mapping):
        return UNKNOWN
    found = value.get(step)
    return UNKNOWN if found is None else found


def _root(root: str, environment: Environment) -> Any:
    """The facts under one root, as plain mappings and sequences."""
    node, layer, model = environment.node, environment.layer, environment.model
    match root:
        case "inputs" | "outputs":
            return _told(node, lambda node: _tensors(getattr(node, root)))
        case "module":
            return _told(layer, lambda layer: layer.attributes)
        case "option":
            return environment.options
        case "layer":
            return _told(layer, _layer)
        case "node":
            return _told(node, lambda node: _node(node, layer))
        case "violation":
            return _told(environment.violation, lambda violation: _violation(violation, node))
        case "sides":
            return UNKNOWN if node is None or model is None else sides.facts_of(model, node)
        case "failure":
            return UNKNOWN if environment.failure is None else _failure(environment.failure)
        case "effect":
            return _told(environment.effects or None, _effect)
        case "trouble":
            return _told(environment.trouble, lambda trouble: _trouble(trouble, model))
        case _:
            return _told(model, _model)


def _told(fact: _Fact | None, tell: Callable[[_Fact], Any]) -> Any:
    """What the paths under a root may say of a fact; UNKNOWN where there is no such fact."""
    return UNKNOWN if fact is None else tell(fact)


def _tensors(tensors: Sequence[TensorFact]) -> list[dict[str, Any]]:
    """What the paths below `inputs` and `outputs` lead to."""
    return [
        {"shape": _shape(tensor.shape), "dtype": tensor.dtype, "device": tensor.device, "rank": len(tensor.shape)}
        for tensor in tensors
    ]


def _shape(shape: Sequence[int | str]) -> list[int | Formula]:
    return [Formula(dim) if isinstance(dim, str) else dim for dim in shape]


def _layer(layer: Layer) -> dict[str, Any]:
    short = short_type(layer.type)
    return {"path": layer.path, "type": layer.type, "short": short, "parameters": layer.parameters}


def _node(node: Node, layer: Layer | None) -> dict[str, Any]:
    fields = {name: getattr(node, name) for name in ("name", "op", "target", "block")}
    return {**fields, "title": title(node, layer), "shapes": _shapes(node)}


def _shapes(node: Node) -> str:
    """The shapes of all inputs in words."""
    spelt = ["[" + ", ".join(str(dim) for dim in tensor.shape) + "]" for tensor in node.inputs]
    more = len(spelt) - _MOST_SHAPES
    if more > 0:
        spelt = [*spelt[:_MOST_SHAPES], f"{more} more"]
    return ", ".join(spelt[:-1]) + " and " + spelt[-1] if len(spelt) > 1 else "".join(spelt) or "?"


def _model(model: ModelFacts) -> dict[str, Any]:
    fields = {name: getattr(model, name) for name in ("name", "target", "row", "status")}
    fields["reason"] = sentence(model.reason) if model.reason is not None else None
    fields["reason_kind"] = model.reason.kind if model.reason is not None else None
    inputs = [
        {
            "name": one.name,
            "shape": _shape(one.shape or ()),
            "dtype": one.dtype,
            "source": source_text(one),
            "origin": one.origin,
        }
        for one in model.inputs
    ]
    return {**fields, "inputs": inputs, "outputs": [_shape(shape) for shape in model.outputs]}


def _violation(violation: Violation, node: Node | None = None) -> dict[str, Any]:
    values = {name: getattr(violation, name) for name in Violation.model_fields}
    values["elsewhere"] = _elsewhere(violation, node)
    values["always"] = " at every input size" if violation.formula is not None and violation.verdict == "proved" else ""
    values["operator"] = violation.operator or (title(node, None) if node is not None else None)
    if violation.edit is not None:
        edit = violation.edit
        codes = " or ".join((edit.code, *edit.others))
        values["edit"] = {"code": edit.code, "codes": codes, "kind": edit.kind, "rows": _rows(edit)}
    if violation.split is not None:
        split = violation.split
        values["split"] = {**split.model_dump(), "product": split.parts * split.each}
    for name in ("expected", "actual"):  # sizes or words; words are never compared, so both may pass as formulas
        if isinstance(values[name], str):
            values[name] = Formula(values[name])
    return values


def _elsewhere(violation: Violation, node: Node | None) -> str | None:
    """The dim of the first input that has the wanted size, where there is one."""
    shape = node.inputs[0].shape if node is not None and node.inputs else ()
    dims = [dim for dim, size in enumerate(shape) if size == violation.expected]
    if len(dims) != 1:
        return None
    return "last" if dims[0] == len(shape) - 1 and len(shape) > 3 else f"dimension {dims[0]}"


def _rows(edit: TriedEdit) -> str:
    """` in lines 13 and 14`, where it is made in several."""
    rows = sorted({change.at.row for change in edit.changes})
    return f" in lines {', '.join(map(str, rows[:-1]))} and {rows[-1]}" if len(rows) > 1 else ""


def _named_violation(environment: Environment, name: str | int) -> Any:
    """The first violation of that name: of the node, else of the model's construction."""
    holder = environment.node if environment.node is not None else environment.model
    for violation in holder.violations if holder is not None else ():
        if violation.name == name:
            return _violation(violation)
    return UNKNOWN


def _failure(failure: Failure | BuildFailure) -> dict[str, Any]:
    if isinstance(failure, BuildFailure):
        return {"kind": "build", "message": failure.message, "target": failure.target}
    return {"kind": failure.kind, "message": failure.message}


def _effect(effects: Sequence[Effect]) -> dict[str, Any]:
    """The first one; `more` says how many others there are, and is empty where there are none."""
    more = len(effects) - 1
    return {"kind": effects[0].kind, "what": effects[0].what, "more": f" (and {more} more)" if more else ""}


def _trouble(trouble: Trouble, model: ModelFacts | None) -> dict[str, Any]:
    """With the name of the device."""
    fields = {name: getattr(trouble, name) for name in ("kind", "said", "predicted", "observed", "call", "scenario")}
    device = model.verification.device if model is not None and model.verification is not None else None
    return {**fields, "device": device.name if device is not None else None}


def is_present(value: Any) -> bool:
    """Whether a path led to something."""
    return value is not UNKNOWN and value is not None

"""A finished examination as facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

import sympy
from torch import fx, nn
from torch.nn.parameter import is_lazy

from convlint.facts import Attribute, Dim, InputFact, Layer, ModelFacts, Node, Reason, Span, Status, Violation
from convlint.jobs import ModelJob
from convlint.worker.analysis.layers import argument_span, is_plain, layer_facts, site_of
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.accepted import FEW, accepted_in_words, accepted_sizes
from convlint.worker.analysis.solving.dimensions import tensor_fact
from convlint.worker.analysis.verdict.examination import Examination, stopped_at
from convlint.worker.build.skeleton import Sites, count_parameters
from convlint.worker.ops.constructor import ConstructorRequirement
from convlint.worker.stack.places import span_of
from convlint.worker.stack.users import IsUser
from convlint.worker.trace.forward_parameters import parameters_of, parts_of
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.trace import tensor_meta
from convlint.worker.trace.trail import Stop
from convlint.worker.values.nesting import tensors_in


def model_facts(
    name: str, job: ModelJob, examination: Examination, sites: Sites, model: nn.Module, is_user: IsUser
) -> ModelFacts:
    run = examination.run
    findings: dict[int, list[Violation]] = {}
    for finding in examination.findings:
        findings.setdefault(finding.node, []).append(finding.violation)
    numbers = {node: i for i, node in enumerate(run.trace.nodes)}
    status, reason, stopped = _status(examination)
    layers = _layers(run, sites, is_user)
    sizes = {symbol: tuple(values) for symbol, values in accepted_sizes(examination.outcome).items()}
    return ModelFacts(
        name=name,
        target=job.target,
        row=job.row,
        status=status,
        reason=reason,
        stopped=stopped,
        inputs=_inputs(run, model),
        outputs=_outputs(run),
        sizes={symbol: values for symbol, values in sizes.items() if len(values) <= FEW and symbol != BATCH},
        size_note=accepted_in_words(examination.outcome),
        parameters=count_parameters(model),
        other_weights=_other_weights(model, layers),
        layers=layers,
        nodes=tuple(_node(node, i, numbers, run, findings.get(i, [])) for i, node in enumerate(run.trace.nodes)),
        violations=(
            *(
                _built_violation(module, requirement, sites, model, is_user)
                for module, requirement in sites.needs(model)
            ),
            *_raised(examination),
            *examination.odd,
        ),
    )


def _raised(examination: Examination) -> Iterator[Violation]:
    """The exception that ends every run."""
    if examination.raised is not None:
        yield Violation(
            name="raises_always", operand="forward", detail=examination.raised.reason.detail, at=examination.raised.at
        )


def _status(examination: Examination) -> tuple[Status, Reason | None, Span | None]:
    stopped = stopped_at(examination)
    if examination.raised is not None:
        return "partial", Reason(kind="stops-at-finding"), examination.raised.at
    if examination.doubt is not None:
        place = stopped[1] if stopped else None
        return "skipped", _unfed(examination.doubt), place
    if stopped is not None:
        return "partial", stopped[0], stopped[1]
    if all(node.op == "placeholder" for node in examination.run.trace.nodes):
        return "partial", Reason(kind="no-torch-call"), None
    if examination.guess is not None:
        return "partial", examination.guess, None
    if examination.unseen is not None:
        return "partial", Reason(kind="other-way", inner=examination.unseen.reason), examination.unseen.at
    outcome = examination.outcome
    end = examination.run.trace.trail.end()
    if isinstance(end, Stop):
        if not examination.findings:
            return "partial", Reason(kind="some-sizes-fail", detail=end.words), None
        return "partial", Reason(kind="stops-at-finding"), None
    if outcome.accepted is None and not outcome.rejected and not outcome.complete:
        return "partial", Reason(kind="sizes-undecided"), None
    return "checked", None, None


def _unfed(doubt: Reason) -> Reason:
    """Why no inputs are known; where the model is an empty list, inputs do not matter."""
    return doubt if doubt.kind == "holds-no-layers" else Reason(kind="no-input", inner=doubt)


def _inputs(run: Run, model: nn.Module) -> tuple[InputFact, ...]:
    parts = parts_of(model)
    names = {parameter.name for parameter in parameters_of(model)}
    return tuple(
        InputFact(
            name=item.name,
            shape=item.spec.shape,
            dtype=item.spec.dtype if item.spec.shape is not None else None,
            origin=item.source.origin,
            source=item.source.words,
            within=item.within,
            is_attribute=item.within is not None and parts[item.within[0]].kind == "object",
            is_numbered=item.within is None and not item.keyword and item.name not in names,
            fed=item.fed,
        )
        for item in run.run_spec.inputs
    )


def _outputs(run: Run) -> tuple[tuple[Dim, ...], ...]:
    return tuple(tensor_fact(tensor_meta(x), run.names).shape for x in tensors_in(run.trace.output))


def _layers(run: Run, sites: Sites, is_user: IsUser) -> dict[str, Layer]:
    layers: dict[str, Layer] = {}
    for node in run.trace.nodes:
        path = str(node.target)
        if node.op == "call_module" and path not in layers:
            layers[path] = layer_facts(path, node.meta["layer"], sites, is_user)
    return layers


def _other_weights(model: nn.Module, layers: Mapping[str, Layer]) -> dict[str, tuple[int, ...]]:
    """The parameters that blocks hold themselves, and those of layers that forward does not call."""
    named = model.named_parameters(remove_duplicate=False)  # a weight that two modules share has two names
    inside = {id(p) for name, p in named if not layers.keys().isdisjoint(accumulate(name.split("."), _join))}
    if type(model).__name__ in layers:  # the model is a layer itself
        return {}
    return {name: tuple(p.shape) for name, p in model.named_parameters() if id(p) not in inside and not is_lazy(p)}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}"


def _node(node: fx.Node, index: int, numbers: dict[fx.Node, int], run: Run, violation: list[Violation]) -> Node:
    names: dict[sympy.Symbol, str] = run.names
    meta = node.meta
    place = meta["place"]
    ops = {"placeholder": "input", "call_module": "module"}
    return Node(
        id=index,
        name=node.name,
        op=ops.get(node.op, "function"),  # type: ignore[arg-type]
        target=meta["name"],
        layer=str(node.target) if node.op == "call_module" else None,
        block=meta["block"],
        call=span_of(place) if place else None,
        arguments=_arguments(node) if node.op in ("call_function", "call_method") else {},
        inputs=tuple(tensor_fact(m, names) for m in meta["inputs"]),
        outputs=tuple(tensor_fact(m, names) for m in meta.get("outputs", ())),
        producers=tuple(numbers[p] for p in node.all_input_nodes if p in numbers),
        consumers=tuple(numbers[u] for u in node.users if u in numbers),
        violations=tuple(violation),
    )


def _arguments(node: fx.Node) -> dict[str, Attribute]:
    """The arguments of a call that are not tensors and hold no symbol."""
    found: dict[str, Attribute] = {}
    for name, given in (*enumerate(node.args), *node.kwargs.items()):
        value = tuple(given) if isinstance(given, (list, tuple)) else given
        # What torch.fx cannot hold, a symbol for one, is in a graph as "<SymInt>".
        odd = any(str(item).startswith("<") for item in (value if isinstance(value, tuple) else (value,)))
        if is_plain(value) and not odd:
            found[str(name)] = value  # type: ignore[assignment]
    return found


def _built_violation(
    module: nn.Module, requirement: ConstructorRequirement, sites: Sites, model: nn.Module, is_user: IsUser
) -> Violation:
    chain = sites.chain(module)
    at = argument_span(module, requirement.argument, chain, is_user) or site_of(chain, is_user)
    path = next((name for name, candidate in model.named_modules() if candidate is module), None)
    return Violation(
        name=requirement.name,
        operand=requirement.operand,
        expected=requirement.expected,
        actual=requirement.actual,
        argument=requirement.argument,
        layer=path,
        at=at,
        detail=requirement.detail,
    )

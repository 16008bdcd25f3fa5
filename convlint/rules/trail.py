"""The places that explain a finding: the call or the constructor, then the shapes that led there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from convlint.diagnostics import Place, Related
from convlint.facts import ConstructionOrigin, Layer, ModelFacts, Node, Span, Violation
from convlint.notebook import line_of
from convlint.rules.environment import Environment
from convlint.rules.locate import end, overlaps, row_span, start
from convlint.rules.naming import title
from convlint.rules.origin import feeders, origins, subject
from convlint.rules.templates import spell
from convlint.sentences import construction_text, source_text

LONGEST_TRAIL = 12
IDLE = ("flatten", "Flatten", "squeeze")  # called for another shape: where none comes out, that says something
UNTOLD: Final[frozenset[ConstructionOrigin]] = frozenset({"defaults", "instance", "configuration"})


def related(environment: Environment, place: Span, violation: Violation | None) -> tuple[Related, ...]:
    """Other places of a finding that stands at `place`: first the ones to show, then the trail of shapes.

    A place to show has an end; a step of the trail has none.
    """
    node, model = environment.node, environment.model
    if environment.effects:
        return tuple(_to_show(one.at, one.what) for one in environment.effects[1:] if one.at is not None)
    if node is None or model is None:
        return ()
    operands = {_offender(violation)}
    if node.op == "function":
        operands.add(0)  # where two tensors do not fit, both have a history
    shown = _apart(place, _shown(model, node, environment.layer, violation))
    return (*shown, *_rival(violation), *trail(environment.file.filename, model, node, operands))


def _shown(
    model: ModelFacts, node: Node, layer: Layer | None, violation: Violation | None
) -> Iterator[tuple[Span, str]]:
    """The call, the constructor of what is called, and the layers that gave the sizes which do not fit."""
    if node.call is not None:
        shapes = " and ".join(dict.fromkeys(spell(tensor.shape) for tensor in node.inputs))
        yield node.call, f"called here with {shapes}" if shapes else "called here"
    if layer is not None and layer.site is not None:
        yield layer.site, f"`{title(node, layer)}` is made here"
    given = tuple(origins(model, node, violation))
    if violation is not None and (violation.formula is not None or not given):
        yield from _fed(model, node, violation)
    for origin in given:
        doubled = ", in both directions together" if origin.is_doubled else ""
        yield origin.at, f"`{origin.title}` gives {origin.size} here{doubled}"


def _fed(model: ModelFacts, node: Node, violation: Violation) -> Iterator[tuple[Span, str]]:
    """The calls that feed the model what is refused."""
    if violation.evidence is None:
        return
    nodes = {one.id: one for one in model.nodes}
    places = {one.name: one.fed for one in model.inputs if one.fed is not None}
    pending, seen = [node.id], set[int]()
    while pending:
        one = nodes.get(pending.pop())
        if one is None or one.id in seen:
            continue
        seen.add(one.id)
        pending.extend(one.producers)
        if one.op == "input" and one.target in places:
            yield places[one.target], "fed here"


def _rival(violation: Violation | None) -> Iterator[Related]:
    if violation is not None and violation.rival is not None and violation.rival.at is not None:
        yield _to_show(violation.rival.at, f"`{violation.rival.title}` needs {violation.rival.sizes}")


def _apart(place: Span, places: Iterable[tuple[Span, str]]) -> Iterator[Related]:
    """Of places that lie upon one another the first alone."""
    taken = [place]
    for span, message in places:
        if not any(overlaps(span, one) for one in taken):
            taken.append(span)
            yield _to_show(span, message)


def _offender(violation: Violation | None) -> int:
    """The number of the input that a requirement is about."""
    match subject(violation) if violation is not None else ():
        case (int(number), *_):
            return max(number, 0)
        case _:
            return 0


def trail(filename: str, model: ModelFacts, node: Node, operands: Iterable[int]) -> tuple[Related, ...]:
    """The calls that changed the shape from the model's input to these operands, in forward's order."""
    nodes = {one.id: one for one in model.nodes}
    behind: set[int] = set()
    for operand in operands:
        _follow(nodes, _feeder(nodes, node, operand), behind)
    steps = (_step(filename, model, one) for one in model.nodes if one.id in behind)
    return _elided((*_construction(filename, model), *(step for step in steps if step is not None)))


def _feeder(nodes: Mapping[int, Node], node: Node, operand: int) -> Node | None:
    """The call that gives an operand; where that does not show, the one of that number, or the first one."""
    fed, producers = feeders(nodes, node), node.producers
    found = fed[operand] if operand < len(fed) else None
    if found is None and producers:
        return nodes.get(producers[operand if operand < len(producers) else 0])
    return found


def _follow(nodes: Mapping[int, Node], node: Node | None, seen: set[int]) -> None:
    """The first input of each call, back to forward's, or to a call that was seen."""
    while node is not None and node.id not in seen:
        seen.add(node.id)
        node = nodes.get(node.producers[0]) if node.producers else None


def _construction(filename: str, model: ModelFacts) -> tuple[Related, ...]:
    """With which arguments the model was built, where that is not plain to see."""
    if model.construction is None or model.construction.origin in UNTOLD:
        return ()
    return (
        _in_trail(row_span(filename, model.row), f"{model.target} built as {construction_text(model.construction)}"),
    )


def _step(filename: str, model: ModelFacts, node: Node) -> Related | None:
    before = node.inputs[0].shape if node.inputs else None
    after = node.outputs[0].shape if node.outputs else None
    is_idle = before == after
    if after is None or (is_idle and node.target.rpartition(".")[2] not in IDLE):
        return None
    place = node.call or row_span(filename, model.row)
    if node.op == "input":
        return _in_trail(place, f"{node.target}: {spell(after)}{_source(model, node)}")
    layer = model.layers.get(node.layer) if node.layer is not None else None
    actual = f"{spell(before)} -> " if before is not None and not is_idle else ""
    stays = " as before" if is_idle else ""
    step = _in_trail(place, f"{_titled(node, layer, place)}: {actual}{spell(after)}{stays}")
    if layer is None or layer.site is None:
        return step
    site = layer.site
    made_at = Place(filename=site.filename, location=start(site), end_location=end(site))
    return step.model_copy(update={"made_at": made_at})


def _source(model: ModelFacts, node: Node) -> str:
    """` (MNIST)`: where the shape of an input is known from."""
    source = next((source_text(one) for one in model.inputs if one.name == node.target), None)
    return f" ({source})" if source else ""


def _titled(node: Node, layer: Layer | None, call: Span) -> str:
    """The name of a call, with where its layer is made: a file too, if it is another one than that of the call."""
    said = title(node, layer)
    site = layer.site if layer is not None else None
    if site is None or (site.filename, site.row) == (call.filename, call.row):
        return said
    line = line_of(site.filename, site.row)
    if site.filename != call.filename:
        line = f"{site.filename}:{site.row}" if line == f"line {site.row}" else f"{site.filename}, {line}"
    return f"{said[:-1]}, {line})" if said.endswith(")") else f"{said} ({line})"


def _elided(steps: tuple[Related, ...]) -> tuple[Related, ...]:
    if len(steps) <= LONGEST_TRAIL:
        return steps
    head, tail = 3, LONGEST_TRAIL - 4
    left_out = steps[head:-tail]
    note = left_out[0].model_copy(
        update={"message": f"... {len(left_out)} more calls that change the shape", "made_at": None}
    )
    return (*steps[:head], note, *steps[-tail:])


def _to_show(span: Span, message: str) -> Related:
    return Related(filename=span.filename, location=start(span), end_location=end(span), message=message)


def _in_trail(span: Span, message: str) -> Related:
    return Related(filename=span.filename, location=start(span), message=message)

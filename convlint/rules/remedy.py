"""The way out of a finding: the hint in one line, and the edit."""

from __future__ import annotations

from convlint.diagnostics import Edit, Fix
from convlint.facts import LARGEST_SIZE, Node, Span, TriedEdit, Violation
from convlint.rules.environment import Environment, resolve
from convlint.rules.locate import argument_span, end, primary, start
from convlint.rules.paths import parse
from convlint.rules.schema import FixTemplate, Rule
from convlint.rules.templates import choose, fill

_KEEPING = ("BatchNorm", "InstanceNorm", "GroupNorm", "LayerNorm", "RMSNorm", "MultiheadAttention", "Transformer")
"""Layers that give the width that they take."""
_SETTLED = frozenset({"layout", "layer", "order", "shortcut", "window", "dim", "call"})
"""Kinds of edits after which any size of the input does."""
_ODD = frozenset({"tiny_images", "never_square", "length_by_chance", "turned_by_chance"})
"""Requirements whose sizes nobody wants to feed."""


def hint(rule: Rule, environment: Environment, violation: Violation | None) -> str | None:
    """The way out, as `what to write: where the number comes from; or feed the sizes that fit`."""
    if violation is not None and violation.rival is not None:
        rival = violation.rival
        return f"it needs {rival.alone}, but `{rival.title}` needs {rival.sizes}: no input size fits both"
    template = choose(rule.hints, rule.hint, environment)
    text, known = fill(template, environment) if template is not None else ("", False)
    ways = [text] if known else []
    if violation is not None:
        if ways and violation.edit is not None:
            ways = [", or ".join((ways[0], *(f"`{other}`" for other in violation.edit.others if other not in ways[0])))]
        ways = _with_sizes(ways, violation)
    return "; ".join(ways) or None


def _with_sizes(ways: list[str], violation: Violation) -> list[str]:
    """Where the number comes from, and the sizes of the input that would do."""
    kind = violation.edit.kind if violation.edit is not None else None
    if _is_derived(violation, kind):
        ways = [f"{ways[0]}: {violation.derivation}" if ways else f"the size comes from {violation.derivation}"]
    if kind in _SETTLED or violation.name in _ODD:
        return ways
    sizes = f"feed {violation.sizes}"
    if violation.sizes is not None and kind == "pad":
        return [sizes, *(f"or {way}" for way in ways)]
    if violation.sizes is not None:
        return [*ways, f"or {sizes}" if ways else sizes]
    return ways or _no_size(violation)


def _is_derived(violation: Violation, edit: str | None) -> bool:
    """Whether the way out is a number that follows from other sizes."""
    if violation.derivation is None or violation.split is not None:
        return False
    return edit is None or edit == "rank" or (edit == "number" and violation.argument is not None)


def _no_size(violation: Violation) -> list[str]:
    """That no input would do, where that is proved."""
    if not isinstance(violation.expected, int) or violation.formula is None or violation.verdict != "proved":
        return []
    return [f"no input size up to {LARGEST_SIZE} gives {violation.expected}"]


def fix(template: FixTemplate | None, environment: Environment, violation: Violation | None) -> Fix | None:
    """The edit that the model was traced with; else the one that a rule proposes, where number and place are known."""
    if violation is not None and violation.edit is not None:
        return _tried(violation.edit, primary(environment, violation).filename)
    if template is None:
        return None
    span = argument_span(environment, violation, template.argument)
    value = resolve(parse(template.value), environment)
    if span is None or not isinstance(value, int) or isinstance(value, bool):
        return None
    argument = template.argument or (violation.argument if violation is not None else None)
    if _declares_several(environment, argument) or _is_reckoned_with(environment, argument):
        return None
    if _gives_more(environment, span) or _hands_on_more(environment):
        return None
    edit = Edit(content=str(value), location=start(span), end_location=end(span))
    message, _ = fill(template.message, environment)
    return Fix(applicability=template.applicability, message=message, edits=(edit,))


def _tried(edit: TriedEdit, filename: str) -> Fix | None:
    """An edit of the file that the finding is in, with which nothing is left that keeps forward from running."""
    if not edit.is_whole or edit.kind == "pad" or any(change.at.filename != filename for change in edit.changes):
        return None
    edits = (
        Edit(content=change.text, location=start(change.at), end_location=end(change.at)) for change in edit.changes
    )
    return Fix(applicability="unsafe", message=f"write `{edit.code}`", edits=tuple(edits))


def _gives_more(environment: Environment, span: Span) -> bool:
    """Whether the expression gives other arguments as well: of the layers of a loop, of both ends of a block."""
    layers = environment.model.layers.values() if environment.model is not None else ()
    return sum(other == span for layer in layers for other in layer.arguments.values()) > 1


def _hands_on_more(environment: Environment) -> bool:
    """Whether the layer has other sizes to deal with: other calls that it suits, or the layers after it.

    A norm keeps the width that comes in, so the new one would reach layers that were made for the old one.
    """
    node, model = environment.node, environment.model
    if node is None or model is None or node.layer is None:
        return False
    others = [other for other in model.nodes if other.layer == node.layer and other.id != node.id]
    if any(not other.violations or _widths(other) != _widths(node) for other in others):
        return True
    return node.target.rpartition(".")[2].startswith(_KEEPING) and node.outputs[:1] != node.inputs[:1]


def _is_reckoned_with(environment: Environment, argument: str | None) -> bool:
    """Whether other sizes are made of the same number, which would change with it."""
    return environment.layer is not None and argument in environment.layer.reckoned


def _widths(node: Node) -> tuple[object, ...]:
    return tuple(one.actual for one in node.violations)


def _declares_several(environment: Environment, argument: str | None) -> bool:
    """Whether the argument holds more sizes than the one that is wrong, as in `LayerNorm([8, 16, 16])`."""
    declared = environment.layer.attributes.get(argument) if environment.layer and argument else None
    return isinstance(declared, tuple) and len(declared) > 1

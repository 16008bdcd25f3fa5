"""The way out of a finding: the hint in one line, and the edit."""

from __future__ import annotations

from convlint.diagnostics import Edit, Fix
from convlint.facts import LARGEST_SIZE, Node, Span, Unmet
from convlint.rules.environment import Environment, resolve
from convlint.rules.locate import argument_span, end, start
from convlint.rules.paths import parse
from convlint.rules.schema import FixTemplate, Rule
from convlint.rules.templates import choose, fill

_KEEPING = ("BatchNorm", "InstanceNorm", "GroupNorm", "LayerNorm", "RMSNorm", "MultiheadAttention", "Transformer")
"""Layers that give the width that they take."""


def hint(rule: Rule, environment: Environment, unmet: Unmet | None) -> str | None:
    """The way out, as `what to write: where the number comes from; or feed the sizes that fit`."""
    if unmet is not None and unmet.rival is not None:
        rival = unmet.rival
        return f"it needs {rival.alone}, but `{rival.title}` needs {rival.sizes}: no input size fits both"
    template = choose(rule.hints, rule.hint, environment)
    text, known = fill(template, environment) if template is not None else ("", False)
    ways = [text] if known else []
    if unmet is not None:
        if unmet.derivation is not None:
            ways = [f"{ways[0]}: {unmet.derivation}" if ways else f"the size comes from {unmet.derivation}"]
        if unmet.sizes is not None:
            ways.append(f"or feed {unmet.sizes}" if ways else f"feed {unmet.sizes}")
        elif unmet.formula is not None and unmet.verdict == "proved":
            ways.append(f"no input size up to {LARGEST_SIZE} gives {unmet.needed}")
    return "; ".join(ways) or None


def fix(template: FixTemplate | None, environment: Environment, unmet: Unmet | None) -> Fix | None:
    """The edit that a rule proposes, where the number and its place are known."""
    if template is None:
        return None
    span = argument_span(environment, unmet, template.argument)
    value = resolve(parse(template.value), environment)
    if span is None or not isinstance(value, int) or isinstance(value, bool):
        return None
    argument = template.argument or (unmet.argument if unmet is not None else None)
    if _declares_several(environment, argument) or _is_reckoned_with(environment, argument):
        return None
    if _gives_more(environment, span) or _hands_on_more(environment):
        return None
    edit = Edit(content=str(value), location=start(span), end_location=end(span))
    message, _ = fill(template.message, environment)
    return Fix(applicability=template.applicability, message=message, edits=(edit,))


def _gives_more(environment: Environment, span: Span) -> bool:
    """Whether the expression gives other arguments as well: of the layers of a loop, of both ends of a block."""
    layers = environment.model.layers.values() if environment.model is not None else ()
    return sum(other == span for layer in layers for other in layer.arguments.values()) > 1


def _hands_on_more(environment: Environment) -> bool:
    """Whether the layer has other sizes to deal with: other calls that it suits, or the layers behind it.

    A norm keeps the width that comes in, so the new one would reach layers that were made for the old one.
    """
    node, model = environment.node, environment.model
    if node is None or model is None or node.layer is None:
        return False
    others = [other for other in model.nodes if other.layer == node.layer and other.id != node.id]
    if any(not other.unmet or _widths(other) != _widths(node) for other in others):
        return True
    return node.target.rpartition(".")[2].startswith(_KEEPING) and node.outputs[:1] != node.inputs[:1]


def _is_reckoned_with(environment: Environment, argument: str | None) -> bool:
    """Whether other sizes are made of the same number, which would change with it."""
    return environment.layer is not None and argument in environment.layer.reckoned


def _widths(node: Node) -> tuple[object, ...]:
    return tuple(one.came for one in node.unmet)


def _declares_several(environment: Environment, argument: str | None) -> bool:
    """Whether the argument holds more sizes than the one that is wrong, as in `LayerNorm([8, 16, 16])`."""
    declared = environment.layer.attributes.get(argument) if environment.layer and argument else None
    return isinstance(declared, tuple) and len(declared) > 1

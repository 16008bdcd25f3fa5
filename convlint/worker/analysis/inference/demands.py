"""What the first layers demand of an input, and the guess that meets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy
from torch import fx, nn

from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.inference.guesses import FILLED, PER_SAMPLE, RANKS, Guess
from convlint.worker.analysis.session import Run
from convlint.worker.ops.registry import op_of_kind
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.origin import GUESSED, NAMED, ShapeSource
from convlint.worker.trace.trail import Requirement, TraceStopped

SEQUENCE_FIRST = ("L", "B", "F")
_OF_THE_FIRST = ("input.rank", "inputs[0].rank")
"""What a requirement on the rank of the first operand names; `placeholder` follows no other."""


def label_of(node: fx.Node) -> ShapeSource:
    layer = node.meta.get("layer")
    title = f"{node.target} ({type(layer).__name__})" if layer is not None else str(node.meta["name"])
    return ShapeSource("layer", title)


def demand(run: Run, guesses: Mapping[str, Guess]) -> dict[str, Guess] | None:
    """The first demand on an input that its guess does not meet yet; inputs that share their sizes share it."""
    found = _first_demand(run, guesses)
    for name, guess in (found or {}).items():
        before = guesses[name]
        if guess.is_shared and guess.axes == before.axes:
            alike = [n for n, other in guesses.items() if other.is_shared and other.axes == before.axes]
            return {n: replace(guesses[n], sizes=guess.sizes, source=guess.source) for n in alike}
    return found


def _first_demand(run: Run, guesses: Mapping[str, Guess]) -> dict[str, Guess] | None:
    for requirement in run.trace.trail.needs():
        if requirement.node is None:
            continue
        node = run.trace.nodes[requirement.node]
        source = placeholder(node)
        owner = _owner(requirement, run)
        if owner in guesses and (source is None or source.meta["name"] != owner):
            changed = _fixed(requirement, owner, run, guesses[owner], label_of(node))
            if changed is not None and changed != guesses[owner]:
                return {owner: changed}
        if source is None or source.meta["name"] not in guesses:
            continue
        name = source.meta["name"]
        changed = _changed(requirement, node, source, run, guesses[name])
        if changed is not None and changed != guesses[name]:
            return {name: changed}
    return _read(run, guesses)


def _read(run: Run, guesses: Mapping[str, Guess]) -> dict[str, Guess] | None:
    """Contents for an input of one number a sample that forward reads, where this is what stopped it."""
    if not isinstance(run.trace.trail.end(), TraceStopped):
        return None
    for node in run.trace.read:
        source = placeholder(node)
        name = source.meta["name"] if source is not None else ""
        guess = guesses.get(name)
        if guess is not None and guess.dtype == "int64" and not guess.filled and guess.axes in PER_SAMPLE:
            return {name: replace(guess, filled=FILLED)}
    return None


def _changed(requirement: Requirement, node: fx.Node, source: fx.Node, run: Run, guess: Guess) -> Guess | None:
    layer = node.meta.get("layer")
    label = label_of(node)
    if is_near(node, source) and not guess.is_settled:
        if requirement.name in ("dtype", "mixed_dtype"):
            return replace(guess, dtype=str(requirement.expected))
        if requirement.name == "index_dtype" and guess.source not in (GUESSED, NAMED):
            return replace(guess, dtype="int64", source=label)
        rigid, flexible = axes_for(layer, is_rigid=True), axes_for(layer, is_rigid=False)
        if rigid is not None:
            sizes = guess.sizes if rigid == guess.axes else ()
            settled = replace(guess, axes=rigid, sizes=sizes, source=label, is_settled=settles(layer))
            return (
                _fixed(requirement, source.meta["name"], run, settled, label) if rigid == guess.axes else None
            ) or settled
        if flexible is not None and guess.source in (GUESSED, NAMED):
            dtype = "int64" if requirement.name == "index_dtype" else guess.dtype
            return Guess(flexible, dtype=dtype, source=label)
    if (
        requirement.name == "rank"
        and not guess.is_settled
        and requirement.operand in _OF_THE_FIRST
        and isinstance(requirement.actual, sympy.Integer)
        and isinstance(requirement.expected, sympy.Integer)
    ):
        rank = len(guess.axes) + int(requirement.expected) - int(requirement.actual)
        fits = rank in RANKS and not requirement.holds
        return replace(guess, axes=RANKS[rank], sizes=(), source=label) if fits else None
    return _fixed(requirement, source.meta["name"], run, guess, label)


def _owner(requirement: Requirement, run: Run) -> str:
    """The input whose shape has the one unknown size that a requirement is about; "" where there is none."""
    symbol, _ = _solved(requirement, run)
    owners = [item.name for item in run.run_spec.inputs if symbol is not None and symbol in (item.spec.shape or ())]
    return owners[0] if len(owners) == 1 else ""


def _fixed(requirement: Requirement, owner: str, run: Run, guess: Guess, label: ShapeSource) -> Guess | None:
    """A size of the input that a layer names outright: `Conv2d(3, ...)` on a `[B, C, H, W]`."""
    symbol, size = _solved(requirement, run)
    shape = next(item.spec.shape for item in run.run_spec.inputs if item.name == owner)
    if (
        symbol is None
        or shape is None
        or symbol not in shape
        or symbol == BATCH
        or not requirement_kind(requirement.name).fixes_input
    ):
        return None
    dim = shape.index(symbol)
    if requirement.name == "matmul" and 0 < dim < len(shape) - 1:
        return None  # a length: that a product leaves it no other size is to be seen, not to be taken for granted
    return replace(guess, sizes=tuple(sorted({**dict(guess.sizes), dim: size}.items())), source=label)


def _solved(requirement: Requirement, run: Run) -> tuple[str | None, int]:
    """The one symbol of a requirement and the size that meets it: `C == 3`, or `64*C == 192` behind a patching.

    A plain number speaks for the symbol that it stands for in this run, if for one only.
    """
    sides = [side for side in (requirement.actual, requirement.expected) if isinstance(side, sympy.Expr)]
    sizes = [side for side in sides if isinstance(side, sympy.Integer)]
    formulas = [side for side in sides if len(side.free_symbols) == 1]
    if len(sizes) == 2:
        meant = [name for name in run.run_spec.fixed if run.run_spec.sizes[name] == sizes[0]]
        return (meant[0] if len(meant) == 1 and not requirement.holds else None), int(sizes[1])
    if len(sizes) != 1 or len(formulas) != 1:
        return None, 0
    (symbol,) = formulas[0].free_symbols
    times = formulas[0] / symbol
    if not isinstance(times, sympy.Integer) or not isinstance(symbol, sympy.Symbol) or sizes[0] % times:
        return None, 0
    return run.names.get(symbol), int(sizes[0] // times)


def axes_for(layer: nn.Module | None, *, is_rigid: bool) -> tuple[str, ...] | None:
    """The axes that a layer reads its input with: the only ones that it takes, or the usual ones of several."""
    op = op_of_kind(layer) if layer is not None else None
    if layer is None or op is None or not op.axes or op.is_rigid is not is_rigid:
        return None
    sequence_first = op.axes == RANKS[3] and getattr(layer, "batch_first", True) is False
    return SEQUENCE_FIRST if sequence_first else op.axes


def settles(layer: nn.Module | None) -> bool:
    """Whether a layer leaves no doubt about the rank of its input: a pool takes it without a batch as well."""
    return hasattr(layer, "in_channels") or hasattr(layer, "num_features")


def placeholder(node: fx.Node) -> fx.Node | None:
    """The input that a node's first operand goes back to."""
    current: fx.Node | None = node
    while current is not None and current.op != "placeholder":
        current = next((p for p in current.all_input_nodes if p.op != "get_attr"), None)
    return current


def is_near(node: fx.Node, source: fx.Node) -> bool:
    """Only calls that keep the shape stand between the input and this node."""
    current = next((p for p in node.all_input_nodes if p.op != "get_attr"), None)
    while current is not None and current is not source:
        if current.op == "placeholder" or [m.formulas for m in current.meta["outputs"]] != [
            m.formulas for m in current.meta["inputs"][:1]
        ]:
            return False
        current = next((p for p in current.all_input_nodes if p.op != "get_attr"), None)
    return current is source


def takes_floats(run: Run, name: str) -> bool:
    """Whether a layer with weights takes an input as it comes: no tensor of indices, and no plain value."""
    for node in run.trace.nodes:
        layer = node.meta.get("layer")
        if layer is None or isinstance(layer, nn.Embedding | nn.EmbeddingBag):
            continue
        if not any(weight.is_floating_point() for weight in layer.parameters(recurse=False)):
            continue
        source = placeholder(node)
        if source is not None and source.meta["name"] == name and is_near(node, source):
            return True
    return False

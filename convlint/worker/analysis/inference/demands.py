"""What the first layers demand of an input, and the guess that meets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    label = label_of(node)
    if is_near(node, source) and not guess.is_settled:
        changed = _asked_at_once(requirement, node, source.meta["name"], run, guess)
        if changed is not None:
            return changed
    rank = _other_rank(requirement, guess)
    if rank is None or guess.is_settled:
        return _fixed(requirement, source.meta["name"], run, guess, label)
    fits = rank in RANKS and not requirement.holds
    return replace(guess, axes=RANKS[rank], sizes=(), source=label) if fits else None


def _asked_at_once(requirement: Requirement, node: fx.Node, owner: str, run: Run, guess: Guess) -> Guess | None:
    """What a layer asks of an input that it takes as it comes: its dtype, or its axes."""
    layer, label = node.meta.get("layer"), label_of(node)
    is_of_name = guess.source in (GUESSED, NAMED)
    if requirement.name in ("dtype", "mixed_dtype"):
        return replace(guess, dtype=str(requirement.expected))
    if requirement.name == "index_dtype" and not is_of_name:
        return replace(guess, dtype="int64", source=label)
    rigid, flexible = axes_for(layer, is_rigid=True), axes_for(layer, is_rigid=False)
    if rigid is not None:
        sizes = guess.sizes if rigid == guess.axes else ()
        settled = replace(guess, axes=rigid, sizes=sizes, source=label, is_settled=settles(layer))
        sized = _fixed(requirement, owner, run, settled, label) if rigid == guess.axes else None
        return sized or settled
    if flexible is not None and is_of_name:
        dtype = "int64" if requirement.name == "index_dtype" else guess.dtype
        return Guess(flexible, dtype=dtype, source=label)
    return None


def _other_rank(requirement: Requirement, guess: Guess) -> int | None:
    """The rank that the first operand's requirement leaves the input; None where it is about something else."""
    if requirement.name != "rank" or requirement.operand not in _OF_THE_FIRST:
        return None
    actual, expected = requirement.actual, requirement.expected
    if not isinstance(actual, sympy.Integer) or not isinstance(expected, sympy.Integer):
        return None
    return len(guess.axes) + int(expected) - int(actual)


@dataclass(frozen=True)
class _Solution:
    """A symbol, and the size of it that meets a requirement."""

    symbol: str
    size: int


def _owner(requirement: Requirement, run: Run) -> str:
    """The input whose shape has the one unknown size that a requirement is about; "" where there is none."""
    solution = _solved(requirement, run)
    if solution is None:
        return ""
    owners = [item.name for item in run.run_spec.inputs if solution.symbol in (item.spec.shape or ())]
    return owners[0] if len(owners) == 1 else ""


def _fixed(requirement: Requirement, owner: str, run: Run, guess: Guess, label: ShapeSource) -> Guess | None:
    """A size of the input that a layer names outright: `Conv2d(3, ...)` on a `[B, C, H, W]`."""
    solution = _solved(requirement, run)
    shape = next(item.spec.shape for item in run.run_spec.inputs if item.name == owner)
    if solution is None or shape is None or solution.symbol not in shape:
        return None
    if solution.symbol == BATCH or not requirement_kind(requirement.name).fixes_input:
        return None
    dim = shape.index(solution.symbol)
    if requirement.name == "matmul" and 0 < dim < len(shape) - 1:
        return None  # a length: that a product leaves it no other size is to be seen, not to be taken for granted
    return replace(guess, sizes=tuple(sorted({**dict(guess.sizes), dim: solution.size}.items())), source=label)


def _solved(requirement: Requirement, run: Run) -> _Solution | None:
    """The one symbol of a requirement and the size that meets it: `C == 3`, or `64*C == 192` after a patching."""
    sides = [side for side in (requirement.actual, requirement.expected) if isinstance(side, sympy.Expr)]
    sizes = [side for side in sides if isinstance(side, sympy.Integer)]
    formulas = [side for side in sides if len(side.free_symbols) == 1]
    if len(sizes) == 2 and not requirement.holds:
        return _stood_for(int(sizes[0]), int(sizes[1]), run)
    if len(sizes) != 1 or len(formulas) != 1:
        return None
    return _quotient(formulas[0], int(sizes[0]), run)


def _stood_for(actual: int, expected: int, run: Run) -> _Solution | None:
    """A plain number supports the symbol that it stands for in this run, if for one only."""
    meant = [name for name in run.run_spec.fixed if run.run_spec.sizes[name] == actual]
    return _Solution(meant[0], expected) if len(meant) == 1 else None


def _quotient(formula: sympy.Expr, size: int, run: Run) -> _Solution | None:
    """`64*C` and 192 -> C and 3."""
    (symbol,) = formula.free_symbols
    times = formula / symbol
    if not isinstance(times, sympy.Integer) or not isinstance(symbol, sympy.Symbol) or size % int(times):
        return None
    name = run.names.get(symbol)
    return None if name is None else _Solution(name, size // int(times))


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

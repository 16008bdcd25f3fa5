"""What goes into forward when nobody said: try a shape, listen to what the first layers demand, try again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import sympy
from torch import fx, nn

from convlint.worker.inputs import RANKS, Guess, Input, guessed, tensor_parameters
from convlint.worker.run import Run
from convlint.worker.trail import Halt, Need

MAX_TRIALS = 24

Trial = Callable[[tuple[Input, ...]], Run]

# The axes that a layer reads its input with.
_AXES: tuple[tuple[tuple[type[nn.Module], ...], tuple[str, ...]], ...] = (
    ((nn.Conv1d, nn.ConvTranspose1d, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d), ("B", "C", "L")),
    ((nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d), RANKS[4]),
    ((nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.MaxPool3d, nn.AvgPool3d), RANKS[5]),
    ((nn.Embedding,), ("B", "L")),
    ((nn.LSTM, nn.GRU, nn.RNN, nn.MultiheadAttention, nn.LayerNorm), RANKS[3]),
    ((nn.Linear, nn.BatchNorm1d, nn.LSTMCell, nn.GRUCell, nn.RNNCell), RANKS[2]),
)
_SEQUENCE_FIRST = ("L", "B", "F")
_OTHER_RANKS = (2, 3, 5, 1)


def infer(model: nn.Module, trial: Trial) -> tuple[Run, str | None]:
    """The best run found, and why its inputs are doubtful (None where the layers agreed to them).

    A mistake counts only if it stands for every rank that the first layers take, so the rank with the fewest wins.
    """
    guesses: dict[str, Guess] = {name: Guess(RANKS[4]) for name in tensor_parameters(model)}
    best, trials = _listen(model, trial, guesses, 0)
    for name in list(guesses):
        for rank in _OTHER_RANKS:
            if _progress(best)[:2] == (True, 0) or trials >= MAX_TRIALS:
                break
            other = {**_guesses_of(best, guesses), name: Guess(RANKS[rank], source=_tried(best, name))}
            run, trials = _listen(model, trial, other, trials)
            if _progress(run) > _progress(best):
                best = run
    return best, None if _progress(best)[0] else _doubt(best)


def _tried(run: Run, name: str) -> str:
    """The evidence of the run before; a rank that is tried on purpose must not be talked back to the usual one."""
    source = next((item.source for item in run.course.inputs if item.name == name), "guessed")
    return "tried" if source == "guessed" else source


def _guesses_of(run: Run, guesses: Mapping[str, Guess]) -> dict[str, Guess]:
    """The guesses that a run was made with."""
    current = dict(guesses)
    for item in run.course.inputs:
        shape = item.spec.shape
        if item.name in current and shape is not None:
            axes = tuple(size.rstrip("0123456789") if isinstance(size, str) else "C" for size in shape)
            sizes = tuple((dim, size) for dim, size in enumerate(shape) if isinstance(size, int))
            current[item.name] = Guess(axes, sizes, item.spec.dtype, item.source)
    return current


def _listen(model: nn.Module, trial: Trial, guesses: Mapping[str, Guess], trials: int) -> tuple[Run, int]:
    """Trace, take the first demand that the guesses do not meet, and trace again until none is left."""
    current = dict(guesses)
    seen = {tuple(current.items())}
    run = trial(guessed(model, current))
    best = run
    while (trials := trials + 1) < MAX_TRIALS:
        change = _demand(run, current)
        if change is None:
            break
        current = {**current, change[0]: change[1]}
        key = tuple(current.items())
        if key in seen:
            break
        seen.add(key)
        run = trial(guessed(model, current))
        if _progress(run) >= _progress(best):
            best = run
    return best, trials


def _progress(run: Run) -> tuple[bool, int, int]:
    """Whether forward ran through with inputs that its layers took, with how few mistakes, and how far it came."""
    trail = run.trace.trail
    ended = trail.end() is None and not any(need.name in ("rank", "index_dtype") for need in trail.broken())
    certain = {need.key for need in trail.broken() if not need.condition.free_symbols}
    return ended, -len(certain), len(run.trace.nodes)


def _doubt(run: Run) -> str:
    end = run.trace.trail.end()
    if end is not None:
        return end.reason
    need = next(need for need in run.trace.trail.broken() if need.name in ("rank", "index_dtype"))
    return f"no input found that its layers take: {need.name} {need.came}, needed {need.needed}"


def _demand(run: Run, guesses: Mapping[str, Guess]) -> tuple[str, Guess] | None:
    """The first demand on an input that its guess does not meet yet."""
    for need in run.trace.trail.needs():
        if need.node is None:
            continue
        node = run.trace.nodes[need.node]
        source = _placeholder(node, run.trace.nodes)
        if source is None or source.meta["name"] not in guesses:
            continue
        name = source.meta["name"]
        changed = _changed(need, node, source, run, guesses[name])
        if changed is not None and changed != guesses[name]:
            return name, changed
    return None


def _changed(need: Need, node: fx.Node, source: fx.Node, run: Run, guess: Guess) -> Guess | None:
    layer = node.meta.get("layer")
    label = f"{node.target} ({type(layer).__name__})" if layer is not None else node.meta["name"]
    near = _is_near(node, source)
    if need.name == "index_dtype" and near:
        return Guess(("B", "L") if guess.source == "guessed" else guess.axes, dtype="int64", source=label)
    axes = _axes_for(layer) if near and guess.source == "guessed" else None
    if axes is not None and axes != guess.axes:
        return Guess(axes, dtype=guess.dtype, source=label)
    if (
        need.name == "rank"
        and isinstance(need.came, sympy.Integer)
        and isinstance(need.needed, sympy.Integer)
    ):
        rank = len(guess.axes) + int(need.needed) - int(need.came)
        return replace(guess, axes=RANKS[rank], sizes=()) if rank in RANKS and not need.holds else None
    return _fixed(need, source, run, guess, label)


def _fixed(need: Need, source: fx.Node, run: Run, guess: Guess, label: str) -> Guess | None:
    """A size of the input that a layer names outright: `Conv2d(3, ...)` on a `[B, C, H, W]`."""
    symbol = need.came
    if not isinstance(symbol, sympy.Symbol) or not isinstance(need.needed, sympy.Integer):
        return None
    name = run.names.get(symbol)
    shape = next(item.spec.shape for item in run.course.inputs if item.name == source.meta["name"])
    if shape is None or name not in shape or name == "B" or not _names_a_size(need):
        return None
    dim = shape.index(name)
    return replace(
        guess, sizes=tuple(sorted({**dict(guess.sizes), dim: int(need.needed)}.items())), source=label
    )


def _names_a_size(need: Need) -> bool:
    return need.name in ("in_features", "in_channels", "num_features", "input_size", "embed_dim", "kdim", "vdim",
                         "normalized_shape")  # fmt: skip


def _axes_for(layer: nn.Module | None) -> tuple[str, ...] | None:
    for kinds, axes in _AXES:
        if isinstance(layer, kinds):
            sequence_first = (
                axes == RANKS[3] and not isinstance(layer, nn.LayerNorm) and not layer.batch_first
            )
            return _SEQUENCE_FIRST if sequence_first else axes
    return None


def _placeholder(node: fx.Node, nodes: list[fx.Node]) -> fx.Node | None:
    """The input that a node's first operand goes back to."""
    current: fx.Node | None = node
    while current is not None and current.op != "placeholder":
        current = next((p for p in current.all_input_nodes if p.op != "get_attr"), None)
    return current


def _is_near(node: fx.Node, source: fx.Node) -> bool:
    """Only calls that keep the shape stand between the input and this node."""
    current = next((p for p in node.all_input_nodes if p.op != "get_attr"), None)
    while current is not None and current is not source:
        if current.op == "placeholder" or [m.shape for m in current.meta["outputs"]] != [
            m.shape for m in current.meta["inputs"][:1]
        ]:
            return False
        current = next((p for p in current.all_input_nodes if p.op != "get_attr"), None)
    return current is source


def stopped_before_a_layer(run: Run) -> bool:
    """Whether the trace ended before any layer took an input: then its inputs prove nothing."""
    end = run.trace.trail.end()
    return isinstance(end, Halt) and not any(node.op == "call_module" for node in run.trace.nodes)

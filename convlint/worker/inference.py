"""What goes into forward when nobody said: try a shape, listen to what the first layers demand, try again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import sympy
from torch import fx, nn

from convlint.worker.inputs import BATCH, GUESSED, RANKS, TRIED, Guess, Input, guessed, tensor_parameters
from convlint.worker.run import Run
from convlint.worker.trail import Need, Stop

MAX_TRIALS = 40

_SHORT = 12  # calls that a run is listened to before it is made in full

Trial = Callable[[tuple[Input, ...], int | None], Run]
"""Runs forward with these inputs, up to so many calls."""
Kinds = tuple[type[nn.Module], ...]

# The axes that a layer reads its input with: the only ones it takes, or the usual ones of several.
_RIGID: tuple[tuple[Kinds, tuple[str, ...]], ...] = (
    ((nn.Conv1d, nn.ConvTranspose1d, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d), ("B", "C", "L")),
    ((nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d), RANKS[4]),
    ((nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.MaxPool3d, nn.AvgPool3d), RANKS[5]),
)
_FLEXIBLE: tuple[tuple[Kinds, tuple[str, ...]], ...] = (
    ((nn.Embedding,), ("B", "L")),
    ((nn.LSTM, nn.GRU, nn.RNN, nn.MultiheadAttention, nn.LayerNorm), RANKS[3]),
    ((nn.Linear, nn.BatchNorm1d, nn.LSTMCell, nn.GRUCell, nn.RNNCell), RANKS[2]),
)
_SEQUENCE_FIRST = ("L", "B", "F")
_OTHER_RANKS = (2, 3, 4, 5, 1)


@dataclass(frozen=True)
class _Attempt:
    """A run, and the guesses that it was made with."""

    run: Run
    guesses: Mapping[str, Guess]

    @property
    def merit(self) -> tuple[bool, int, int, int]:
        """Whether forward ran through with inputs that its layers took, with how few mistakes, and how far it came.

        A mistake between plain numbers weighs more than one that some size may mend.
        """
        trail = self.run.trace.trail
        broken = {need.key: need for need in trail.broken()}.values()
        taken = not any(need.name in ("rank", "index_dtype") and self._is_open(need) for need in broken)
        # A layer that asks for one batch size was reached by the wrong dim.
        certain = sum(not need.condition.free_symbols or self._asks_for_a_batch(need) for need in broken)
        end = trail.end()
        ended = end is None or (isinstance(end, Stop) and not self._is_open(end))
        return ended and taken, -certain, -len(broken), len(self.run.trace.nodes)

    def _asks_for_a_batch(self, need: Need) -> bool:
        return any(self.run.names.get(symbol) == BATCH for symbol in need.condition.free_symbols)

    def _is_open(self, need: Need | Stop) -> bool:
        """Whether a requirement may be broken because of a guess, not of the model."""
        source = None if need.node is None else _placeholder(self.run.trace.nodes[need.node])
        guess = self.guesses.get(source.meta["name"]) if source is not None else None
        return guess is not None and not guess.is_settled

    @property
    def is_clean(self) -> bool:
        return self.merit[:3] == (True, 0, 0)


def infer(model: nn.Module, trial: Trial) -> tuple[Run, str | None]:
    """The best run found, and why its inputs are doubtful (None where the layers agreed to them).

    A mistake counts only if it stands for every rank that the first layers take, so the rank with the fewest wins.
    """
    budget = iter(range(MAX_TRIALS))
    best = _listen(model, trial, {name: Guess(RANKS[4]) for name in tensor_parameters(model)}, budget)
    for names in _together(best.guesses):
        for rank in _OTHER_RANKS:
            if best.is_clean:
                break
            tried = {name: _of_rank(best.guesses[name], rank) for name in names}
            best = max(best, _listen(model, trial, {**best.guesses, **tried}, budget), key=lambda a: a.merit)
    return best.run, None if best.merit[0] else _doubt(best.run)


def _together(guesses: Mapping[str, Guess]) -> list[list[str]]:
    """The inputs whose rank is open: all at once, since they may have to agree, then each alone."""
    names = [name for name, guess in guesses.items() if not guess.is_settled]
    return [names, *([name] for name in names)] if len(names) > 1 else [names]


def _of_rank(guess: Guess, rank: int) -> Guess:
    return Guess(RANKS[rank], dtype=guess.dtype, source=TRIED if guess.source == GUESSED else guess.source)


def _listen(model: nn.Module, trial: Trial, guesses: Mapping[str, Guess], budget: Iterator[int]) -> _Attempt:
    """Trace, take the first demand that the guesses do not meet, and trace again until none is left.

    Most demands come from the first layers, so short runs are listened to first.
    """
    seen = [dict(guesses)]
    current = dict(guesses)
    limit: int | None = _SHORT
    best: _Attempt | None = None
    for _ in budget:
        attempt = _Attempt(trial(guessed(model, current), limit), current)
        if limit is None:
            best = attempt if best is None else max(attempt, best, key=lambda a: a.merit)
        change = _demand(attempt.run, current)
        if change is not None and {**current, **change} not in seen:
            current = {**current, **change}
            seen.append(current)
        elif limit is None:
            break
        else:
            limit = None
    return best or _Attempt(trial(guessed(model, current), None), current)


def _doubt(run: Run) -> str:
    end = run.trace.trail.end()
    if end is not None:
        return end.reason
    need = next(need for need in run.trace.trail.broken() if need.name in ("rank", "index_dtype"))
    return f"no input found that its layers take: {need.name} {need.came}, needed {need.needed}"


def _demand(run: Run, guesses: Mapping[str, Guess]) -> dict[str, Guess] | None:
    """The first demand on an input that its guess does not meet yet."""
    for need in run.trace.trail.needs():
        if need.node is None:
            continue
        node = run.trace.nodes[need.node]
        source = _placeholder(node)
        if source is None or source.meta["name"] not in guesses:
            continue
        name = source.meta["name"]
        changed = _changed(need, node, source, run, guesses[name])
        if changed is not None and changed != guesses[name]:
            return {name: changed}
    return None


def _changed(need: Need, node: fx.Node, source: fx.Node, run: Run, guess: Guess) -> Guess | None:
    layer = node.meta.get("layer")
    label = f"{node.target} ({type(layer).__name__})" if layer is not None else node.meta["name"]
    if _is_near(node, source) and not guess.is_settled:
        if need.name == "index_dtype" and guess.source != GUESSED:
            return replace(guess, dtype="int64", source=label)
        rigid, flexible = _axes_for(layer, _RIGID), _axes_for(layer, _FLEXIBLE)
        if rigid is not None:
            sizes = guess.sizes if rigid == guess.axes else ()
            settled = replace(guess, axes=rigid, sizes=sizes, source=label, is_settled=True)
            return (_fixed(need, source, run, settled, label) if rigid == guess.axes else None) or settled
        if flexible is not None and guess.source == GUESSED:
            dtype = "int64" if need.name == "index_dtype" else guess.dtype
            return Guess(flexible, dtype=dtype, source=label)
    if need.name == "rank" and isinstance(need.came, sympy.Integer) and isinstance(need.needed, sympy.Integer):
        rank = len(guess.axes) + int(need.needed) - int(need.came)
        fits = rank in RANKS and not need.holds
        return replace(guess, axes=RANKS[rank], sizes=(), source=label) if fits else None
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
    return replace(guess, sizes=tuple(sorted({**dict(guess.sizes), dim: int(need.needed)}.items())), source=label)


def _names_a_size(need: Need) -> bool:
    return need.name in (
        "elements",
        "batch","in_features", "in_channels", "num_features", "input_size", "embed_dim", "kdim", "vdim",
                         "normalized_shape")  # fmt: skip


def _axes_for(layer: nn.Module | None, table: tuple[tuple[Kinds, tuple[str, ...]], ...]) -> tuple[str, ...] | None:
    for kinds, axes in table:
        if isinstance(layer, kinds):
            sequence_first = axes == RANKS[3] and getattr(layer, "batch_first", True) is False
            return _SEQUENCE_FIRST if sequence_first else axes
    return None


def _placeholder(node: fx.Node) -> fx.Node | None:
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

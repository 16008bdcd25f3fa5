"""What goes into forward when nobody said: try a shape, listen to what the first layers demand, try again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import sympy
from torch import fx, nn

from convlint.worker.explore import explore
from convlint.worker.guesses import GUESSED, NAMED, RANKS, TRIED, Guess, first_guess, guessed, other_forms
from convlint.worker.inputs import BATCH, Input, parameters_of
from convlint.worker.run import Course, Run
from convlint.worker.trail import Halt, Need, Refusal, Stop

MAX_TRIALS = 60

_SHORT = 12  # calls that a run is listened to before it is made in full

Trial = Callable[[Course], Run]
"""Runs forward on this course."""
CourseOf = Callable[[tuple[Input, ...]], Course]
"""The course that inputs are tried on first."""
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
_SQUARES = (224, 256, 32, 28, 64, 128, 96, 299, 512)


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
        ended = end is None or (isinstance(end, Stop) and not self._is_open(end) and not self._has_stopgap)
        return ended and taken, -certain, -len(broken), len(self.run.trace.nodes)

    @property
    def _has_stopgap(self) -> bool:
        """Whether an input is a plain value that only its name speaks for: torch's refusal may be due to that."""
        return any(guess.given is not None and guess.source == NAMED for guess in self.guesses.values())

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


@dataclass(frozen=True)
class _Search:
    """What all attempts share."""

    model: nn.Module
    trial: Trial
    course: CourseOf
    budget: Iterator[int]
    squares: tuple[int, ...]  # sizes of images that are tried when forward stops at the usual ones

    def attempt(self, guesses: Mapping[str, Guess], limit: int | None) -> _Attempt:
        return _Attempt(self.trial(replace(self.course(guessed(self.model, guesses)), limit=limit)), guesses)


def infer(
    model: nn.Module,
    trial: Trial,
    course: CourseOf,
    known: Mapping[str, Guess] | None = None,
    squares: tuple[int, ...] = (),
) -> tuple[Run, str | None]:
    """The best run found, and why its inputs are doubtful (None where the layers agreed to them).

    A mistake counts only if it stands for every rank that the first layers take, so the rank with the fewest wins.
    """
    search = _Search(model, trial, course, iter(range(MAX_TRIALS)), (*squares, *_SQUARES))
    parameters = parameters_of(model)
    first = {p.name: first_guess(p, is_first=i == 0) for i, p in enumerate(parameters)} | dict(known or {})
    best = _listen(search, first)
    tried = [first, dict(best.guesses)]
    for change in _changes(search, best):
        if best.is_clean:
            break
        start = {**best.guesses, **change(best.guesses)}
        if start not in tried:
            tried.append(start)
            best = max(best, _listen(search, start), key=lambda a: a.merit)
    best = _confirmed(_at_other_sizes(search, best))
    return best.run, None if best.merit[0] else _doubt(best.run)


def _confirmed(attempt: _Attempt) -> _Attempt:
    """With the layers as sources of those inputs that they took as first guessed."""
    run, guesses = attempt.run, dict(attempt.guesses)
    for node in run.trace.nodes:
        layer, source = node.meta.get("layer"), _placeholder(node)
        name = source.meta["name"] if source is not None else None
        guess = guesses.get(name) if name is not None else None
        if layer is None or source is None or guess is None or guess.source not in (NAMED, GUESSED) or guess.given:
            continue
        axes = _axes_for(layer, _RIGID) or _axes_for(layer, _FLEXIBLE)
        if (
            axes is not None
            and _is_near(node, source)
            and (len(axes) == len(guess.axes) or isinstance(layer, nn.Embedding))
        ):
            guesses[str(name)] = replace(guess, source=_label(node))
    inputs = tuple(replace(i, source=guesses[i.name].source) if i.name in guesses else i for i in run.course.inputs)
    return _Attempt(replace(run, course=replace(run.course, inputs=inputs)), guesses)


def _label(node: fx.Node) -> str:
    layer = node.meta.get("layer")
    return f"{node.target} ({type(layer).__name__})" if layer is not None else str(node.meta["name"])


Change = Callable[[Mapping[str, Guess]], dict[str, Guess]]


def _changes(search: _Search, best: _Attempt) -> Iterator[Change]:
    """Other ranks and forms for the inputs that are open: together, alike, then each alone."""
    names = [name for name, guess in best.guesses.items() if not guess.is_settled]
    tensors = [name for name in names if best.guesses[name].given is None]
    if any(guess.axes == ("N", "N") for guess in best.guesses.values()):
        yield lambda guesses: {n: replace(guesses[n], axes=("N", "F"), sizes=()) for n in tensors[:1]}
    if len(tensors) > 1:
        yield lambda guesses: {name: replace(guesses[name], is_shared=True) for name in tensors}
    groups = [tensors, *([name] for name in tensors if len(tensors) > 1)] if tensors else []
    for group in groups:
        for rank in _OTHER_RANKS:
            yield lambda guesses, group=group, rank=rank: {n: _of_rank(guesses[n], rank) for n in group}  # type: ignore[misc]
            if len(group) > 1:
                yield lambda guesses, group=group, rank=rank: {  # type: ignore[misc]
                    n: replace(_of_rank(guesses[n], rank), is_shared=True) for n in group
                }
    for parameter in parameters_of(search.model):
        guess = best.guesses[parameter.name]
        if not guess.is_settled:
            for form in other_forms(parameter, guess):
                yield lambda _, name=parameter.name, form=form: {name: form}  # type: ignore[misc]


def _of_rank(guess: Guess, rank: int) -> Guess:
    source = TRIED if guess.source in (GUESSED, NAMED) else guess.source
    return Guess(RANKS[rank], dtype=guess.dtype, source=source, is_shared=guess.is_shared)


def _at_other_sizes(search: _Search, best: _Attempt) -> _Attempt:
    """Sizes that the model's own checks let through, where they refuse the usual ones."""
    if best.merit[0]:
        return best
    if isinstance(best.run.trace.trail.end(), Refusal):
        accepted = explore(best.run, search.trial).accepted
        if accepted and min(accepted.values()) > 1:
            best = max(best, _Attempt(search.trial(best.run.course.at(accepted)), best.guesses), key=lambda a: a.merit)
    spatial = [name for name in best.run.course.sizes if name[0] in "HW"]
    for square in search.squares if spatial else ():
        if best.merit[0]:
            break
        run = search.trial(best.run.course.at(dict.fromkeys(spatial, square)))
        best = max(best, _Attempt(run, best.guesses), key=lambda a: a.merit)
    return best


def _listen(search: _Search, guesses: Mapping[str, Guess]) -> _Attempt:
    """Trace, take the first demand that the guesses do not meet, and trace again until none is left.

    Most demands come from the first layers, so short runs are listened to first.
    """
    seen = [dict(guesses)]
    current = dict(guesses)
    limit: int | None = _SHORT
    best: _Attempt | None = None
    for _ in search.budget:
        attempt = search.attempt(current, limit)
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
    return best or search.attempt(current, None)


def is_taken(run: Run) -> bool:
    """Whether the first layers take inputs that were not made for them: else they belong to something else."""
    if isinstance(run.trace.trail.end(), Halt) and not any(node.op == "call_module" for node in run.trace.nodes):
        return False
    for need in run.trace.trail.broken():
        node = None if need.node is None else run.trace.nodes[need.node]
        source = None if node is None else _placeholder(node)
        if node is not None and source is not None and _is_near(node, source):
            return False
    return not isinstance(run.trace.trail.end(), Refusal)


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
        owner = _owner(need, run)
        if owner in guesses and (source is None or source.meta["name"] != owner):
            changed = _fixed(need, owner, run, guesses[owner], _label(node))
            if changed is not None and changed != guesses[owner]:
                return {owner: changed}
        if source is None or source.meta["name"] not in guesses:
            continue
        name = source.meta["name"]
        changed = _changed(need, node, source, run, guesses[name])
        if changed is not None and changed != guesses[name]:
            return {name: changed}
    return None


def _changed(need: Need, node: fx.Node, source: fx.Node, run: Run, guess: Guess) -> Guess | None:
    layer = node.meta.get("layer")
    label = _label(node)
    if _is_near(node, source) and not guess.is_settled:
        if need.name == "index_dtype" and guess.source not in (GUESSED, NAMED):
            return replace(guess, dtype="int64", source=label)
        rigid, flexible = _axes_for(layer, _RIGID), _axes_for(layer, _FLEXIBLE)
        if rigid is not None:
            sizes = guess.sizes if rigid == guess.axes else ()
            settled = replace(guess, axes=rigid, sizes=sizes, source=label, is_settled=True)
            return (_fixed(need, source.meta["name"], run, settled, label) if rigid == guess.axes else None) or settled
        if flexible is not None and guess.source in (GUESSED, NAMED):
            dtype = "int64" if need.name == "index_dtype" else guess.dtype
            return Guess(flexible, dtype=dtype, source=label)
    if need.name == "rank" and isinstance(need.came, sympy.Integer) and isinstance(need.needed, sympy.Integer):
        rank = len(guess.axes) + int(need.needed) - int(need.came)
        fits = rank in RANKS and not need.holds
        return replace(guess, axes=RANKS[rank], sizes=(), source=label) if fits else None
    return _fixed(need, source.meta["name"], run, guess, label)


def _owner(need: Need, run: Run) -> str:
    """The input whose shape has the one unknown size that a requirement is about; "" where there is none."""
    symbol, _ = _solved(need)
    name = run.names.get(symbol) if symbol is not None else None
    owners = [item.name for item in run.course.inputs if name is not None and name in (item.spec.shape or ())]
    return owners[0] if len(owners) == 1 else ""


def _fixed(need: Need, owner: str, run: Run, guess: Guess, label: str) -> Guess | None:
    """A size of the input that a layer names outright: `Conv2d(3, ...)` on a `[B, C, H, W]`."""
    symbol, size = _solved(need)
    if symbol is None:
        return None
    name = run.names.get(symbol)
    shape = next(item.spec.shape for item in run.course.inputs if item.name == owner)
    if shape is None or name not in shape or name == "B" or not _names_a_size(need):
        return None
    dim = shape.index(name)
    return replace(guess, sizes=tuple(sorted({**dict(guess.sizes), dim: size}.items())), source=label)


def _solved(need: Need) -> tuple[sympy.Symbol | None, int]:
    """The one symbol of a requirement and the size that meets it: `C == 3`, or `64*C == 192` behind a patching."""
    if isinstance(need.came, str) or not isinstance(need.needed, sympy.Integer) or len(need.came.free_symbols) != 1:
        return None, 0
    (symbol,) = need.came.free_symbols
    times = need.came / symbol
    if not isinstance(times, sympy.Integer) or not isinstance(symbol, sympy.Symbol) or need.needed % times:
        return None, 0
    return symbol, int(need.needed // times)


# Requirements that name a size of an input outright, where what they need is a plain number.
_SIZES = frozenset(
    [
        *("elements", "batch", "matmul", "in_features", "in_channels", "num_features", "input_size"),
        *("embed_dim", "kdim", "vdim", "normalized_shape"),
    ]
)


def _names_a_size(need: Need) -> bool:
    return need.name in _SIZES


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

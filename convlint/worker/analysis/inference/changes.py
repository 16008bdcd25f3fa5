"""What else inputs may be that no layer has settled, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import nn

from convlint.worker.analysis.inference.demands import takes_floats
from convlint.worker.analysis.inference.guesses import RANKS, Guess, other_forms, slots
from convlint.worker.analysis.session import Run
from convlint.worker.trace.origin import GUESSED, NAMED, TRIED

_OTHER_RANKS = (2, 3, 4, 5, 1)
_OTHER_RANKS_OF_INDICES = (1, 2, 3, 4, 5)  # one label a sample is the usual thing beside tokens


@dataclass(frozen=True)
class Change:
    """What some inputs may be instead: another form, other axes, sizes that they share; the rest stays as guessed."""

    names: tuple[str, ...]
    form: Guess | None = None
    axes: tuple[str, ...] | None = None
    shares: bool = False

    def applied(self, guesses: Mapping[str, Guess]) -> dict[str, Guess]:
        """The inputs that it is about, changed."""
        return {name: self._of(guesses[name]) for name in self.names}

    def _of(self, guess: Guess) -> Guess:
        if self.form is not None:
            return self.form
        if self.axes is not None:
            guess = _with_axes(guess, self.axes)
        return replace(guess, is_shared=True) if self.shares else guess


def changes(model: nn.Module, run: Run, best: Mapping[str, Guess]) -> Iterator[Change]:
    """Other ranks and forms for the inputs that are open: together, alike, then each alone."""
    names = [name for name, guess in best.items() if not guess.is_settled]
    tensors = [name for name in names if best[name].given is None]
    if tensors and any(guess.axes == ("N", "N") for guess in best.values()):
        features = replace(best[tensors[0]], axes=("N", "F"), sizes=())
        yield Change((tensors[0],), form=features)
    if len(tensors) > 1:
        yield Change(tuple(tensors), shares=True)
    yield from _other_ranks(best, tensors)
    yield from _other_forms(model, run, best)


def _other_ranks(best: Mapping[str, Guess], tensors: list[str]) -> Iterator[Change]:
    """The usual axes of each rank, for inputs together, also with the sizes of one another."""
    for group in map(tuple, _groups(best, tensors)):
        are_indices = all(best[name].dtype == "int64" for name in group)
        for rank in _OTHER_RANKS_OF_INDICES if are_indices else _OTHER_RANKS:
            yield Change(group, axes=RANKS[rank])
            if len(group) > 1:
                yield Change(group, axes=RANKS[rank], shares=True)


def _other_forms(model: nn.Module, run: Run, best: Mapping[str, Guess]) -> Iterator[Change]:
    """Whatever else an input may be, for each alone."""
    for slot in slots(model, best):
        guess = best[slot.name]
        if guess.is_settled:
            continue
        forms = other_forms(slot.parameter, guess)
        if takes_floats(run, slot.name):
            forms = [form for form in forms if form.given is None and form.dtype == guess.dtype]
        for form in forms:
            yield Change((slot.name,), form=form)


def _groups(best: Mapping[str, Guess], tensors: list[str]) -> list[list[str]]:
    """Inputs that may be of one rank: those of one kind first, as they go into the same layers."""
    indices = [name for name in tensors if best[name].dtype == "int64"]
    floats = [name for name in tensors if name not in indices]
    groups: list[list[str]] = []
    for kind in (floats, indices):
        groups += [kind, *([name] for name in kind if len(kind) > 1)] if kind else []
    return groups if not (floats and indices) else [*groups, tensors]


def _with_axes(guess: Guess, axes: tuple[str, ...]) -> Guess:
    source = TRIED if guess.source in (GUESSED, NAMED) else guess.source
    return Guess(axes, dtype=guess.dtype, source=source, is_shared=guess.is_shared)

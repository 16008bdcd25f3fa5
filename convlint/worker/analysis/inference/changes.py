"""What else inputs may be that no layer has settled, the likeliest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from torch import nn

from convlint.worker.analysis.inference.demands import takes_floats
from convlint.worker.analysis.inference.guesses import RANKS, Guess, other_forms, slots
from convlint.worker.analysis.session import Run
from convlint.worker.trace.origin import GUESSED, NAMED, TRIED

_OTHER_RANKS = (2, 3, 4, 5, 1)
_OTHER_RANKS_OF_INDICES = (1, 2, 3, 4, 5)  # one label a sample is the usual thing beside tokens

Change = Callable[[Mapping[str, Guess]], dict[str, Guess]]


def changes(model: nn.Module, run: Run, best: Mapping[str, Guess]) -> Iterator[Change]:
    """Other ranks and forms for the inputs that are open: together, alike, then each alone."""
    names = [name for name, guess in best.items() if not guess.is_settled]
    tensors = [name for name in names if best[name].given is None]
    if any(guess.axes == ("N", "N") for guess in best.values()):
        yield lambda guesses: {n: replace(guesses[n], axes=("N", "F"), sizes=()) for n in tensors[:1]}
    if len(tensors) > 1:
        yield lambda guesses: {name: replace(guesses[name], is_shared=True) for name in tensors}
    for group in _groups(best, tensors):
        are_indices = all(best[name].dtype == "int64" for name in group)
        for rank in _OTHER_RANKS_OF_INDICES if are_indices else _OTHER_RANKS:
            yield lambda guesses, group=group, rank=rank: {n: _of_rank(guesses[n], rank) for n in group}  # type: ignore[misc]
            if len(group) > 1:
                yield lambda guesses, group=group, rank=rank: {  # type: ignore[misc]
                    n: replace(_of_rank(guesses[n], rank), is_shared=True) for n in group
                }
    for slot in slots(model, best):
        guess = best[slot.name]
        if not guess.is_settled:
            forms = other_forms(slot.parameter, guess)
            if takes_floats(run, slot.name):
                forms = [form for form in forms if form.given is None and form.dtype == guess.dtype]
            for form in forms:
                yield lambda _, name=slot.name, form=form: {name: form}  # type: ignore[misc]


def _groups(best: Mapping[str, Guess], tensors: list[str]) -> list[list[str]]:
    """Inputs that may be of one rank: those of one kind first, as they go into the same layers."""
    indices = [name for name in tensors if best[name].dtype == "int64"]
    floats = [name for name in tensors if name not in indices]
    groups: list[list[str]] = []
    for kind in (floats, indices):
        groups += [kind, *([name] for name in kind if len(kind) > 1)] if kind else []
    return groups if not (floats and indices) else [*groups, tensors]


def _of_rank(guess: Guess, rank: int) -> Guess:
    source = TRIED if guess.source in (GUESSED, NAMED) else guess.source
    return Guess(RANKS[rank], dtype=guess.dtype, source=source, is_shared=guess.is_shared)

"""What goes into forward when nobody said: try a shape, listen to what the first layers demand, try again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from torch import nn

from convlint.facts import Reason
from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.inference.changes import changes
from convlint.worker.analysis.inference.demands import axes_for, demand, is_near, label_of, placeholder, settles
from convlint.worker.analysis.inference.guesses import Guess, first_guess, guessed, kind_of, slots, with_source
from convlint.worker.analysis.session import LEVELS, Run, RunSpec
from convlint.worker.analysis.solving.constants import is_of_layers
from convlint.worker.analysis.solving.explore import explore
from convlint.worker.trace.input import BATCH, Input
from convlint.worker.trace.origin import GUESSED, NAMED
from convlint.worker.trace.trail import Oversized, Requirement, Stop, TraceStopped, Unread, UserError, reason_of
from convlint.worker.trace.work import WorkBudget, WorkSpent, limited
from convlint.worker.user_code.time_limit import TimeLimitExceeded

MAX_TRIALS = 120
MOST_STEPS = 5000
"""Work that other guesses than the first may cost."""
_SHORT = 12  # calls that a run is listened to before it is made in full: most demands come from the first layers
_OF_SEVERAL = 48  # calls within which a second input comes to its layer
Trial = Callable[[RunSpec], Run]
"""Runs forward as specified."""
RunSpecOf = Callable[[tuple[Input, ...]], RunSpec]
"""The run specification that inputs are tried on first."""
_MOST_TRACES = 8
"""Runs in search of sizes that inputs of the right rank may need."""
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
        broken = self._mistakes
        taken = not any(
            requirement_kind(requirement.name).doubts_input and self._is_open(requirement) for requirement in broken
        )
        # A layer that asks for one batch size was reached by the wrong dim.
        certain = sum(
            not requirement.condition.free_symbols or self._asks_for_a_batch(requirement) for requirement in broken
        )
        end = trail.end()
        certain += isinstance(end, Stop | Oversized)
        refused = isinstance(end, Stop) and not self._is_open(end) and not self._has_stopgap
        ended = end is None or refused or isinstance(end, Unread)
        return ended and taken, -certain, -len(broken), len(self.run.trace.nodes)

    @cached_property
    def _mistakes(self) -> tuple[Requirement, ...]:
        """What other inputs may change, once for each line of code: a block that is built n times is one mistake."""
        nodes = self.run.trace.nodes
        found: dict[object, Requirement] = {}
        for requirement in self.run.trace.trail.broken():
            if not is_of_layers(self.run, requirement, past_indexing=True):
                place = (
                    requirement.key
                    if requirement.node is None
                    else nodes[requirement.node].meta["place"] or requirement.key
                )
                found.setdefault(
                    (place, requirement.name, requirement.operand, requirement.actual, requirement.expected),
                    requirement,
                )
        return tuple(found.values())

    @property
    def _has_stopgap(self) -> bool:
        """Whether an input is a plain value that only its name speaks for: torch's refusal may be due to that."""
        return any(guess.given is not None and guess.source == NAMED for guess in self.guesses.values())

    def _asks_for_a_batch(self, requirement: Requirement) -> bool:
        return any(self.run.names.get(symbol) == BATCH for symbol in requirement.condition.free_symbols)

    def _is_open(self, requirement: Requirement | Stop) -> bool:
        """Whether a requirement may be broken because of a guess, not of the model."""
        source = None if requirement.node is None else placeholder(self.run.trace.nodes[requirement.node])
        guess = self.guesses.get(source.meta["name"]) if source is not None else None
        return guess is not None and not guess.is_settled

    def is_better_than(self, other: _Attempt) -> bool:
        """Where torch refuses a run, it says less of mistakes than one that came through with some."""
        came_through = other.merit[0] and other.run.trace.trail.end() is None
        if came_through and isinstance(self.run.trace.trail.end(), Stop):
            return False
        return self.merit > other.merit

    def outdoes(self, begun: _Attempt) -> bool:
        """Whether a run has too many mistakes by now to become better; calls count only where this one was stopped."""
        if self.run.trace.trail.end() is None:
            return self.merit[0] and begun.merit[1:3] <= self.merit[1:3]
        return self.merit[0] and begun.merit[1:3] < self.merit[1:3]

    @property
    def is_clean(self) -> bool:
        return self.merit[:3] == (True, 0, 0)


@dataclass
class _Search:
    """What all attempts share. `level` rises where plain numbers come further than symbols."""

    model: nn.Module
    trial: Trial
    run_spec: RunSpecOf
    budget: Iterator[int]
    squares: tuple[int, ...]  # sizes of images that are tried when forward stops at the usual ones
    level: int = 0  # of `RunSpec.on_numbers`

    def attempt(self, guesses: Mapping[str, Guess], limit: int | None, level: int | None = None) -> _Attempt:
        level = self.level if level is None else level
        if any(guess.filled for guess in guesses.values()):  # only plain sizes have contents
            level = max(level, 1)
        run_spec = self.run_spec(guessed(self.model, guesses)).on_numbers(level)
        return _Attempt(self.trial(replace(run_spec, limit=limit)), guesses)


def infer(
    model: nn.Module,
    trial: Trial,
    run_spec: RunSpecOf,
    known: Mapping[str, Guess] | None = None,
    squares: tuple[int, ...] = (),
) -> tuple[Run, Reason | None]:
    """The best run found, and why its inputs are doubtful (None where the layers agreed to them).

    A mistake counts only if it stands for every rank that the first layers take, so the rank with the fewest wins.
    """
    search = _Search(model, trial, run_spec, iter(range(MAX_TRIALS)), (*squares, *_SQUARES))
    told = dict(known or {})
    first = {s.name: first_guess(s.parameter, is_first=i == 0) for i, s in enumerate(slots(model, told))} | told
    best = _past_symbols(search, _listen(search, first))
    is_whole = False
    # What was found so far is better than nothing; where an outer budget is spent, the next step says so again.
    with suppress(TimeLimitExceeded, WorkSpent), limited(WorkBudget(MOST_STEPS)):
        for better in _improvements(search, best, first):
            best = better
        is_whole = True
    best = _confirmed(_at_other_sizes(search, best))
    if best.merit[0] and not (is_whole or best.is_clean):
        return best.run, Reason(kind="shapes-untried")
    return best.run, None if best.merit[0] else _doubt(best.run)


def _improvements(search: _Search, best: _Attempt, first: Mapping[str, Guess]) -> Iterator[_Attempt]:
    tried = [kind_of(first), kind_of(best.guesses)]
    refuted: list[Mapping[str, Guess]] = []
    is_taken = best.is_clean or _runs_at_some_size(search, best)
    for change in changes(search.model, best.run, best.guesses):
        if is_taken:
            break
        changed = change(best.guesses)
        # A layer may have settled what was open when the changes were thought of.
        start = {**best.guesses, **{n: guess for n, guess in changed.items() if not best.guesses[n].is_settled}}
        apart = {name: replace(guess, is_shared=False) for name, guess in start.items()}
        if kind_of(start) not in tried and apart not in refuted:
            tried.append(kind_of(start))
            found = _listen(search, start, best)
            if found.merit[1] < best.merit[1]:  # plain numbers do not fit: it is the same with shared sizes
                refuted.append(apart)
            if found.is_better_than(best):
                best = _past_symbols(search, found)
                is_taken = best.is_clean or _runs_at_some_size(search, best)
                yield best


def _runs_at_some_size(search: _Search, best: _Attempt) -> bool:
    """Whether only sizes are wrong, not ranks, by a run that comes through at others."""
    if best.merit[:2] != (True, 0) or best.run.trace.trail.end() is not None or best.run.is_on_numbers:
        return False
    return explore(best.run, search.trial, _MOST_TRACES).accepted is not None


def _past_symbols(search: _Search, attempt: _Attempt) -> _Attempt:
    """The same guesses on plain numbers where a symbol is what stops forward: numpy and math take none."""
    for level in LEVELS[search.level + 1 :]:
        if not isinstance(attempt.run.trace.trail.end(), TraceStopped):
            break
        if search.attempt(attempt.guesses, None, level).run.is_further_than(attempt.run):
            search.level = level
            attempt = _listen(search, attempt.guesses)
    return attempt


def _confirmed(attempt: _Attempt) -> _Attempt:
    """With the layers as sources of those inputs that they took as first guessed."""
    run, guesses = attempt.run, dict(attempt.guesses)
    for node in run.trace.nodes:
        layer, source = node.meta.get("layer"), placeholder(node)
        name = source.meta["name"] if source is not None else None
        guess = guesses.get(name) if name is not None else None
        if layer is None or source is None or guess is None or guess.source not in (NAMED, GUESSED) or guess.given:
            continue
        rigid = axes_for(layer, is_rigid=True)
        axes = rigid or axes_for(layer, is_rigid=False)
        if (
            axes is not None
            and is_near(node, source)
            and (len(axes) == len(guess.axes) or isinstance(layer, nn.Embedding))
        ):
            is_settled = guess.is_settled or (rigid is not None and settles(layer))
            guesses[str(name)] = replace(guess, source=label_of(node), is_settled=is_settled)
    inputs = tuple(
        with_source(item, guesses[item.name]) if item.name in guesses else item for item in run.run_spec.inputs
    )
    return _Attempt(replace(run, run_spec=replace(run.run_spec, inputs=inputs)), guesses)


def _at_other_sizes(search: _Search, best: _Attempt) -> _Attempt:
    """Sizes that the model's own checks let through, where they refuse the usual ones."""
    if best.merit[0]:
        return best
    if isinstance(best.run.trace.trail.end(), UserError):
        accepted = explore(best.run, search.trial).accepted
        if accepted and min(accepted.values()) > 1:
            best = max(
                best, _Attempt(search.trial(best.run.run_spec.at(accepted)), best.guesses), key=lambda a: a.merit
            )
    spatial = [name for name in best.run.run_spec.sizes if name[0] in "HW"]
    for square in search.squares if spatial else ():
        if best.merit[0]:
            break
        run = search.trial(best.run.run_spec.at(dict.fromkeys(spatial, square)))
        best = max(best, _Attempt(run, best.guesses), key=lambda a: a.merit)
    return best


def _limits(guesses: Mapping[str, Guess], rival: _Attempt | None) -> Iterator[int | None]:
    """After how many calls a run is looked at; one that has a rival may be worse long before its end."""
    yield _SHORT
    if rival is not None or sum(guess.given is None for guess in guesses.values()) > 1:
        yield _OF_SEVERAL
    if rival is not None:
        yield 4 * _OF_SEVERAL
        yield 16 * _OF_SEVERAL
    yield None


def _listen(search: _Search, guesses: Mapping[str, Guess], rival: _Attempt | None = None) -> _Attempt:
    """Trace, take the first demand that the guesses do not meet, and trace again until none is left.

    A run that cannot become better than its rival any more is not made in full.
    """
    seen = [dict(guesses)]
    current = dict(guesses)
    limits = _limits(guesses, rival)
    limit = next(limits)
    best: _Attempt | None = None
    for _ in search.budget:
        attempt = search.attempt(current, limit)
        if limit is None:
            best = attempt if best is None else max(attempt, best, key=lambda a: a.merit)
        change = demand(attempt.run, current)
        if change is not None and {**current, **change} not in seen:
            current = {**current, **change}
            seen.append(current)
        elif limit is None or (rival is not None and rival.outdoes(attempt)):
            best = best or attempt
            break
        else:
            limit = next(limits)
    return best or search.attempt(current, None)


def _doubt(run: Run) -> Reason:
    end = run.trace.trail.end()
    if end is not None:
        return reason_of(end)
    requirement = next(
        requirement for requirement in run.trace.trail.broken() if requirement_kind(requirement.name).doubts_input
    )
    return Reason(
        kind="layers-refuse", name=requirement.name, actual=str(requirement.actual), expected=str(requirement.expected)
    )

"""What goes into forward when nobody said: try a shape, listen to what the first layers demand, try again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from torch import fx, nn

from convlint.facts import Reason
from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.inference.attempt import Attempt, Score
from convlint.worker.analysis.inference.changes import changes
from convlint.worker.analysis.inference.demands import axes_for, demand, is_near, label_of, placeholder, settles
from convlint.worker.analysis.inference.guesses import Guess, first_guess, guessed, kind_of, slots, with_source
from convlint.worker.analysis.session import LEVELS, Run, RunSpec
from convlint.worker.analysis.solving.explore import explore
from convlint.worker.trace.input import Input
from convlint.worker.trace.origin import GUESSED, NAMED
from convlint.worker.trace.trail import Raised, TraceStopped, UserError, reason_of
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
_MOST_ALIKE = 12
"""Changes in a row that the user's own code refuses with the same words in the same place."""
_SQUARES = (224, 256, 32, 28, 64, 128, 96, 299, 512)


@dataclass
class _Search:
    """What all attempts share. `level` rises where plain numbers come further than symbols."""

    model: nn.Module
    trial: Trial
    run_spec: RunSpecOf
    budget: Iterator[int]
    squares: tuple[int, ...]  # sizes of images that are tried when forward stops at the usual ones
    level: int = 0  # of `RunSpec.on_numbers`

    def attempt(self, guesses: Mapping[str, Guess], limit: int | None, level: int | None = None) -> Attempt:
        level = self.level if level is None else level
        if any(guess.filled for guess in guesses.values()):  # only plain sizes have contents
            level = max(level, 1)
        run_spec = self.run_spec(guessed(self.model, guesses)).on_numbers(level)
        return Attempt(self.trial(replace(run_spec, limit=limit)), guesses)


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
    if best.score.is_taken and not (is_whole or best.score.is_clean):
        return best.run, Reason(kind="shapes-untried")
    return best.run, None if best.score.is_taken else _doubt(best.run)


def _improvements(search: _Search, best: Attempt, first: Mapping[str, Guess]) -> Iterator[Attempt]:
    tried = [kind_of(first), kind_of(best.guesses)]
    refuted: list[Mapping[str, Guess]] = []
    is_taken = best.score.is_clean or _runs_at_some_size(search, best)
    alike = 0
    for change in changes(search.model, best.run, best.guesses):
        if is_taken or alike == _MOST_ALIKE:
            break
        changed = change.applied(best.guesses)
        # A layer may have settled what was open when the changes were thought of.
        start = {**best.guesses, **{n: guess for n, guess in changed.items() if not best.guesses[n].is_settled}}
        apart = {name: replace(guess, is_shared=False) for name, guess in start.items()}
        if kind_of(start) not in tried and apart not in refuted:
            tried.append(kind_of(start))
            found = _listen(search, start, best)
            alike = alike + 1 if _is_same_refusal(found.run, best.run) else 0
            if found.score.certain > best.score.certain:  # plain numbers do not fit: it is the same with shared sizes
                refuted.append(apart)
            if found.is_better_than(best):
                best = _past_symbols(search, found)
                is_taken = best.score.is_clean or _runs_at_some_size(search, best)
                yield best


def _is_same_refusal(run: Run, other: Run) -> bool:
    """Whether the user's own code refuses two inputs alike, so that their shapes have no part in it."""
    end = run.trace.trail.end()
    return isinstance(end, Raised) and end == other.trace.trail.end()


def _runs_at_some_size(search: _Search, best: Attempt) -> bool:
    """Whether only sizes are wrong, not ranks, by a run that comes through at others."""
    if not best.score.is_taken or best.score.certain:
        return False
    if best.run.trace.trail.end() is not None or best.run.is_on_numbers:
        return False
    return explore(best.run, search.trial, _MOST_TRACES).accepted is not None


def _past_symbols(search: _Search, attempt: Attempt) -> Attempt:
    """The same guesses on plain numbers where a symbol is what stops forward: numpy and math take none."""
    for level in LEVELS[search.level + 1 :]:
        if not isinstance(attempt.run.trace.trail.end(), TraceStopped):
            break
        if search.attempt(attempt.guesses, None, level).run.is_further_than(attempt.run):
            search.level = level
            attempt = _listen(search, attempt.guesses)
    return attempt


def _confirmed(attempt: Attempt) -> Attempt:
    """With the layers as sources of those inputs that they took as first guessed."""
    run, guesses = attempt.run, dict(attempt.guesses)
    for node in run.trace.nodes:
        source = placeholder(node)
        name = str(source.meta["name"]) if source is not None else None
        guess = guesses.get(name) if name is not None else None
        if name is None or source is None or guess is None or guess.given:
            continue
        if node.meta.get("layer") is not None and guess.source in (NAMED, GUESSED) and is_near(node, source):
            guesses[name] = _taken(node, guess)
    inputs = tuple(
        with_source(item, guesses[item.name]) if item.name in guesses else item for item in run.run_spec.inputs
    )
    return Attempt(replace(run, run_spec=replace(run.run_spec, inputs=inputs)), guesses)


def _taken(node: fx.Node, guess: Guess) -> Guess:
    """With a layer that takes an input as guessed for its source."""
    layer = node.meta.get("layer")
    rigid = axes_for(layer, is_rigid=True)
    axes = rigid or axes_for(layer, is_rigid=False)
    if axes is None or not (len(axes) == len(guess.axes) or isinstance(layer, nn.Embedding)):
        return guess
    is_settled = guess.is_settled or (rigid is not None and settles(layer))
    return replace(guess, source=label_of(node), is_settled=is_settled)


def _at_other_sizes(search: _Search, best: Attempt) -> Attempt:
    """Sizes that the model's own checks let through, where they refuse the usual ones."""
    if best.score.is_taken or best.run.asks_no_size:
        return best
    if isinstance(best.run.trace.trail.end(), UserError):
        accepted = explore(best.run, search.trial).accepted
        if accepted and min(accepted.values()) > 1:
            best = max(best, Attempt(search.trial(best.run.run_spec.at(accepted)), best.guesses), key=_score)
    spatial = [name for name in best.run.run_spec.sizes if name[0] in "HW"]
    for square in search.squares if spatial else ():
        if best.score.is_taken:
            break
        run = search.trial(best.run.run_spec.at(dict.fromkeys(spatial, square)))
        best = max(best, Attempt(run, best.guesses), key=_score)
    return best


def _score(attempt: Attempt) -> Score:
    return attempt.score


def _limits(guesses: Mapping[str, Guess], rival: Attempt | None) -> Iterator[int | None]:
    """After how many calls a run is looked at; one that has a rival may be worse long before its end."""
    yield _SHORT
    if rival is not None or sum(guess.given is None for guess in guesses.values()) > 1:
        yield _OF_SEVERAL
    if rival is not None:
        yield 4 * _OF_SEVERAL
        yield 16 * _OF_SEVERAL
    yield None


def _listen(search: _Search, guesses: Mapping[str, Guess], rival: Attempt | None = None) -> Attempt:
    """Trace, take the first demand that the guesses do not meet, and trace again until none is left.

    A run that cannot become better than its rival any more is not made in full.
    """
    seen = [dict(guesses)]
    current = dict(guesses)
    limits = _limits(guesses, rival)
    limit = next(limits)
    best: Attempt | None = None
    for _ in search.budget:
        attempt = search.attempt(current, limit)
        if limit is None:
            best = attempt if best is None else max(attempt, best, key=_score)
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

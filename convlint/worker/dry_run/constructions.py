"""The models that a program feeds, one construction each, with what goes into them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import nn

from convlint.facts import Reason, Span
from convlint.worker.dry_run.agreement import Disagreement, Merger, Specs, symbols_in
from convlint.worker.dry_run.record import CallError, ModelCall, ProgramCall
from convlint.worker.dry_run.twin import TwinCall, key_of, key_of_loss, raised_as


@dataclass(frozen=True)
class FedInputs:
    """What one line feeds to one model: the sizes that all calls share, symbols for the others."""

    at: Span
    inputs: Specs
    exact: Specs  # those of the first call
    is_clean: bool  # this is what the program does, and nothing made up has a part in it
    raised: CallError | None  # what each call ends with, in both worlds
    exact_raised: tuple[tuple[Specs, CallError], ...]  # the calls that end with an exception, each as it is made
    training: bool
    is_partial: bool = False  # some arguments are not known


@dataclass
class FedModel:
    """One module that is called from outside of modules."""

    module: nn.Module
    owner: nn.Module | None
    calls: list[ModelCall] = field(default_factory=list)
    fed: list[FedInputs] = field(default_factory=list)

    @property
    def raises(self) -> bool:
        """Whether a call that counts ends with an exception."""
        return any(one.is_clean and one.exact_raised for one in self.fed)

    @property
    def errors(self) -> list[CallError]:
        return [error for one in self.fed for _, error in one.exact_raised]

    @property
    def is_followed(self) -> bool:
        return any(call.is_followed and call.raised is None for call in self.calls)


def constructions(calls: Sequence[ModelCall], others: Sequence[TwinCall] | None) -> list[FedModel]:
    """`others` are the calls in the other world; None where nothing was made up."""
    found: dict[int, FedModel] = {}
    matched = list(_matched(calls, others))
    for call, _ in matched:
        made = found.setdefault(id(call.module), FedModel(call.module, call.owner))
        made.calls.append(call)
    for one in found.values():
        by_line: dict[tuple[str, int, int], list[tuple[ModelCall, TwinCall | None]]] = {}
        for call, other in matched:
            if call.module is one.module:
                by_line.setdefault((call.at.filename, call.at.row, call.at.column), []).append((call, other))
        one.fed = [fed for group in by_line.values() for fed in _fed(group, is_alone=others is None)]
    return list(found.values())


def _matched(
    calls: Sequence[ModelCall], others: Sequence[TwinCall] | None
) -> Iterator[tuple[ModelCall, TwinCall | None]]:
    """Each call with the same one of the other world."""
    left: dict[tuple[str, int, int, str, str], list[TwinCall]] = {}
    for other in others or ():
        left.setdefault(other.key, []).append(other)
    for call in calls:
        waiting = left.get(key_of(call))
        yield call, waiting.pop(0) if waiting else None


Pair = tuple[ModelCall, TwinCall | None]


def _fed(group: Sequence[Pair], *, is_alone: bool) -> Iterator[FedInputs]:
    """What one line feeds, where it feeds anything that an input can be."""
    usable = [pair for pair in group if pair[0].inputs is not None]
    clean = [pair for pair in usable if _is_clean(*pair, is_alone=is_alone)]
    kept = _comparable(clean or usable)
    if kept:
        inputs, kept = _merged(kept)
        first = kept[0][0]
        exact = tuple(_raised(kept, is_alone=is_alone))
        every = first.raised if exact and len(exact) == len(kept) else None
        partial = any(call.is_partial for call, _ in kept)
        yield FedInputs(first.at, inputs, first.inputs or (), bool(clean), every, exact, first.training, partial)


def _comparable(pairs: Sequence[Pair]) -> list[Pair]:
    """The calls with as many arguments as the first; where the other world has fewer of them, so many."""
    alike = [pair for pair in pairs if _is_alike(pair[0], pairs[0][0])]
    twins = [pair for pair in alike if pair[1] is not None and pair[1].inputs is not None]
    return twins if twins else alike


def _merged(pairs: list[Pair]) -> tuple[Specs, list[Pair]]:
    """The inputs that all calls share, with symbols for what differs; the first call alone where they are not alike."""
    specs = [call.inputs for call, _ in pairs if call.inputs is not None]
    twins = [other.inputs for _, other in pairs if other is not None and other.inputs is not None]
    try:
        return Merger().merged([*specs, *twins]), pairs
    except Disagreement:
        return specs[0], pairs[:1]


def _raised(pairs: Sequence[Pair], *, is_alone: bool) -> Iterator[tuple[Specs, CallError]]:
    """The calls that end with an exception, in both worlds."""
    for call, other in pairs:
        if call.raised is not None and (is_alone or _is_same(call, other)):
            yield call.inputs or (), call.raised


def _is_alike(call: ModelCall, other: ModelCall) -> bool:
    return len(call.inputs or ()) == len(other.inputs or ())


def _is_same(call: ModelCall, other: TwinCall | None) -> bool:
    """Whether both worlds end a call in the same way, with the same sizes."""
    return other is not None and other.raised == raised_as(call.raised) and other.inputs == call.inputs


def _is_clean(call: ModelCall, other: TwinCall | None, *, is_alone: bool) -> bool:
    if call.doubt is not None:
        return False
    return is_alone or (other is not None and not other.is_doubtful and other.inputs is not None)


def has_free_sizes(inputs: Specs) -> bool:
    return bool(symbols_in(inputs) - {"B"})


def agreed(losses: Sequence[ProgramCall], others: Sequence[TwinCall] | None) -> list[ProgramCall]:
    """The calls of losses and functions that both worlds make with the same shapes, each line and outcome once."""
    left: dict[tuple[str, int, int, str, str], list[TwinCall]] = {}
    for other in others or ():
        left.setdefault(other.key, []).append(other)
    kept: dict[tuple[object, ...], ProgramCall] = {}
    for loss in losses:
        key = key_of_loss(loss)
        waiting = left.get(key)
        twin = waiting.pop(0) if waiting else None
        if others is not None and (twin is None or twin.shapes != loss.shapes or twin.is_doubtful):
            continue
        if loss.doubt is not None or (twin is not None and twin.raised != raised_as(loss.raised)):
            continue
        kept.setdefault((key, loss.shapes, loss.raised is None), loss)
    return list(kept.values())


def first_doubt(calls: Iterable[ModelCall]) -> Reason | None:
    return next((call.doubt for call in calls if call.doubt is not None), None)

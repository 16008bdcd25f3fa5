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


def _fed(group: Sequence[tuple[ModelCall, TwinCall | None]], *, is_alone: bool) -> Iterator[FedInputs]:
    usable = [(call, other) for call, other in group if call.inputs is not None]
    if not usable:
        return
    first = usable[0][0]
    kept = [(call, other) for call, other in usable if _is_alike(call, first)]
    specs = [call.inputs for call, _ in kept if call.inputs is not None]
    twins = [other.inputs for _, other in kept if other is not None and other.inputs is not None]
    if twins and len(twins) != len(specs):
        kept, specs = kept[: len(twins)], specs[: len(twins)]
    try:
        inputs = _batched(specs, twins)
    except Disagreement:
        kept, twins = kept[:1], []
        specs = specs[:1]
        inputs = specs[0]
    clean = all(_is_clean(call, other, is_alone=is_alone) for call, other in kept)
    raised = [(call, other) for call, other in kept if call.raised is not None]
    same = [(call, other) for call, other in raised if is_alone or _is_same(call, other)]
    exact = tuple((call.inputs or (), call.raised) for call, _ in same if call.raised is not None)
    every = kept[0][0].raised if same and len(same) == len(kept) else None
    partial = any(call.is_partial for call, _ in kept)
    yield FedInputs(first.at, inputs, specs[0], clean, every, exact, first.training, partial)


def _is_alike(call: ModelCall, other: ModelCall) -> bool:
    return len(call.inputs or ()) == len(other.inputs or ())


def _is_same(call: ModelCall, other: TwinCall | None) -> bool:
    """Whether both worlds end a call in the same way, with the same sizes."""
    return other is not None and other.raised == raised_as(call.raised) and other.inputs == call.inputs


def _is_clean(call: ModelCall, other: TwinCall | None, *, is_alone: bool) -> bool:
    if call.doubt is not None:
        return False
    return is_alone or (other is not None and not other.is_doubtful and other.inputs is not None)


def _batched(specs: Sequence[Specs], twins: Sequence[Specs]) -> Specs:
    """The calls with one symbol for the batch where the batches differ, and symbols for what is made up."""
    return Merger().merged([*specs, *twins])


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

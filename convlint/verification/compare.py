"""One prediction against one real run: the calls in their order, what they give, and what is refused."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convlint.facts import Array, Observation, Prediction, RunCall, Trouble, TroubleKind
from convlint.facts.wording import call_title, scenario_text, shown

_KINDS: tuple[TroubleKind, ...] = ("shape", "dtype", "device", "layout")
_KINDS_BEHIND_A_REPAIR = _KINDS[:2]
_KINDS_BUT_LAYOUT = _KINDS[:3]
_KERNEL_IS_CHOSEN = "scaled_dot_product_attention"
"""torch takes one of several kernels, by the device and by what needs a gradient, and each has a layout of its own."""


@dataclass(frozen=True)
class Comparison:
    """`compared` calls were held against each other; `confirmed` are those refused as predicted."""

    troubles: tuple[Trouble, ...]
    compared: int
    confirmed: tuple[int, ...]  # numbers of predicted calls


def compare(prediction: Prediction, seen: Observation, device: str | None = None) -> Comparison:
    """What a real run says of a prediction, at most one deviation of its calls.

    `device` is the type of the one that layers compute on and that forward returns tensors of.
    """
    placed = _placed(prediction, device)
    pairs = _pairs(placed, seen)
    deviation = next(_deviations(placed, seen, pairs), None)
    confirmed, refuted = _refusals(prediction, seen, pairs)
    troubles = [*refuted, *([deviation] if deviation is not None else []), *_end(prediction, seen)]
    return Comparison(tuple(troubles), len(pairs), tuple(confirmed))


def _placed(prediction: Prediction, device: str | None) -> Prediction:
    """With the device of what layers and forward give. A function may work on a table that stays on the host."""

    def on_device(arrays: Sequence[Array]) -> tuple[Array, ...]:
        return tuple(one.model_copy(update={"device": device}) for one in arrays)

    calls = (
        call.model_copy(update={"outputs": on_device(call.outputs)}) if call.layer is not None else call
        for call in prediction.calls
    )
    return prediction.model_copy(update={"calls": tuple(calls), "outputs": on_device(prediction.outputs)})


@dataclass(frozen=True)
class _Pair:
    number: int  # of the predicted call
    predicted: RunCall
    observed: RunCall | None  # None: it never came
    position: int | None  # of the observed call


def _pairs(prediction: Prediction, seen: Observation) -> list[_Pair]:
    """Layers one by one in their order; functions by their line, since a real run has more of them."""
    layers = iter([(i, call) for i, call in enumerate(seen.calls) if call.layer is not None])
    functions: dict[object, deque[tuple[int, RunCall]]] = defaultdict(deque)
    for i, call in enumerate(seen.calls):
        if call.layer is None:
            functions[call.key].append((i, call))
    pairs = []
    for number, call in enumerate(prediction.calls):
        if call.layer is not None:
            position, other = next(layers, (None, None))
        else:
            position, other = _like(call, functions[call.key])
        pairs.append(_Pair(number, call, other, position))
        if other is not None and call.layer != other.layer:
            break  # another way was taken; what follows has nothing to be held against
    return pairs


def _like(call: RunCall, candidates: deque[tuple[int, RunCall]]) -> tuple[int | None, RunCall | None]:
    """The first call on the line that gives the same; else the first one. Small tables are computed next to them."""
    for i, (position, other) in enumerate(candidates):
        if _difference(call.outputs, other.outputs, _KINDS_BEHIND_A_REPAIR) is None:
            for _ in range(i + 1):
                candidates.popleft()
            return position, other
    return candidates.popleft() if candidates else (None, None)


def _difference(
    predicted: Sequence[Array], observed: Sequence[Array], kinds: Sequence[TroubleKind] = _KINDS
) -> TroubleKind | None:
    """In what two results differ; what is not predicted is as it comes."""
    if len(predicted) != len(observed):
        return "shape"
    for kind in kinds:
        if not all(_agrees(kind, a, b) for a, b in zip(predicted, observed, strict=True)):
            return kind
    return None


def _agrees(kind: TroubleKind, predicted: Array, observed: Array) -> bool:
    match kind:
        case "shape":
            sizes = zip(predicted.shape, observed.shape, strict=False)
            return len(predicted.shape) == len(observed.shape) and all(a is None or a == b for a, b in sizes)
        case "dtype":
            return predicted.dtype is None or predicted.dtype == observed.dtype
        case "device":
            return predicted.device is None or predicted.device == observed.device
        case _:
            formats = (
                (predicted.contiguous, observed.contiguous),
                (predicted.channels_last, observed.channels_last),
            )
            return all(a is None or b is None or a == b for a, b in formats)


def _deviations(prediction: Prediction, seen: Observation, pairs: Sequence[_Pair]) -> Iterator[Trouble]:
    """Where the real run leaves the prediction."""
    refused = {one.call for one in prediction.refused}
    kinds = _KINDS
    for pair in pairs:
        call, other = pair.predicted, pair.observed
        if pair.number in refused:
            kinds = _KINDS_BEHIND_A_REPAIR  # the run goes on with what was predicted, but for how it is in memory
            continue
        if other is None or call.layer != other.layer:
            yield from _other_way(prediction, seen, pair)
            return
        kind = _difference(call.outputs, other.outputs, kinds)
        if kind == "layout" and call.target.endswith(_KERNEL_IS_CHOSEN):
            kinds, kind = _KINDS_BUT_LAYOUT, None  # all that follows may lie as this does
        if kind is not None:
            yield _trouble(kind, call, seen, shown(call.outputs, kind), shown(other.outputs, kind))
    if prediction.end is None and seen.error is None and not prediction.refused:
        yield from _other_result(prediction, seen, kinds)


def _other_way(prediction: Prediction, seen: Observation, pair: _Pair) -> Iterator[Trouble]:
    """The predicted call never came, or another layer's came in its place."""
    if prediction.is_one_of_several:
        return
    call, other = pair.predicted, pair.observed
    if other is not None:
        yield _trouble("order", other, seen, call_title(call), call_title(other))
    elif seen.error is None:
        yield _trouble("order", call, seen, f"{call_title(call)}, giving {shown(call.outputs)}", "no such call")


def _other_result(prediction: Prediction, seen: Observation, kinds: Sequence[TroubleKind]) -> Iterator[Trouble]:
    """What forward returns, where the predicted result differs."""
    kind = _difference(prediction.outputs, seen.outputs, kinds)
    if kind is not None:
        yield Trouble(
            kind=kind,
            said="forward returns something else",
            predicted=shown(prediction.outputs, kind),
            observed=shown(seen.outputs, kind),
            scenario=scenario_text(seen.scenario),
        )


def _trouble(kind: TroubleKind, call: RunCall, seen: Observation, predicted: str, observed: str) -> Trouble:
    return Trouble(
        kind=kind,
        said=f"predicted {predicted}, observed {observed}",
        predicted=predicted,
        observed=observed,
        call=call_title(call),
        scenario=scenario_text(seen.scenario),
        at=call.at,
    )


def _refusals(prediction: Prediction, seen: Observation, pairs: Sequence[_Pair]) -> tuple[list[int], list[Trouble]]:
    """The predicted refusals that came, and those of calls that run."""
    actual = {one.call for one in seen.refused}
    confirmed, refuted = [], []
    for refused in prediction.refused:
        call = prediction.calls[refused.call]
        pair = next((pair for pair in pairs if pair.number == refused.call), None)
        if (pair is not None and pair.position is not None and pair.position in actual) or _ended_at(call, seen):
            confirmed.append(refused.call)
        elif pair is not None and pair.observed is not None:
            refuted.append(
                _trouble("runs", call, seen, f"it is refused ({refused.what})", shown(pair.observed.outputs))
            )
        elif seen.error is None:
            refuted.append(_trouble("runs", call, seen, f"it is refused ({refused.what})", "it runs"))
    return confirmed, refuted


def _ended_at(call: RunCall, seen: Observation) -> bool:
    """Whether the run ended with an error of this very call."""
    error = seen.error
    if error is None or error.kind != "raised":
        return False
    if call.layer is not None:
        return error.layer == call.layer
    return error.at is not None and call.at is not None and error.at.row == call.at.row


def _end(prediction: Prediction, seen: Observation) -> Iterator[Trouble]:
    """What ended the run, and numbers that are not finite."""
    scenario, error = scenario_text(seen.scenario), seen.error
    if error is not None:
        expected = any(_ended_at(prediction.calls[one.call], seen) for one in prediction.refused)
        kinds: dict[str, TroubleKind] = {"memory": "memory", "device": "fault"}
        kind = kinds.get(error.kind) or ("raises" if prediction.end is None else "stops")
        if not expected:
            yield Trouble(kind=kind, said=error.message, call=error.layer, scenario=scenario, at=error.at)
    for unfit in seen.unfit:
        call = seen.calls[unfit.call] if unfit.call is not None and unfit.call < len(seen.calls) else None
        title = call_title(call) if call is not None else None
        yield Trouble(
            kind="not-finite",
            said=f"{unfit.where} holds {unfit.kind}" + (f", and `{title}` is the first to make it" if title else ""),
            call=title,
            scenario=scenario,
            at=call.at if call is not None else None,
        )

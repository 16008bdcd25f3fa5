"""One number of a real run in words: where it stands, what it looks at, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from convlint.explain.laws import listed
from convlint.explain.matrices import number, pictures
from convlint.explain.values import Values, agrees
from convlint.facts import Breakdown, WindowAxis
from convlint.facts.wording import scenario_text

_SHOWN = 8  # places that are listed
_WORDS = {"products": "sum", "largest": "largest", "mean": "sum"}


def heading(values: Values) -> Iterator[str]:
    """Which number it is, and of which run."""
    one = values.breakdown
    place = ", ".join(f"{name} {i}" for name, i in zip(one.axes, one.at, strict=True))
    sizes = "x".join(map(str, one.sizes))
    yield f"{place} of the output ({sizes}){' of the first sample' if one.has_batch else ''}"
    run = [f"run for real on {values.device.name}", scenario_text(values.scenario)]
    run += [f"call {values.call}"] if values.call > 1 else []
    source = "the input is random" if values.source is None else f"the input is that of {values.source}"
    yield f"{', '.join(run)}: {source}; weights are random where the constructor sets none"
    if one.window:
        yield f"it looks at the input's {listed([_range(axis) for axis in one.window])}"


def lines(values: Values, width: int) -> Iterator[str]:
    """The numbers, what they come to, and what torch gave, in lines of so many cells."""
    one = values.breakdown
    if one.way != "row":
        yield from pictures(one.shares, word=_WORDS.get(one.way, ""), width=width)
    if one.more:
        yield f"and {one.more} more channel{'s' if one.more > 1 else ''}: {number(one.rest, 6)}"
    yield from _result(one)
    yield verdict(one)


def verdict(one: Breakdown) -> str:
    """What torch gave, besides what is worked out here."""
    given, total = number(one.given, 6), number(one.total, 6)
    if not agrees(one):
        return f"torch gives {given}, which is not {total}: the layer does something else as well"
    return f"torch gives {given}" + ("" if given == total else f", the same up to rounding in {one.dtype}")


def _result(one: Breakdown) -> Iterator[str]:
    total = number(one.total, 6)
    match one.way:
        case "products":
            terms = [number(share.total, 6) for share in one.shares] + ([number(one.rest, 6)] if one.more else [])
            bias = [f"{number(one.bias, 6)} (bias)"] if one.bias is not None else []
            if len(terms) + len(bias) > 1:
                yield f"{_added([*terms, *bias])} = {total}"
        case "mean":
            yield f"{number(one.shares[0].total, 6)} / {one.divisor} = {total}"
        case "normalised":
            yield from _normalised(one)
        case "row":
            share = one.shares[0]
            more = " ..." if share.shown != share.sizes else ""
            yield f"{share.title} of the table: {' '.join(map(number, share.numbers))}{more}"
            yield f"number {one.at[-1]} of it: {total}"
        case _:
            pass


def _normalised(one: Breakdown) -> Iterator[str]:
    text = "(x - mean) / sqrt(variance + eps)"
    text += " * weight" if "weight" in one.named else ""
    text += " + bias" if "bias" in one.named else ""
    yield f"mean and variance: {one.over}"
    yield text
    known = {name: number(value, 6) for name, value in one.named.items()}
    numbers = f"({known['x']} - {_operand(known['mean'])}) / sqrt({known['variance']} + {known['eps']})"
    numbers += f" * {_operand(known['weight'])}" if "weight" in known else ""
    yield f"{_added([numbers, *([known['bias']] if 'bias' in known else [])])} = {number(one.total, 6)}"


def _operand(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _added(terms: Sequence[str]) -> str:
    """`-6 - 2 + 0`."""
    first, *others = terms
    return first + "".join(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in others)


def _range(axis: WindowAxis) -> str:
    """`rows 0 to 1`; what is in the padding is counted."""
    inside = [i for i in axis.input if i is not None]
    outside = len(axis.input) - len(inside)
    if not axis.input:
        return f"no {axis.name}"
    text = f"{axis.name}{'s' if len(inside) != 1 else ''} {_places(inside)}" if inside else f"no {axis.name}"
    text += f" ({outside} more in the padding)" if outside else ""
    if axis.kernel:
        text += f" (met by {axis.name}{'s' if len(axis.kernel) != 1 else ''} {_places(axis.kernel)} of the kernel)"
    return text


def _places(places: Sequence[int]) -> str:
    steps = {b - a for a, b in pairwise(places)}
    if len(places) > 1 and steps == {1}:
        return f"{places[0]} to {places[-1]}"
    return ", ".join(map(str, places[:_SHOWN])) + (", ..." if len(places) > _SHOWN else "")

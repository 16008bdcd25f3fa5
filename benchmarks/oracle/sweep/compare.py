"""Whether a trace and a real run tell the same: call by call, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.oracle.sweep.subject import Event, Meta, Real, Traced


@dataclass(frozen=True)
class Comparison:
    """`difference` is empty where all agree."""

    difference: str
    modules: int  # calls compared
    functions: int
    unknown: int  # sizes of the trace that depend on data, and so are not compared


def compare(real: Real, trace: Traced) -> Comparison:
    """The calls of layers must be the same in the same order; those of functions must come in the real run as well.

    The real run has more functions: convlint computes small tables at once, and asks nothing of moves and questions.
    """
    leaves = {event.where for event in trace.events if event.kind == "module"}
    events = [event for event in real.events if leaves.isdisjoint(event.inside)]
    layers = [event for event in events if event.kind == "module" and event.where in leaves]
    modules = [event for event in trace.events if event.kind == "module"]
    functions = [event for event in trace.events if event.kind == "function"]
    unknown = sum(isinstance(size, str) for event in trace.events for shape, _ in event.outputs for size in shape)
    difference = (
        _modules(layers, modules)
        or _functions([event for event in events if event.kind == "function"], functions)
        or _outputs(real.outputs, trace.outputs)
    )
    return Comparison(difference, len(modules), len(functions), unknown)


def _modules(real: Sequence[Event], trace: Sequence[Event]) -> str:
    for i, (ours, theirs) in enumerate(zip(trace, real, strict=False)):
        if ours.where != theirs.where:
            return f"call {i} of a layer is {ours.where}, really {theirs.where}"
        if not alike(ours.outputs, theirs.outputs):
            return f"{ours.where} gives {shown(ours.outputs)}, really {shown(theirs.outputs)}"
    if len(real) != len(trace):
        more = (real if len(real) > len(trace) else trace)[min(len(real), len(trace))]
        return f"{len(trace)} calls of layers, really {len(real)}: the first to differ is {more.where}"
    return ""


def _functions(real: Sequence[Event], trace: Sequence[Event]) -> str:
    """Whether the trace's calls are found in the real run in their order, one block and function at a time."""
    theirs = _by_name(real)
    for key, ours in _by_name(trace).items():
        left = iter(theirs.get(key, ()))
        for event in ours:
            if not any(alike(event.outputs, other.outputs) for other in left):
                candidates = dict.fromkeys(shown(other.outputs) for other in theirs.get(key, ()))
                really = " or ".join(candidates) or "not called"
                return f"{key[1]} in {key[0]!r} gives {shown(event.outputs)}, really {really}"
    return ""


def _by_name(events: Iterable[Event]) -> dict[tuple[str, str], list[Event]]:
    found: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        found.setdefault((event.where, event.name), []).append(event)
    return found


def _outputs(real: tuple[Meta, ...], trace: tuple[Meta, ...]) -> str:
    return "" if alike(trace, real) else f"forward gives {shown(trace)}, really {shown(real)}"


def alike(ours: tuple[Meta, ...], theirs: tuple[Meta, ...]) -> bool:
    """The same shapes and dtypes; a size that depends on data is any size."""
    if len(ours) != len(theirs):
        return False
    return all(
        a[1] == b[1]
        and len(a[0]) == len(b[0])
        and all(isinstance(x, str) or x == y for x, y in zip(a[0], b[0], strict=True))
        for a, b in zip(ours, theirs, strict=True)
    )


def shown(metas: tuple[Meta, ...]) -> str:
    return ", ".join(f"[{', '.join(map(str, shape))}] {dtype}" for shape, dtype in metas[:4]) or "no tensor"

"""What models take of the device, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from convlint.facts import CallTime, Capacity, Limits, MemoryNeed, MemoryUse, ModelBudget
from convlint.reporters.source import beside
from convlint.reporters.text import one_line

SLOWEST: Final = 10
"""Calls that are shown of a model."""


def memory_text(size: int | None) -> str:
    """`12.3 MB`, in units of 2**20 bytes and their multiples."""
    if size is None:
        return "?"
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def lines(budget: ModelBudget) -> Iterator[str]:
    """Memory and the largest batch of one model."""
    requirement, use = budget.requirement, budget.used or MemoryUse()
    if requirement is not None:
        yield f"forward: {_pair(requirement.forward + requirement.workspace, use.forward)}"
        if requirement.step is not None:
            yield f"training step: {_pair(requirement.step + requirement.workspace, use.step)}{_reserved(use)}"
        yield f"of it: {_parts(requirement)}"
    if budget.capacity is not None:
        yield f"largest batch: {_capacity(budget.capacity)}"
    if budget.seconds is not None:
        yield f"time: {budget.seconds * 1e3:.3g} ms a forward{_rate(budget)}"
    if budget.note is not None:
        yield f"missing: {one_line(budget.note)}"


def _pair(predicted: int, measured: int | None) -> str:
    if measured is None:
        return f"{memory_text(predicted)} predicted"
    off = (predicted - measured) / measured * 100 if measured else 0.0
    return f"{memory_text(predicted)} predicted, {memory_text(measured)} measured ({off:+.1f} %)"


def _reserved(use: MemoryUse) -> str:
    return f", {memory_text(use.reserved)} reserved" if use.reserved is not None else ""


def _parts(requirement: MemoryNeed) -> str:
    names = ("parameters", "buffers", "inputs", "gradients", "optimizer", "activations", "workspace")
    return ", ".join(
        f"{name} {memory_text(getattr(requirement, name))}" for name in names if getattr(requirement, name)
    )


def _capacity(capacity: Capacity) -> str:
    if capacity.note is not None:
        return capacity.note
    into = f"in {memory_text(capacity.memory)}"
    if capacity.found is not None:
        return f"{capacity.found} found by running, {capacity.predicted} predicted, {into}"
    least = "" if capacity.is_bounded else "at least "
    return f"{least}{capacity.predicted} predicted, {into}"


def _rate(budget: ModelBudget) -> str:
    flops = sum(one.flops or 0 for one in budget.times)
    if not flops or not budget.seconds:
        return ""
    rate = flops / budget.seconds
    share = f", {rate / budget.limits.flops:.0%} of what a large matrix product reaches" if budget.limits else ""
    return f", {rate / 1e9:.3g} GFLOP/s{share}"


def slowest(budget: ModelBudget, filename: str) -> Iterator[tuple[str, ...]]:
    """Rows of a table: the call, its line, its time and share, and how much of the device it uses."""
    whole = sum(one.seconds for one in budget.times) or 1.0
    for one in budget.times[:SLOWEST]:
        place = beside(one.at.filename, one.at.row, filename) if one.at is not None else ""
        yield (
            one_line(one.layer or one.target.removeprefix("torch.").replace("nn.functional.", "F.")),
            one_line(place),
            f"{one.seconds * 1e3:.3g}",
            f"{one.seconds / whole:.0%}",
            *_use(one, budget.limits),
        )


def _use(call: CallTime, limits: Limits | None) -> tuple[str, str]:
    """Operations and bytes a second, and their share of what the device reaches."""
    if call.seconds <= 0:
        return "", ""
    return (
        _share((call.flops or 0) / call.seconds, limits.flops if limits else None, "GFLOP/s"),
        _share(call.bytes / call.seconds, limits.bytes if limits else None, "GB/s"),
    )


def _share(rate: float, most: float | None, unit: str) -> str:
    if not rate:
        return ""
    return f"{rate / 1e9:.3g} {unit}" + (f" ({rate / most:.0%})" if most else "")

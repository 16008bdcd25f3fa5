"""Names for the sizes of declared inputs, so that a finding can be derived in symbols."""

from __future__ import annotations

from dataclasses import replace

from convlint.inputspec import InputSpec
from convlint.worker.trace.input import Input

_NAMES: dict[int, tuple[str, ...]] = {3: ("L", "F"), 4: ("C", "H", "W"), 5: ("C", "D", "H", "W")}


def named(inputs: tuple[Input, ...]) -> tuple[tuple[Input, ...], dict[str, int]]:
    """The inputs with their sizes after the channels as symbols, and the numbers these stand for."""
    known: dict[str, int] = {}
    taken = {size for item in inputs for size in item.spec.shape or () if isinstance(size, str)}
    result = []
    for item in inputs:
        spec = item.spec
        if spec.shape is not None and len(spec.shape) in _NAMES:
            spec = _with_names(spec, spec.shape, known, taken)
        result.append(replace(item, spec=spec))
    return tuple(result), known


def _with_names(spec: InputSpec, shape: tuple[int | str, ...], known: dict[str, int], taken: set[str]) -> InputSpec:
    axes = _NAMES[len(shape)]
    sizes = list(shape)
    for i, axis in enumerate(axes, len(shape) - len(axes)):
        size = sizes[i]
        # Channels belong to the layers; a size of 1 broadcasts, and torch takes no symbol for it.
        if axis in ("C", "F") or not isinstance(size, int) or size < 2:
            continue
        sizes[i] = _name_for(axis, size, known, taken)
    return spec.model_copy(update={"shape": tuple(sizes)})


def _name_for(axis: str, size: int, known: dict[str, int], taken: set[str]) -> str:
    """One symbol for the same size on the same axis of several inputs, another one for another size."""
    number = 1
    while True:
        name = axis if number == 1 else f"{axis}{number}"
        if name not in taken and known.setdefault(name, size) == size:
            return name
        number += 1

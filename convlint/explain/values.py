"""One number of a real run: what it is made of, and whether torch gave what that comes to."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final

from convlint.facts import Breakdown, Device, Scenario


@dataclass(frozen=True, slots=True)
class Values:
    """One number of a layer, and the run that it is of."""

    breakdown: Breakdown
    device: Device
    scenario: Scenario
    call: int  # which one of the layer's calls, counted from 1
    source: str | None = None  # the file that the input is from; None: it is seeded


@dataclass(frozen=True, slots=True)
class _Precision:
    step: float  # from 1 to the next number
    largest: float
    smallest: float  # with all its digits; what is less than that may also become 0


_PRECISIONS: Final = {
    "float64": _Precision(2.0**-52, 1.8e308, 2.0**-1022),
    "float32": _Precision(2.0**-23, 3.4e38, 2.0**-126),
    "bfloat16": _Precision(2.0**-7, 3.38e38, 2.0**-126),
    "float16": _Precision(2.0**-10, 65504.0, 2.0**-14),
}
_ROUNDINGS: Final = 32.0
"""So many roundings are allowed besides those of a sum, which add up as in a random walk: fast convolutions need it."""


def agrees(breakdown: Breakdown) -> bool:
    """Whether torch gave what is worked out, up to the rounding of its precision."""
    total, given = breakdown.total, breakdown.given
    if total == given or (math.isnan(total) and math.isnan(given)):
        return True
    precision = _PRECISIONS.get(breakdown.dtype)
    if precision is None:
        return False
    if math.isinf(given):
        return abs(total) >= precision.largest * (1 - precision.step)
    size = max(breakdown.scale, abs(total))
    rounding = precision.step * (_ROUNDINGS + math.sqrt(breakdown.terms)) * size
    return abs(total - given) <= rounding + precision.smallest


def dumped(values: Values) -> dict[str, Any]:
    """As a value of the JSON form. What is not finite is a text there."""
    return {
        "run": {
            "device": values.device.name,
            "sizes": values.scenario.sizes,
            "call": values.call,
            "source": values.source,
        },
        "agrees": agrees(values.breakdown),
        **json.loads(values.breakdown.model_dump_json()),
    }

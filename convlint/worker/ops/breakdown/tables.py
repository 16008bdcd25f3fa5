"""Layers that look up rows of a table."""

from __future__ import annotations

from convlint.facts import Breakdown
from convlint.worker.ops.breakdown.case import LayerCase
from convlint.worker.ops.breakdown.patch import doubles, share


def embedding(case: LayerCase) -> Breakdown:
    index = int(case.sample[case.at[:-1]])
    row = doubles(case.layer.weight[index])
    total = float(row[case.at[-1]])
    return case.breakdown(way="row", shares=(share(f"row {index}", row, total),), total=total)

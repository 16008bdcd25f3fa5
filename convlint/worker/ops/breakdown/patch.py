"""The numbers of the input below a window, and what of them is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from convlint.facts import Share, WindowAxis
from convlint.worker.ops.breakdown.taps import Tap

MOST_SHARES = 4
"""Input channels whose numbers are kept."""
CORNER = 8
"""Of each size of a window so much is kept."""


@dataclass(frozen=True)
class Patch:
    """`numbers` [channels, *window] in double precision on the host, with 0 in the padding."""

    numbers: torch.Tensor
    padding: torch.Tensor  # [*window]: what is in the padding
    taps: Sequence[Sequence[Tap]]  # by size

    def weights(self, kernel: torch.Tensor) -> torch.Tensor:
        """Of a kernel [channels, *kernel] the weights [channels, *window] that the numbers meet."""
        return _chosen(kernel, [[tap.kernel for tap in one] for one in self.taps])


def patch_of(x: torch.Tensor, taps: Sequence[Sequence[Tap]]) -> Patch:
    """The patch of an input [channels, *sizes]."""
    numbers = _chosen(x, [[tap.input or 0 for tap in one] for one in taps])
    padding = torch.zeros(numbers.shape[1:], dtype=torch.bool)
    for axis, one in enumerate(taps):
        outside = torch.tensor([tap.input is None for tap in one], dtype=torch.bool)
        padding |= outside.reshape([-1 if axis == i else 1 for i in range(len(taps))])
    return Patch(numbers.masked_fill(padding, 0.0), padding, taps)


def _chosen(x: torch.Tensor, places: Iterable[Sequence[int]]) -> torch.Tensor:
    for axis, one in enumerate(places, start=1):
        x = x.index_select(axis, torch.tensor(one, dtype=torch.int64, device=x.device))
    return doubles(x)


def doubles(x: torch.Tensor) -> torch.Tensor:
    """The numbers in double precision on the host: not every device has that."""
    return x.detach().cpu().to(torch.float64)


def axes_of(names: Sequence[str], taps: Sequence[Sequence[Tap]], *, has_kernel: bool = False) -> tuple[WindowAxis, ...]:
    """The window in words; `has_kernel`: it is not the whole kernel that is met."""
    return tuple(
        WindowAxis(
            name=name,
            input=tuple(tap.input for tap in one),
            kernel=tuple(tap.kernel for tap in one) if has_kernel else (),
        )
        for name, one in zip(names, taps, strict=True)
    )


def share(
    title: str,
    numbers: torch.Tensor,
    total: float,
    *,
    weights: torch.Tensor | None = None,
    padding: torch.Tensor | None = None,
) -> Share:
    """The corner of a window of numbers [*window] in double precision, and what the whole comes to."""
    corner = tuple(slice(CORNER) for _ in numbers.shape)
    kept = numbers[corner]
    outside = padding[corner].flatten().tolist() if padding is not None else []
    return Share(
        title=title,
        sizes=tuple(numbers.shape),
        shown=tuple(kept.shape),
        numbers=tuple(kept.flatten().tolist()),
        padding=tuple(i for i, is_outside in enumerate(outside) if is_outside),
        weights=tuple(weights[corner].flatten().tolist()) if weights is not None else None,
        total=total,
    )


def product_sum(numbers: torch.Tensor, weights: torch.Tensor) -> tuple[float, float]:
    """The sum of the products, number by number as on paper, and that of their absolute values."""
    products = [a * b for a, b in zip(numbers.flatten().tolist(), weights.flatten().tolist(), strict=True)]
    return sum(products), sum(map(abs, products))

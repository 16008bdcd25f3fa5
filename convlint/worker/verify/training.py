"""The way back: a scalar of all that forward gives, its gradients, and one step of AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from convlint.worker.values.nesting import tensors_in

_RATE = 1e-4


def backward(output: Any) -> bool:
    """Go back from the sum of the means of all results; false where none depends on a parameter."""
    parts = [x.float().mean() for x in tensors_in(output) if x.requires_grad and x.is_floating_point()]
    if not parts:
        return False
    torch.stack(parts).sum().backward()  # type: ignore[no-untyped-call]
    return True


def step(parameters: Iterable[torch.Tensor]) -> torch.optim.Optimizer:
    """One step of an optimizer with two numbers of state for each weight, all weights at once."""
    optimizer = torch.optim.AdamW([p for p in parameters if p.requires_grad], lr=_RATE, foreach=True)
    optimizer.step()
    return optimizer

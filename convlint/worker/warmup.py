"""What the worker does once, before it forks for the first file."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import torch
from torch import nn

from convlint.worker import torch_private


def warm_up() -> None:
    """Load what a first trace needs, and silence what never matters to shapes."""
    torch.set_num_threads(1)
    logging.getLogger("torch").setLevel(logging.CRITICAL)  # a refused call is a fact here, not an incident
    skip_initialisation()
    mode = torch_private.new_mode(torch_private.new_env())
    with mode, torch.no_grad():
        nn.Linear(2, 2)(nn.Conv2d(1, 2, 1)(torch.empty(2, 1, 2, 2)))


def skip_initialisation() -> None:
    """Make `torch.nn.init.*_` return their tensor untouched: weights have no values here."""
    for name, function in inspect.getmembers(nn.init, inspect.isfunction):
        if name.endswith("_") and not name.startswith("_"):
            setattr(nn.init, name, _untouched)


def _untouched(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return tensor

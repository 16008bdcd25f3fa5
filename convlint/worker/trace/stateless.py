"""A module called with other tensors in place of its weights, which it has again after the call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.func import functional_call


def held_weights(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters and buffers, one name for each place that holds one: a tied tensor comes several times."""
    for path, part in module.named_modules():
        own = (
            *part.named_parameters(recurse=False, remove_duplicate=False),
            *part.named_buffers(recurse=False, remove_duplicate=False),
        )
        for name, tensor in own:
            yield f"{path}.{name}" if path else name, tensor


def call_with(
    module: nn.Module, weights: Mapping[str, torch.Tensor], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """`weights` by the names of `held_weights`. Raises what forward raises."""
    # torch's own search for ties finds a module that has two names twice, and leaves it with the other tensors
    return functional_call(module, dict(weights), tuple(args), dict(kwargs), tie_weights=False)

"""Batch norms that get one value for each channel: torch refuses these, but only while statistics are taken.

No requirement of a model, since another batch meets it; hence no finding either.
"""

from __future__ import annotations

import math

import torch
from torch import fx, nn

from convlint.ops.normalisation import layers

_FUNCTION = "torch.nn.functional.batch_norm"
_NORMS = tuple(getattr(nn, name) for name in layers("batch"))
_TRAINING = 5
"""The place of `training` among its arguments."""


def lacks_spread(node: fx.Node) -> bool:
    """Whether a call raises `Expected more than 1 value per channel when training` (F._verify_batch_size)."""
    result = node.meta.get("val")
    if not isinstance(result, torch.Tensor) or not _takes_statistics(node):
        return False
    return math.prod(size for dim, size in enumerate(result.shape) if dim != 1) == 1


def _takes_statistics(node: fx.Node) -> bool:
    if node.meta["name"] == _FUNCTION:
        given = node.args[_TRAINING] if len(node.args) > _TRAINING else node.kwargs.get("training", False)
        return given is True
    layer = node.meta.get("layer")
    return isinstance(layer, _NORMS) and (node.meta["training"] or layer.running_mean is None)

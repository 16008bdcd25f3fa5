"""Which calls of a run are worth a node: the same ones in a trace and in a real run."""

from __future__ import annotations

import torch

from convlint.worker.ops.registry import layer_check
from convlint.worker.ops.signatures.layer import SignatureLayer

# Questions about a tensor that no shape depends on beyond their answer: no nodes.
QUESTIONS = frozenset(
    [
        *("size", "dim", "numel", "nelement", "ndimension", "stride", "storage_offset", "element_size", "__len__"),
        *("is_contiguous", "is_floating_point", "is_complex", "get_device", "__hash__", "__repr__", "__format__"),
    ]
)
PROPERTIES = frozenset({"T", "mT", "H", "mH", "data", "real", "imag"})
"""Those that give a tensor."""


def is_leaf(module: torch.nn.Module) -> bool:
    """A layer of torch without parts, or one whose forward is torch's own and has a check."""
    if isinstance(module, torch.nn.MultiheadAttention | SignatureLayer):
        return layer_check(module) is not None
    if next(module.children(), None) is not None:
        return False
    return layer_check(module) is not None or type(module).__module__.startswith(("torch.nn.", "torch.ao.nn."))

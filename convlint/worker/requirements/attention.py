"""Attention: the features of query, key and value."""

from __future__ import annotations

from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.call import Call, Check
from convlint.worker.sizes import equal

_OPERANDS = (
    ("query", "embed_dim", "embed_dim", "embed_dim"),
    ("key", "kdim", "kdim", "embed_dim"),
    ("value", "vdim", "vdim", "embed_dim"),
)


def _multihead(call: Call) -> None:
    """query `[*, embed_dim]`, key `[*, kdim]`, value `[*, vdim]` (torch.nn.MultiheadAttention)."""
    layer: Any = call.layer
    given = [call.tensor(i, name) for i, (name, *_) in enumerate(_OPERANDS)]
    checked: dict[tuple[int, int], torch.Tensor] = {}  # one tensor that is query, key and value makes one mistake
    for i, (name, attribute, _, fallback) in enumerate(_OPERANDS):
        x = given[i]
        if x is None:
            continue
        declared = getattr(layer, attribute)
        if (id(x), declared) in checked:
            call.put(i, name, checked[id(x), declared])
            continue
        if x.dim() not in (2, 3):
            call.need("rank", f"inputs[{i}].rank", sympy.false, came=x.dim(), needed=3)
            call.result = (call.ledger.fresh(tuple(x.shape), x), None)
            call.spoiled = True
            return
        argument = fallback if attribute != "embed_dim" and declared == layer.embed_dim else attribute
        operand = "input.shape[-1]" if i == 0 else f"inputs[{i}].shape[-1]"
        fits = call.need(
            attribute,
            operand,
            equal(x.shape[-1], declared),
            came=x.shape[-1],
            needed=declared,
            argument=argument,
            value=x.shape[-1],
        )
        repaired = x if fits else call.resized(x, -1, declared)
        checked[id(x), declared] = repaired
        call.put(i, name, repaired)


LAYERS: dict[type[nn.Module], Check] = {nn.MultiheadAttention: _multihead}

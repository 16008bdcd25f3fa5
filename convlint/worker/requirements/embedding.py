"""Embedding: whole numbers in, features out."""

from __future__ import annotations

import sympy
import torch
from torch import nn

from convlint.worker.call import Call, Check

_WHOLE = (torch.int32, torch.int64)


def _indices(call: Call) -> None:
    """`[*]` of int32 or int64 -> `[*, embedding_dim]` (torch.nn.Embedding)."""
    x = call.tensor(0, "input")
    if x is not None and x.dtype not in _WHOLE:
        call.need(
            "index_dtype",
            "input.dtype",
            sympy.false,
            came=str(x.dtype).removeprefix("torch."),
            needed="int64",
        )
        call.put(0, "input", call.ledger.fresh(tuple(x.shape), x, torch.int64))
    elif x is not None and isinstance(call.layer, nn.Embedding):
        _within(call, x, call.layer.num_embeddings)


def _within(call: Call, x: torch.Tensor, rows: int) -> None:
    """Indices below `num_embeddings`, where the user said how large they get."""
    bound = call.ledger.bound(x)
    if bound is not None and bound > rows:
        call.need(
            "index_bound",
            "input.high",
            sympy.false,
            came=bound,
            needed=rows,
            argument="num_embeddings",
            value=bound,
        )


LAYERS: dict[type[nn.Module], Check] = {nn.Embedding: _indices}
FUNCTIONS: dict[str, Check] = {"torch.nn.functional.embedding": _indices}

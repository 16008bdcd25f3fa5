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


LAYERS: dict[type[nn.Module], Check] = {nn.Embedding: _indices}
FUNCTIONS: dict[str, Check] = {"torch.nn.functional.embedding": _indices}

"""Embedding: whole numbers in, features out."""

from __future__ import annotations

from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.ops.breakdown import tables
from convlint.worker.ops.breakdown.case import LayerBreakdown
from convlint.worker.ops.call import Call
from convlint.worker.ops.op import Op
from convlint.worker.ops.rank import has_rank

_WHOLE = (torch.int32, torch.int64)


def _indices(call: Call) -> None:
    """`[*]` of int32 or int64 -> `[*, embedding_dim]` (torch.nn.Embedding)."""
    x = call.tensor(0, "input")
    if x is not None and x.dtype not in _WHOLE:
        call.require(
            "index_dtype",
            "input.dtype",
            sympy.false,
            actual=str(x.dtype).removeprefix("torch."),
            expected="int64",
        )
        call.put(0, "input", call.ledger.fresh(tuple(x.shape), x, torch.int64))
    elif x is not None and isinstance(call.layer, nn.Embedding | nn.EmbeddingBag):
        _within(call, x, call.layer.num_embeddings)


def _within(call: Call, x: torch.Tensor, rows: int) -> None:
    """Indices below `num_embeddings`, where the user said how large they get."""
    bound = call.ledger.bound(x)
    if bound is not None and bound > rows:
        call.require(
            "index_bound",
            "input.high",
            sympy.false,
            actual=bound,
            expected=rows,
            argument="num_embeddings",
            value=bound,
        )


def _bag(call: Call) -> None:
    """`[B, L] -> [B, embedding_dim]`, or `[L]` with offsets `[B]` that say where each bag begins (nn.EmbeddingBag)."""
    layer: Any = call.layer
    _indices(call)
    x, offsets = call.tensor(0, "input"), call.get(1, "offsets")
    if x is None or not (offsets is None or isinstance(offsets, torch.Tensor)):
        return
    has_bags = offsets is not None
    if not has_rank(call, x, x.dim() == (1 if has_bags else 2), 1 if has_bags else 2):
        return
    if isinstance(offsets, torch.Tensor) and offsets.dim() != 1:
        call.require("rank", "inputs[1].rank", sympy.false, actual=offsets.dim(), expected=1)
        call.tainted = True
    of_bags = x if offsets is None or offsets.dim() == 0 else offsets
    bags = of_bags.shape[0] - bool(has_bags and layer.include_last_offset)
    call.result = call.ledger.fresh((bags, layer.embedding_dim), x, layer.weight.dtype)


OPS = (
    Op(
        layers=(nn.Embedding,),
        check=_indices,
        axes=("B", "L"),
        declares="features",
        dims="looked-up",
        memory="new",
        breakdown=LayerBreakdown(tables.embedding, has_channels=False),
    ),
    Op(layers=(nn.EmbeddingBag,), check=_bag),
    Op(functions=("torch.nn.functional.embedding",), check=_indices, memory="new"),
    Op(functions=("torch.embedding",), memory="new"),
)

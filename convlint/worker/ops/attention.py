"""Attention: the features of query, key and value."""

from __future__ import annotations

from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.ops.call import Call
from convlint.worker.ops.constructor import ConstructorRequirement, is_count
from convlint.worker.ops.op import SEQUENCE, Op
from convlint.worker.values.sizes import Size, equal, shared_out

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
            call.require("rank", f"inputs[{i}].rank", sympy.false, actual=x.dim(), expected=3)
            call.result = (call.ledger.fresh(tuple(x.shape), x), None)
            call.tainted = True
            return
        argument = fallback if attribute != "embed_dim" and declared == layer.embed_dim else attribute
        operand = "input.shape[-1]" if i == 0 else f"inputs[{i}].shape[-1]"
        fits = call.require(
            attribute,
            operand,
            equal(x.shape[-1], declared),
            actual=x.shape[-1],
            expected=declared,
            argument=argument,
            value=shared_out(x.shape[-1], layer.num_heads if argument == "embed_dim" else 1),
        )
        repaired = x if fits else call.resized(x, -1, declared)
        checked[id(x), declared] = repaired
        call.put(i, name, repaired)
    _attend(call, layer)


def _attend(call: Call, layer: Any) -> None:
    """Batched attention gives back the shape of its query, and weights `[B, L, S]` over the S places of the key.

    torch makes the output sequence first, so with batch_first it comes transposed: a `view` of it may well fail.
    What does not fit for certain, is torch's to say.
    """
    query, key, value = (call.tensor(i, name) for i, (name, *_) in enumerate(_OPERANDS))
    if query is None or key is None or value is None or any(x.dim() != 3 for x in (query, key, value)):
        return
    (batch, length), (key_batch, places), of_value = (
        x.shape[:2] if layer.batch_first else x.shape[1::-1] for x in (query, key, value)
    )
    pairs = [(batch, key_batch), (batch, of_value[0]), (places, of_value[1])]
    if not all(equal(a, b) is sympy.true for a, b in pairs) or not _has_plain_masks(call, layer, batch, length, places):
        return
    fresh = call.ledger.fresh
    output = fresh((length, batch, layer.embed_dim), query)
    heads = () if call.get(6, "average_attn_weights", True) else (layer.num_heads,)
    weights = fresh((batch, *heads, length, places), query) if call.get(4, "need_weights", True) else None
    call.result = (output.transpose(0, 1) if layer.batch_first else output, weights)


def _has_plain_masks(call: Call, layer: Any, batch: Size, length: Size, places: Size) -> bool:
    """Whether the masks, if there are any, are `[B, S]` and `[L, S]` for certain, and nothing adds places."""
    padding, mask = call.get(3, "key_padding_mask"), call.get(5, "attn_mask")
    if layer.bias_k is not None or layer.add_zero_attn or (call.get(7, "is_causal", False) and mask is None):
        return False
    for given, shape in ((padding, (batch, places)), (mask, (length, places))):
        if given is None:
            continue
        if not isinstance(given, torch.Tensor) or given.dim() != 2:
            return False
        if given.dtype not in (torch.bool, torch.float32):
            return False
        if not all(equal(a, b) is sympy.true for a, b in zip(given.shape, shape, strict=True)):
            return False
    return True


def _heads(given: dict[str, Any]) -> ConstructorRequirement | None:
    """`embed_dim % num_heads == 0` (torch.nn.MultiheadAttention)."""
    features, heads = given["embed_dim"], given["num_heads"]
    if not (is_count(features) and is_count(heads)) or features % heads == 0:
        return None
    near = sorted((n for n in range(1, features + 1) if features % n == 0), key=lambda n: (abs(n - heads), n))[:2]
    detail = (
        f"embed_dim {features} is not divisible by num_heads {heads}; {' or '.join(map(str, sorted(near)))} would fit"
    )
    return ConstructorRequirement(
        "num_heads", "module.num_heads", "num_heads", heads, features, detail, ("num_heads", 1)
    )


OPS = (
    Op(
        layers=(nn.MultiheadAttention,),
        check=_multihead,
        axes=SEQUENCE,
        has_weights=True,
        constructor=(_heads,),
    ),
    Op(functions=("torch.nn.functional.scaled_dot_product_attention",), dims="attention"),
)

"""Attention to another sequence, with masks: shapes in symbols, as torch gives them in numbers."""

from __future__ import annotations

import pytest
import sympy
import torch
from tracing import Linter, net

SIZES = {"B": 3, "L": 4, "S2": 5}
CALLS = {
    "another_sequence": ("nn.MultiheadAttention(8, 2, batch_first=True)", "self.a(x, y, y)"),
    "heads": ("nn.MultiheadAttention(8, 2, batch_first=True)", "self.a(x, y, y, average_attn_weights=False)"),
    "sequence_first": (
        "nn.MultiheadAttention(8, 2, kdim=6, vdim=5)",
        "self.a(x.transpose(0, 1), y.transpose(0, 1)[..., :6], y.transpose(0, 1)[..., :5])",
    ),
    "masks": (
        "nn.MultiheadAttention(8, 2, batch_first=True)",
        "self.a(x, y, y, torch.zeros(y.shape[:2]) > 0, attn_mask=torch.zeros(x.shape[1], y.shape[1]) > 0)",
    ),
    "one_more_place": ("nn.MultiheadAttention(8, 2, add_zero_attn=True, batch_first=True)", "self.a(x, y, y)"),
    "causal": (
        "nn.MultiheadAttention(8, 2, batch_first=True)",
        "self.a(x, x, x, None, False, torch.zeros(x.shape[1], x.shape[1]).triu(1), is_causal=True)[:1]",
    ),
}


@pytest.mark.parametrize(("layer", "call"), CALLS.values(), ids=CALLS)
def test_shapes(linter: Linter, layer: str, call: str) -> None:
    source = net(f"self.a = {layer}", f"return {call}", "x, y")
    checked = linter(source, ("B", "L", 8), ("B", "S2", 8))
    assert checked.is_clean()
    real = linter.module(source).Net()(*(torch.zeros(SIZES["B"], SIZES[name], 8) for name in ("L", "S2")))
    sizes = [[sympy.sympify(size).subs(SIZES) for size in shape] for shape in checked.model.outputs]
    assert [list(x.shape) for x in real] == sizes
    assert all(isinstance(size, str) for shape in checked.model.outputs for size in (shape[0], shape[-2]))


def test_a_mask_of_another_length_is_refused(linter: Linter) -> None:
    init = "self.a = nn.MultiheadAttention(8, 2, batch_first=True)\nself.register_buffer('m', torch.zeros(6, 5) > 0)"
    source = net(init, "return self.a(x, x, x, attn_mask=self.m)[0]")
    assert linter.torch_refuses(source, ("B", 6, 8))
    assert linter(source, ("B", 6, 8)).findings


DECODER = net(
    "self.e = nn.Embedding(50, 16)\nself.f = nn.Linear(10, <12|16>)\n"
    "layer = nn.TransformerDecoderLayer(16, 4, 32, batch_first=True)\nself.d = nn.TransformerDecoder(layer, 2)",
    "t = captions.shape[1]\nmask = torch.triu(torch.full((t, t), float('-inf')), diagonal=1)\n"
    "return self.d(self.e(captions), self.f(features), tgt_mask=mask)",
    "features, captions",
)


def test_a_decoder_with_a_mask_is_followed_in_symbols(linter: Linter) -> None:
    wrong, right = DECODER.replace("<12|16>", "12"), DECODER.replace("<12|16>", "16")
    assert linter(right).is_clean()
    assert {finding.short[1:3] for finding in linter(wrong).findings} == {(16, 12)}

"""Nets that are wrong in one place: torch refuses them, convlint names the place and the number.

`<5|4>` in a source is 5 in the wrong net and 4 in its corrected twin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from tracing import Linter, Shape, net, whole

from convlint.inputspec import InputSpec


@dataclass(frozen=True)
class Mistake:
    """A net with one mistake. `bare` says whether the mistake needs no declared input."""

    name: str
    init: str
    forward: str
    inputs: tuple[Shape | InputSpec, ...]
    expect: tuple[object, object, object, object]  # requirement, needed, came, the user's expression at fault
    bare: bool = True
    parameters: str = "x"

    def source(self, side: int) -> str:
        code = net(self.init, self.forward, self.parameters)
        return re.sub(r"<([^<>|]*)\|([^<>|]*)>", lambda match: match.group(side + 1), code)


def row(
    name: str, init: str, forward: str, *rest: Shape | InputSpec | tuple[object, ...], bare: bool = True
) -> Mistake:
    *inputs, expect = rest
    return Mistake(name, init, forward, tuple(inputs), expect, bare)  # type: ignore[arg-type]


IMAGE = ("B", 3, 24, 24)
SEQUENCE = ("B", 5, 3)
FLAT = ("B", 3)
CALLS_B = "return self.b(self.a(x))"
BOTH = "self.a = nn.Linear(3, 8)\nself.b = nn.Linear(3, <4|8>)"

# What a layer declares, against what reaches it.
LAYERS = [
    row(
        "linear",
        "self.a = nn.Linear(3, 4)\nself.b = nn.Linear(<5|4>, 2)",
        CALLS_B,
        FLAT,
        ("in_features", 5, 4, "5"),
    ),
    row(
        "linear_after_flatten",
        "self.a = nn.Conv2d(3, 4, 3)\nself.p = nn.AdaptiveAvgPool2d(2)\nself.b = nn.Linear(<4|16>, 2)",
        "return self.b(torch.flatten(self.p(self.a(x)), 1))",
        IMAGE,
        ("in_features", 4, 16, "4"),
    ),
    row(
        "linear_for_another_size",
        "self.a = nn.Conv2d(3, 4, 3)\nself.b = nn.Linear(<4 * 23 * 23|4 * 22 * 22>, 2)",
        "return self.b(torch.flatten(self.a(x), 1))",
        IMAGE,
        ("in_features", 4 * 23 * 23, 4 * 22 * 22, "4 * 23 * 23"),
        bare=False,
    ),
    row(
        "bilinear",
        "self.a = nn.Linear(3, 8)\nself.b = nn.Bilinear(8, <5|8>, 2)",
        "y = self.a(x)\nreturn self.b(y, y)",
        FLAT,
        ("in_features_of_two", 5, 8, "5"),
    ),
    row(
        "conv1d",
        "self.a = nn.Conv1d(3, 8, 3)\nself.b = nn.Conv1d(<16|8>, 4, 3)",
        CALLS_B,
        ("B", 3, 24),
        ("in_channels", 16, 8, "16"),
    ),
    row(
        "conv2d",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(<16|8>, 4, 3)",
        CALLS_B,
        IMAGE,
        ("in_channels", 16, 8, "16"),
    ),
    row(
        "conv3d",
        "self.a = nn.Conv3d(3, 8, 3)\nself.b = nn.Conv3d(<16|8>, 4, 3)",
        CALLS_B,
        ("B", 3, 8, 8, 8),
        ("in_channels", 16, 8, "16"),
    ),
    row(
        "transposed",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.ConvTranspose2d(<16|8>, 4, 3)",
        CALLS_B,
        IMAGE,
        ("in_channels", 16, 8, "16"),
    ),
    row(
        "grouped",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(<16|8>, 16, 3, groups=4)",
        CALLS_B,
        IMAGE,
        ("in_channels", 16, 8, "16"),
    ),
    row(
        "grouped_transposed",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.ConvTranspose2d(<16|8>, 16, 3, groups=4)",
        CALLS_B,
        IMAGE,
        ("in_channels", 16, 8, "16"),
    ),
    row(
        "groups_do_not_divide",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(8, 16, 3, groups=<3|4>)",
        CALLS_B,
        IMAGE,
        ("groups", 3, 8, "3"),
    ),
    row(
        "batch_norm1d",
        "self.a = nn.Conv1d(3, 8, 3)\nself.b = nn.BatchNorm1d(<16|8>)",
        CALLS_B,
        ("B", 3, 24),
        ("num_features", 16, 8, "16"),
    ),
    row(
        "batch_norm2d",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.BatchNorm2d(<16|8>)",
        CALLS_B,
        IMAGE,
        ("num_features", 16, 8, "16"),
    ),
    row(
        "batch_norm3d",
        "self.a = nn.Conv3d(3, 8, 3)\nself.b = nn.BatchNorm3d(<16|8>)",
        CALLS_B,
        ("B", 3, 8, 8, 8),
        ("num_features", 16, 8, "16"),
    ),
    row(
        "instance_norm",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.InstanceNorm2d(<16|8>, affine=True)",
        CALLS_B,
        IMAGE,
        ("num_features", 16, 8, "16"),
    ),
    row(
        "group_norm",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.GroupNorm(4, <16|8>)",
        CALLS_B,
        IMAGE,
        ("num_features", 16, 8, "16"),
    ),
    row(
        "group_norm_groups",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.GroupNorm(<3|4>, 8)",
        CALLS_B,
        IMAGE,
        ("num_groups", 3, 8, "3"),
    ),
    row(
        "group_norm_without_weights",
        "self.a = nn.Conv2d(3, <9|8>, 3)\nself.b = nn.GroupNorm(4, 16, affine=False)",
        CALLS_B,
        IMAGE,
        ("num_groups", 4, 9, "4"),
    ),
    row(
        "layer_norm",
        "self.a = nn.Linear(3, 8)\nself.b = nn.LayerNorm(<16|8>)",
        CALLS_B,
        FLAT,
        ("normalized_shape", 16, 8, "16"),
    ),
    row(
        "layer_norm_over_images",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.LayerNorm([8, 22, <23|22>])",
        CALLS_B,
        IMAGE,
        ("normalized_shape", 23, 22, "[8, 22, 23]"),
        bare=False,
    ),
    row(
        "rms_norm",
        "self.a = nn.Linear(3, 8)\nself.b = nn.RMSNorm(<16|8>)",
        CALLS_B,
        FLAT,
        ("normalized_shape", 16, 8, "16"),
    ),
    row(
        "rnn",
        "self.a = nn.Linear(3, 8)\nself.b = nn.RNN(<16|8>, 4)",
        CALLS_B,
        (5, "B", 3),
        ("input_size", 16, 8, "16"),
    ),
    row(
        "lstm",
        "self.a = nn.Linear(3, 8)\nself.b = nn.LSTM(<16|8>, 4, batch_first=True)",
        CALLS_B,
        SEQUENCE,
        ("input_size", 16, 8, "16"),
    ),
    row(
        "gru",
        "self.a = nn.Embedding(50, 8)\nself.b = nn.GRU(input_size=<16|8>, hidden_size=4, batch_first=True)",
        CALLS_B,
        whole("B", 5),
        ("input_size", 16, 8, "16"),
    ),
    row(
        "rnn_cell",
        "self.a = nn.Linear(3, 8)\nself.b = nn.RNNCell(<16|8>, 4)",
        CALLS_B,
        FLAT,
        ("input_size", 16, 8, "16"),
    ),
    row(
        "lstm_cell",
        "self.a = nn.Linear(3, 8)\nself.b = nn.LSTMCell(<16|8>, 4)",
        CALLS_B,
        FLAT,
        ("input_size", 16, 8, "16"),
    ),
    row(
        "gru_cell",
        "self.a = nn.Linear(3, 8)\nself.b = nn.GRUCell(<16|8>, 4)",
        CALLS_B,
        FLAT,
        ("input_size", 16, 8, "16"),
    ),
    row(
        "state_of_another_depth",
        "self.b = nn.GRU(8, 16, num_layers=2, batch_first=True)",
        "h = torch.zeros(<1|2>, x.size(0), 16)\nreturn self.b(x, h)",
        ("B", 5, 8),
        ("hidden_state", "[2, B, 16]", "[1, B, 16]", "1"),
    ),
    row(
        "states_of_another_depth",
        "self.b = nn.LSTM(8, 16, num_layers=2, batch_first=True)",
        "h = torch.zeros(<1|2>, x.size(0), 16)\nreturn self.b(x, (h, h))",
        ("B", 5, 8),
        ("hidden_state", "[2, B, 16]", "[1, B, 16]", "1"),
    ),
    row(
        "state_of_a_cell",
        "self.b = nn.GRUCell(8, 4)",
        "h = torch.zeros(x.size(0), <5|4>)\nreturn self.b(x, h)",
        ("B", 8),
        ("hidden_state", "[B, 4]", "[B, 5]", "5"),
    ),
    row(
        "both_directions",
        "self.a = nn.Conv1d(3, 8, 3)\nself.l = nn.LSTM(8, 16, bidirectional=True, batch_first=True)\n"
        "self.b = nn.Linear(<16|32>, 2)",
        "o, _ = self.l(self.a(x).transpose(1, 2))\nreturn self.b(o[:, -1])",
        ("B", 3, 24),
        ("in_features", 16, 32, "16"),
    ),
    row(
        "attention",
        "self.a = nn.Linear(3, 8)\nself.b = nn.MultiheadAttention(<16|8>, 4, batch_first=True)",
        "y = self.a(x)\nreturn self.b(y, y, y)",
        SEQUENCE,
        ("embed_dim", 16, 8, "16"),
    ),
    row(
        "attention_key",
        "self.a = nn.Linear(3, 16)\nself.k = nn.Linear(3, 8)\n"
        "self.b = nn.MultiheadAttention(16, 4, kdim=<12|8>, vdim=8, batch_first=True)",
        "k = self.k(x)\nreturn self.b(self.a(x), k, k)",
        SEQUENCE,
        ("kdim", 12, 8, "12"),
    ),
    row(
        "attention_value",
        "self.a = nn.Linear(3, 16)\nself.k = nn.Linear(3, 8)\n"
        "self.b = nn.MultiheadAttention(16, 4, kdim=8, vdim=<12|8>, batch_first=True)",
        "k = self.k(x)\nreturn self.b(self.a(x), k, k)",
        SEQUENCE,
        ("vdim", 12, 8, "12"),
    ),
    row(
        "attention_heads",
        "self.b = nn.MultiheadAttention(12, <5|4>)",
        "return self.b(x, x, x)",
        (5, "B", 12),
        ("num_heads", 5, 12, "5"),
    ),
    row(
        "attention_heads_of_copied_layers",
        "layer = nn.TransformerEncoderLayer(12, <5|4>, 24, batch_first=True)\nself.b = nn.TransformerEncoder(layer, 2)",
        "return self.b(x)",
        ("B", 5, 12),
        ("num_heads", 5, 12, "5"),
    ),
    row(
        "prelu",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.PReLU(<6|8>)\nself.c = nn.Conv2d(8, 2, 3)",
        "return self.c(self.b(self.a(x)))",
        IMAGE,
        ("num_parameters", 6, 8, "6"),
    ),
    row(
        "prelu_of_rows",
        "self.a = nn.Linear(3, 8)\nself.b = nn.PReLU(<4|8>)",
        CALLS_B,
        FLAT,
        ("num_parameters", 4, 8, "4"),
        bare=False,
    ),
    row(
        "bag_of_embeddings",
        "self.a = nn.EmbeddingBag(50, 8)\nself.b = nn.Linear(<4|8>, 2)",
        CALLS_B,
        whole("B", 7),
        ("in_features", 4, 8, "4"),
    ),
    row(
        "bilinear_in_symbols",
        "self.a = nn.Embedding(50, 8)\nself.b = nn.Bilinear(8, <5|8>, 2)\nself.c = nn.Linear(2, 1)",
        "y = self.a(x)\nreturn self.c(self.b(y, y))",
        whole("B", "L"),
        ("in_features_of_two", 5, 8, "5"),
    ),
    row(
        "transformer_layer",
        "self.a = nn.Linear(3, 16)\nself.b = nn.TransformerEncoderLayer(<32|16>, 4, batch_first=True)",
        CALLS_B,
        SEQUENCE,
        ("embed_dim", 32, 16, "32"),
    ),
    row(
        "embedding_of_floats",
        "self.e = nn.Embedding(10, 4)",
        "return self.e(<x.float()|x>)",
        whole("B", 3),
        ("index_dtype", "int64", "float32", "self.e(x.float())"),
        bare=False,  # without an input the float may as well be the guess
    ),
    row(
        "linear_of_indices",
        "self.a = nn.Linear(3, 8)",
        "return self.a(x<|.float()>)",
        whole("B", 3),
        ("dtype", "float32", "int64", "self.a(x)"),
        bare=False,
    ),
    row(
        "lstm_of_indices",
        "self.a = nn.LSTM(3, 8, batch_first=True)",
        "return self.a(x<|.float()>)[0]",
        whole("B", 5, 3),
        ("dtype", "float32", "int64", "self.a(x)"),
        bare=False,
    ),
    row(
        "attention_of_a_mask",
        "self.a = nn.MultiheadAttention(8, 2)",
        "y = x > 0\ny = y<|.to(x.dtype)>\nreturn self.a(query=y, key=x, value=x)[0]",
        ("B", 5, 8),
        ("dtype", "float32", "bool", "self.a(query=y, key=x, value=x)"),
        bare=False,
    ),
    row(
        "weights_of_a_function",
        "self.a = nn.Conv2d(3, 8, 1)\nself.w = nn.Parameter(torch.zeros(2, <4|8>, 3, 3))",
        "return F.conv2d(self.a(x), self.w)",
        IMAGE,
        ("in_channels", 4, 8, "F.conv2d(self.a(x), self.w)"),
    ),
    row(
        "linear_function",
        "self.a = nn.Conv1d(3, 8, 1)\nself.w = nn.Parameter(torch.zeros(2, <4|8>))",
        "return F.linear(self.a(x).transpose(1, 2), self.w)",
        ("B", 3, 20),
        ("in_features", 4, 8, "F.linear(self.a(x).transpose(1, 2), self.w)"),
    ),
]

# What an operation demands.
OPERATIONS = [
    row(
        "view",
        "self.a = nn.Conv1d(3, 8, 3)\nself.p = nn.AdaptiveAvgPool1d(1)",
        "return self.p(self.a(x)).view(x.size(0), <9|8>)",
        ("B", 3, 24),
        ("elements", 9, 8, "self.p(self.a(x)).view(x.size(0), 9)"),
    ),
    row(
        "reshape_with_a_rest",
        "self.a = nn.Conv1d(3, 8, 3)\nself.p = nn.AdaptiveAvgPool1d(1)",
        "return self.p(self.a(x)).reshape(x.size(0), <3|4>, -1)",
        ("B", 3, 24),
        ("elements", 3, 8, "self.p(self.a(x)).reshape(x.size(0), 3, -1)"),
    ),
    row(
        "unflatten",
        "self.a = nn.Conv1d(3, 8, 3)\nself.u = nn.Unflatten(1, (<3|2>, 4))",
        "return self.u(self.a(x))",
        ("B", 3, 24),
        ("elements", 12, 8, "self.u(self.a(x))"),
    ),
    row(
        "cat",
        "self.a = nn.Conv2d(3, 8, 3, padding=1)\nself.b = nn.Conv2d(3, <4|8>, 3, padding=1)",
        "return torch.cat([self.a(x), self.b(x)], 2)",
        IMAGE,
        ("concat", 8, 4, "torch.cat([self.a(x), self.b(x)], 2)"),
    ),
    row(
        "cat_of_ranks",
        "self.a = nn.Conv1d(3, 8, 1)",
        "y = self.a(x)\nreturn torch.cat([y, y<.mean(2)|>], 1)",
        ("B", 3, 24),
        ("concat", "3 dims", "2 dims", "torch.cat([y, y.mean(2)], 1)"),
    ),
    row(
        "stack",
        BOTH,
        "return torch.stack([self.a(x), self.b(x)])",
        FLAT,
        ("concat", 8, 4, "torch.stack([self.a(x), self.b(x)])"),
    ),
    row("sum", BOTH, "return self.a(x) + self.b(x)", FLAT, ("broadcast", 8, 4, "self.a(x) + self.b(x)")),
    row(
        "product",
        BOTH,
        "return torch.mul(self.a(x), self.b(x))",
        FLAT,
        ("broadcast", 8, 4, "torch.mul(self.a(x), self.b(x))"),
    ),
    row(
        "in_place",
        BOTH,
        "y = self.a(x)\ny.mul_(self.b(x))\nreturn y",
        FLAT,
        ("broadcast", 8, 4, "y.mul_(self.b(x))"),
    ),
    row(
        "in_place_grows",
        "self.a = nn.Linear(3, 8)\nself.b = nn.Linear(3, <1|8>)",
        "y = self.b(x)\ny += self.a(x)\nreturn y",
        FLAT,
        ("broadcast", 1, 8, "y += self.a(x)"),
    ),
    row(
        "view_that_never_fits",
        "self.a = nn.Linear(9, 128 * 7 * 7)\nself.b = nn.ConvTranspose2d(128, 64, 4, 2, 1)",
        "return self.b(self.a(x).view(-1, 128, <8, 8|7, 7>))",
        ("B", 9),
        ("batch", 8192, 6272, "self.a(x).view(-1, 128, 8, 8)"),
    ),
    row(
        "matmul",
        "self.a = nn.Linear(3, 8)\nself.w = nn.Parameter(torch.zeros(<4|8>, 2))",
        "return self.a(x) @ self.w",
        FLAT,
        ("matmul", 4, 8, "self.a(x) @ self.w"),
    ),
    row(
        "bmm",
        "self.a = nn.Conv1d(3, 8, 3)\nself.b = nn.Conv1d(3, <4|8>, 3)",
        "return torch.bmm(self.a(x).transpose(1, 2), self.b(x))",
        ("B", 3, 24),
        ("matmul", 4, 8, "torch.bmm(self.a(x).transpose(1, 2), self.b(x))"),
    ),
    row(
        "einsum",
        "self.a = nn.Linear(3, 8)\nself.w = nn.Parameter(torch.zeros(<4|8>, 2))",
        "return torch.einsum('bi,ij->bj', self.a(x), self.w)",
        FLAT,
        ("matmul", 8, 4, "torch.einsum('bi,ij->bj', self.a(x), self.w)"),
    ),
    row(
        "too_small",
        "self.a = nn.Conv2d(3, 8, 5)\nself.p = nn.AdaptiveAvgPool2d(2)\nself.b = nn.Conv2d(8, 8, <3|2>)",
        "return self.b(self.p(self.a(x)))",
        IMAGE,
        ("spatial", 3, 2, "self.b(self.p(self.a(x)))"),
    ),
    row(
        "pooled_away",
        "self.a = nn.Conv2d(3, 8, 5)",
        "return F.max_pool2d(F.adaptive_avg_pool2d(self.a(x), 2), <4|2>)",
        IMAGE,
        ("spatial", 4, 2, "F.max_pool2d(F.adaptive_avg_pool2d(self.a(x), 2), 4)"),
    ),
    row(
        "rank_of_a_norm",
        "self.a = nn.Conv1d(3, 8, 3)\nself.b = nn.BatchNorm<2d|1d>(8)",
        CALLS_B,
        ("B", 3, 24),
        ("rank", 4, 3, "self.b(self.a(x))"),
    ),
    row(
        "forgotten_flatten",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Linear(8 * 22 * 22, 2)",
        "y = self.a(x)<|.flatten(1)>\nreturn self.b(y)",
        IMAGE,
        ("rank", 3872, 22, "self.b(y)"),
        bare=False,
    ),
    row(
        "torch_raises",
        "self.a = nn.Conv2d(3, 8, 3)",
        "return self.a(x).permute(0, 2, <1|3, 1>)",
        IMAGE,
        ("raises", None, None, "self.a(x).permute(0, 2, 1)"),
        bare=False,
    ),
    row(
        "index_out_of_range",
        "self.a = nn.Conv2d(3, 8, 3)",
        "return self.a(x)[:, <9|7>]",
        IMAGE,
        ("raises", None, None, "self.a(x)[:, 9]"),
    ),
    row(
        "choice",
        "self.c = nn.Conv2d(3, 8, 1)\nself.d = nn.Conv2d(3, <4|8>, 1)",
        "a, b = self.c(x), self.d(x)\nreturn torch.where(a.mean(1, keepdim=True) > 0, a, b)",
        IMAGE,
        ("broadcast", 8, 4, "torch.where(a.mean(1, keepdim=True) > 0, a, b)"),
    ),
    row(
        "mask_of_another_length",
        "self.c = nn.Linear(3, 8)\nself.register_buffer('m', torch.ones(<6|8>, dtype=torch.bool))",
        "return self.c(x).masked_fill(self.m, 0.0)",
        FLAT,
        ("broadcast", 8, 6, "self.c(x).masked_fill(self.m, 0.0)"),
    ),
    row(
        "vectors_in_mm",
        "self.c = nn.Linear(3, 8)\nself.w = nn.Parameter(torch.zeros(<8, 8, 1|8, 8>))",
        "return torch.mm(self.c(x), self.w)",
        FLAT,
        ("rank", 2, 3, "torch.mm(self.c(x), self.w)"),
        bare=False,
    ),
    row(
        "pixel_shuffle",
        "self.a = nn.Conv2d(3, <10|12>, 3)\nself.b = nn.PixelShuffle(2)",
        CALLS_B,
        IMAGE,
        ("divisible", 4, 10, "2"),
    ),
    row(
        "reflected_features",
        "self.a = nn.Conv2d(3, 8, 3)",
        "return F.pad(self.a(x)<.mean([2, 3])|>, (1, 2, 1, 2), mode='reflect')",
        IMAGE,
        ("rank", 4, 2, "F.pad(self.a(x).mean([2, 3]), (1, 2, 1, 2), mode='reflect')"),
    ),
    row(
        "grouped_product",
        "self.w = nn.Parameter(torch.zeros(4, <16|8>, 8))",
        "return F.grouped_mm(x, self.w, offs=torch.tensor([1, 1, 1, 1], dtype=torch.int32))",
        ("B", 8),
        (
            *("matmul", 16, 8),
            "F.grouped_mm(x, self.w, offs=torch.tensor([1, 1, 1, 1], dtype=torch.int32))",
        ),
        bare=False,
    ),
    row(
        "group_norm_function",
        "self.a = nn.Conv2d(3, <6|8>, 3)",
        "return F.group_norm(self.a(x), 4)",
        IMAGE,
        ("num_groups", 4, 6, "F.group_norm(self.a(x), 4)"),
    ),
    row(
        "weights_of_group_norm",
        "self.a = nn.Conv2d(3, <4|8>, 3)\nself.w = nn.Parameter(torch.ones(8))",
        "return F.group_norm(self.a(x), 4, self.w)",
        IMAGE,
        ("num_features", 8, 4, "F.group_norm(self.a(x), 4, self.w)"),
    ),
    row(
        "interpolated_row",
        "self.a = nn.Conv2d(3, 8, 3)",
        "return F.interpolate(self.a(x).<flatten(2)|relu()>, scale_factor=2, mode='bilinear')",
        IMAGE,
        ("rank", 4, 3, "F.interpolate(self.a(x).flatten(2), scale_factor=2, mode='bilinear')"),
    ),
    row(
        "upsampled_features",
        "self.a = nn.Linear(3, 8)\nself.b = nn.Upsample(scale_factor=2)",
        "return self.b(self.a(x)<|[:, None]>)",
        FLAT,
        ("rank", "3 to 5", 2, "self.b(self.a(x))"),
        bare=False,
    ),
    row(
        "view_across_strides",
        "self.a = nn.Linear(3, 8)",
        "return self.a(x).transpose(1, 2).<view|reshape>(x.size(0), -1)",
        SEQUENCE,
        ("raises", None, None, "self.a(x).transpose(1, 2).view(x.size(0), -1)"),
        bare=False,
    ),
]

MISTAKES = [*LAYERS, *OPERATIONS]
BY_NAME = [pytest.param(mistake, id=mistake.name) for mistake in MISTAKES]
# Others of their kind stand for these where the net is run once more.
ALIKE = {
    "conv1d",
    "conv3d",
    "transposed",
    "grouped_transposed",
    "batch_norm1d",
    "batch_norm3d",
    "instance_norm",
    "rms_norm",
    "rnn",
    "gru",
    "rnn_cell",
    "lstm_cell",
    "states_of_another_depth",
    "attention_key",
    "attention_value",
    "attention_heads",
    "transformer_layer",
    "product",
    "stack",
    "matmul",
    "torch_raises",
    "view_across_strides",
    "linear_function",
    "grouped",
    "groups_do_not_divide",
    "view_that_never_fits",
}
SEVERAL = [pytest.param(mistake, id=mistake.name) for mistake in MISTAKES if mistake.name not in ALIKE]


@pytest.mark.parametrize("mistake", BY_NAME)
def test_declared(linter: Linter, mistake: Mistake) -> None:
    source = mistake.source(0)
    assert linter.torch_refuses(source, *mistake.inputs)
    assert linter(source, *mistake.inputs).the_finding.short == mistake.expect


@pytest.mark.parametrize("mistake", SEVERAL)
def test_bare(linter: Linter, mistake: Mistake) -> None:
    """Without an input, the same where no input could help, else nothing."""
    found = [finding.short for finding in linter(mistake.source(0)).findings]
    assert found == ([mistake.expect] if mistake.bare else [])


@pytest.mark.parametrize("mistake", SEVERAL)
def test_corrected_twin(linter: Linter, mistake: Mistake) -> None:
    """Nothing is said, with the input declared where only that showed the mistake, else without."""
    source = mistake.source(1)
    assert not linter.torch_refuses(source, *mistake.inputs)
    assert linter(source, *([] if mistake.bare else mistake.inputs)).is_clean()


@pytest.mark.parametrize(
    ("layer", "actual"),
    [("nn.Conv2d(24, 8, 1, groups=2)", 5), ("nn.GroupNorm(4, 8)", 6), ("nn.MultiheadAttention(8, 4)", 6)],
)
def test_no_number_is_offered_that_the_constructor_would_refuse(linter: Linter, layer: str, actual: int) -> None:
    called = "self.b(x.flatten(2).mT, x.flatten(2).mT, x.flatten(2).mT)" if "Multi" in layer else "self.b(x)"
    source = net(f"self.a = nn.Conv2d(3, {actual}, 1)\nself.b = {layer}", f"x = self.a(x)\nreturn {called}")
    violation = linter(source, IMAGE).the_finding.violation
    assert (violation.actual, violation.value) == (actual, None)

"""Nets that torch runs: whatever they do, nothing is said against them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tracing import Linter, Shape, net, whole

from convlint.facts import Reason
from convlint.inputspec import InputSpec

Row = tuple[str, str, str, str, Sequence[Shape | InputSpec]]
IMAGE = ("B", 3, 16, 16)

NETS: list[Row] = [
    (
        "squeeze_and_excite",
        "x",
        "self.c = nn.Conv2d(3, 16, 3)\nself.f = nn.Linear(16, 4)\nself.g = nn.Linear(4, 16)",
        "x = self.c(x)\nb, c, _, _ = x.size()\ny = F.adaptive_avg_pool2d(x, 1).view(b, c)\n"
        "y = torch.sigmoid(self.g(F.relu(self.f(y)))).view(b, c, 1, 1)\nreturn x * y.expand_as(x)",
        [IMAGE],
    ),
    (
        "heads_by_hand",
        "x",
        "self.q = nn.Linear(16, 48)\nself.o = nn.Linear(16, 16)",
        "B, N, C = x.shape\n"
        "q, k, v = self.q(x).reshape(B, N, 3, 4, C // 4).permute(2, 0, 3, 1, 4).unbind(0)\n"
        "a = (q @ k.transpose(-2, -1)).softmax(-1)\nreturn self.o((a @ v).transpose(1, 2).reshape(B, N, C))",
        [("B", 10, 16)],
    ),
    (
        "patches_and_class_token",
        "x",
        "self.p = nn.Conv2d(3, 16, 4, 4)\nself.t = nn.Parameter(torch.zeros(1, 1, 16))\n"
        "self.e = nn.Parameter(torch.zeros(1, 17, 16))\nself.f = nn.Linear(16, 10)",
        "b = x.shape[0]\nx = self.p(x).flatten(2).transpose(1, 2)\n"
        "x = torch.cat([self.t.expand(b, -1, -1), x], 1) + self.e\nreturn self.f(x[:, 0])",
        [IMAGE],
    ),
    (
        "channel_shuffle",
        "x",
        "self.a = nn.Conv2d(3, 8, 1)",
        "b, c, h, w = self.a(x).shape\n"
        "return self.a(x).view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, -1, h, w)",
        [IMAGE],
    ),
    (
        "generator",
        "z",
        "self.l = nn.Linear(100, 16 * 7 * 7)\nself.c = nn.ConvTranspose2d(16, 1, 4, 2, 1)",
        "return self.c(self.l(z).view(-1, 16, 7, 7))",
        [("B", 100)],
    ),
    (
        "batch_grows_on_purpose",
        "z",
        "self.l = nn.Linear(100, 32 * 7 * 7)\nself.c = nn.ConvTranspose2d(16, 1, 4, 2, 1)",
        "return self.c(self.l(z).view(-1, 16, 7, 7))",
        [("B", 100)],
    ),
    (
        "time_distributed",
        "x",
        "self.c = nn.Conv2d(3, 8, 3, 2, 1)\nself.l = nn.LSTM(8, 16, batch_first=True)",
        "b, t, c, h, w = x.shape\nx = self.c(x.view(b * t, c, h, w)).mean((2, 3)).view(b, t, -1)\n"
        "return self.l(x)[0][:, -1]",
        [("B", 4, 3, 16, 16)],
    ),
    (
        "every_step_of_a_sequence",
        "x",
        "self.l = nn.LSTM(8, 16, batch_first=True)\nself.f = nn.Linear(16, 5)",
        "o, _ = self.l(x)\nreturn self.f(o.reshape(-1, 16))",
        [("B", 10, 8)],
    ),
    (
        "gram_matrix",
        "x",
        "self.a = nn.Conv2d(3, 8, 3)",
        "x = self.a(x)\nb, c, h, w = x.size()\nf = x.view(b * c, h * w)\nreturn torch.mm(f, f.t()).div(b * c * h * w)",
        [IMAGE],
    ),
    (
        "crop_to_fit",
        "x",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(3, 8, 5)",
        "a, b = self.a(x), self.b(x)\nreturn torch.cat([a[:, :, 1 : 1 + b.size(2), 1 : 1 + b.size(3)], b], 1)",
        [("B", 3, 17, 23)],
    ),
    (
        "filters_over_words",
        "x",
        "self.e = nn.Embedding(100, 16)\n"
        "self.c = nn.ModuleList([nn.Conv2d(1, 8, (k, 16)) for k in (3, 4, 5)])\nself.f = nn.Linear(24, 2)",
        "h = self.e(x).unsqueeze(1)\nhs = [F.relu(c(h)).squeeze(3) for c in self.c]\n"
        "return self.f(torch.cat([F.max_pool1d(h, h.size(2)).squeeze(2) for h in hs], 1))",
        [whole("B", 30)],
    ),
    (
        "image_to_sequence",
        "x",
        "self.c = nn.Conv2d(1, 16, 3, 1, 1)\nself.r = nn.LSTM(16 * 8, 32, bidirectional=True)\n"
        "self.f = nn.Linear(64, 37)",
        "x = F.max_pool2d(self.c(x), 2)\nb, c, h, w = x.size()\n"
        "x, _ = self.r(x.reshape(b, c * h, w).permute(2, 0, 1))\n"
        "t, b, h = x.size()\nreturn self.f(x.view(t * b, h)).view(t, b, -1)",
        [("B", 1, 16, 40)],
    ),
    (
        "neighbours_by_repeat",
        "x, adj",
        "self.w = nn.Linear(16, 8)\nself.a = nn.Parameter(torch.zeros(16, 1))",
        "h = self.w(x)\nn = h.size(0)\n"
        "a = torch.cat([h.repeat(1, n).view(n * n, -1), h.repeat(n, 1)], 1).view(n, -1, 16)\n"
        "e = torch.matmul(a, self.a).squeeze(2)\nreturn F.softmax(torch.where(adj > 0, e, e - 9e15), 1) @ h",
        [(6, 16), (6, 6)],
    ),
    (
        "scale_and_shift",
        "x, z",
        "self.c = nn.Conv2d(3, 8, 3)\nself.f = nn.Linear(16, 16)",
        "x = self.c(x)\ng, b = self.f(z).chunk(2, 1)\nreturn x * g[:, :, None, None] + b[:, :, None, None]",
        [IMAGE, ("B", 16)],
    ),
    (
        "boxes_of_a_grid",
        "x",
        "self.c = nn.Conv2d(3, 3 * 7, 1)",
        "x = self.c(x)\nb, _, h, w = x.shape\nx = x.view(b, 3, 7, h, w).permute(0, 1, 3, 4, 2).contiguous()\n"
        "gy, gx = torch.meshgrid(torch.arange(h), torch.arange(w), indexing='ij')\n"
        "g = torch.stack((gx, gy), 2).view(1, 1, h, w, 2).float()\n"
        "return torch.cat([(x[..., 0:2].sigmoid() + g).view(b, -1, 2), x[..., 2:4].reshape(b, -1, 2)], -1)",
        [("B", 3, 8, 8)],
    ),
    (
        "written_into_zeros",
        "x",
        "self.f = nn.Linear(8, 4)",
        "o = torch.zeros(x.size(0), x.size(1), 4)\nfor i in range(x.size(1)):\n    o[:, i] = self.f(x[:, i])\nreturn o",
        [("B", 3, 8)],
    ),
    (
        "instance_norm_of_another_number",
        "x",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.InstanceNorm2d(16)",
        "return self.b(self.a(x))",
        [IMAGE],
    ),
    (
        "fuses_weights",
        "x",
        "self.a = nn.Conv2d(3, 8, 3, padding=1)\nself.b = nn.Conv2d(3, 8, 1)",
        "w = self.a.weight + F.pad(self.b.weight, [1, 1, 1, 1])\nreturn F.conv2d(x, w, self.a.bias, padding=1)",
        [IMAGE],
    ),
    (
        "unbatched",
        "x",
        "self.a = nn.Conv2d(3, 8, 3)",
        "return self.a(x)",
        [(3, 16, 16)],
    ),
    (
        "label_beside_noise",
        "z, y",
        "self.e = nn.Embedding(10, 10)\nself.l = nn.Linear(110, 784)",
        "return self.l(torch.cat([z, self.e(y)], -1)).view(z.size(0), 1, 28, 28)",
        [("B", 100), whole("B")],
    ),
    (
        "label_as_a_channel",
        "x, y",
        "self.e = nn.Embedding(10, 784)\nself.c = nn.Conv2d(2, 8, 3)",
        "return self.c(torch.cat([x, self.e(y).view(-1, 1, 28, 28)], 1))",
        [("B", 1, 28, 28), whole("B")],
    ),
    (
        "pooled_before",
        "x",
        "self.c = nn.Conv2d(3, 8, 1)\nself.f = nn.Linear(8, 5)",
        "return self.f(self.c(x).flatten(1))",
        [("B", 3, 1, 1)],
    ),
    (
        "long_audio",
        "x",
        "self.c = nn.Conv1d(1, 8, 3)\nself.f = nn.Linear(8 * 7998, 16)",
        "return self.f(self.c(x).flatten(1))",
        [("B", 1, 8000)],
    ),
    (
        "windows",
        "x",
        "self.f = nn.Linear(16, 16)",
        "b, h, w, c = x.shape\n"
        "x = x.view(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, 16, c)\n"
        "x = self.f(x).view(b, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5)\n"
        "return x.contiguous().view(b, h, w, c)",
        [("B", 16, 16, 16)],
    ),
    (
        "user_and_item",
        "u, i",
        "self.u = nn.Embedding(10, 4)\nself.i = nn.Embedding(20, 4)",
        "return (self.u(u) * self.i(i)).sum(1)",
        [whole("B"), whole("B")],
    ),
]


@pytest.mark.parametrize(
    ("parameters", "init", "forward", "given"), [row[1:] for row in NETS], ids=[row[0] for row in NETS]
)
def test_nothing_is_said(
    linter: Linter, parameters: str, init: str, forward: str, given: Sequence[Shape | InputSpec]
) -> None:
    source = net(init, forward, parameters)
    assert not linter.torch_refuses(source, *given)
    assert linter(source, *given).is_clean()
    assert not linter(source).findings


# Nets whose inputs are easily guessed wrong: nothing may be said of them without an input.
ALARMS: list[Row] = [
    (
        "user_and_item_into_a_linear",
        "u, i",
        "self.u = nn.Embedding(10, 4)\nself.i = nn.Embedding(10, 4)\nself.f = nn.Linear(8, 1)",
        "return self.f(torch.cat([self.u(u), self.i(i)], dim=1)).squeeze(1)",
        [whole("B"), whole("B")],
    ),
    (
        "word_and_others",
        "c, n",
        "self.u = nn.Embedding(10, 4)\nself.v = nn.Embedding(10, 4)",
        "return torch.bmm(self.v(n), self.u(c).unsqueeze(2)).squeeze(2)",
        [whole("B"), whole("B", 5)],
    ),
    (
        "triples",
        "h, r, t",
        "self.e = nn.Embedding(10, 4)\nself.r = nn.Embedding(10, 4)",
        "return torch.einsum('bd,bd,bd->b', self.e(h), self.r(r), self.e(t))",
        [whole("B"), whole("B"), whole("B")],
    ),
    (
        "norm_by_label",
        "x, y",
        "self.e = nn.Embedding(10, 32)\nself.b = nn.BatchNorm2d(16, affine=False)\nself.c = nn.Conv2d(3, 16, 1)",
        "g, b = self.e(y).chunk(2, 1)\nreturn g.view(-1, 16, 1, 1) * self.b(self.c(x)) + b.view(-1, 16, 1, 1)",
        [("B", 3, 8, 8), whole("B")],
    ),
    (
        "names_of_numpy",
        "x",
        "self.f = nn.Linear(4, 2)",
        "y = torch.cat([x[:, :1], x], axis=1)\nreturn self.f(y.mean(axis=1, keepdims=True))",
        [("B", 7, 4)],
    ),
    (
        "words_before_a_word",
        "x",
        "self.e = nn.Embedding(10, 4)\nself.f = nn.Linear(12, 2)",
        "return self.f(self.e(x).view((1, -1)))",
        [whole(3)],
    ),
]


@pytest.mark.parametrize(
    ("parameters", "init", "forward"), [row[1:4] for row in ALARMS], ids=[row[0] for row in ALARMS]
)
def test_nothing_may_be_said_without_an_input(linter: Linter, parameters: str, init: str, forward: str) -> None:
    assert not linter(net(init, forward, parameters)).findings


@pytest.mark.parametrize(
    ("parameters", "init", "forward", "given"), [row[1:] for row in ALARMS], ids=[row[0] for row in ALARMS]
)
def test_with_their_inputs_they_are_fine(
    linter: Linter, parameters: str, init: str, forward: str, given: Sequence[Shape | InputSpec]
) -> None:
    source = net(init, forward, parameters)
    assert not linter.torch_refuses(source, *given)
    assert linter(source, *given).is_clean()


def test_another_mistake_does_not_make_a_rectangle_wrong(linter: Linter) -> None:
    """Torch takes a 10 x 20 image up to `g`, which alone is wrong."""
    init = "self.c = nn.Conv2d(1, 8, 1)\nself.f = nn.Linear(8 * 10 * 20, 16)\nself.g = nn.Linear(17, 2)"
    source = net(init, "return self.g(self.f(self.c(x).flatten(1)))")
    assert [finding.text for finding in linter(source).findings] == ["17"]


def test_a_size_that_is_data_is_no_zero(linter: Linter) -> None:
    """Torch reads the size off the mask; that it would refuse an empty one says nothing."""
    forward = "h = m.sum(1)[:, 0]\nreturn torch.cat([F.interpolate(x[:1], size=(n, n)) for n in h])"
    told = linter(net("self.c = nn.Conv2d(3, 3, 1)", forward, "x, m"), ("B", 3, 8, 8), whole("B", 8, 8))
    assert (list(told.findings), told.model.status) == ([], "partial")


@pytest.mark.parametrize(("shape", "view"), [((8, 12), "-1, 4, 12"), ((32, 4), "-1, 16"), ((8, 3, 5), "-1, 2, 3, 5")])
def test_rows_of_a_known_number_may_be_put_together(linter: Linter, shape: Shape, view: str) -> None:
    source = net("self.c = nn.Identity()", f"return self.c(x).view({view})")
    assert not linter.torch_refuses(source, shape)
    assert linter(source, shape).is_clean()


def test_a_layer_that_asks_for_what_an_absent_package_gives_refuses_nothing(linter: Linter) -> None:
    init = "self.m = absent_sounds.LogMel(64)\nself.n = nn.BatchNorm2d(64)\nself.c = nn.Conv2d(1, 8, 3)"
    source = "import absent_sounds\n" + net(init, "return self.c(self.n(self.m(x).transpose(1, 3)))")
    checked = linter(source)
    assert not checked.findings
    assert checked.model.status == "skipped"
    assert checked.model.reason is not None
    assert checked.model.reason.cause == Reason(kind="package-absent", name="absent_sounds")


def test_a_result_of_an_absent_package_was_not_followed(linter: Linter) -> None:
    init = "self.a = nn.Linear(3, 4)\nself.b = absent_sounds.Layer(4)"
    checked = linter("import absent_sounds\n" + net(init, "return [self.b(self.a(x))]"), ("B", 3))
    assert (list(checked.findings), checked.model.status) == ([], "partial")


def test_another_rank_runs_at_a_size_that_the_code_asks_for(linter: Linter) -> None:
    """The first guess is an image; a sequence runs, but only at the length that forward itself checks."""
    init = "self.a = nn.Linear(8, 8)\nself.b = nn.Linear(4, 4)"
    forward = (
        "x = past_values\n"
        "if x.shape[-2] != 32: raise ValueError(f'length {x.shape[-2]}')\n"
        "x = self.a(x.unfold(-2, 8, 8).transpose(-2, -3).contiguous())\n"
        "return self.b(x.transpose(2, 3))"
    )
    source = net(init, forward, "past_values")
    assert not linter.torch_refuses(source, (2, 32, 1))
    assert not linter(source).findings


def test_a_join_widens_an_input_in_one_rank_only(linter: Linter) -> None:
    """Of an image, the layer sees the last dim as it is; of rows, twice as wide. Only rows run."""
    init = (
        "self.register_buffer('edges', torch.stack([torch.arange(10), torch.arange(10).roll(1)]))\n"
        "self.m = nn.Linear(10, 6)\nself.u = nn.GRUCell(6, 5)"
    )
    forward = (
        "s, t = self.edges\n"
        "m = self.m(torch.cat([x[s], x[t]], 1))\n"
        "return self.u(torch.zeros(10, 6).scatter_add_(0, t[:, None].expand(-1, 6), m), x)"
    )
    source = net(init, forward)
    assert not linter.torch_refuses(source, (10, 5))
    assert {finding.violation.name for finding in linter(source).findings} <= {"fixed_batch"}

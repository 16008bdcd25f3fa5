"""Constants in the code decide a size of the input: a refusal at another size is not a mistake."""

from __future__ import annotations

import pytest
import torch
from tracing import Linter, net

# For each net the input that torch takes.
RIGHT = {
    "baddbmm": (
        "self.c = nn.Conv1d(6, 1, 3, padding=1)",
        "return torch.baddbmm(torch.ones(1, 1), self.c(x), torch.ones(3, 2, 3))",
        (3, 6, 2),
    ),
    "expand": (
        "self.c = nn.ConvTranspose2d(1, 2, 1, stride=3)",
        "return self.c(x).expand(4, 2, 22, -1)",
        (4, 1, 8, 17),
    ),
    "filled": (
        "self.f = nn.Linear(16, 8)",
        "o = torch.zeros(32, 5, 8)\nfor t in range(5):\n    o[:, t] = self.f(x)\nreturn o",
        (32, 16),
    ),
    "canvas": (
        "self.c = nn.Conv2d(3, 4, 3, padding=1)",
        "o = torch.zeros(7, 4, 20, 14)\no[:, :, 2:-2, 2:-2] = self.c(x)\nreturn o",
        (7, 3, 16, 10),
    ),
    "pack": (
        "self.r = nn.RNN(4, 5)",
        "p = nn.utils.rnn.pack_sequence([x[0, :7], x[1, :3]])\nreturn self.r(p)[0].data",
        (2, 7, 4),
    ),
    "grid": ("self.c = nn.Conv2d(3, 4, 3)", "return F.grid_sample(self.c(x), torch.zeros(5, 7, 7, 2))", (5, 3, 12, 12)),
    "affine": (
        "self.c = nn.Conv2d(1, 4, 5)\nself.register_buffer('t', torch.eye(2, 3).repeat(6, 1, 1))",
        "return F.grid_sample(self.c(x), F.affine_grid(self.t, [6, 4, 24, 24]))",
        (6, 1, 28, 28),
    ),
    "unpool": (
        "self.p = nn.MaxPool2d(3, return_indices=True)\nself.u = nn.MaxUnpool2d(3)\nself.c = nn.Conv2d(1, 2, 3)",
        "y, i = self.p(x)\nreturn self.c(self.u(y, i, output_size=(11, 15)))",
        (4, 1, 11, 15),
    ),
    "transposed": (
        "self.c = nn.Conv2d(3, 8, 3, 2, 1)\nself.u = nn.ConvTranspose2d(8, 3, 3, 2, 1)",
        "return self.u(self.c(x), output_size=(32, 32))",
        (2, 3, 32, 32),
    ),
    "unbound": ("self.f = nn.Linear(4, 4)", "a, b, c = self.f(x).unbind(0)\nreturn a + b + c", (3, 4)),
    "queries": (
        "self.t = nn.Transformer(16, 2, 1, 1, 32)\nself.e = nn.Linear(4, 16)\n"
        "self.q = nn.Parameter(torch.zeros(5, 1, 16))",
        "return self.t(self.e(x), self.q)",
        (10, 1, 4),
    ),
    "latents": (
        "self.e = nn.Linear(4, 16)\nself.a = nn.MultiheadAttention(16, 2, batch_first=True)\n"
        "self.l = nn.Parameter(torch.zeros(1, 5, 16))",
        "h = self.e(x)\nreturn self.a(self.l, h, h)[0]",
        (1, 10, 4),
    ),
    "class_token": (
        "self.f = nn.Linear(8, 16)\nself.c = nn.Parameter(torch.zeros(1, 1, 16))",
        "return torch.cat([self.c, self.f(x)], 1)",
        (1, 5, 8),
    ),
    "state_of_a_batch": (
        "self.g = nn.GRU(6, 6, batch_first=True)",
        "return self.g(x, torch.zeros(1, 1, 6))[0]",
        (1, 9, 6),
    ),
    "targets": (
        "self.f = nn.Linear(8, 16)\nself.l = nn.CrossEntropyLoss()\nself.t = torch.zeros(12, dtype=torch.long)",
        "return self.l(self.f(x), self.t)",
        (12, 8),
    ),
    "behind_a_head": (
        "self.c = nn.Conv2d(3, 4, 3, stride=2, padding=1)\nself.f = nn.Linear(256, 8)",
        "x = self.f(self.c(x).flatten(1))\nreturn torch.addcmul(x, torch.ones(3, 1), torch.rand(3, 8))",
        (3, 3, 16, 16),
    ),
    "asserted": ("self.f = nn.Linear(8, 2)", "torch._assert(x.shape[0] == 8, 'batch')\nreturn self.f(x)", (8, 8)),
    "generated": (
        "self.u = nn.ConvTranspose2d(10, 3, 4)\nself.register_buffer('m', torch.zeros(2, 3, 4, 4))",
        "return self.u(x) - self.m",
        (2, 10, 1, 1),
    ),
    "spectrum": (
        "self.c = nn.Conv1d(1, 12, 3, padding=1)\nself.w = nn.Parameter(torch.zeros(12, 6, dtype=torch.cfloat))",
        "return torch.fft.irfft(torch.fft.rfft(self.c(x), dim=-1) * self.w, n=10, dim=-1)",
        (2, 1, 10),
    ),
    "spectrum_of_fewer": (
        "self.c = nn.Conv1d(1, 12, 3)\nself.w = nn.Parameter(torch.zeros(12, 6, dtype=torch.cfloat))",
        "return torch.fft.irfft(torch.fft.rfft(self.c(x), dim=-1) * self.w, n=10, dim=-1)",
        (2, 1, 12),
    ),
    "counted_rows": (
        "self.f = nn.Linear(4, 6)",
        "rows = [self.f(x[i]) for i in range(len(x))]\nreturn torch.stack(rows).view(5, 6)",
        (5, 4),
    ),
    "patches": (
        "self.p = nn.Conv2d(3, 16, 4, 4)",
        "x = self.p(x).flatten(2).transpose(1, 2)\nreturn torch.addbmm(torch.zeros(6, 5), x, torch.ones(4, 16, 5))",
        (4, 3, 8, 12),
    ),
}


@pytest.mark.parametrize(("init", "forward", "shape"), RIGHT.values(), ids=RIGHT)
def test_nothing_is_called_a_mistake(linter: Linter, init: str, forward: str, shape: tuple[int, ...]) -> None:
    source = net(init, forward)
    assert not linter.torch_refuses(source, shape)
    warnings = {"fixed_batch", "tiny_images", "never_square", "length_by_chance"}
    assert {finding.violation.name for finding in linter(source).findings} <= warnings


def test_items_of_a_list_may_differ(linter: Linter) -> None:
    init = "self.s = nn.ModuleList([nn.Conv2d(4, 6, 1), nn.Conv2d(8, 6, 1)])"
    source = net(init, "a, b = [layer(one) for layer, one in zip(self.s, x)]\nreturn a.mean() + b.mean()")
    linter.module(source).Net()([torch.zeros(2, 4, 16, 16), torch.zeros(2, 8, 8, 8)])
    assert not linter(source).findings


def test_a_list_that_is_filled_elsewhere_raises_nothing(linter: Linter) -> None:
    source = net("", "return torch.cat([one(x) for one in self], 1)").replace("(nn.Module)", "(nn.ModuleList)")
    model = linter.module(source).Net()
    model.append(torch.nn.Linear(4, 4))
    assert model(torch.zeros(2, 4)).shape == (2, 4)
    checked = linter(source)
    assert not checked.findings
    assert checked.model.status != "checked"


WRONG = {
    "behind_a_spectrum": (
        "self.c = nn.Conv1d(1, 12, 3)\nself.d = nn.Conv1d(16, 8, 1)",
        "return self.d(torch.fft.rfft(self.c(x)).abs())",
        (4, 1, 16),
    ),
    "rank": ("self.f = nn.Linear(16, 8)", "return self.f(x).expand(4, 8)", (4, 6, 16)),
    "constants": (
        "self.f = nn.Linear(16, 8)",
        "return torch.baddbmm(torch.ones(3, 2, 2), torch.ones(3, 2, 4), torch.ones(2, 4, 2)) + self.f(x).sum()",
        (4, 16),
    ),
    "two_batches": (
        "self.f = nn.Linear(16, 8)",
        "o = torch.zeros(32, 8)\no[:] = self.f(x)\nreturn torch.lerp(o, torch.ones(31, 8), 0.5)",
        (32, 16),
    ),
    "output_padding": (
        "self.u = nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=2)",
        "return self.u(x)",
        (2, 3, 8, 8),
    ),
}


@pytest.mark.parametrize(("init", "forward", "shape"), WRONG.values(), ids=WRONG)
def test_what_no_size_mends_is_found(linter: Linter, init: str, forward: str, shape: tuple[int, ...]) -> None:
    source = net(init, forward)
    assert linter.torch_refuses(source, shape)
    assert linter(source, ("B", *shape[1:])).findings

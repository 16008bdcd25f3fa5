"""Models that accept inputs in a degenerate way only: a warning with the sizes, at the place that leaves no others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tracing import Linter, Shape, net

from convlint.inputspec import InputSpec
from convlint.jobs import Hint

BATCHES: list[tuple[str, str, str, Sequence[Shape | InputSpec], str, int]] = [
    (
        "by_number",
        "self.c = nn.Conv2d(1, 8, 3)\nself.f = nn.Linear(8 * 26 * 26, 2)",
        "return self.f(self.c(x).view(64, 8 * 26 * 26))",
        [("B", 1, 28, 28)],
        "self.c(x).view(64, 8 * 26 * 26)",
        64,
    ),
    (
        "of_a_weight",
        "self.a = nn.Linear(3, 8)\nself.w = nn.Parameter(torch.zeros(2, 8, 8))",
        "return torch.bmm(self.a(x), self.w)",
        [("B", 5, 3)],
        "torch.bmm(self.a(x), self.w)",
        2,
    ),
    (
        "of_a_state",
        "self.r = nn.LSTM(8, 16, batch_first=True)",
        "h = torch.zeros(1, 32, 16)\nreturn self.r(x, (h, h))",
        [("B", 5, 8)],
        "self.r(x, (h, h))",
        32,
    ),
    (
        "of_a_table_that_is_filled",
        "self.f = nn.Linear(8, 4)",
        "o = torch.zeros(32, 5, 4)\no[:] = self.f(x)\nreturn o",
        [("B", 5, 8)],
        "o[:]",
        32,
    ),
]


_ENCODED = "self.e = nn.Linear(8, 16)\n"
BATCHES += [
    (
        "of_a_query_in_torchs_own_check",
        _ENCODED + "self.q = nn.Parameter(torch.zeros(6, 16))\nself.t = nn.Transformer(16, 2, 1, 1, 32)",
        "return self.t(self.e(x).transpose(0, 1), self.q.unsqueeze(1))",
        [("B", 7, 8)],
        "self.t(self.e(x).transpose(0, 1), self.q.unsqueeze(1))",
        1,
    ),
    (
        "of_a_query",
        _ENCODED + "self.q = nn.Parameter(torch.zeros(1, 6, 16))\n"
        "self.a = nn.MultiheadAttention(16, 2, batch_first=True)",
        "h = self.e(x)\nreturn self.a(self.q, h, h)[0]",
        [("B", 7, 8)],
        "self.a(self.q, h, h)",
        1,
    ),
    (
        "of_an_index",
        "self.f = nn.Linear(8, 4)\nself.register_buffer('i', torch.tensor([0, 1, 0, 2, 1, 1]))",
        "return torch.zeros(3, 4).index_add(0, self.i, self.f(x))",
        [("B", 8)],
        "torch.zeros(3, 4).index_add(0, self.i, self.f(x))",
        6,
    ),
    (
        "of_a_gram_matrix",
        "self.f = nn.Linear(8, 4)\nself.register_buffer('t', torch.eye(6))",
        "h = self.f(x)\nreturn torch.addmm(self.t, h, h.t())",
        [("B", 8)],
        "torch.addmm(self.t, h, h.t())",
        6,
    ),
    (
        "of_one_weight",
        _ENCODED + "self.w = nn.Parameter(torch.zeros(1, 16, 4))",
        "return torch.bmm(self.e(x), self.w)",
        [("B", 7, 8)],
        "torch.bmm(self.e(x), self.w)",
        1,
    ),
    (
        "that_is_squeezed",
        "self.c = nn.Conv2d(3, 4, 3, padding=1)",
        "a, b, c = self.c(x).squeeze(0).shape\nreturn torch.zeros(a, b * c)",
        [("B", 3, 8, 8)],
        "a, b, c",
        1,
    ),
    ("that_is_unpacked", "self.f = nn.Linear(8, 4)", "a, b = self.f(x)\nreturn a * b", [("B", 8)], "a, b", 2),
]


@pytest.mark.parametrize(
    ("init", "forward", "given", "text", "batch"), [row[1:] for row in BATCHES], ids=[row[0] for row in BATCHES]
)
def test_one_batch(
    linter: Linter, init: str, forward: str, given: Sequence[Shape | InputSpec], text: str, batch: int
) -> None:
    source = net(init, forward)
    assert linter.torch_refuses(source, *given)
    finding = linter(source, *given).the_finding
    assert (finding.violation.name, finding.violation.expected, finding.text) == ("fixed_batch", batch, text)
    is_refused = {size: linter.torch_refuses(source, *given, batch=size) for size in (1, 2, 3, batch)}
    says = set(map(int, str(finding.violation.sizes).split(" or ")))
    assert says == {size for size, refused in is_refused.items() if not refused}
    assert linter(source, *[(batch, *shape[1:]) for shape in given if not isinstance(shape, InputSpec)]).is_clean()


def test_a_batch_that_fits_is_looked_for_behind_a_comment_too(linter: Linter) -> None:
    source = net(_ENCODED + "self.c = nn.Parameter(torch.zeros(4, 1, 16))", "return torch.cat([self.c, self.e(x)], 1)")
    hint = Hint(kind="inputs", source="a comment", is_declared=True, inputs=(InputSpec(shape=("B", 7, 8)),))
    assert linter(source, hints=(hint,)).the_finding.violation.sizes == "4"


ODD = [
    (
        "tiny_images",
        "self.a = nn.Conv2d(3, 8, 3, padding=1, stride=2)\nself.s = nn.Conv2d(3, 8, 1)",
        "return self.a(x) + self.s(x)",
        ("B", 3, "H", "W"),
        "H = W in {2}",
    ),
    (
        "never_square",
        "self.f = nn.Linear(3 * 10 * 20, 2)",
        "return self.f(x.flatten(1))\n",
        ("B", 3, "H", "W"),
        "H and W that differ",
    ),
    (
        "length_by_chance",
        "self.f = nn.Linear(8, 32)\nself.n = nn.BatchNorm1d(32)",
        "return self.n(self.f(x))",
        ("B", "L", 8),
        "L in {32}",
    ),
    (
        "length_by_chance",
        "self.q = nn.Linear(8, 16)\nself.k = nn.Linear(8, 16)",
        "return (self.q(x) @ self.k(x)).softmax(-1)",
        ("B", "L", 8),
        "L in {16}",
    ),
    (
        "turned_by_chance",
        "self.q = nn.Linear(32, 32)\nself.k = nn.Linear(32, 32)",
        "q = self.q(x).unflatten(-1, (4, 8))\nk = self.k(x).unflatten(-1, (4, 8)).transpose(1, 2)\n"
        "return F.scaled_dot_product_attention(q, k, k)",
        ("B", "L", 32),
        "L in {4}",
    ),
]


@pytest.mark.parametrize(("name", "init", "forward", "shape", "sizes"), ODD)
def test_odd_sizes(linter: Linter, name: str, init: str, forward: str, shape: Shape, sizes: str) -> None:
    source = net(init, forward)
    usual = [64 if isinstance(size, str) and size != "B" else size for size in shape]
    assert linter.torch_refuses(source, usual)
    violation = linter(source, shape).the_finding.violation
    assert (violation.name, violation.sizes) == (name, sizes)
    assert violation.at is not None


GOOD = [
    ("self.p = nn.Parameter(torch.zeros(1, 16, 8))", "return x + self.p", ("B", "L", 8)),
    ("self.f = nn.Linear(3 * 28 * 28, 2)", "return self.f(x.flatten(1))", ("B", 3, "H", "W")),
    ("self.n = nn.BatchNorm1d(12)", "return self.n(x)", ("B", 12, "L")),
    ("self.f = nn.Linear(4, 4)", "a, b = self.f(x).chunk(2, 0)\nreturn a * b", ("B", 4)),
    ("self.f = nn.Linear(4, 4)", "return self.f(x) + torch.zeros(1, 4)", ("B", 4)),
]


@pytest.mark.parametrize(("init", "forward", "shape"), GOOD)
def test_few_sizes_are_not_odd_by_themselves(linter: Linter, init: str, forward: str, shape: Shape) -> None:
    assert linter(net(init, forward), shape).is_clean()


# Nets whose inputs are found out, with one that disproves what another rank, batch or square image suggests.
DISPROVED = [
    ("self.f = nn.Linear(6, 4)", "return self.f(x) + torch.zeros(2, 7, 4)", (2, 7, 6)),
    ("self.f = nn.Linear(6, 4)", "return self.f(x) + torch.zeros(4, 1)", (4, 6)),
    (
        "self.c = nn.Conv2d(3, 4, 3, 2, 1)\nself.f = nn.Linear(256, 8)",
        "return torch.lerp(self.f(self.c(x).flatten(1)), torch.ones(10, 8), torch.full((10, 1), 0.3))",
        (10, 3, 16, 16),
    ),
    ("self.c = nn.Conv2d(3, 12, 4, 4)", "return self.c(x).flatten(2) * torch.zeros(1, 12, 6)", (4, 3, 8, 12)),
    ("self.c = nn.Conv2d(3, 8, 3, padding=1)", "return self.c(x).view(5, 8, 12, 12)", (5, 3, 12, 12)),
    (
        "self.c = nn.Conv3d(1, 2, 3, padding=1)",
        "return self.c(x) + torch.zeros(1, 2, 8, 12, 12)",
        (2, 1, 8, 12, 12),
    ),
]


@pytest.mark.parametrize(("init", "forward", "right"), DISPROVED)
def test_what_some_input_disproves_is_not_odd(linter: Linter, init: str, forward: str, right: Shape) -> None:
    source = net(init, forward)
    linter.torch_runs(source, right)
    said = {finding.violation.name: finding.violation for finding in linter(source).findings}
    batches = said.pop("fixed_batch", None)
    assert not said
    assert batches is None or str(right[0]) in str(batches.sizes).split(" or ")

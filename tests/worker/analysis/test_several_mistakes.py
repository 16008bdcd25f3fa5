"""Two mistakes are two findings, and what follows from a mistake is none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tracing import Linter, Shape, net, whole

from convlint.inputspec import InputSpec

IMAGE = ("B", 3, 24, 24)
Row = tuple[str, str, str, Shape | InputSpec, Sequence[tuple[str, object, object]]]


def names(rows: Sequence[Row]) -> list[object]:
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


INDEPENDENT: list[Row] = [
    (
        "channels_and_features",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(9, 16, 3)\nself.f = nn.Linear(17, 2)",
        "return self.f(self.b(self.a(x)).mean((2, 3)))",
        IMAGE,
        [("in_channels", 9, 8), ("in_features", 17, 16)],
    ),
    (
        "three_in_a_row",
        "self.a = nn.Linear(3, 8)\nself.b = nn.Linear(9, 16)\nself.c = nn.Linear(17, 2)\nself.d = nn.Linear(3, 1)",
        "return self.d(self.c(self.b(self.a(x))))",
        ("B", 3),
        [("in_features", 9, 8), ("in_features", 17, 16), ("in_features", 3, 2)],
    ),
    (
        "recurrent_and_head",
        "self.e = nn.Embedding(10, 8)\nself.g = nn.GRU(16, 32, batch_first=True)\nself.f = nn.Linear(16, 2)",
        "o, _ = self.g(self.e(x))\nreturn self.f(o[:, -1])",
        whole("B", 7),
        [("input_size", 16, 8), ("in_features", 16, 32)],
    ),
    (
        "constructor_and_forward",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(8, 16, 3, groups=3)\nself.c = nn.Conv2d(8, 4, 1)",
        "return self.c(self.b(self.a(x)))",
        IMAGE,
        [("groups", 3, 8), ("in_channels", 8, 16)],
    ),
    (
        "two_branches",
        "self.a = nn.Conv2d(3, 8, 1)\nself.b = nn.Conv2d(4, 8, 1)\nself.c = nn.Conv2d(5, 8, 1)",
        "y = self.a(x)\nreturn self.b(y) + self.c(y)",
        IMAGE,
        [("in_channels", 4, 8), ("in_channels", 5, 8)],
    ),
]


@pytest.mark.parametrize(("init", "forward", "given", "expected"), names(INDEPENDENT))
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "bare"])
def test_independent_mistakes(
    linter: Linter,
    init: str,
    forward: str,
    given: Shape | InputSpec,
    expected: Sequence[tuple[str, object, object]],
    declared: bool,
) -> None:
    checked = linter(net(init, forward), *([given] if declared else []))
    assert [finding.short[:3] for finding in checked.findings] == list(expected)


FOLLOWED: list[Row] = [
    (
        "norm_then_conv_for_the_norm",
        "self.a = nn.Conv2d(3, 8, 3)\nself.n = nn.BatchNorm2d(16)\nself.b = nn.Conv2d(16, 4, 3)",
        "return self.b(self.n(self.a(x)))",
        IMAGE,
        [("num_features", 16, 8)],
    ),
    (
        "norm_then_conv_for_the_input",
        "self.a = nn.Conv2d(3, 8, 3)\nself.n = nn.BatchNorm2d(16)\nself.b = nn.Conv2d(8, 4, 3)",
        "return self.b(self.n(self.a(x)))",
        IMAGE,
        [("num_features", 16, 8)],
    ),
    (
        "layer_norm_then_linear_for_the_norm",
        "self.a = nn.Linear(3, 16)\nself.n = nn.LayerNorm(32)\nself.b = nn.Linear(32, 4)",
        "return self.b(self.n(self.a(x)))",
        ("B", 3),
        [("normalized_shape", 32, 16)],
    ),
    (
        "attention_then_residual",
        "self.a = nn.Linear(8, 24)\nself.m = nn.MultiheadAttention(16, 4, batch_first=True)",
        "x = self.a(x)\ny, _ = self.m(x, x, x)\nreturn x + y",
        ("B", 5, 8),
        [("embed_dim", 16, 24)],
    ),
    (
        "attention_then_residual_norm_and_head",
        "self.a = nn.Linear(8, 24)\nself.m = nn.MultiheadAttention(16, 4, batch_first=True)\n"
        "self.n = nn.LayerNorm(24)\nself.f = nn.Linear(24, 2)",
        "x = self.a(x)\ny, _ = self.m(x, x, x)\nreturn self.f(self.n(x + y))",
        ("B", 5, 8),
        [("embed_dim", 16, 24)],
    ),
    (
        "norm_in_a_residual_branch",
        "self.a = nn.Conv2d(3, 8, 3, padding=1)\nself.b = nn.Conv2d(8, 16, 3, padding=1)\n"
        "self.n = nn.BatchNorm2d(8)\nself.f = nn.Linear(8, 2)",
        "x = self.a(x)\nreturn self.f((self.n(self.b(x)) + x).mean((2, 3)))",
        IMAGE,
        [("num_features", 8, 16)],
    ),
    (
        "cat_then_conv_flatten_and_linear",
        "self.a = nn.Conv2d(3, 8, 3, padding=1)\nself.b = nn.Conv2d(3, 8, 3)\nself.c = nn.Conv2d(16, 4, 1)\n"
        "self.f = nn.Linear(4 * 24 * 24, 2)",
        "x = torch.cat([self.a(x), self.b(x)], 1)\nreturn self.f(self.c(x).flatten(1))",
        IMAGE,
        [("concat", 24, 22)],
    ),
    (
        "too_small_then_flatten_and_linear",
        "self.a = nn.Conv2d(3, 8, 5)\nself.b = nn.Conv2d(8, 8, 5)\nself.c = nn.Conv2d(8, 8, 5)\n"
        "self.f = nn.Linear(72, 2)",
        "x = F.max_pool2d(self.a(x), 2)\nx = F.max_pool2d(self.b(x), 2)\nreturn self.f(self.c(x).flatten(1))",
        IMAGE,
        [("spatial", 5, 3)],
    ),
    (
        "the_same_layer_three_times",
        "self.a = nn.Linear(3, 8)\nself.b = nn.Linear(9, 3)",
        "for _ in range(3):\n    x = self.b(self.a(x))\nreturn x",
        ("B", 3),
        [("in_features", 9, 8)],
    ),
    (
        "rank_then_the_rest",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Linear(8 * 22 * 22, 6)\nself.c = nn.Linear(6, 2)",
        "return self.c(torch.relu(self.b(self.a(x))))",
        IMAGE,
        [("rank", 3872, 22)],
    ),
]


@pytest.mark.parametrize(("init", "forward", "given", "expected"), names(FOLLOWED))
def test_one_mistake_with_what_follows(
    linter: Linter,
    init: str,
    forward: str,
    given: Shape | InputSpec,
    expected: Sequence[tuple[str, object, object]],
) -> None:
    checked = linter(net(init, forward), given)
    assert checked.model.status == "checked"
    assert list(dict.fromkeys(finding.short[:3] for finding in checked.findings)) == list(expected)


def test_a_cat_of_two_sizes_is_one_finding_in_symbols(linter: Linter) -> None:
    init = "self.a = nn.Conv2d(1, 8, 3, padding=1)\nself.b = nn.Conv2d(1, 8, 3)"
    assert len(linter(net(init, "return torch.cat([self.a(x), self.b(x)], 1)")).findings) == 1


@pytest.mark.parametrize(
    ("init", "forward", "given"),
    [
        (
            "self.c = nn.Conv2d(3, 8, 3, 2, 1)\nself.d = nn.Conv2d(3, 8, 1)",
            "return F.interpolate(self.c(x), size=x.shape[2:]) + self.d(x)",
            IMAGE,
        ),
        ("self.b = nn.Bilinear(8, 8, 2)", "return self.b(x, x)", ("B", 8)),
    ],
    ids=["interpolate", "bilinear"],
)
def test_the_batch_keeps_its_name(linter: Linter, init: str, forward: str, given: Shape) -> None:
    assert linter(net(init, forward), given).model.outputs[0][0] == "B"


def test_a_wrong_number_in_a_view_is_one_finding(linter: Linter) -> None:
    init = "self.c = nn.Conv2d(3, 8, 3)\nself.f = nn.Linear(8 * 22 * 22, 2)"
    assert linter(net(init, "return self.f(self.c(x).view(-1, 16 * 22 * 22))"), IMAGE).the_finding

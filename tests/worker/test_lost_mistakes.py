"""Nets that torch refuses and that pass, so far. Each test here is a debt: it says what is to be found."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tracing import Linter, Shape, net

from convlint.inputspec import InputSpec

Row = tuple[str, str, str, str, Sequence[Shape | InputSpec], str]
BATCH = "one batch size that fits is enough, though the declared B may be any"

DECLARED: list[Row] = [
    (
        "batch_by_number",
        BATCH,
        "self.c = nn.Conv2d(1, 8, 3)\nself.f = nn.Linear(8 * 26 * 26, 2)",
        "return self.f(self.c(x).view(64, 8 * 26 * 26))",
        [("B", 1, 28, 28)],
        "self.c(x).view(64, 8 * 26 * 26)",
    ),
    (
        "batch_of_a_weight",
        BATCH,
        "self.a = nn.Linear(3, 8)\nself.w = nn.Parameter(torch.zeros(2, 8, 8))",
        "return torch.bmm(self.a(x), self.w)",
        [("B", 5, 3)],
        "torch.bmm(self.a(x), self.w)",
    ),
    (
        "batch_of_a_state",
        BATCH,
        "self.r = nn.LSTM(8, 16, batch_first=True)",
        "h = torch.zeros(1, 32, 16)\nreturn self.r(x, (h, h))",
        [("B", 5, 8)],
        "self.r(x, (h, h))",
    ),
]


def rows(table: Sequence[Row]) -> list[object]:
    return [pytest.param(*row[2:], id=row[0], marks=pytest.mark.xfail(strict=True, reason=row[1])) for row in table]


@pytest.mark.parametrize(("init", "forward", "given", "text"), rows(DECLARED))
def test_declared(linter: Linter, init: str, forward: str, given: Sequence[Shape | InputSpec], text: str) -> None:
    assert linter(net(init, forward), *given).the_finding.text == text


@pytest.mark.parametrize(("init", "forward", "given"), [row[2:5] for row in DECLARED], ids=[row[0] for row in DECLARED])
def test_torch_refuses_them(linter: Linter, init: str, forward: str, given: Sequence[Shape | InputSpec]) -> None:
    assert linter.torch_refuses(net(init, forward), *given)

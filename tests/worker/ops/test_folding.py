"""Windows as columns and back: one run in symbols says of every size what torch does."""

from __future__ import annotations

import pytest
from symbolic import Calls, Case, said
from torch import nn
from torch.nn import functional as F  # noqa: N812
from tracing import Linter, net

SIZES = [{"B": 2, "H": height, "W": width} for height, width in ((2, 9), (4, 4), (5, 8), (12, 7))]


@pytest.mark.parametrize(
    "layer",
    [
        nn.Unfold(3),
        nn.Unfold(2, stride=2),
        nn.Unfold((3, 2), dilation=2, padding=1, stride=(2, 1)),
        nn.Unfold(5, padding=3),
    ],
    ids=str,
)
def test_columns(warm: None, layer: nn.Unfold) -> None:
    for sizes in SIZES:
        case = Case(layer, ("B", 3, "H", "W"), sizes)
        assert said(case.run(), sizes) == case.in_torch()


def test_columns_by_a_function_without_a_batch(warm: None) -> None:
    case = Case(Calls(lambda x: F.unfold(x, kernel_size=(3, 3), stride=2)), (3, "H", "W"), {"H": 9, "W": 12})
    assert said(case.run(), case.sizes) == case.in_torch() == (27, 20)


@pytest.mark.parametrize("length", [15, 16, 25, 36])
def test_put_together(warm: None, length: int) -> None:
    case = Case(nn.Fold((6, 6), 2), ("B", 12, "L"), {"B": 2, "L": length})
    assert said(case.run(), case.sizes) == case.in_torch()


def test_a_wrong_number_of_columns_is_found_at_the_layer(linter: Linter) -> None:
    source = net("self.u = nn.Unfold(3)\nself.f = nn.Fold((8, 8), 3)", "return self.f(self.u(x))")
    assert linter.torch_refuses(source, ("B", 3, 9, 9))
    found = linter(source, ("B", 3, 9, 9)).the_finding.violation
    assert (found.name, found.actual, found.expected) == ("elements", 49, 36)


def test_what_is_unfolded_folds_back(linter: Linter) -> None:
    source = net("self.u = nn.Unfold(3)\nself.f = nn.Fold((9, 9), 3)", "return self.f(self.u(x))")
    assert not linter.torch_refuses(source, ("B", 3, 9, 9))
    assert linter(source, ("B", 3, 9, 9)).is_clean

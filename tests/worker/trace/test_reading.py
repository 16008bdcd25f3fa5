"""Branches on what a tensor holds: forward goes on where the code would not raise."""

from __future__ import annotations

import pytest
from tracing import Linter, net

IMAGE = ("B", 3, 8, 8)
CONV = "self.conv = nn.Conv2d(3, 16, 3)"


@pytest.mark.parametrize(
    "check",
    [
        "assert y.isnan().sum() == 0, 'NaN'",
        "assert not y.isnan().any()",
        "assert not (y.isnan().any() or y.isinf().any())",
        "if y.isnan().any():\n    raise ValueError('NaN')",
        "if y.isnan().any() or (y > 1e9).any():\n    print('odd')\n    raise ValueError('NaN')",
        "if y.isfinite().all():\n    y = y + 1\nelse:\n    raise ValueError('NaN')",
        "assert y.argmax().item() <= 10_000",
        "if y.argmax().item() > 10_000:\n    raise ValueError('too many')",
        "assert not y.isnan().any().item()",
        "torch._check_tensor_all(y < 1e9, lambda: 'too large')",
        "torch.distributions.Normal(y, y.exp()).log_prob(y)",
    ],
)
def test_a_check_of_data_is_passed(linter: Linter, check: str) -> None:
    source = net(
        CONV, f"for _ in range(6):\n    y = self.conv(x)\n    {check.replace(chr(10), chr(10) + '    ')}\nreturn y"
    )
    assert linter(source, IMAGE).is_clean()


@pytest.mark.parametrize(
    "test", ["y.sum() > 0", "y.argmax().item() > 3", "3 * y.argmax().item() + 2 == 8", "y.any().item()"]
)
def test_a_branch_on_data_is_followed_both_ways(linter: Linter, test: str) -> None:
    source = net(
        f"{CONV}\nself.fc = nn.Linear(7, 3)",
        f"y = self.conv(x)\nif {test}:\n    return self.fc(y)\nreturn self.conv(x).mean(-1)",
    )
    assert linter(source, IMAGE).the_finding.short == ("in_features", 7, 6, "7")


@pytest.mark.parametrize("test", ["not torch.isfinite(y).all()", "torch.isfinite(y).all().logical_not()"])
def test_values_are_fit(linter: Linter, test: str) -> None:
    """Of both ways the main one is that of a model that trains."""
    source = net(CONV, f"y = self.conv(x)\nif {test}:\n    y = y.clamp(0, 1)\nreturn y")
    assert linter(source, IMAGE).is_clean()


def test_an_item_that_data_picks_is_like_any_other(linter: Linter) -> None:
    forward = "y = self.conv(x)\ni = y.sum((0, 2, 3)).argmax()\nreturn self.fc(y[:, i, :, -1]) + y[i - 1, i, :3, 0]"
    source = net(f"{CONV}\nself.fc = nn.Linear(7, 3)", forward)
    assert linter(source, IMAGE).the_finding.short == ("in_features", 7, 6, "7")


def test_a_loop_as_long_as_data_says_is_not_checked(linter: Linter) -> None:
    source = net(CONV, "y = self.conv(x)\nfor _ in range(y.argmax().item()):\n    y = y + 1\nreturn y")
    checked = linter(source, IMAGE)
    assert not checked.findings
    assert checked.model.status == "partial"


def test_a_padding_that_is_a_tensor_is_a_number(linter: Linter) -> None:
    init = "self.conv = nn.Conv1d(1, 8, 7, stride=4)\nself.fc = nn.Conv1d(9, 4, 1)"
    more = "torch.ceil(torch.tensor((x.shape[-1] - 7) / 4)).long() * 4 + 7 - x.shape[-1]"
    source = net(init, f"x = F.pad(x, (3, {more}))\nreturn self.fc(self.conv(x))")
    assert linter(source).the_finding.short == ("in_channels", 9, 8, "9")
    assert linter(source, ("B", 1, 100)).the_finding.short == ("in_channels", 9, 8, "9")

"""Code that takes a shape apart: where it reads more dims, or fewer, torch's run ends there as well."""

from __future__ import annotations

import pytest
import torch
from tracing import Linter, net

CONV = "self.conv = nn.Conv2d(3, 16, 3)"
IMAGE = ("B", 3, 8, 8)


@pytest.mark.parametrize(
    ("forward", "expected", "actual", "text"),
    [
        ("b, n, c = x.shape", 3, 4, "b, n, c"),
        ("[b, c, h, w, *rest], y = x.flatten(2).shape, x", None, None, ""),
        ("x = x.flatten(2)\nb, c, h, w = x.size()", 4, 3, "b, c, h, w"),
        ("x = x.flatten(1)\nb, c, h, *rest = x.shape", "at least 3", 2, "b, c, h, *rest"),
        ("h, w, d = x.shape[2:]", 5, 4, "h, w, d"),
        ("n = x.shape[4]", "at least 5", 4, "x.shape[4]"),
        ("n = x.flatten(1).size(1) + x.size(-5)", "at least 5", 4, "x.size(-5)"),
    ],
)
def test_a_shape_of_another_rank_is_an_error(
    linter: Linter, forward: str, expected: object, actual: object, text: str
) -> None:
    source = net(CONV, f"x = self.conv(x)\n{forward}\nreturn x")
    space: dict[str, type[torch.nn.Module]] = {}
    exec(source, space)  # noqa: S102
    with pytest.raises((ValueError, IndexError)):
        space["Net"]()(torch.zeros(2, 3, 8, 8))
    if expected is None:  # what is taken apart there has no name
        assert linter(source, IMAGE).model.status == "partial"
    else:
        assert linter(source, IMAGE).the_finding.short == ("rank", expected, actual, text)


@pytest.mark.parametrize(
    "forward",
    [
        "try:\n    b, n, c = self.conv(x).shape\nexcept ValueError:\n    pass\nreturn x",
        "y = self.conv(x)\ntry:\n    b, n, c = y.shape\nexcept ValueError:\n    pass\nreturn y",
        "b, c, *_ = x.shape\nh, w = x.shape[2:]\nreturn x.view(b, c, h * w)",
        "x, y = self.conv(x), x.shape\nb, c, h, w = y\nreturn x.view(b, -1)",
    ],
)
def test_a_shape_that_is_read_as_it_is_or_in_a_try_is_none(linter: Linter, forward: str) -> None:
    assert linter(net(CONV, forward), IMAGE).is_clean()


def test_a_shape_behind_a_branch_on_data_is_no_finding(linter: Linter) -> None:
    source = net(CONV, "x = self.conv(x)\nif x.sum() > 0:\n    return x\nb, n, c = x.shape\nreturn x")
    assert not linter(source, IMAGE).findings


@pytest.mark.parametrize("calls", range(9, 14))
def test_a_run_that_is_cut_short_ends_as_any_other(linter: Linter, calls: int) -> None:
    """Inputs are found out with runs of a few calls; the code that reads a shape is one of them."""
    checked = linter(net(CONV, "x = self.conv(x)\n" + "x = x.relu()\n" * calls + "b, n, c = x.shape\nreturn x"))
    assert checked.the_finding.short == ("rank", 3, 4, "b, n, c")


def test_what_forward_reads_of_its_input_says_how_many_dims_it_has(linter: Linter) -> None:
    source = net("self.fc = nn.Linear(16, 4)", "b, n, c = x.shape\nreturn self.fc(x).view(b, 4 * n)")
    checked = linter(source)
    assert checked.is_clean()
    assert checked.model.inputs[0].shape == ("B", "L", 16)

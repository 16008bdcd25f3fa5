"""Parameters of forward that are not tensors themselves: dicts, lists and objects of tensors, keywords read by name."""

from __future__ import annotations

import pytest
from torch import nn
from tracing import Linter, net

from convlint.worker.trace.forward_parameters import Parts, parameters_of, parts_of


class Reads(nn.Module):
    def forward(self, batch, pair, record, x):
        a, b = pair
        image = batch["image"] + batch["mask"]
        return self.head(image, record.premise, record.hypothesis) + a + b + x[0] + x.mean()


class Keywords(nn.Module):
    def forward(self, x, **options):
        return x + options["labels"] + options.get("scale", 1)


class PassesOn(nn.Module):
    def forward(self, *inputs):
        return self.module(*inputs)


class Rebinds(nn.Module):
    def forward(self, x):
        x = x["image"]
        return x[0] + x


def test_what_forward_reads_by_key_position_and_attribute() -> None:
    assert parts_of(Reads()) == {
        "batch": Parts("dict", ("image", "mask")),
        "pair": Parts("list", (0, 1)),
        "record": Parts("object", ("premise", "hypothesis")),
    }


def test_what_follows_another_value_is_not_read_from_the_parameter() -> None:
    assert parts_of(Rebinds()) == {"x": Parts("dict", ("image",))}


def test_keywords_that_forward_cannot_do_without() -> None:
    assert [parameter.name for parameter in parameters_of(Keywords())] == ["x", "labels"]


def test_a_forward_that_passes_everything_on_is_given_one_input() -> None:
    assert [parameter.name for parameter in parameters_of(PassesOn())] == ["inputs"]


def test_parts_together() -> None:
    assert Parts("dict", ("a",)).together({"a": 1}) == {"a": 1}
    assert Parts("list", (0, 1)).together({1: "y", 0: "x"}) == ["x", "y"]
    assert Parts("object", ("a",)).together({"a": 1}).a == 1


TAKEN_APART = [
    (
        "dict",
        "batch",
        "self.c = nn.Conv2d(3, 8, 3)\nself.e = nn.Embedding(50, 8)",
        'h = self.c(batch["image"]).mean((2, 3))\nreturn h + self.e(batch["input_ids"]).mean(1)',
        {"batch['image']": ("B", 3, "H", "W"), "batch['input_ids']": ("B", "L2")},
    ),
    (
        "list",
        "pyramid",
        "self.a = nn.Conv2d(8, 4, 1)\nself.b = nn.Conv2d(16, 4, 1)",
        "low, high = pyramid\nreturn self.a(low).mean((2, 3)) + self.b(high).mean((2, 3))",
        {"pyramid[0]": ("B", 8, "H", "W"), "pyramid[1]": ("B", 16, "H2", "W2")},
    ),
    (
        "object",
        "pair",
        "self.e = nn.Embedding(50, 8)\nself.f = nn.Linear(16, 2)",
        "a, b = self.e(pair.premise), self.e(pair.hypothesis)\nreturn self.f(torch.cat((a.mean(1), b.mean(1)), 1))",
        {"pair.premise": ("B", "L"), "pair.hypothesis": ("B", "L2")},
    ),
    (
        "keyword",
        "x, **options",
        "self.f = nn.Linear(12, 2)\nself.g = nn.Linear(5, 2)",
        'return self.f(x) + self.g(options["condition"])',
        {"x": ("B", 12), "condition": ("B", 5)},
    ),
]


@pytest.mark.parametrize(
    ("parameters", "init", "forward", "found"), [row[1:] for row in TAKEN_APART], ids=[row[0] for row in TAKEN_APART]
)
def test_parts_are_found_out_one_by_one(
    linter: Linter, parameters: str, init: str, forward: str, found: dict[str, tuple[int | str, ...]]
) -> None:
    checked = linter(net(init, forward, parameters))
    assert checked.is_clean(), checked.model.reason
    assert {item.name: item.shape for item in checked.model.inputs} == found


def test_a_mistake_behind_a_part_is_found(linter: Linter) -> None:
    checked = linter(
        net(
            "self.c = nn.Conv2d(3, 8, 3)\nself.d = nn.Conv2d(16, 8, 3)",
            'return self.d(self.c(batch["image"]))',
            "batch",
        )
    )
    assert [finding.violation.name for finding in checked.findings] == ["in_channels"]


ON_NUMBERS = [
    ("numpy", "import numpy as np\nn = int(np.ceil(np.log(x.shape[1])))\nreturn self.f(x)[:, :n]"),
    ("lengths", "n = max(lengths.tolist())\nreturn self.f(x)[:, :n]"),
]


@pytest.mark.parametrize("forward", [row[1] for row in ON_NUMBERS], ids=[row[0] for row in ON_NUMBERS])
def test_what_symbols_do_not_pass_is_followed_on_numbers(linter: Linter, forward: str) -> None:
    """Only those sizes are proved, and no more is said."""
    parameters = "x, lengths" if "lengths" in forward else "x"
    checked = linter(
        net("self.f = nn.LSTM(8, 4, batch_first=True)", forward.replace("self.f(x)", "self.f(x)[0]"), parameters)
    )
    assert (checked.model.status, checked.findings) == ("partial", [])
    assert checked.model.reason is not None
    assert checked.model.reason.kind == "numbers-only"
    assert checked.model.outputs


def test_a_distribution_is_followed(linter: Linter) -> None:
    """torch asks there whether the values are fit, which fake ones cannot answer."""
    checked = linter(
        net(
            "self.m = nn.Linear(8, 4)\nself.s = nn.Linear(8, 4)",
            "d = torch.distributions.Normal(self.m(x), self.s(x).exp())\nreturn d.rsample()",
        )
    )
    assert checked.is_clean()
    assert [output[-1] for output in checked.model.outputs] == [4]


def test_old_constructors_of_tensors(linter: Linter) -> None:
    """No function mode hears of `torch.FloatTensor(size)`, which old tutorials write."""
    checked = linter(
        net("self.f = nn.Linear(8, 4)", "noise = torch.FloatTensor(x.size()).normal_()\nreturn self.f(x + noise)")
    )
    assert checked.is_clean()

"""Mistakes after an input whose rank is a guess: found where no other rank runs either, and held back elsewhere."""

from __future__ import annotations

import pytest
from tracing import Linter, net

FOUND = [
    (
        "rows_of_a_reshape",
        "self.pool = nn.AdaptiveMaxPool2d((2, None))\nself.fc = nn.Linear(131, 10)",
        "return self.fc(self.pool(x).reshape(-1, 115))",
        "131",
    ),
    (
        "two_recurrent_layers",
        "self.act = nn.GELU()\nself.one = nn.RNN(48, 8, batch_first=True)\nself.two = nn.RNN(24, 12, batch_first=True)",
        "x, _ = self.one(self.act(x.flatten(1)).unsqueeze(1))\nreturn self.two(x)[0]",
        "24",
    ),
    (
        "a_layer_that_follows_itself",
        "self.one = nn.Linear(48, 24)\nself.two = nn.Linear(24, 2)",
        "return self.two(self.one(self.one(x.flatten(1))))",
        "48",
    ),
]


@pytest.mark.parametrize(("init", "forward", "text"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND])
def test_a_mistake_between_layers_is_found(linter: Linter, init: str, forward: str, text: str) -> None:
    assert linter(net(init, forward)).the_finding.text == text


def test_where_another_rank_runs_nothing_is_said(linter: Linter) -> None:
    init = "self.one = nn.Linear(8, 6)\nself.two = nn.Linear(5, 4)"
    forward = "x = torch.relu(x)\nif x.dim() == 3:\n    return x * 2\nreturn self.two(self.one(x.flatten(1)[:, :8]))"
    assert not linter(net(init, forward)).findings


def test_what_hangs_on_the_size_of_a_guess_is_held_back(linter: Linter) -> None:
    assert not linter(net("self.fc = nn.Linear(120, 10)", "return self.fc(torch.cat([x, x], 1).flatten(1))")).findings


GRAPH = """
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.zeros(20, 8))
        self.two = nn.Parameter(torch.zeros({}, 3))

    def forward(self, x, adj):
        return torch.mm(adj, torch.mm(torch.relu(torch.mm(adj, torch.mm(x, self.one))), self.two))
"""


def test_a_mistake_behind_an_input_that_only_its_name_speaks_for(linter: Linter) -> None:
    found = linter(GRAPH.format(20)).the_finding
    assert found.short[:3] == ("matmul", 20, 8)
    assert found.node is not None
    assert found.node.target == "torch.mm"
    assert linter(GRAPH.format(8)).is_clean()


BAGS = net(
    "self.a = nn.EmbeddingBag(50, 8)\nself.b = nn.Linear(6, 2)", "return self.b(self.a(x, offsets))", "x, offsets"
)


def test_a_mistake_behind_bags_that_begin_anywhere(linter: Linter) -> None:
    assert linter(BAGS).the_finding.text == "6"
    assert linter(BAGS.replace("6", "8")).is_clean()

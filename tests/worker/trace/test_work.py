"""Budgets of work: what stands where one is used up, and that nothing else is said."""

from __future__ import annotations

import pytest
import torch
from examined import examined, found
from torch import nn

from convlint.facts import Reason
from convlint.worker.trace.work import WorkBudget, WorkSpent, limited, spend, unlimited

LIMITS = (60, 250, 1000)


class Conditional(nn.Module):
    """Right for x [B, 4, 16, 16], t [B] and y [B]; the ranks of `t` and `y` are a guess without these."""

    def __init__(self, head: int = 64) -> None:
        super().__init__()
        self.patch = nn.Conv2d(4, 64, 2, 2)
        self.pos = nn.Parameter(torch.zeros(1, 64, 64))
        self.label = nn.Embedding(11, 64)
        self.body = nn.ModuleList(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True) for _ in range(4))
        self.head = nn.Linear(head, 32)

    def forward(self, x: torch.Tensor, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        _, _, height, width = x.shape
        assert (height, width) == (16, 16)
        x = self.patch(x).flatten(2).transpose(1, 2) + self.pos
        c = self.label(y) + t[:, None]
        for layer in self.body:
            x = layer(x + c[:, None])
        out: torch.Tensor = self.head(x)
        return out


class Wrong(Conditional):
    def __init__(self) -> None:
        super().__init__(48)


class Deep(nn.Module):
    """A mistake between two layers, early in a deep net."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(30))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(torch.relu(self.stem(x)))
        for layer in self.body:
            x = torch.relu(layer(x))
        return x


@pytest.mark.parametrize("steps", LIMITS)
def test_nothing_is_said_of_a_right_model(steps: int) -> None:
    assert found(examined(Conditional, steps)) == []


@pytest.mark.parametrize("steps", LIMITS)
def test_what_is_said_of_a_wrong_model_is_its_mistake(steps: int) -> None:
    assert found(examined(Wrong, steps)) in ([], [("in_features", 48, 64)])


def test_a_mistake_between_layers_stands_where_a_limit_is_reached() -> None:
    examination = examined(Deep, 90, ("B", 3, "H", "W"))
    assert found(examination) == [("num_features", 24, 16)]
    assert examination is not None
    assert examination.guess == Reason(kind="symbolic-work-limit", remainder="code")


def test_it_stands_for_inputs_that_were_found_out() -> None:
    assert found(examined(Deep, 150)) == [("num_features", 24, 16)]


def test_the_same_work_says_the_same() -> None:
    first, second = (examined(Wrong, 700) for _ in range(2))
    assert found(first) == found(second)
    assert (first and first.guess) == (second and second.guess)


def test_work_is_spent_from_every_budget() -> None:
    outer, inner = WorkBudget(10), WorkBudget(3)
    with limited(outer):
        with pytest.raises(WorkSpent) as spent, limited(inner):
            spend(4)
        assert spent.value.budget is inner
        spend(6)
        with unlimited():
            spend(100)
        with pytest.raises(WorkSpent):
            spend(1)
    assert (outer.spent, inner.spent) == (11, 4)
    spend(1000)


class Labelled(nn.Module):
    """Right for x [B, 3, H, W], t [B] and y [B]; each block takes what `t` and `y` are made into."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.label = nn.Embedding(11, 16)
        self.before = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(30))
        self.middle = nn.Conv1d(width, 16, 1)
        self.after = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(30))

    def forward(self, x: torch.Tensor, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        c = torch.relu(self.label(y) + torch.sin(t[:, None] * torch.arange(16)))[:, :, None, None]
        x = self.stem(x)
        for layer in self.before:
            x = layer(torch.relu(x + c))
        batch, channels, height, width = x.shape
        x = self.middle(x.reshape(batch, channels, height * width)).view(batch, 16, height, width)
        for layer in self.after:
            x = layer(torch.relu(x + c))
        return x


def test_inputs_of_deep_models_are_found_out_with_little_work() -> None:
    right, wrong = examined(Labelled, 3000), examined(lambda: Labelled(24), 6000)
    assert right is not None
    assert not right.findings
    assert (right.doubt, right.guess) == (None, None)
    assert found(wrong) == [("in_channels", 24, 16)]


class Narrow(nn.Module):
    """Wrong at every width: one layer asks for 20, and the other for 14 or 15, early in a deep net."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(20, 8), nn.Linear(7, 8)
        self.body = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(20))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.one(x) + self.two(nn.functional.max_pool2d(x, (1, 2)))
        for layer in self.body:
            x = torch.relu(layer(nn.functional.dropout(x, 0.1, self.training)))
        return x


def test_what_is_proved_stands_with_more_work_too() -> None:
    said = [found(examined(Narrow, steps, ("B", 3, "H", "W"))) for steps in (80, 160, 320, 640, 1280, 10_000)]
    assert said[-1]
    first = next(i for i, each in enumerate(said) if each)
    assert all(each == said[-1] for each in said[first:])
    assert first < len(said) - 2

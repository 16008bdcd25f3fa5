"""Mistakes in deep nets: each costs no more work than the right net, and is one finding."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch
from examined import examined, found
from torch import nn
from tracing import PREAMBLE, Linter

from convlint.worker.analysis.solving.domain import Axis, Domain, fates, none_left_at
from convlint.worker.analysis.verdict.ways import asks_for_rank
from convlint.worker.trace.trail import Assumption, Event, Key, Requirement

RECURRENT = """
class Recurrent(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3{padding})

    def forward(self, x):
        once = self.conv(x)
        return self.conv(x + once)


class Block(nn.Module):
    def __init__(self, before, width):
        super().__init__()
        self.first = nn.Conv2d(before, width, 1)
        self.body = nn.Sequential(Recurrent(width), Recurrent(width))

    def forward(self, x):
        x = self.first(x)
        return x + self.body(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.down = nn.ModuleList([Block(3, 8), Block(8, 16), Block(16, 32), Block(32, 64)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(width, width // 2, 2, 2) for width in (64, 32, 16)])
        self.merge = nn.ModuleList([Block(width, width // 2) for width in (64, 32, 16)])

    def forward(self, x):
        kept = []
        for block in self.down:
            x = block(self.pool(x) if kept else x)
            kept.append(x)
        for up, merge, skip in zip(self.up, self.merge, kept[-2::-1]):
            x = merge(torch.cat((skip, up(x)), 1))
        return x
"""


def test_a_sum_that_fits_tiny_images_by_chance_is_the_mistake_and_not_what_conflicts_with_it(linter: Linter) -> None:
    source = PREAMBLE + RECURRENT.replace("{padding}", "")
    assert linter.torch_refuses(source, ("B", 3, 64, 64))
    assert linter.torch_refuses(source, ("B", 3, 3, 3))
    checked = linter(source)
    assert checked.model.status == "checked", checked.model.reason
    assert {finding.violation.name for finding in checked.findings} == {"broadcast"}
    assert {source.splitlines()[finding.place.row - 1].strip() for finding in checked.findings} <= {
        "return self.conv(x + once)",
        "return x + self.body(x)",
        "self.conv = nn.Conv2d(width, width, 3)",
    }


def test_the_right_net_is_clean(linter: Linter) -> None:
    source = PREAMBLE + RECURRENT.replace("{padding}", ", padding=1")
    assert linter.torch_runs(source, ("B", 3, 64, 64)) is not None
    assert linter(source).is_clean()


class Heard(nn.Module):
    """Takes x [B, T, 40] and lengths, which have no part in what is wrong with it."""

    def __init__(self, head: int = 48) -> None:
        super().__init__()
        self.sub = nn.Conv2d(1, 8, 3, 2)
        self.inner = nn.Linear(8 * 19, 48)
        self.body = nn.ModuleList(nn.TransformerEncoderLayer(48, 4, 96, batch_first=True) for _ in range(4))
        self.head = nn.Linear(head, 10)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.sub(x.unsqueeze(1))
        batch, channels, steps, features = x.size()
        x = self.inner(x.permute(0, 2, 1, 3).contiguous().view(batch, steps, channels * features))
        for layer in self.body:
            x = layer(x)
        return self.head(x[:, 0]), lengths // 2


class Misheard(Heard):
    def __init__(self) -> None:
        super().__init__(24)


class Tokens(nn.Module):
    """Takes tokens and segments, both [B, T]."""

    def __init__(self, head: int = 32) -> None:
        super().__init__()
        self.token, self.segment = nn.Embedding(100, 32), nn.Embedding(3, 32)
        self.body = nn.ModuleList(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True) for _ in range(6))
        self.head = nn.Linear(head, 2)

    def forward(self, x: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        x = self.token(x) + self.segment(kinds)
        for layer in self.body:
            x = layer(x)
        out: torch.Tensor = self.head(x[:, 0])
        return out


class WrongTokens(Tokens):
    def __init__(self) -> None:
        super().__init__(2)


@pytest.mark.parametrize(
    ("right", "wrong", "shapes", "expected"),
    [
        (Heard, Misheard, ((5, 64, 40), (5,)), ("in_features", 24, 48)),
        (Tokens, WrongTokens, ((5, 9), (5, 9)), ("in_features", 2, 32)),
    ],
)
def test_a_mistake_behind_guessed_inputs_is_found_with_the_work_of_one_model(
    right: type[nn.Module], wrong: type[nn.Module], shapes: tuple[tuple[int, ...], ...], expected: tuple[str, int, int]
) -> None:
    given = [torch.zeros(*shape, dtype=torch.int64 if len(shape) < 3 else torch.float32) for shape in shapes]
    right()(*given)
    with pytest.raises(RuntimeError):
        wrong()(*given)
    assert found(examined(right, 10_000)) == []
    assert found(examined(wrong, 10_000)) == [expected]


class HasDim(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dim = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(self.dim)


class AsksForDims(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) if x.dim() > 2 else x


def test_what_a_layer_was_made_with_is_no_question_of_a_tensor() -> None:
    assert not asks_for_rank(HasDim())
    assert asks_for_rank(AsksForDims())


H, W = (sympy.Symbol(name, integer=True, positive=True) for name in "HW")


@pytest.mark.parametrize("size", [3, 80])
def test_few_points_that_are_left_of_many_have_the_same_fates(size: int) -> None:
    def requirement(condition: sympy.Basic, name: str) -> Requirement:
        key: Key = (name, "need", "x")
        return Requirement("need", "x", condition, sympy.Integer(0), sympy.Integer(0), key)

    events: list[Event] = [
        requirement(sympy.Eq(H, size), "a"),
        Assumption(sympy.Ge(W, 50)),
        requirement(sympy.Le(H * W, 9000), "b"),
    ]
    sides = np.arange(2, 130, dtype=np.int64)
    whole = fates(Domain((Axis((H,), sides), Axis((W,), sides)), {}), events)
    rows = [fates(Domain((Axis((W,), sides),), {H: int(side)}), events) for side in sides]
    assert (whole == np.stack(rows)).all()
    wide = Domain((Axis((H,), sides), Axis((W,), sides)), {})
    assert none_left_at(wide, [*events, requirement(sympy.Ne(H, size), "c")]) == 3
    assert none_left_at(wide, events) is None

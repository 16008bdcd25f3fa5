"""Mistakes between plain numbers are decided without a search over sizes, and only where every size comes to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from convlint.inputspec import InputSpec
from convlint.worker.analysis.session import Run, TraceSession, run_spec_of
from convlint.worker.analysis.solving.constants import is_of_layers, unconditional
from convlint.worker.build.skeleton import Sites, building, make_fake
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.symbols import new_env
from convlint.worker.trace.input import declared

Forward = Callable[["Net", torch.Tensor], torch.Tensor]


class Net(nn.Module):
    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(24)
        self.last, self.fc, self.head = nn.Conv2d(24, 8, 1), nn.Linear(8, 4), nn.Linear(6, 2)
        self._forward = forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._forward(self, x)


def traced(forward: Forward, *shape: int | str) -> Run:
    mode, sites = new_mode(new_env()), Sites()
    with building(mode, sites):
        model = Net(forward)
    make_fake(model, mode)
    inputs = declared(model, (InputSpec(shape=shape or ("B", 3, "H", "W")),), "the test")
    return TraceSession(model, mode, sites, lambda name: name == __file__).run(run_spec_of(inputs))


def at_once(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.norm(net.conv(x).relu())  # type: ignore[no-any-return]


def behind_a_branch(net: Net, x: torch.Tensor) -> torch.Tensor:
    return at_once(net, x) if x.shape[2] > 100 else x


def in_a_loop(net: Net, x: torch.Tensor) -> torch.Tensor:
    for _ in x.unbind(2)[3:]:
        x = at_once(net, x)
    return x


def behind_torchs_own_question(net: Net, x: torch.Tensor) -> torch.Tensor:
    return at_once(net, x + x[:, :, :1] * torch.ones(3, 1, 1))


@pytest.mark.parametrize(
    ("forward", "count"), [(at_once, 1), (behind_a_branch, 0), (in_a_loop, 0), (behind_torchs_own_question, 1)]
)
def test_only_what_every_size_comes_to(forward: Forward, count: int) -> None:
    assert len(list(unconditional(traced(forward)))) == count


def through_a_cat(net: Net, x: torch.Tensor) -> torch.Tensor:
    x = net.conv(x)
    return net.last(torch.cat([x, nn.functional.max_pool2d(x, 1)], dim=1))  # type: ignore[no-any-return]


def from_the_input(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.last(x * 2)  # type: ignore[no-any-return]


def through_a_view(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.fc(net.conv(x).mean((2, 3)))  # type: ignore[no-any-return]


def between_linears(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.head(net.fc(torch.ones(2, 8) * x.mean()).relu())  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (at_once, [True]),
        (through_a_cat, [True]),
        (from_the_input, [False]),
        (through_a_view, [False]),
        (between_linears, [True]),
    ],
)
def test_of_which_mistakes_no_input_has_a_part(forward: Forward, expected: list[bool]) -> None:
    run = traced(forward)
    assert [is_of_layers(run, requirement) for requirement in run.trace.trail.broken()] == expected

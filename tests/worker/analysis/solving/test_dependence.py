"""Whether a number inside of a model depends on the sizes of its images: held against a run at other sizes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from convlint.inputspec import InputSpec
from convlint.worker.analysis.session import Run, TraceSession, run_spec_of
from convlint.worker.analysis.solving.dependence import is_apart_from_sizes
from convlint.worker.build.skeleton import Sites, building, make_fake
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.symbols import new_env
from convlint.worker.trace.input import declared

Forward = Callable[["Net", torch.Tensor], torch.Tensor]


class Net(nn.Module):
    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.conv, self.norm, self.same = nn.Conv2d(3, 16, 4, stride=4), nn.LayerNorm(16), nn.Identity()
        self.qkv, self.token = nn.Linear(16, 48), nn.Parameter(torch.zeros(1, 1, 16))
        self.wrong, self.wrong_conv = nn.Linear(7, 2), nn.Conv2d(7, 2, 1)
        self._forward = forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._forward(self, x)


def traced(forward: Forward, size: int) -> Run:
    mode, sites = new_mode(new_env()), Sites()
    with building(mode, sites):
        model = Net(forward)
    make_fake(model, mode)
    inputs = declared(model, (InputSpec(shape=("B", 3, size, size)),), "the test")
    return TraceSession(model, mode, sites, lambda name: name == __file__).run(run_spec_of(inputs))


def tokens(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.norm(net.conv(x).flatten(2).transpose(1, 2))  # type: ignore[no-any-return]


def heads(net: Net, x: torch.Tensor) -> torch.Tensor:
    y = tokens(net, x)
    q, k, v = net.qkv(y).view(y.shape[0], -1, 3, 4, 4).permute(2, 0, 3, 1, 4).unbind(0)
    return nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2) + net.same(y)  # type: ignore[no-any-return]


def with_token(net: Net, x: torch.Tensor) -> torch.Tensor:
    y = torch.cat([net.token.expand(x.shape[0], -1, -1), tokens(net, x)], dim=1)
    return y[:, 0]


def halves(net: Net, x: torch.Tensor) -> torch.Tensor:
    one, other = net.conv(x).chunk(2, dim=1)
    return torch.cat([one, torch.roll(other, 1, 2)], dim=1).mean((2, 3))


def by_weights(net: Net, x: torch.Tensor) -> torch.Tensor:
    return nn.functional.linear(tokens(net, x), net.qkv.weight)


def flat(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.conv(x).flatten(1)  # type: ignore[no-any-return]


def places(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.conv(x).flatten(2)  # type: ignore[no-any-return]


def scores(net: Net, x: torch.Tensor) -> torch.Tensor:
    y = tokens(net, x)
    return y @ y.transpose(1, 2)


def joined(net: Net, x: torch.Tensor) -> torch.Tensor:
    y = places(net, x)
    return torch.cat([y, y], dim=-1)


@pytest.mark.parametrize("forward", [tokens, heads, with_token, halves, by_weights])
def test_features_that_layers_declare_are_apart_from_sizes(forward: Forward) -> None:
    one, other = _numbers(forward)
    assert one == other
    assert _is_apart(forward)


@pytest.mark.parametrize("forward", [flat, places, scores, joined])
def test_what_other_sizes_change_is_not(forward: Forward) -> None:
    one, other = _numbers(forward)
    assert one != other
    assert not _is_apart(forward)


def test_the_features_of_a_map_laid_out_last() -> None:
    def last(net: Net, x: torch.Tensor) -> torch.Tensor:
        return net.wrong_conv(net.conv(x).permute(0, 2, 3, 1).permute(0, 3, 1, 2))  # type: ignore[no-any-return]

    run = traced(last, 32)
    assert [is_apart_from_sizes(run, requirement) for requirement in run.trace.trail.broken()] == [True]


def _is_apart(forward: Forward) -> bool:
    run = traced(lambda net, x: net.wrong(forward(net, x)), 32)
    return all(is_apart_from_sizes(run, requirement) for requirement in run.trace.trail.broken())


def _numbers(forward: Forward) -> tuple[object, ...]:
    """What comes to the wrong layer for images of two sizes."""
    runs = [traced(lambda net, x: net.wrong(forward(net, x)), size) for size in (32, 48)]
    return tuple(run.trace.trail.broken()[0].actual for run in runs)

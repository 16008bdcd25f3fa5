"""A number that is worked out step by step is the one that torch gives, at every place of what a layer gives."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from torch import nn
from torch.nn.parameter import is_lazy

from convlint.explain.values import agrees
from convlint.facts import Breakdown
from convlint.worker.ops.breakdown.case import NotShown
from convlint.worker.ops.registry import operators
from convlint.worker.verify.taken_apart import taken_apart

QUICK = settings(max_examples=12, deadline=None)
MOST = 60  # places of one output
Net = tuple[nn.Module, torch.Tensor]


def numbers(*shape: int) -> torch.Tensor:
    return torch.rand(shape) - 0.5


def filled(layer: nn.Module) -> nn.Module:
    """With numbers for weights: where a trace was made before, `torch.nn.init` leaves them as memory was."""
    with torch.no_grad():
        for p in layer.parameters():
            if not is_lazy(p):
                p.uniform_(-1, 1)
    return layer.eval()


def call(layer: nn.Module, x: torch.Tensor, at: tuple[int, ...] | None = None) -> Breakdown:
    with torch.no_grad():
        return taken_apart(layer, "layer", ((x,), {}), filled(layer)(x), at)


def told(layer: nn.Module, x: torch.Tensor) -> list[Breakdown]:
    """The numbers of the first sample, of many the corners and some between, each held against torch."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "same" padding of even kernels
        output = filled(layer)(x)
        first = taken_apart(layer, "layer", ((x,), {}), output, None)
        places = list(itertools.product(*map(range, first.sizes)))
        places = [*places[:: -(-len(places) // MOST)], places[-1]]
        found = [taken_apart(layer, "layer", ((x,), {}), output, at) for at in places]
    for one in found:
        assert agrees(one), (layer, one)
        assert one.total == pytest.approx(one.given, rel=1e-4, abs=1e-5, nan_ok=True), (layer, one)
    assert found[0].model_dump_json() == first.model_dump_json()
    return found


def each(draw: DrawFn, spatial: int, least: int, most: int) -> tuple[int, ...]:
    return tuple(draw(st.integers(least, most)) for _ in range(spatial))


@st.composite
def convolutions(draw: DrawFn) -> Net:
    spatial, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    inside, outside = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[spatial - 1]
    is_same = draw(st.booleans())
    given = {
        "stride": 1 if is_same else each(draw, spatial, 1, 3),
        "padding": "same" if is_same else each(draw, spatial, 0, 2),
        "padding_mode": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        "dilation": each(draw, spatial, 1, 2),
    }
    layer = kind(inside, outside, each(draw, spatial, 1, 3), groups=groups, bias=draw(st.booleans()), **given)
    batch = draw(st.sampled_from([(), (2,)]))
    return layer, numbers(*batch, inside, *each(draw, spatial, 5, 6 if spatial < 3 else 5))


@st.composite
def transposed(draw: DrawFn) -> Net:
    spatial, groups = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    inside, outside = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 2))
    kind = (nn.ConvTranspose1d, nn.ConvTranspose2d)[spatial - 1]
    stride, dilation = each(draw, spatial, 2, 4), each(draw, spatial, 1, 3)
    padding, extra = each(draw, spatial, 0, 1), each(draw, spatial, 0, 1)
    kernel = each(draw, spatial, 2, 3)
    layer = kind(inside, outside, kernel, stride, padding, extra, groups, draw(st.booleans()), dilation)
    return layer, numbers(2, inside, *each(draw, spatial, 2, 3))


@st.composite
def pools(draw: DrawFn) -> Net:
    spatial = draw(st.integers(1, 3))
    kernel, ceil_mode = draw(st.integers(2, 3)), draw(st.booleans())
    given = {"stride": draw(st.integers(1, 3)), "padding": draw(st.integers(0, 1)), "ceil_mode": ceil_mode}
    x = numbers(2, 2, *each(draw, spatial, 5, 6))  # 3 with a dilation of 2 reach over 5
    match draw(st.integers(0, 3)):
        case 0:
            kind: Any = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[spatial - 1]
            return kind(kernel, dilation=draw(st.integers(1, 2)), return_indices=draw(st.booleans()), **given), x
        case 1:
            kind = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)[spatial - 1]
            divisor = {"divisor_override": draw(st.sampled_from([None, 5]))} if spatial > 1 else {}
            return kind(kernel, count_include_pad=draw(st.booleans()), **given, **divisor), x
        case 2:
            kind = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)[spatial - 1]
            return kind(draw(st.integers(1, 4))), x
        case _:
            kind = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[spatial - 1]
            return kind(draw(st.integers(1, 4))), x


@QUICK
@given(convolutions())
def test_convolutions(net: Net) -> None:
    for one in told(*net):
        assert one.total == pytest.approx(sum(share.total for share in one.shares) + one.rest + (one.bias or 0.0))


@QUICK
@given(transposed())
def test_transposed_convolutions(net: Net) -> None:
    told(*net)


@QUICK
@given(pools())
def test_pools(net: Net) -> None:
    told(*net)


def trained(layer: nn.Module, *shape: int) -> nn.Module:
    """With running numbers, weights and biases that are not those of the start."""
    layer.train()(numbers(*shape) * 3 + 1)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -1, 1)
    return layer


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (trained(nn.BatchNorm1d(3), 8, 3), (4, 3)),
        (trained(nn.BatchNorm2d(3), 8, 3, 2, 2), (2, 3, 2, 2)),
        (nn.BatchNorm1d(3, affine=False, track_running_stats=False), (4, 3, 2)),
        (trained(nn.InstanceNorm2d(3, affine=True), 2, 3, 4, 4), (2, 3, 2, 2)),
        (trained(nn.InstanceNorm1d(3, track_running_stats=True), 2, 3, 4), (2, 3, 4)),
        (trained(nn.GroupNorm(2, 4), 2, 4, 3), (2, 4, 3)),
        (trained(nn.LayerNorm((2, 4)), 2, 4), (2, 3, 2, 4)),
        (nn.LayerNorm(4, bias=False), (4,)),
        (nn.LayerNorm(1, eps=0.0), (2, 1)),
        (nn.Linear(5, 3), (2, 2, 5)),
        (nn.Linear(5, 3, bias=False), (5,)),
        (nn.LazyConv2d(2, 2), (1, 2, 3, 3)),
        (nn.Linear(5, 3).double(), (2, 5)),
        (nn.Conv2d(3, 2, 3).bfloat16(), (1, 3, 4, 4)),
        (nn.Linear(64, 2).half(), (2, 64)),
    ],
    ids=repr,
)
def test_other_layers(layer: nn.Module, shape: tuple[int, ...]) -> None:
    dtype = next((parameter.dtype for parameter in layer.parameters()), torch.float32)
    x = numbers(*shape).to(dtype)
    if dtype in (torch.float32, torch.float64):
        told(layer, x)
    else:
        assert agrees(call(layer, x))


def test_an_embedding_takes_a_row() -> None:
    layer = nn.Embedding(7, 12)
    found = told(layer, torch.tensor([[3, 6], [0, 0]]))
    assert {one.at[0]: one.shares[0].title for one in found} == {0: "row 3", 1: "row 6"}


def test_of_many_channels_a_few_are_kept() -> None:
    one = call(nn.Conv2d(512, 2, 3), numbers(1, 512, 3, 3))
    assert (len(one.shares), one.more, one.terms) == (4, 508, 512 * 9 + 1)
    assert one.total == pytest.approx(sum(share.total for share in one.shares) + one.rest + one.bias)


def test_of_a_large_window_a_corner_is_kept() -> None:
    (share,) = call(nn.AdaptiveAvgPool2d(1), numbers(1, 1, 20, 5)).shares
    assert (share.sizes, share.shown, len(share.numbers)) == ((20, 5), (8, 5), 40)


def test_what_lies_in_the_padding_is_marked() -> None:
    one = call(nn.Conv2d(1, 1, 2, padding=1), numbers(1, 1, 2, 2))
    assert [axis.input for axis in one.window] == [(None, 0), (None, 0)]
    assert one.shares[0].padding == (0, 1, 2)


def test_a_place_that_no_input_reaches_is_the_bias() -> None:
    layer = nn.ConvTranspose1d(2, 1, 1, stride=3)
    one = call(layer, numbers(1, 2, 3), (0, 1))
    assert (one.total, one.shares[0].numbers) == (one.bias, ())


class Doubled(nn.Conv2d):
    def _conv_forward(self, *args: Any) -> torch.Tensor:
        return 2 * super()._conv_forward(*args)


@pytest.mark.parametrize(
    ("layer", "x", "at", "reason"),
    [
        (nn.Conv2d(1, 2, 2), numbers(1, 1, 4, 5), (2, 0, 0), "outside of the output of layer, which is 2x3x4"),
        (nn.Conv2d(1, 2, 2), numbers(1, 1, 4, 5), (0, 0), "write channel,row,column"),
        (nn.Linear(4, 2), numbers(2, 3, 4), (0,), "write position,feature"),
        (nn.Linear(4, 2), numbers(0, 4), None, "empty batch"),
        (nn.Conv1d(1, 2, 2, dtype=torch.complex64), numbers(1, 1, 4).to(torch.complex64), None, "complex"),
        (nn.ReLU(), numbers(2), None, "layer (ReLU) is of a kind whose values are not shown"),
        (Doubled(1, 2, 2), numbers(1, 1, 4, 5), None, "torch's own convolutions"),
    ],
)
def test_what_is_not_shown_says_why(layer: nn.Module, x: torch.Tensor, at: Any, reason: str) -> None:
    with pytest.raises(NotShown) as caught:
        call(layer, x, at)
    assert reason in str(caught.value)


def test_every_kind_is_torchs_own() -> None:
    kinds = [kind for op in operators() if op.breakdown is not None for kind in op.layers]
    assert all(kind.__module__.startswith("torch.nn.modules.") for kind in kinds)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_wrong_tap_is_noticed(dtype: str) -> None:
    one = call(nn.Conv2d(2, 1, 3), numbers(1, 2, 5, 5)).model_copy(update={"dtype": dtype})
    assert not agrees(one.model_copy(update={"given": one.total + one.scale / 2}))


def test_numbers_that_are_not_finite_agree_where_they_should() -> None:
    one = call(nn.Linear(2, 1), torch.tensor([[float("nan"), 1.0]]))
    assert agrees(one)
    assert Breakdown.model_validate_json(one.model_dump_json()).model_dump_json() == one.model_dump_json()
    large = call(nn.Linear(2, 1), numbers(1, 2)).model_copy(update={"dtype": "float16", "given": float("inf")})
    assert agrees(large.model_copy(update={"total": 70000.0}))
    assert not agrees(large)

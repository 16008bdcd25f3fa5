"""One run in symbols says of every size what torch does there: the shape, or that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from symbolic import AXES, Calls, Case, Sizes, check, said
from torch import nn
from torch.nn import functional as F  # noqa: N812

from convlint.worker.ops.call import Call
from convlint.worker.ops.op import same
from convlint.worker.ops.registry import operators
from convlint.worker.ops.results import result_shape
from convlint.worker.torch_private.symbols import expr_of

QUICK = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_average_of_volumes_wants_the_kernel_unpadded(warm: None) -> None:
    sizes = {"B": 2, "D": 4, "H": 4, "W": 4}
    check(Case(nn.AvgPool3d(3, padding=1), ("B", 3, "D", "H", "W"), sizes))


def test_average_of_volumes_smaller_than_the_kernel(warm: None) -> None:
    sizes = {"B": 2, "D": 2, "H": 2, "W": 2}
    check(Case(nn.AvgPool3d(3, padding=1), ("B", 3, "D", "H", "W"), sizes))


def per_dim(rank: int, low: int, high: int) -> SearchStrategy[int | tuple[int, ...]]:
    number = st.integers(low, high)
    return number | st.tuples(*[number] * rank)


def drawn_sizes(draw: DrawFn, rank: int, batch: bool = True) -> Sizes:
    largest = {1: 40, 2: 20, 3: 10}[rank]
    sizes = {axis: draw(st.integers(2, largest)) for axis in AXES[rank]}
    return {"B": draw(st.integers(2, 4)), **sizes} if batch else sizes


@st.composite
def convolutions(draw: DrawFn, rank: int, transposed: bool) -> Case:
    groups = draw(st.sampled_from([1, 1, 2]))
    channels, outside = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    options: dict[str, Any] = {
        "kernel_size": draw(per_dim(rank, 1, 4)),
        "dilation": draw(per_dim(rank, 1, 2)),
        "groups": groups,
    }
    if transposed:
        options["stride"] = draw(per_dim(rank, 2, 3))
        options["padding"] = draw(per_dim(rank, 0, 2))
        options["output_padding"] = draw(per_dim(rank, 0, 1))
    else:
        padding = draw(per_dim(rank, 0, 3) | st.sampled_from(["same", "valid"]))
        options["padding"] = padding
        options["stride"] = 1 if padding == "same" else draw(per_dim(rank, 1, 3))
    name = f"Conv{'Transpose' if transposed else ''}{rank}d"
    layer = getattr(nn, name)(channels, outside, **options)
    return Case(layer, ("B", channels, *AXES[rank]), drawn_sizes(draw, rank))


@pytest.mark.parametrize("transposed", [False, True], ids=["plain", "transposed"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolutions(warm: None, rank: int, transposed: bool) -> None:
    @QUICK
    @given(convolutions(rank, transposed))
    def every(case: Case) -> None:
        check(case)

    every()


@st.composite
def functional_convolutions(draw: DrawFn) -> Case:
    stride, padding, dilation = draw(per_dim(2, 1, 3)), draw(per_dim(2, 0, 2)), draw(per_dim(2, 1, 2))
    weight = torch.zeros(4, 3, draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    model = Calls(lambda x: F.conv2d(x, weight.to(x), None, stride, padding, dilation))
    return Case(model, ("B", 3, "H", "W"), drawn_sizes(draw, 2))


@QUICK
@given(functional_convolutions())
def test_functional_convolutions(warm: None, case: Case) -> None:
    check(case)


@st.composite
def pools(draw: DrawFn, rank: int, kind: str, as_layer: bool) -> Case:
    kernel = draw(st.integers(1, 4))
    options: dict[str, Any] = {"ceil_mode": draw(st.booleans())}
    if draw(st.booleans()):
        options["stride"] = draw(st.integers(1, 4))
    options["padding"] = draw(st.integers(0, kernel // 2))
    if kind == "Max":
        options["dilation"] = draw(st.integers(1, 2))
    if as_layer:
        model: nn.Module = getattr(nn, f"{kind}Pool{rank}d")(kernel, **options)
    else:
        function = getattr(F, f"{kind.lower()}_pool{rank}d")
        model = Calls(lambda x: function(x, kernel, **options))
    sizes = drawn_sizes(draw, rank)
    return Case(model, ("B", 3, *AXES[rank]), sizes)


@pytest.mark.parametrize("as_layer", [True, False], ids=["layer", "function"])
@pytest.mark.parametrize("kind", ["Max", "Avg"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pools(warm: None, rank: int, kind: str, as_layer: bool) -> None:
    @QUICK
    @given(pools(rank, kind, as_layer))
    def every(case: Case) -> None:
        check(case)

    every()


@st.composite
def adaptive_pools(draw: DrawFn) -> Case:
    rank = draw(st.integers(1, 3))
    kind = draw(st.sampled_from(["Avg", "Max"]))
    target: Any = draw(st.integers(1, 6))
    if rank > 1 and draw(st.booleans()):
        target = tuple(draw(st.lists(st.none() | st.integers(1, 6), min_size=rank, max_size=rank)))
    return Case(getattr(nn, f"Adaptive{kind}Pool{rank}d")(target), ("B", 3, *AXES[rank]), drawn_sizes(draw, rank))


@QUICK
@given(adaptive_pools())
def test_adaptive_pools(warm: None, case: Case) -> None:
    check(case)


@st.composite
def paddings(draw: DrawFn) -> Case:
    rank = draw(st.integers(1, 3))
    mode = draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    pads = tuple(draw(st.lists(st.integers(0, 4), min_size=2 * rank, max_size=2 * rank)))
    names = {"constant": "Zero", "reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
    model: nn.Module = Calls(lambda x: F.pad(x, pads, mode=mode))
    if draw(st.booleans()):
        model = getattr(nn, f"{names[mode]}Pad{rank}d")(pads)
    return Case(model, ("B", 3, *AXES[rank]), drawn_sizes(draw, rank))


@settings(QUICK, max_examples=40)
@given(paddings())
def test_paddings(warm: None, case: Case) -> None:
    check(case)


@pytest.mark.parametrize("mode", ["reflect", "circular", "replicate"])
def test_convolutions_that_pad_with_the_image(warm: None, mode: str) -> None:
    for size in range(1, 7):
        layer = nn.Conv2d(3, 4, 3, padding=(2, 3), padding_mode=mode)
        check(Case(layer, ("B", 3, "H", "W"), {"B": 2, "H": size, "W": 6}))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: F.pad(x.permute(0, 3, 1, 2), (1, 1, 2, 2), mode="reflect"),
        lambda x: F.interpolate(x.permute(0, 3, 1, 2), scale_factor=1.5),
        lambda x: F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), (3, None)),
        lambda x: torch.zeros(1, 3, 1, 1).expand(x.shape[0], -1, x.shape[1], x.shape[2]),
        lambda x: F.max_pool2d(x.permute(0, 3, 1, 2).relu(), 3, ceil_mode=True),
        lambda x: x.movedim(-1, 1).unsqueeze(1).flatten(1, 2),
    ],
)
def test_no_size_is_made_a_number(warm: None, call: Callable[[torch.Tensor], torch.Tensor]) -> None:
    run = Case(Calls(call), ("B", "H", "W", 3), {}).run()
    sizes = [expr_of(size) for size in run.trace.output.shape]
    assert sizes[0] == run.symbols["B"]
    assert run.symbols["W"] in sizes[3].free_symbols


def test_a_mask_times_numbers_is_numbers(warm: None) -> None:
    run = Case(Calls(lambda x: (x > 0) * x), ("B", 3), {}).run()
    assert run.trace.output.dtype == torch.float32


@st.composite
def flattenings(draw: DrawFn) -> Case:
    start, end = draw(st.integers(-4, 3)), draw(st.integers(-4, 3))
    as_layer = draw(st.booleans())
    model = nn.Flatten(start, end) if as_layer else Calls(lambda x: torch.flatten(x, start, end))
    return Case(model, ("B", 3, "H", "W"), drawn_sizes(draw, 2))


@QUICK
@given(flattenings())
def test_flatten(warm: None, case: Case) -> None:
    check(case)


VIEWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "all_but_the_batch": lambda x: x.view(x.size(0), -1),
    "rows": lambda x: x.view(x.size(0), x.size(1), -1),
    "rows_at_the_end": lambda x: x.view(x.size(0), -1, x.size(3)),
    "everything": lambda x: x.view(-1),
    "more_dims": lambda x: x.view(x.size(0), 3, 2, -1, x.size(3)),
    "less_channels": lambda x: x.reshape(x.size(0), 2, -1, x.size(2), x.size(3)),
    "numbers": lambda x: x.reshape(x.size(0), 6, 4, -1),
    "a_tuple": lambda x: torch.reshape(x, (x.size(0), -1, 6)),
    "batch_and_rest": lambda x: x.view(x.size(0) * x.size(1), x.size(2), x.size(3)),
    "halves": lambda x: x.view(x.size(0), 6, x.size(2) // 2, 2, x.size(3)),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views(warm: None, view: Callable[[torch.Tensor], torch.Tensor]) -> None:
    run = Case(Calls(view), ("B", 6, "H", "W"), {}).run()
    for sizes in ({"B": 2, "H": 4, "W": 8}, {"B": 3, "H": 5, "W": 7}, {"B": 4, "H": 12, "W": 2}):
        verdict = said(run, sizes)
        if verdict != "elsewhere":
            assert verdict == Case(Calls(view), ("B", 6, "H", "W"), sizes).in_torch()


# With one channel wide (`y`), one row high (`r`) and a scalar (`s`).
ARITHMETIC: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "add": lambda x: x + x,
    "add_number": lambda x: 2 * x + 1,
    "add_weight": lambda x: x + torch.ones(6, 1, 1),
    "multiply_mean": lambda x: x * x.mean((2, 3), keepdim=True),
    "divide_by_row": lambda x: x / x.sum(3, keepdim=True),
    "subtract_lower_rank": lambda x: x - x[0],
    "outer": lambda x: x[:, :, :, 0].unsqueeze(3) * x[:, :, 0].unsqueeze(2),
    "maximum": lambda x: torch.maximum(x, torch.zeros(())),
    "in_place": lambda x: x.clone().add_(x.mean(1, keepdim=True)),
    "in_place_relu": lambda x: F.relu(x.clone(), inplace=True),
    "in_place_operator": lambda x: (x * 1).mul_(2),
    "where": lambda x: torch.where(x > 0, x, x.mean()),
    "lerp": lambda x: torch.lerp(x, x * 2, 0.5),
    "addcmul": lambda x: torch.addcmul(x, x, x, value=2),
    "shifted": lambda x: x[:, :, 1:] - x[:, :, :-1],
    "fitting_by_chance": lambda x: x + x.transpose(2, 3),
    "cat_channels": lambda x: torch.cat([x, x[:, :2]], 1),
    "cat_rows": lambda x: torch.cat([x, x[:, :, :1], x], -2),
    "cat_batch": lambda x: torch.cat([x, x]),
    "cat_of_one": lambda x: torch.cat([x], 1),
    "linear": lambda x: F.linear(x.mean((2, 3)), torch.zeros(4, 6)),
    "matmul": lambda x: x @ x.transpose(2, 3),
    "matmul_weight": lambda x: torch.matmul(x.transpose(1, 3), torch.zeros(6, 5)),
    "bmm": lambda x: torch.bmm(x[:, 0], x[:, 1].transpose(1, 2)),
    "einsum": lambda x: torch.einsum("bchw,bdhw->bcd", x, x),
    "softmax": lambda x: F.softmax(x, 1),
    "normalise": lambda x: F.normalize(x.flatten(1)),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1)),
    "interpolate": lambda x: F.interpolate(x, scale_factor=2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
}


@pytest.mark.parametrize("call", ARITHMETIC.values(), ids=ARITHMETIC)
def test_arithmetic(warm: None, call: Callable[[torch.Tensor], torch.Tensor]) -> None:
    run = Case(Calls(call), ("B", 6, "H", "W"), {}).run()
    decided = 0
    for sizes in ({"B": 2, "H": 4, "W": 8}, {"B": 3, "H": 5, "W": 7}, {"B": 4, "H": 6, "W": 6}):
        verdict = said(run, sizes)
        if verdict != "elsewhere":
            decided += 1
            assert verdict == Case(Calls(call), ("B", 6, "H", "W"), sizes).in_torch()
    assert decided


SAME = sorted({kind for op in operators() if op.shape is same for kind in op.layers}, key=lambda kind: kind.__name__)
ARGUMENTS: dict[str, tuple[Any, ...]] = {"Threshold": (0.1, 0.0), "LocalResponseNorm": (2,), "ChannelShuffle": (3,)}


def shape_for(name: str) -> tuple[int | str, ...]:
    rank = next((rank for rank in AXES if name.endswith(f"{rank}d")), 2)
    return ("B", 6, *AXES[rank])


@pytest.mark.parametrize("kind", SAME, ids=lambda kind: kind.__name__)
def test_layers_that_keep_the_shape(warm: None, kind: type[nn.Module]) -> None:
    name = kind.__name__
    arguments = ARGUMENTS.get(name, (6,) if name.startswith("InstanceNorm") else ())
    case = Case(kind(*arguments), shape_for(name), {"B": 3, "D": 4, "H": 5, "W": 7, "L": 9})
    assert said(case.run(), case.sizes) == case.in_torch()


def functional(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    places = (F, torch, torch.Tensor)
    function = next(f for place in places if callable(f := getattr(place, name, None)))
    extra: dict[str, tuple[Any, ...]] = {
        "softmax": (1,),
        "log_softmax": (1,),
        "softmin": (1,),
        "clamp": (0, 1),
        "channel_shuffle": (3,),
        "prelu": (torch.zeros(6),),
        "group_norm": (2,),
        "batch_norm": (torch.zeros(6), torch.ones(6)),
    }
    if name in ("layer_norm", "rms_norm"):
        return lambda x: function(x, (x.shape[-1],))
    return lambda x: function(x, *extra.get(name, ()))


SAME_FUNCTIONS = sorted(
    {
        name.rsplit(".", 1)[1]
        for op in operators()
        if op.shape is same
        for name in op.functions
        if not name.endswith("_")
    }
)


@pytest.mark.parametrize("name", SAME_FUNCTIONS)
def test_functions_that_keep_the_shape(warm: None, name: str) -> None:
    case = Case(Calls(functional(name)), shape_for(name), {"B": 3, "D": 4, "H": 5, "W": 7, "L": 9})
    assert said(case.run(), case.sizes) == case.in_torch()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.bfloat16], ids=str)
def test_the_dtype_is_kept(warm: None, dtype: torch.dtype) -> None:
    run = Case(Calls(lambda x: F.relu(x.to(dtype)) + 1), ("B", 6, "H", "W"), {}).run()
    assert run.trace.output.dtype is dtype


MIXED: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], torch.dtype]] = {
    "double_weight": (lambda x: x + torch.ones(1, dtype=torch.float64), torch.float64),
    "half_first": (lambda x: x.half() * x, torch.float32),
    "comparison": (lambda x: x > x.mean(), torch.bool),
    "double_to_float": (lambda x: F.relu(x.double().float()), torch.float32),
    "softmax_in_another": (lambda x: F.softmax(x.double(), dim=1, dtype=torch.float32), torch.float32),
    "whole_first": (lambda x: torch.ones(6, 1, 1, dtype=torch.int64) * x, torch.float32),
}


@pytest.mark.parametrize(("call", "dtype"), MIXED.values(), ids=MIXED)
def test_dtypes_meet(warm: None, call: Callable[[torch.Tensor], torch.Tensor], dtype: torch.dtype) -> None:
    case = Case(Calls(call), ("B", 6, "H", "W"), {"B": 2, "H": 4, "W": 8})
    assert call(torch.zeros(2, 6, 4, 8)).dtype is dtype
    assert case.run().trace.output.dtype is dtype


EQUATIONS = ["ij,jk->ik", "bhqd,bhkd->bhqk", "bnd,dk->bnk", "bi,bi->b", "bchw->bcw", "ab,c->cab"]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum_by_its_letters(warm: None, equation: str) -> None:
    sizes = {letter: 2 + "abcdhijknqw".index(letter) for letter in equation if letter.isalpha()}
    tensors = [
        torch.zeros([sizes[letter] for letter in term]) for term in equation.split("->", maxsplit=1)[0].split(",")
    ]
    call = Call(None, "torch.einsum", [equation, *tensors], {})  # type: ignore[arg-type]
    assert result_shape(call) == tuple(torch.einsum(equation, *tensors).shape)

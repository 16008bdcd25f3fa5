"""What is written down of strides, held against real tensors in every order of their dims."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from convlint.worker.ops.call import Call
from convlint.worker.ops.result_strides import of_result
from convlint.worker.ops.views import of_view
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.symbols import guard_count, new_env, new_symbol
from convlint.worker.values.strides import Strides, contiguous, of_fake, of_tensor

SIZES = (5, 6, 7, 8, 9)
Operand = torch.Tensor


def in_order(order: tuple[int, ...]) -> torch.Tensor:
    """A dense tensor whose dims are in memory in this order."""
    laid_out = torch.randn([SIZES[dim] for dim in order])
    return laid_out.permute([order.index(dim) for dim in range(len(order))])


def every_order(*ranks: int) -> list[torch.Tensor]:
    return [in_order(order) for rank in ranks for order in permutations(range(rank))]


def call(target: str, *args: Any, layer: nn.Module | None = None) -> Call:
    ledger: Any = None  # no rule of strides asks it
    return Call(ledger, target, list(args), {}, layer=layer)


def told(result: torch.Tensor, one: Call) -> Strides | None:
    return of_result(one, tuple(result.shape), of_tensor, [arg for arg in one.args if isinstance(arg, torch.Tensor)])


def is_true(strides: Strides | None, result: torch.Tensor) -> bool:
    """What is said of a result; nothing is true as well."""
    if strides is None or not result.dim():
        return True
    laid_out = result.permute(strides.order)
    ends = [size * stride for size, stride in zip(laid_out.shape[1:], laid_out.stride()[1:], strict=True)]
    goes_on = [stride == end for stride, end in zip(laid_out.stride(), [*ends, 1], strict=True)]
    is_sorted = list(laid_out.stride()) == sorted(laid_out.stride(), reverse=True)
    return is_sorted and all(so or dim in strides.loose for dim, so in zip(strides.order, goes_on, strict=True))


def spatial(name: str) -> list[tuple[str, int]]:
    return [(name, rank) for rank in (1, 2, 3)]


LAYERS: list[tuple[str, tuple[Any, ...], tuple[int, ...]]] = [
    *[(name, (), (2, 3, 4)) for name in ("ReLU", "GELU", "SiLU", "PReLU", "Softplus", "LogSigmoid", "Tanhshrink")],
    *[(name, (0.5,), (2, 3, 4)) for name in ("LeakyReLU", "Dropout", "Hardshrink", "CELU")],
    *[("Softmax", (dim,), (2, 3, 4)) for dim in (0, 1)],
    ("Flatten", (), (2, 3, 4, 5)),
    ("Flatten", (2,), (3, 4, 5)),
    ("Flatten", (1, 2), (3, 4, 5)),
    *[(f"Conv{n}d", (6, 4, 3), (n + 2,)) for n in (1, 2, 3)],
    *[(f"ConvTranspose{n}d", (6, 4, 3), (n + 2,)) for n in (1, 2, 3)],
    *[(f"Conv{n}d", (5, 4, 3), (n + 1,)) for n in (1, 2, 3)],
    *[(f"MaxPool{n}d", (2,), (n + 2,)) for n in (1, 2, 3)],  # MaxPool3d refuses some orders without a batch
    *[(f"AvgPool{n}d", (2,), (n + 1, n + 2)) for n in (1, 2, 3)],
    *[(f"AdaptiveAvgPool{n}d", (3,), (n + 1, n + 2)) for n in (1, 2, 3)],
    *[(f"AdaptiveMaxPool{n}d", (3,), (n + 1, n + 2)) for n in (1, 2, 3)],
    *[(f"BatchNorm{n}d", (6,), (n + 2,)) for n in (1, 2, 3)],
    *[(f"InstanceNorm{n}d", (6,), (n + 2,)) for n in (1, 2, 3)],
    ("GroupNorm", (2, 6), (3, 4, 5)),
    ("ZeroPad2d", (1,), (4,)),
    ("PixelShuffle", (1,), (3, 4)),
    ("ChannelShuffle", (2,), (3, 4)),
    ("ReflectionPad2d", (1,), (4,)),
]


@pytest.mark.parametrize(("name", "args", "ranks"), LAYERS, ids=str)
def test_layers(name: str, args: tuple[Any, ...], ranks: tuple[int, ...]) -> None:
    layer = getattr(nn, name)(*args)
    for x in every_order(*ranks):
        result = layer(x)
        assert is_true(told(result, call(f"torch.nn.{name}", x, layer=layer)), result), (x.shape, x.stride())


FUNCTIONS: dict[str, tuple[Callable[..., torch.Tensor], tuple[Any, ...], tuple[int, ...]]] = {
    "torch.mean": (torch.mean, (1,), (2, 3, 4)),
    "torch.sum": (torch.sum, ((0, -1),), (2, 3, 4)),
    "torch.amax": (torch.amax, (-1, True), (3, 4)),
    "torch.Tensor.contiguous": (torch.Tensor.contiguous, (), (3, 4)),
    "torch.Tensor.clone": (torch.Tensor.clone, (), (3, 4)),
    "torch.Tensor.detach": (torch.Tensor.detach, (), (3, 4)),
    "torch.softmax": (torch.softmax, (1,), (3, 4)),
    "torch.nn.functional.linear": (F.linear, (torch.randn(3, 7),), (3,)),
    "torch.nn.functional.group_norm": (F.group_norm, (2, torch.randn(6)), (3, 4, 5)),
    "torch.nn.functional.instance_norm": (F.instance_norm, (), (3, 4)),
    "torch.nn.functional.interpolate": (F.interpolate, (None, 2.0), (3, 4, 5)),
    "torch.nn.functional.pad": (F.pad, ((1, 1),), (3, 4, 5)),
    "torch.Tensor.flatten": (torch.flatten, (1,), (3, 4, 5)),
    "torch.flatten": (torch.flatten, (0, 1), (3, 4)),
    "torch.reshape": (torch.reshape, ((5, -1),), (3, 4)),
    "torch.Tensor.reshape": (torch.Tensor.reshape, (5, 2, 3, 7), (3,)),
    "torch.Tensor.add": (torch.add, (torch.randn(7),), (3,)),
    "torch.Tensor.mul": (torch.mul, (2.0,), (3, 4)),
    "torch.Tensor.pow": (torch.pow, (2,), (3, 4)),
    "torch.Tensor.matmul": (torch.matmul, (torch.randn(7, 3),), (3,)),
    "torch.Tensor.repeat_interleave": (torch.Tensor.repeat_interleave, (2, 1), (3, 4)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    function, rest, ranks = FUNCTIONS[name]
    for x in every_order(*ranks):
        result = function(x, *rest)
        assert is_true(told(result, call(name, x, *rest)), result), x.stride()


def test_sums_of_tensors_in_different_orders() -> None:
    for x in every_order(3, 4):
        for y in every_order(x.dim()):
            assert is_true(told(x + y, call("torch.add", x, y)), x + y)
    for x in every_order(3):
        for y in (torch.randn(6, 7), torch.randn(7, 6).t(), torch.randn(1, 7, 6).transpose(1, 2), torch.randn(5, 1, 1)):
            assert is_true(told(x * y, call("torch.mul", x, y)), x * y)
            assert is_true(told(y * x, call("torch.mul", y, x)), y * x)


EQUATIONS = {
    "bij,bjk->bik": True,
    "bij,bkj->bik": True,
    "bji,bjk->bik": True,
    "bsij,bsjk->bik": True,
    "bij,jk->bik": True,
    "jib,kjb->bik": True,
    "bij,bjk->bki": False,  # the batch, the rows of the first operand, the columns of the other
    "bij,bij->bij": False,  # nothing is summed: a product number by number
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_products_by_an_equation(equation: str) -> None:
    sizes = dict(zip("bsijk", SIZES, strict=True))
    left, right = ([sizes[letter] for letter in term] for term in equation.partition("->")[0].split(","))
    for order in permutations(range(len(left))):
        x = torch.randn([left[dim] for dim in order]).permute([order.index(dim) for dim in range(len(order))])
        y = torch.randn(right)
        result = torch.einsum(equation, x, y)
        strides = told(result, call("torch.functional.einsum", equation, x, y))
        assert is_true(strides, result)
        assert (strides is not None) is EQUATIONS[equation]


VIEWS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "permute": ((2, 0, 1), ((1, 2, 0),), (0, -1, 1)),
    "transpose": ((0, 1), (-1, -2)),
    "swapaxes": ((0, 2),),
    "movedim": ((0, 2), (-1, 0)),
    "unsqueeze": ((0,), (1,), (-1,)),
    "chunk": ((2, 1),),
    "split": ((2, -1),),
    "narrow": ((1, 1, 3),),
    "select": ((1, 0),),
    "unbind": ((-1,),),
    "__getitem__": ((0,), (slice(1, 3),), ((slice(None), -1),), ((Ellipsis, slice(None, 2)),), ((slice(None),),)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(name: str) -> None:
    for x in every_order(3):
        for rest in VIEWS[name]:
            made = getattr(torch.Tensor, name)(x, *rest)
            strides = of_view(call(f"torch.Tensor.{name}", x, *rest), of_tensor)
            assert strides is not None
            for result in made if isinstance(made, tuple) else (made,):
                assert is_true(strides, result), (x.stride(), rest)


@pytest.mark.parametrize("index", [slice(None, None, 2), (None, 0), torch.tensor([0, 2]), True, [0, 1]], ids=str)
def test_other_indices_are_left_to_torch(index: Any) -> None:
    assert of_view(call("torch.Tensor.__getitem__", torch.randn(4, 5), index), of_tensor) is None


def test_pieces_that_go_on_are_dense_again() -> None:
    for x in every_order(3):
        piece = x.chunk(2, 1)[0]
        result = piece.relu()
        assert told(result, call("torch.relu", piece)) == Strides(tuple(sorted(range(3), key=lambda i: -x.stride(i))))
        assert is_true(told(result, call("torch.relu", piece)), result)


def test_views_that_torch_allows() -> None:
    """In each order, and of pieces: what is told to be a view is one, and what torch refuses is not told."""
    for x in [*every_order(3), *(x.chunk(2, 2)[0] for x in every_order(3))]:
        for target in [(5, -1), (30, -1), (5, 3, 2, -1), (5, 6, -1)]:
            one = call("torch.Tensor.view", x, *target)
            try:
                result = x.view(target)
            except RuntimeError:
                assert told(x.reshape(target), one) is None
            else:
                assert is_true(told(result, one), result), (x.stride(), target)


REGROUPED = [
    (-1, 48),
    (5, 2, 3, 56),
    (5, 42, 2, 4),
    (30, 7, 8),
    (5, 3, 2, 7, 8),
    (210, 8),
    (10, 3, 56),
    (5, 3, 14, 2, 4),
]


@pytest.mark.parametrize("target", REGROUPED, ids=str)
def test_shapes_of_several_groups(target: tuple[int, ...]) -> None:
    """Heads out of channels and pixels into one dim, in one step: of each order, and of pieces with gaps."""
    known = 0
    for x in every_order(4):
        for piece in (
            x,
            torch.cat([x, x]).chunk(2)[1],
            torch.cat([x, x], 1)[:, 6:],
            torch.cat([x, x], 3).chunk(2, 3)[0],
        ):
            result = piece.reshape(target)
            strides = told(result, call("torch.Tensor.reshape", piece, *target))
            assert is_true(strides, result), (piece.stride(), target)
            known += strides is not None
    assert known >= 24


def test_what_may_be_the_operand_itself_stays_open() -> None:
    piece = torch.randn(4, 6, 5).chunk(2, 1)[0]
    assert told(piece, call("torch.nn.Dropout", piece)) is None


def test_a_size_of_one_leaves_the_order_open() -> None:
    assert of_tensor(torch.randn(4, 1, 5).transpose(0, 2)) is None
    assert of_tensor(torch.randn(4, 1, 5)) == contiguous(3)


def test_a_fake_tensor_tells_its_order_without_a_guard(warm: None) -> None:
    env = new_env()
    with new_mode(env) as mode:
        size, _ = new_symbol(env, "H", 11)
        x = mode.from_tensor(torch.randn(2, 3)).new_empty((4, 7, size))
        before = guard_count(env)
        for order in permutations(range(3)):
            assert of_fake(x.permute(order)) == of_tensor(torch.randn(4, 7, 11).permute(order))
        assert of_fake(x[:, 1:]) == Strides((0, 1, 2), frozenset({0}))
        assert guard_count(env) == before

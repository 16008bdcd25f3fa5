"""Losses that compare tensors number by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import sympy

from convlint.worker.ops.call import shape_text
from convlint.worker.ops.loss.demand import Demand, Demands, floating, not_bool, of_dtype, of_shape, same_shape
from convlint.worker.ops.loss.operands import LossCall, Operand, is_same
from convlint.worker.values.sizes import Size, broadcasts, equal


def broadcast(call: LossCall, *roles: str) -> Demands:
    """The operands fit together number by number, and not each example with all the others."""
    first, *others = roles
    for role in others:
        a, b = call[first], call[role]
        if mixes_examples(a, b, call):
            fits = all(broadcasts(*pair) is sympy.true for pair in _pairs(a.shape, b.shape))
            texts = shape_text(b.shape), shape_text(a.shape)
            yield Demand("loss_broadcast", role, sympy.false, *texts, is_silent=fits)
            return
    for i, role in enumerate(roles):
        for before in roles[:i]:
            yield from _aligned(role, call[role].shape, call[before].shape)


def _pairs(a: Sequence[Size], b: Sequence[Size]) -> list[tuple[Size, Size]]:
    """The sizes that meet, from the last dimension on."""
    return list(zip(reversed(a), reversed(b), strict=False))


def _aligned(role: str, actual: tuple[Size, ...], expected: tuple[Size, ...]) -> Demands:
    for back, (came, wanted) in enumerate(_pairs(actual, expected), start=1):
        yield Demand("loss_size", role, broadcasts(wanted, came), came, wanted, -back)


def mixes_examples(a: Operand, b: Operand, call: LossCall) -> bool:
    """Whether two operands with one number for each example are compared across the examples: `[B, 1]` with `[B]`.

    `[N, 1]` with `[1, N]` is meant, and a loss that keeps every number may be: it is a table of pairs.
    """
    if a.rank == b.rank or a.is_single or b.is_single:
        return False
    longer, shorter = (a.shape, b.shape) if a.rank > b.rank else (b.shape, a.shape)
    if is_one_dim_apart(longer, shorter):
        return call.reduction != "none"
    meets = longer[len(longer) - len(shorter)] if shorter else 1
    is_of_batch = bool(shorter) and call.is_batch(longer[0]) and call.is_batch(shorter[0])
    return is_of_batch and not call.is_batch(meets)


def is_one_dim_apart(longer: Sequence[Size], shorter: Sequence[Size]) -> bool:
    """Whether both have the same sizes but for dimensions of 1, and broadcasting makes both larger all the same."""
    kept, others = ([size for size in shape if not _is_one(size)] for shape in (longer, shorter))
    if len(kept) != len(others) or not all(map(is_same, kept, others)):
        return False
    return any(_is_one(left) and not _is_one(right) for left, right in _pairs(longer, shorter))


def _is_one(size: Size) -> bool:
    return isinstance(size, int) and size == 1


def _weighted(call: LossCall) -> Demands:
    if "weight" in call.operands:
        yield from same_shape("weight", call["weight"], call["input"])


def _one_floating(call: LossCall) -> Demands:
    """Of two operands one holds floating point numbers."""
    if not call["target"].is_floating:
        yield from floating(call, "input")


def _mse(call: LossCall) -> Demands:
    yield from broadcast(call, "input", "target")
    yield from _weighted(call)
    yield from not_bool(call, "input", "target") if "weight" in call.operands else _one_floating(call)


def _l1(call: LossCall) -> Demands:
    yield from broadcast(call, "input", "target")
    yield from _weighted(call)
    yield from not_bool(call, "input", "target")
    if call.reduction == "mean" and "weight" not in call.operands:
        yield from _one_floating(call)


def _smooth_l1(call: LossCall) -> Demands:
    yield from _l1(call) if call.options.get("beta", 1.0) == 0 else _mse(call)


def _huber(call: LossCall) -> Demands:
    yield from broadcast(call, "input", "target")
    yield from _weighted(call)
    yield from floating(call, "input")
    x, target = call["input"], call["target"]
    yield from of_dtype(call, "target", target.dtype == x.dtype, x.dtype, backward=True)


def _kl_div(call: LossCall) -> Demands:
    yield from broadcast(call, "input", "target")
    yield from floating(call, "input", "target")


def _poisson(call: LossCall) -> Demands:
    yield from broadcast(call, "input", "target")
    if call.options.get("log_input", True) is False or call["target"].is_bool:
        yield from not_bool(call, "input")


def _hinge(call: LossCall) -> Demands:
    yield from broadcast(call, "input", "target")
    yield from floating(call, "input") if call.reduction == "mean" else not_bool(call, "input")


def _soft_margin(call: LossCall) -> Demands:
    yield from _into("target", call)
    yield from floating(call, "input")
    yield from of_dtype(call, "target", not call["target"].is_bool, call["input"].dtype, backward=True)


def _bce(call: LossCall) -> Demands:
    x, target = call["input"], call["target"]
    yield from same_shape("target", target, x)
    yield from floating(call, "input", "target")
    yield from of_dtype(call, "target", target.dtype == x.dtype, x.dtype)
    yield from _into("weight", call)


def _bce_with_logits(call: LossCall) -> Demands:
    yield from same_shape("target", call["target"], call["input"])
    yield from floating(call, "input", "target")
    yield from not_bool(call, "pos_weight")
    yield from _into("weight", call)
    yield from _into("pos_weight", call)


def _into(role: str, call: LossCall) -> Demands:
    """An operand that broadcasts to the shape of the input, which cannot grow."""
    if role not in call.operands:
        return
    x, other = call["input"], call[role]
    if other.rank > x.rank or is_one_dim_apart(x.shape, other.shape):
        yield of_shape(role, other, x.shape)
        return
    for back, (came, wanted) in enumerate(_pairs(other.shape, x.shape), start=1):
        condition = sympy.true if _is_one(came) else sympy.Or(equal(came, wanted), equal(came, 1))
        yield Demand("loss_size", role, condition, came, wanted, -back)


def _multilabel_soft_margin(call: LossCall) -> Demands:
    if call["input"].rank == 0:
        yield of_shape("input", call["input"], "[..., C]")
    yield from broadcast(call, "input", "target")
    for role in ("input", "target"):
        if "weight" in call.operands:
            yield from _aligned("weight", call["weight"].shape, call[role].shape)
    yield from floating(call, "input")
    yield from not_bool(call, "target")


def _gaussian_nll(call: LossCall) -> Demands:
    yield from broadcast(call, "input", "target")
    yield from _variance(call)
    yield from not_bool(call, "input", "target")
    yield from of_dtype(call, "var", call["var"].is_floating, "float32")


def _variance(call: LossCall) -> Demands:
    """One for each number, or one for all along the last dimension, or along another one that is 1."""
    x, var = call["input"], call["var"]
    if var.rank not in (x.rank, x.rank - 1):
        yield of_shape("var", var, x.shape)
        return
    differing = [dim for dim in range(var.rank) if not is_same(x.shape[dim], var.shape[dim])]
    if var.rank == x.rank and len(differing) == 1 and _is_one(var.shape[differing[0]]):
        return
    for dim in differing:
        came, wanted = var.shape[dim], x.shape[dim]
        yield Demand("loss_size", "var", equal(came, wanted), came, wanted, dim - var.rank)


STATEMENTS: Final[Mapping[str, Callable[[LossCall], Demands]]] = {
    "mse_loss": _mse,
    "l1_loss": _l1,
    "smooth_l1_loss": _smooth_l1,
    "huber_loss": _huber,
    "kl_div": _kl_div,
    "poisson_nll_loss": _poisson,
    "hinge_embedding_loss": _hinge,
    "soft_margin_loss": _soft_margin,
    "binary_cross_entropy": _bce,
    "binary_cross_entropy_with_logits": _bce_with_logits,
    "multilabel_soft_margin_loss": _multilabel_soft_margin,
    "gaussian_nll_loss": _gaussian_nll,
}

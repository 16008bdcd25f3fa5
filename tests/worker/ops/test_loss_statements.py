"""What is stated of each loss, compared with torch on tensors of any shapes and dtypes."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

from convlint.ops.losses import LOSSES, Loss, loss_named
from convlint.worker.ops.loss.demand import Demand
from convlint.worker.ops.loss.operands import LossCall, arguments, loss_call
from convlint.worker.ops.loss.statement import demands, is_stated, result_dtype, result_shape
from convlint.worker.ops.loss.violations import backward_violation, comparison_violation, loss_violations

STATED = [loss for loss in LOSSES if loss.function != "triplet_margin_with_distance_loss"]
WHOLE = (torch.int64, torch.int64, torch.int64, torch.int32, torch.uint8, torch.bool)
FLOATS = (torch.float32,) * 6 + (torch.float64, torch.float16, torch.bfloat16)
REDUCTIONS = ("mean", "none", "sum")

Shape = list[int]
Draw = Any


def dtypes(loss: Loss, role: str) -> st.SearchStrategy[torch.dtype]:
    """Mostly those that a role takes."""
    is_labels = role == "target" and (loss.reads_classes or loss.function == "multilabel_margin_loss")
    usual = st.just(torch.int64) if is_labels else st.just(torch.float32)
    return st.one_of(usual, usual, usual, st.sampled_from(FLOATS), st.sampled_from(WHOLE))


@st.composite
def near(draw: Draw, shape: Shape) -> Shape:
    """The shape itself, or one a step or two away."""
    found = list(shape)
    for step in draw(st.lists(st.sampled_from(("drop", "add", "resize", "turn")), max_size=2)):
        at = draw(st.integers(0, max(0, len(found) - 1)))
        if step == "add":
            found.insert(at, draw(st.sampled_from((1, 1, 2, 3))))
        elif step == "drop" and found:
            del found[at]
        elif step == "resize" and found:
            found[at] = draw(st.integers(1, 3))
        elif step == "turn":
            found.reverse()
    return found[:5]


def wanted(loss: Loss, role: str, first: Shape) -> Shape:
    """The usual shape of an operand next to the first."""
    if (loss.reads_classes and role == "target") or (role, loss.function) == ("target", "cosine_embedding_loss"):
        return first[:1] + first[2:] if len(first) > 1 else []
    if loss.reads_classes and role == "weight":
        return first[1:2] or first[:1]
    if role == "targets":
        return [*first[1:2], 2]
    return first


@st.composite
def tensors(draw: Draw, loss: Loss) -> dict[str, Any]:
    first = draw(st.lists(st.integers(1, 4), max_size=5))
    given_: dict[str, Any] = {}
    weights = [one for one in loss.weights if draw(st.booleans())]
    for role in (*loss.roles, *weights):
        shape = first if role == loss.roles[0] else draw(near(wanted(loss, role, first)))
        given_[role] = filled(shape, draw(dtypes(loss, role)), draw(st.integers(1, 5)))
    return given_


def filled(shape: Shape, dtype: torch.dtype, most: int) -> torch.Tensor:
    if dtype.is_floating_point:
        return torch.full(shape, 0.5, dtype=dtype)
    numbers = torch.arange(torch.Size(shape).numel()).view(shape) % (most if dtype is not torch.bool else 1)
    return numbers.to(dtype)


@st.composite
def options(draw: Draw, loss: Loss) -> dict[str, Any]:
    found: dict[str, Any] = {"reduction": draw(st.sampled_from(REDUCTIONS))}
    others = {"ignore_index": (0, 1, -1, 4), "label_smoothing": (0.1,), "beta": (0.0,), "log_target": (True,)}
    others |= {"log_input": (False,), "swap": (True,)}
    for name, values in others.items():
        if name in loss.parameters and draw(st.integers(0, 3)) == 0:
            found[name] = draw(st.sampled_from(values))
    return found


def with_lengths(given_: dict[str, Any]) -> dict[str, Any] | None:
    """A call of `ctc_loss` whose lengths fit; None where no lengths do."""
    logits, targets = given_["log_probs"], given_["targets"]
    batch = logits.shape[1] if logits.dim() == 3 else 1
    if targets.dim() == 1:
        targets = targets[:1].expand(batch) if logits.dim() == 3 else targets[:1]
    counts = [logits.shape[0] if logits.dim() else 1, min(1, targets.shape[-1] if targets.dim() else 1)]
    shape = (batch,) if logits.dim() == 3 else ()
    steps, labels = (torch.full(shape, count) for count in counts)
    lengths = {"input_lengths": steps, "target_lengths": labels}
    return {**given_, "targets": torch.ones_like(targets), **lengths}


def real(loss: Loss, named: dict[str, Any]) -> torch.Tensor | Exception:
    """What torch gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found: torch.Tensor = getattr(F, loss.function)(**named)
        except Exception as error:
            return error
    return found


def raising(call: LossCall) -> list[Demand]:
    return [one for one in demands(call) if one.is_violated and not one.is_silent and not one.is_at_backward]


@pytest.mark.parametrize("loss", STATED, ids=lambda loss: loss.function)
@given(data=st.data())
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_torch_raises_where_something_is_violated_and_nowhere_else(loss: Loss, data: st.DataObject) -> None:
    named = {**data.draw(tensors(loss)), **data.draw(options(loss))}
    if loss.function == "ctc_loss":
        named = with_lengths(named) or named
    call = loss_call(loss, arguments(loss, None, (), named))
    if not is_stated(call):
        return
    found = real(loss, named)
    assert bool(raising(call)) == isinstance(found, Exception), (found, raising(call))
    if isinstance(found, torch.Tensor):
        assert result_shape(call) == tuple(found.shape)
        assert result_dtype(call) in (None, found.dtype)


@pytest.mark.parametrize("loss", STATED, ids=lambda loss: loss.function)
@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.bool, torch.float32], ids=str)
def test_torch_raises_in_backward_where_that_is_stated(loss: Loss, dtype: torch.dtype) -> None:
    named = {role: torch.full((3, 4), 0.5, requires_grad=True) for role in loss.roles}
    if loss.roles[1] != "target":
        pytest.skip("its operands are all inputs")
    named["target"] = torch.zeros((3,) if loss.reads_classes else (3, 4), dtype=dtype)
    call = loss_call(loss, named)
    found = real(loss, named)
    if isinstance(found, Exception):
        assert raising(call)
        return
    stated = any(one.is_at_backward and one.is_violated for one in demands(call))
    try:
        found.backward()  # type: ignore[no-untyped-call]
    except RuntimeError:
        assert stated
    else:
        assert not stated


@pytest.mark.parametrize(
    ("function", "shapes", "names"),
    [
        ("mse_loss", ((4, 1), (4,)), ["loss_broadcast"]),
        ("mse_loss", ((4,), (4, 1)), ["loss_broadcast"]),
        ("l1_loss", ((2, 1, 8, 8), (2, 8, 8)), ["loss_broadcast"]),
        ("smooth_l1_loss", ((4, 3, 1, 1), (4, 3)), ["loss_broadcast"]),
        ("kl_div", ((4, 1), (4,)), ["loss_broadcast"]),
        ("mse_loss", ((4, 1), ()), []),
        ("mse_loss", ((4, 1), (1,)), []),
        ("mse_loss", ((4, 3), (3,)), []),
        ("mse_loss", ((4, 3), (4, 1)), []),
        ("mse_loss", ((1, 1), (1,)), []),
        ("mse_loss", ((1, 4), (4,)), []),
        ("mse_loss", ((4, 1), (1, 4)), []),
        ("mse_loss", ((4, 1, 3), (5, 3)), []),
    ],
)
def test_a_broadcast_is_a_mistake_where_examples_meet_others(
    function: str, shapes: tuple[tuple[int, ...], ...], names: list[str]
) -> None:
    loss = loss_named(function)
    assert loss is not None
    named = {role: torch.rand(shape) for role, shape in zip(loss.roles, shapes, strict=True)}
    found = [one for one in demands(loss_call(loss, named)) if one.is_violated]
    assert [one.name for one in found] == names
    assert all(one.is_silent for one in found)
    assert not isinstance(real(loss, named), Exception)


def test_pairs_are_wanted_where_every_number_is_kept() -> None:
    loss = loss_named("l1_loss")
    assert loss is not None
    named = {"input": torch.rand(4, 1), "target": torch.rand(4), "reduction": "none"}
    assert not any(one.is_violated for one in demands(loss_call(loss, named)))


def test_a_row_of_the_batch_meets_no_features() -> None:
    loss = loss_named("mse_loss")
    assert loss is not None
    named = {"input": torch.rand(32, 10), "target": torch.rand(32)}
    (found,) = [one for one in demands(loss_call(loss, named, lambda size: size == 32)) if one.is_violated]
    assert (found.name, found.is_silent) == ("loss_broadcast", False)


class Smoothed(nn.CrossEntropyLoss):
    """A loss of the user's own that computes what its base does."""


class Own(nn.CrossEntropyLoss):
    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return input.sum() + target.sum()


LOGITS = torch.rand(8, 5)
LABELS = torch.tensor([0, 1, 2, 3, 4, 0, 1, 9])


@pytest.mark.parametrize(
    ("called", "args", "kwargs", "names"),
    [
        (F.cross_entropy, (LOGITS, LABELS), {}, ["label_range"]),
        (F.cross_entropy, (LOGITS, LABELS), {"ignore_index": 9}, []),
        (nn.CrossEntropyLoss(), (LOGITS, LABELS), {}, ["label_range"]),
        (nn.CrossEntropyLoss(ignore_index=9), (LOGITS, LABELS), {}, []),
        (nn.CrossEntropyLoss(weight=torch.ones(4)), (LOGITS, LABELS % 5), {}, ["loss_weight"]),
        (Smoothed(label_smoothing=0.1), (LOGITS,), {"target": LABELS}, ["label_range"]),
        (Own(), (LOGITS, LABELS), {}, []),
        (nn.PoissonNLLLoss(), (), {"log_input": torch.rand(8, 1), "target": torch.rand(8)}, ["loss_broadcast"]),
        (nn.BCEWithLogitsLoss(), (torch.rand(8), LABELS % 2), {}, ["loss_dtype"]),
        (nn.BCELoss(), (torch.rand(8, 1), torch.rand(8).double()), {}, ["loss_shape", "mixed_dtype"]),
        (nn.HuberLoss(), (torch.rand(8), LABELS), {}, ["loss_dtype"]),
        (nn.MSELoss(reduction="none"), (torch.rand(8, 1), torch.rand(8)), {}, []),
        (torch.relu, (LOGITS,), {}, []),
    ],
)
def test_a_call_of_any_script_says_what_is_wrong_with_it(
    called: Any, args: tuple[Any, ...], kwargs: dict[str, Any], names: list[str]
) -> None:
    found = loss_violations(called, args, kwargs)
    assert [one.name for one in found] == names


def test_the_batch_tells_that_examples_meet_features() -> None:
    args = torch.rand(8, 5), torch.rand(8)
    assert [one.name for one in loss_violations(F.mse_loss, args, {})] == ["loss_size"]
    (found,) = loss_violations(F.mse_loss, args, {}, batch=8)
    assert (found.name, found.is_silent, dict(found.shapes)) == (
        "loss_broadcast",
        False,
        {"input": "[8, 5]", "target": "[8]"},
    )


def test_backward_takes_one_number_or_a_gradient() -> None:
    rows = torch.rand(4, requires_grad=True)
    found = backward_violation(rows)
    assert found is not None
    assert (found.name, found.actual) == ("loss_scalar", "[4]")
    assert backward_violation(rows, torch.ones(4)) is None
    for fine in (rows.sum(), rows[:1], rows[:1].view(1, 1)):
        assert backward_violation(fine) is None
        fine.backward(retain_graph=True)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("a", "b", "is_wrong"), [((8, 1), (8,), True), ((8,), (8, 1), True), ((8,), (8,), False), ((8, 1), (1,), False)]
)
def test_a_metric_of_pairs(a: tuple[int, ...], b: tuple[int, ...], is_wrong: bool) -> None:
    found = comparison_violation(torch.zeros(a), torch.zeros(b))
    assert (found is not None) is is_wrong
    assert ((torch.zeros(a) == torch.zeros(b)).numel() > 8) is is_wrong

"""The formulas, held against real torch for any arguments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from convlint.explain.batch import with_batch
from convlint.explain.counts import work
from convlint.explain.laws import sizes
from convlint.explain.remarks import remarks
from convlint.explain.reshapes import equation, regrouped
from convlint.facts import InputFact, Layer, ModelFacts, Node, TensorFact
from convlint.ops.expression import Count, count, symbols, work_out
from convlint.ops.kind import Numbers
from convlint.ops.operation import Operation
from convlint.ops.registry import operation_of

NUMBERS = Numbers(({"B": 3, "H": 224, "W": 256}, {"B": 5, "H": 331, "W": 349}), {})
windows = st.tuples(
    st.integers(1, 40), st.integers(1, 6), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.booleans()
)


def facts(layer: nn.Module, given: Sequence[int | str], result: Sequence[int | str]) -> ModelFacts:
    """A model of one layer, as the worker would tell of it."""
    attributes = {name: value for name, value in vars(layer).items() if isinstance(value, (int, float, str, tuple))}
    return ModelFacts(
        name="net.Net",
        target="Net",
        row=1,
        status="checked",
        layers={
            "a": Layer(
                path="a",
                type=f"torch.nn.{type(layer).__name__}",
                attributes={name: value for name, value in attributes.items() if not name.startswith("_")},
                parameters=sum(p.numel() for p in layer.parameters()),
                weights={name: tuple(p.shape) for name, p in layer.named_parameters()},
            )
        },
        nodes=(
            Node(
                id=0,
                name="a",
                op="module",
                target=f"torch.nn.{type(layer).__name__}",
                layer="a",
                inputs=(TensorFact(shape=tuple(given), dtype="float32"),),
                outputs=(TensorFact(shape=tuple(result), dtype="float32"),),
            ),
        ),
    )


def operation(layer: nn.Module, given: Sequence[int | str], result: Sequence[int | str]) -> Operation:
    model = facts(layer, given, result)
    return operation_of(model.nodes[0], model)


def told(layer: nn.Module, size: Sequence[int]) -> dict[str, str]:
    """The formulas for a layer that real torch has run; each is one that agrees with torch."""
    with torch.device("meta"):
        output = layer.to("meta")(torch.zeros(*size))
    return {one.name: one.text for one in sizes(operation(layer, size, output.shape), NUMBERS)}


@given(windows)
@settings(deadline=None)
def test_a_convolution_gives_the_size_that_torch_gives(window: tuple[int, int, int, int, int, bool]) -> None:
    size, kernel, stride, padding, dilation, _ = window
    assume(size + 2 * padding > dilation * (kernel - 1))
    layer = nn.Conv2d(1, 2, kernel, stride, padding, dilation)
    assert list(told(layer, (1, 1, size, size))) == ["height and width"]


@given(windows)
@settings(deadline=None)
def test_a_pooling_gives_the_size_that_torch_gives(window: tuple[int, int, int, int, int, bool]) -> None:
    size, kernel, stride, padding, dilation, ceil_mode = window
    assume(size + 2 * padding > dilation * (kernel - 1) and padding <= kernel // 2)
    layer = nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    assert list(told(layer, (1, 1, size))) == ["length"]
    assume(size + 2 * padding >= kernel)
    assert list(told(nn.AvgPool1d(kernel, stride, padding, ceil_mode), (1, 1, size))) == ["length"]


@given(windows, st.integers(0, 3))
@settings(deadline=None)
def test_a_transposed_convolution_too(window: tuple[int, int, int, int, int, bool], extra: int) -> None:
    size, kernel, stride, padding, dilation, _ = window
    assume(extra < max(stride, dilation))
    assume((size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1 > 0)
    layer = nn.ConvTranspose1d(1, 1, kernel, stride, padding, extra, dilation=dilation)
    assert list(told(layer, (1, 1, size))) == ["length"]


@given(windows)
@settings(deadline=None)
def test_pixels_are_dropped_where_the_last_of_them_change_nothing(
    window: tuple[int, int, int, int, int, bool],
) -> None:
    size, kernel, stride, padding, _, _ = window
    assume(size + 2 * padding >= kernel)
    layer = nn.Conv1d(1, 1, kernel, stride, padding, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1)  # not by torch.nn.init, which the worker puts to sleep where it runs in this process
    image = torch.ones(1, 1, size, requires_grad=True)
    output = layer(image)
    output.sum().backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    unseen = 0
    while unseen < size and image.grad[0, 0, size - 1 - unseen] == 0:
        unseen += 1
    # A stride longer than the kernel passes over pixels between windows; these are not the last ones' rest.
    assume(stride <= kernel)
    said = list(remarks(operation(layer, (1, 1, size), output.shape)))
    amount = "" if not unseen else "one step is" if unseen == 1 else f"{unseen} steps are"
    assert len(said) == bool(unseen)
    assert not said or f"{size} -> {output.shape[2]}: {amount} dropped by flooring" in said[0]


def test_formulas_stand_as_people_write_them() -> None:
    assert told(nn.Conv2d(1, 2, 5, padding=2), (1, 1, 28, 28)) == {"height and width": "(28 + 2*2 - 5)//1 + 1 = 28"}
    assert told(nn.Conv2d(1, 2, 5, dilation=2), (1, 1, 28, 20)) == {
        "height": "(28 + 2*0 - 2*(5-1) - 1)//1 + 1 = 20",
        "width": "(20 + 2*0 - 2*(5-1) - 1)//1 + 1 = 12",
    }
    assert told(nn.ConvTranspose2d(2, 1, 4, 2, 1), (1, 2, 14, 14)) == {"height and width": "(14 - 1)*2 - 2*1 + 4 = 28"}
    assert told(nn.MaxPool2d(2, ceil_mode=True), (1, 1, 7, 7)) == {"height and width": "ceil((7 + 2*0 - 2)/2) + 1 = 4"}
    assert told(nn.Flatten(), (1, 64, 12, 12)) == {"joined": "64 * 12 * 12 = 9216"}
    in_symbols = operation(nn.Conv2d(1, 2, 5, padding=2), ("B", 1, "H", "W"), ("B", 2, "H", "W"))
    (formula,) = sizes(in_symbols, NUMBERS)
    assert (formula.name, formula.text) == ("height", "(H + 2*2 - 5)//1 + 1 = H, and the width alike")


def test_a_formula_that_does_not_agree_is_not_told() -> None:
    assert sizes(operation(nn.Conv2d(1, 2, 5), (1, 1, 28, 28), (1, 2, 25, 24)), NUMBERS)[0].name == "width"
    assert not sizes(operation(nn.Conv2d(1, 2, 5), ("B", 1, "H", "W"), ("B", 2, "H", "W")), NUMBERS)


def test_lost_pixels_are_told() -> None:
    layer = nn.MaxPool2d(2)
    assert list(remarks(operation(layer, (1, 1, 7, 7), (1, 1, 3, 3)))) == [
        "7 -> 3: one row and one column of pixels are dropped by flooring ((7 - 2)/2 + 1 = 3.5)"
    ]
    assert list(remarks(operation(layer, (1, 1, 8, 8), (1, 1, 4, 4)))) == []
    # The padding on the far side is what is left over: no pixel is lost.
    assert list(remarks(operation(nn.Conv2d(1, 1, 3, 2, 1), (1, 1, 28, 28), (1, 1, 14, 14)))) == []


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 4), st.integers(1, 5))
@settings(deadline=None)
def test_a_flatten_is_found_again(shape: list[int], start: int, length: int) -> None:
    end = min(len(shape) - 1, start + length)
    assume(start < end)
    after = torch.empty(shape, device="meta").flatten(start, end).shape
    groups = regrouped(tuple(shape), tuple(after), NUMBERS.samples)
    product = count(shape).value
    assert all(count(before).value == count(result).value for before, result in groups)
    joined = [size for before, _ in groups for size in before]
    kept = [size for size in shape if size > 1]
    assert product == count(after).value
    assert joined or len(kept) <= 1 or after[start] in shape


def test_equations_of_reshapes() -> None:
    def equations(before: tuple[int | str, ...], after: tuple[int | str, ...]) -> list[str]:
        return [equation(group) for group in regrouped(before, after, NUMBERS.samples)]

    assert equations(("B", 64, 12, 12), ("B", 9216)) == ["64 * 12 * 12 = 9216"]
    assert equations(("B", 128, 1, 1), ("B", 128)) == ["128 * 1 * 1 = 128"]
    assert equations(("B", 10, 512), ("B", 10, 8, 64)) == ["512 = 8 * 64"]
    assert equations(("B", 64, "H//2", "W//2"), ("B", "64*(H//2)*(W//2)")) == [
        "64 * (H//2) * (W//2) = 64*(H//2)*(W//2)"
    ]
    assert equations(("B", 3, 4), ("B", 13)) == []


def test_counts_in_symbols() -> None:
    assert (count(["B", 3, "H//2", "W//2"]) + count([5, "W"]) + count([7])).value == "3*(H//2)*(W//2) + 5*W + 7"
    assert count(["B*L", 4, "L"]).value == "4*L*L"
    assert Count().value == 0
    assert symbols("max(H, 3)*(W//2)") == {"H", "W"}
    assert work_out("64*((H-4)//2)", {"H": 28}) == 768
    assert work_out("H//0", {"H": 28}) is None
    assert work_out("__import__('os')", {}) is None


def test_the_work_is_that_of_one_sample() -> None:
    layer = nn.Conv2d(2, 4, 2, 2)
    done = work(operation(layer, ("B", 2, 4, 4), ("B", 4, 2, 2)))
    assert done.total is not None
    assert (done.total.value, done.text) == (128, "4*2*2*2 * 2*2")


def test_a_batch_that_was_traced_as_a_number_is_a_symbol_again() -> None:
    model = facts(nn.Linear(52, 26), (26, 52), (26, 26))
    start = Node(id=1, name="x", op="input", target="x", outputs=(TensorFact(shape=(26, 52), dtype="float32"),))
    node = model.nodes[0].model_copy(update={"producers": (1,)})
    given = InputFact(name="x", shape=("B", 52), dtype="float32", source="--input")
    whole = with_batch(model.model_copy(update={"nodes": (start, node), "inputs": (given,)}))
    assert whole.nodes[1].inputs[0].shape == ("B", 52)
    assert whole.nodes[1].outputs[0].shape == ("B", 26)

"""From hints to inputs: what evaluated expressions say of shapes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from convlint.inputspec import InputSpec
from convlint.jobs import Expression, Hint, Step
from convlint.worker.analysis.inference.hints import told


def expression(text: str) -> Expression:
    return Expression(text=text, path="net.py", row=1)


def evaluate(one: Expression) -> Any:
    return eval(one.text, {"torch": torch, "nn": nn})  # noqa: S307 - an expression of these tests


def call_arguments(one: Expression) -> tuple[tuple[Any, ...], dict[str, Any]]:
    _, _, arguments = one.text.partition("(")
    found: tuple[tuple[Any, ...], dict[str, Any]] = evaluate(
        expression(f"(lambda *args, **kwargs: (args, kwargs))({arguments}")
    )
    return found


def inputs(hint: Hint, names: tuple[str, ...] = ("x",)) -> tuple[InputSpec, ...] | None:
    found = told(hint, names, evaluate, call_arguments)
    return None if found is None else found.inputs


def called(text: str) -> tuple[InputSpec, ...] | None:
    return inputs(Hint(kind="call", source="", call=expression(text)))


def shapes(found: tuple[InputSpec, ...] | None) -> list[Any] | None:
    return None if found is None else [one.shape for one in found]


def test_declared_inputs_are_taken_as_they_are() -> None:
    spec = InputSpec(shape=("B", 3))
    assert inputs(Hint(kind="inputs", source="", inputs=(spec,))) == (spec,)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("f(torch.ones(2, 3, 8, 8))", [("B", 3, 8, 8)]),
        ("f(torch.ones(1, 3, 8, 8))", [("B", 3, 8, 8)]),
        ("f(torch.ones(4, 7), torch.ones(4, 2))", [("B", 7), ("B", 2)]),
        ("f(torch.ones(4, 7), torch.ones(4))", [("B", 7), ("B",)]),
        ("f(torch.ones(4, 7), torch.ones(2, 4, 9))", [("B", 7), (2, "B", 9)]),
        ("f(torch.ones(1, 7), torch.ones(1, 1, 9))", [(1, 7), (1, 1, 9)]),  # either 1 may be the batch
        ("f(torch.ones(5, 3, 7), torch.ones(2, 3, 9))", [(5, 3, 7), (2, 3, 9)]),
        ("f(torch.ones(3, 224, 224))", [(3, 224, 224)]),  # an image without a batch
        ("f(torch.ones(7))", [(7,)]),
        ("f(torch.tensor(3.0))", [()]),
    ],
)
def test_the_batch_of_an_example_is_a_symbol(call: str, expected: list[Any]) -> None:
    assert shapes(called(call)) == expected


def test_the_batch_can_be_kept() -> None:
    hint = Hint(kind="call", source="", call=expression("f(torch.ones(2, 3, 8, 8))"))
    found = told(hint, ("x",), evaluate, call_arguments)
    assert found is not None
    assert shapes(found.exact) == [(2, 3, 8, 8)]


def test_arguments_are_of_any_kind() -> None:
    found = called(
        "f(torch.zeros(2, 3, dtype=torch.long), (torch.ones(2, 4), None), {'a': torch.ones(2, 5)}, n=3, size=(1, 2))"
    )
    assert found == (
        InputSpec(shape=("B", 3), dtype="int64"),
        InputSpec(list=(InputSpec(shape=("B", 4)), InputSpec(value=None))),
        InputSpec(dict={"a": InputSpec(shape=("B", 5))}),
        InputSpec(name="n", value=3),
        InputSpec(name="size", value=[1, 2]),
    )


def test_a_parameter_given_by_name_takes_its_place() -> None:
    hint = Hint(kind="call", source="", call=expression("f(mask=torch.ones(2, 4), x=torch.ones(2, 3), other=1)"))
    found = inputs(hint, names=("x", "mask"))
    assert found == (InputSpec(shape=("B", 3)), InputSpec(shape=("B", 4)), InputSpec(name="other", value=1))


@pytest.mark.parametrize(
    "call",
    [
        "f(missing)",
        "f(torch.ones(2, 3), torch.device('cpu'))",
        "f(torch.ones(2, 3).to_sparse())",
        "f(nn.utils.rnn.pack_padded_sequence(torch.ones(3, 1, 2), [3]))",
        "f()",
    ],
)
def test_what_cannot_be_said_gives_nothing(call: str) -> None:
    assert called(call) is None


@pytest.mark.parametrize(
    ("text", "has_batch", "expected"),
    [
        ("(1, 28, 28)", False, [("B", 1, 28, 28)]),
        ("784", False, [("B", 784)]),
        ("[(3, 8, 8), (5,)]", False, [("B", 3, 8, 8), ("B", 5)]),
        ("(1, 3, 224, 224)", True, [("B", 3, 224, 224)]),
        ("(-1, 28 * 28)", True, [("B", 784)]),
        ("torch.Size([4, 5])", True, [("B", 5)]),
        ("(-1, 28, -1)", True, None),
        ("(1, 2.5)", False, None),
        ("missing", True, None),
    ],
)
def test_sizes_are_shapes(text: str, has_batch: bool, expected: list[Any] | None) -> None:
    hint = Hint(kind="shape", source="", shape=expression(text), has_batch=has_batch)
    assert shapes(inputs(hint)) == expected


MNIST, CELEBA = (1, 28, 28), (3, 218, 178)


@pytest.mark.parametrize(
    ("size", "steps", "expected"),
    [
        (MNIST, [], ("B", 1, 28, 28)),
        (None, [], ("B", 3, "H", "W")),
        (MNIST, ["Resize(32)"], ("B", 1, 32, 32)),
        (CELEBA, ["Resize(64)"], ("B", 3, 78, 64)),
        (CELEBA, ["Resize(64)", "CenterCrop(64)"], ("B", 3, 64, 64)),
        (CELEBA, ["Resize((64, 48))"], ("B", 3, 64, 48)),
        (CELEBA, ["Resize(size=[64])"], ("B", 3, 78, 64)),
        (CELEBA, ["Resize(64, max_size=70)"], ("B", 3, "H", "W")),
        (None, ["Resize(256)"], ("B", 3, "H", "W")),
        (None, ["Resize(256)", "CenterCrop(224)"], ("B", 3, 224, 224)),
        (None, ["RandomResizedCrop(size=(64, 32))"], ("B", 3, 64, 32)),
        (MNIST, ["RandomCrop(28, padding=4)"], ("B", 1, 28, 28)),
        (MNIST, ["Pad(2)"], ("B", 1, 32, 32)),
        (MNIST, ["Pad((1, 2))"], ("B", 1, 32, 30)),
        (MNIST, ["Pad(padding=(1, 2, 3, 4))"], ("B", 1, 34, 32)),
        (CELEBA, ["Grayscale()"], ("B", 1, 218, 178)),
        (MNIST, ["Grayscale(num_output_channels=3)"], ("B", 3, 28, 28)),
        (MNIST, ["Resize(missing)"], None),
        (MNIST, ["Resize('32')"], None),
    ],
)
def test_transforms_change_the_size(size: tuple[int, int, int] | None, steps: list[str], expected: Any) -> None:
    calls = tuple(Step(name=step.partition("(")[0], call=expression(step)) for step in steps)
    assert shapes(inputs(Hint(kind="image", source="", size=size, steps=calls))) == (expected and [expected])

"""Paths: what they mean, and what is wrong with those that mean nothing."""

from __future__ import annotations

import pytest

from convlint.facts import FileFacts, InputFact, Layer, ModelFacts, Node, Reason, TensorFact, Violation
from convlint.rules.environment import UNKNOWN, Environment, Formula, resolve, title
from convlint.rules.paths import Path, PathError, parse

CONV = Layer(
    path="body.conv",
    type="torch.nn.Conv2d",
    attributes={"in_channels": 3, "kernel_size": (3, 5), "bias": None},
)
FIRST = Node(
    id=1,
    name="conv",
    op="module",
    target="torch.nn.Conv2d",
    layer="body.conv",
    inputs=(TensorFact(shape=("B", 3, "H", 32), dtype="float32"),),
    outputs=(TensorFact(shape=("B", 8, "H-2", 28), dtype="float32"),),
    consumers=(2,),
    violations=(Violation(name="in_channels", operand="input.shape[1]", expected=4, actual="C+1"),),
)
SECOND = Node(id=2, name="relu", op="function", target="torch.nn.functional.relu", producers=(1,))
MODEL = ModelFacts(
    name="net.Net", target="Net", row=3, status="checked", layers={"body.conv": CONV}, nodes=(FIRST, SECOND)
)
FILE = FileFacts(filename="net.py", models=(MODEL,))
HERE = Environment(FILE, model=MODEL, node=FIRST, violation=FIRST.violations[0], options={"max_params": 7})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("input.shape[1]", 3),
        ("inputs[0].shape[-1]", 32),
        ("input.shape[2]", Formula("H")),
        ("input.rank", 4),
        ("output.shape[1]", 8),
        ("input.dtype", "float32"),
        ("module.in_channels", 3),
        ("module.kernel_size[1]", 5),
        ("layer.path", "body.conv"),
        ("layer.short", "nn.Conv2d"),
        ("node.title", "body.conv"),
        ("violation.expected", 4),
        ("violation.actual", Formula("C+1")),
        ("violation.in_channels.expected", 4),
        ("model.status", "checked"),
        ("option.max_params", 7),
        ("next.node.title", "F.relu"),
        ("next.previous.module.in_channels", 3),
    ],
)
def test_a_path_leads_to_its_value(text: str, value: object) -> None:
    assert resolve(parse(text), HERE) == value


def test_a_reason_is_a_sentence_with_a_kind() -> None:
    given = InputFact(name="x", shape=("B", 3), dtype="float32", origin="guessed")
    skipped = MODEL.model_copy(update={"reason": Reason(kind="loop-on-data"), "inputs": (given,)})
    here = Environment(FILE, model=skipped)
    paths = ("model.reason", "model.reason_kind", "model.inputs[0].source", "model.inputs[0].origin")
    assert [resolve(parse(path), here) for path in paths] == [
        *("the length of a loop depends on data", "loop-on-data"),
        *("guessed", "guessed"),
    ]
    assert resolve(parse("model.reason_kind"), HERE) in (None, UNKNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "input.shape[9]",
        "inputs[3].dtype",
        "module.bias",
        "module.nothing",
        "violation.other.actual",
        "violation.value",
        "previous.node.title",
        "next.module.in_channels",
        "model.inputs[0].shape[0]",
        "failure.message",
        "option.other",
    ],
)
def test_a_path_that_leads_nowhere_is_unknown(text: str) -> None:
    assert resolve(parse(text), HERE) is UNKNOWN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no path: it must begin with a name, as in input.shape[-1]"),
        ("input.shape[x]", "'input.shape[x]' is no path: cannot read '[x]'"),
        ("input shape", "'input shape' is no path: cannot read ' shape'"),
        (
            "input.size",
            "'input.size': 'size' is not part of tensor; it has: device, dtype, rank, shape",
        ),
        ("inputs.shape", "'inputs.shape': 'shape' is not part of tensors; it has: []"),
        ("layer[0]", "'layer[0]': 0 is not part of layer; it has: parameters, path, short, type"),
        ("next[0].node.title", "'next[0].node.title': next takes no index"),
        (
            "module.__class__.__mro__",
            "'module.__class__.__mro__': '__mro__' is not part of value; it has: []",
        ),
    ],
)
def test_a_path_that_no_facts_could_have_is_an_error(text: str, message: str) -> None:
    with pytest.raises(PathError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_an_unknown_root_is_told_the_known_ones() -> None:
    with pytest.raises(PathError, match=r"'torch' is not part of a path; it has: effect, failure, input, inputs"):
        parse("torch.nn.Linear")


def test_input_is_the_first_of_the_inputs() -> None:
    assert parse("input.shape[-1]") == parse("inputs[0].shape[-1]") == Path("inputs", (0, "shape", -1))


def test_a_dunder_leads_to_no_python_attribute() -> None:
    assert resolve(parse("module.__class__"), HERE) is UNKNOWN


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("torch.nn.functional.linear", "F.linear"),
        ("torch.Tensor.view", "view"),
        ("torch.cat", "torch.cat"),
        ("_operator.add", "add"),
    ],
)
def test_a_function_is_called_as_people_write_it(target: str, said: str) -> None:
    assert title(Node(id=1, name="n", op="function", target=target), None) == said


def test_a_layer_that_is_the_whole_model_goes_by_its_type() -> None:
    assert title(FIRST, Layer(path="", type="torch.nn.Linear")) == "nn.Linear"


def test_a_layer_that_has_only_a_number_is_told_by_its_type() -> None:
    assert title(FIRST, Layer(path="body.4", type="torch.nn.Linear")) == "body.4 (nn.Linear)"

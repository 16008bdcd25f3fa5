"""Three-valued evaluation: an unknown never becomes a violation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlint.facts import FileFacts, Layer, ModelFacts, Node, TensorFact, Violation
from convlint.rules.environment import Environment
from convlint.rules.evaluate import Truth, all_of, any_of, evaluate, negate
from convlint.rules.schema import Condition

TRUTHS = st.sampled_from(Truth)
LINEAR = Layer(path="fc", type="torch.nn.Linear", attributes={"in_features": 16, "bias": True})


def environment(size: int | str, *violation: Violation, status: Any = "checked") -> Environment:
    """A linear layer between a convolution and two activations."""
    nodes = (
        Node(id=1, name="conv", op="function", target="torch.conv2d", consumers=(2,)),
        Node(
            id=2,
            name="fc",
            op="module",
            target="torch.nn.Linear",
            layer="fc",
            inputs=(TensorFact(shape=("B", size), dtype="float32"),),
            producers=(1,),
            consumers=(3, 4),
            violations=violation,
        ),
        Node(id=3, name="relu", op="function", target="torch.nn.functional.relu", producers=(2,)),
        Node(id=4, name="gelu", op="function", target="torch.nn.functional.gelu", producers=(2,)),
    )
    model = ModelFacts(name="net.Net", target="Net", row=1, status=status, layers={"fc": LINEAR}, nodes=nodes)
    return Environment(FileFacts(filename="net.py", models=(model,)), model=model, node=nodes[1])


def judge(where: Environment, **condition: Any) -> Truth:
    return evaluate(Condition.model_validate(condition), where)


EQUAL = ("input.shape[-1]", "module.in_features")


@pytest.mark.parametrize(
    ("size", "truth"), [(16, Truth.TRUE), (17, Truth.FALSE), ("H", Truth.UNKNOWN), ("4*H", Truth.UNKNOWN)]
)
def test_equal(size: int | str, truth: Truth) -> None:
    assert judge(environment(size), equal=EQUAL) is truth


def test_a_formula_equals_itself() -> None:
    assert judge(environment("4*H"), equal=("input.shape[-1]", "inputs[0].shape[1]")) is Truth.TRUE


@pytest.mark.parametrize("operand", ["input.shape[-1]", "inputs[0].shape[-1]"])
def test_the_solver_may_say_that_a_formula_cannot_equal(operand: str) -> None:
    assert judge(environment("4*H", Violation(name="in_features", operand=operand)), equal=EQUAL) is Truth.FALSE


@pytest.mark.parametrize("operand", ["input.shape[0]", "weight.shape[1]", "not a path"])
def test_what_the_solver_says_of_another_operand_does_not_count(operand: str) -> None:
    assert judge(environment("4*H", Violation(name="in_features", operand=operand)), equal=EQUAL) is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ({"at_most": ["input.shape[-1]", 16]}, Truth.TRUE),
        ({"at_most": ["input.shape[-1]", 15]}, Truth.FALSE),
        ({"at_most": ["input.shape[0]", 15]}, Truth.UNKNOWN),
        ({"at_least": ["input.shape[-1]", 17]}, Truth.FALSE),
        ({"divisible_by": ["input.shape[-1]", 8]}, Truth.TRUE),
        ({"divisible_by": ["input.shape[-1]", 3]}, Truth.FALSE),
        ({"divisible_by": ["input.shape[-1]", 0]}, Truth.UNKNOWN),
        ({"one_of": ["input.dtype", ["float32", "float64"]]}, Truth.TRUE),
        ({"one_of": ["input.dtype", ["int64"]]}, Truth.FALSE),
        ({"one_of": ["input.shape[0]", [1, 2]]}, Truth.UNKNOWN),
        ({"absent": "violation.concat"}, Truth.TRUE),
        ({"absent": "module.bias"}, Truth.FALSE),
        ({"previous": {"function": "torch.conv?d"}}, Truth.TRUE),
        ({"previous": {"module": ["torch.nn.Linear"]}}, Truth.FALSE),
        ({"next": {"function": ["torch.nn.functional.relu"]}}, Truth.FALSE),
        ({"next": {"function": ["torch.nn.functional.*"]}}, Truth.TRUE),
        ({"equal": ["module.bias", True], "at_most": ["input.shape[-1]", 1]}, Truth.FALSE),
        ({"all": [{"at_most": ["input.shape[0]", 1]}, {"absent": "module.x"}]}, Truth.UNKNOWN),
        ({"any": [{"at_most": ["input.shape[0]", 1]}, {"absent": "module.x"}]}, Truth.TRUE),
        ({"not": {"absent": "module.x"}}, Truth.FALSE),
        ({"not": {"equal": ["input.shape[0]", 3]}}, Truth.UNKNOWN),
    ],
)
def test_operators(condition: dict[str, Any], truth: Truth) -> None:
    assert judge(environment(16), **condition) is truth


@pytest.mark.parametrize(("status", "truth"), [("checked", Truth.FALSE), ("partial", Truth.UNKNOWN)])
def test_what_comes_after_a_partial_trace_is_unknown(status: str, truth: Truth) -> None:
    here = environment(16, status=status)
    assert here.model is not None
    last = Environment(here.file, model=here.model, node=here.model.nodes[3])
    assert judge(last, next={"function": ["*"]}) is truth


@given(st.lists(TRUTHS))
def test_de_morgan_holds_with_unknowns(values: list[Truth]) -> None:
    assert negate(all_of(values)) is any_of(negate(value) for value in values)


@given(st.lists(TRUTHS), TRUTHS)
def test_an_unknown_decides_nothing_alone(values: list[Truth], outcome: Truth) -> None:
    """Learning what an unknown is can only turn an unknown result into a known one."""
    before = all_of([*values, Truth.UNKNOWN])
    after = all_of([*values, outcome])
    assert before in (Truth.UNKNOWN, after)

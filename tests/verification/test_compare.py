"""A prediction against an observation, both written step by step: what no CPU shows is among them."""

from __future__ import annotations

from typing import Any

import pytest

from convlint.facts import (
    Array,
    Observation,
    Prediction,
    Reason,
    RefusedCallFact,
    RunCall,
    RunError,
    Scenario,
    Span,
    Unfit,
)
from convlint.verification.compare import compare

HERE = Scenario(training=False, sizes={"B": 2})


def array(*shape: int | None, dtype: str = "float32", device: str | None = "cuda", **layout: bool) -> Array:
    return Array(shape=shape, dtype=dtype, device=device, **layout)


def at(row: int) -> Span:
    return Span(filename="net.py", row=row, column=9, end_row=row, end_column=20)


def layer(path: str, *outputs: Array, row: int = 10) -> RunCall:
    return RunCall(target="torch.nn.Linear", layer=path, at=at(row), outputs=outputs)


def function(name: str, *outputs: Array, row: int = 10) -> RunCall:
    return RunCall(target=name, at=at(row), outputs=outputs)


def told(
    predicted: list[RunCall],
    observed: list[RunCall],
    *,
    refused: tuple[int, ...] = (),
    end: Reason | None = None,
    **seen: Any,
) -> list[tuple[str, str]]:
    outputs = observed[-1].outputs if observed else ()
    prediction = Prediction(
        scenario=HERE,
        calls=tuple(predicted),
        outputs=predicted[-1].outputs if predicted else (),
        refused=tuple(RefusedCallFact(call=number, what="in_features") for number in refused),
        end=end,
    )
    real = Observation(**{"scenario": HERE, "calls": tuple(observed), "outputs": outputs, **seen})
    return [(one.kind, one.said) for one in compare(prediction, real, "cuda").troubles]


def test_what_agrees_is_no_trouble() -> None:
    calls = [layer("fc1", array(2, 4)), function("torch.relu", array(2, 4)), layer("fc2", array(2, 3))]
    assert told(calls, calls) == []


def test_a_real_run_may_make_more_of_functions() -> None:
    predicted = [layer("fc", array(2, 4)), function("torch.add", array(2, 4), row=12)]
    table = function("torch.arange", array(4, device="cpu"), row=11)
    twice = function("torch.add", array(1, 4), row=12)
    assert told(predicted, [predicted[0], table, twice, predicted[1]]) == []


def test_a_size_that_hangs_on_data_is_any_size() -> None:
    assert told([layer("fc", array(None, 4))], [layer("fc", array(7, 4))]) == []


@pytest.mark.parametrize(
    ("kind", "other", "really"),
    [
        ("shape", array(2, 5), "[2, 5] float32"),
        ("shape", array(2, 4, 1), "[2, 4, 1] float32"),
        ("dtype", array(2, 4, dtype="float64"), "[2, 4] float64"),
        ("device", array(2, 4, device="cpu"), "[2, 4] float32 on cpu"),
        ("layout", array(2, 4, contiguous=False, channels_last=False), "[2, 4] float32 strided"),
    ],
)
def test_the_first_call_that_differs_is_named(kind: str, other: Array, really: str) -> None:
    good = array(2, 4, contiguous=True, channels_last=False)
    found = told([layer("fc1", good), layer("fc2", good)], [layer("fc1", other), layer("fc2", other)])
    assert [one for one, _ in found] == [kind]
    assert found[0][1].endswith(f"observed {really}")


def test_a_function_may_work_on_the_host() -> None:
    assert told([function("torch.arange", array(4))], [function("torch.arange", array(4, device="cuda"))]) == []
    on_host = [function("torch.arange", array(4, device=None)), layer("fc", array(2))]
    assert told(on_host, [function("torch.arange", array(4, device="cpu")), layer("fc", array(2))]) == []


def test_another_layer_ends_the_comparison() -> None:
    predicted = [layer("fc1", array(2, 4)), layer("fc2", array(2, 4)), layer("fc3", array(2, 4))]
    observed = [layer("fc1", array(2, 4)), layer("fc9", array(9, 9)), layer("fc3", array(8, 8))]
    assert told(predicted, observed) == [("order", "predicted fc2, observed fc9")]


def test_where_data_decides_another_way_is_no_trouble() -> None:
    prediction = Prediction(scenario=HERE, calls=(layer("fc1", array(2, 4)),), is_one_of_several=True)
    seen = Observation(scenario=HERE, calls=(layer("fc2", array(2, 4)),))
    assert compare(prediction, seen).troubles == ()


def test_a_refusal_that_comes_is_confirmed() -> None:
    calls = [layer("fc1", array(2, 4)), layer("fc2", array(2, 3))]
    prediction = Prediction(scenario=HERE, calls=tuple(calls), refused=(RefusedCallFact(call=1, what="in_features"),))
    seen = Observation(scenario=HERE, calls=tuple(calls), refused=(RefusedCallFact(call=1, what="mat1 and mat2"),))
    found = compare(prediction, seen)
    assert (found.troubles, found.confirmed, found.compared) == ((), (1,), 2)


def test_a_refusal_that_does_not_come_refutes() -> None:
    calls = [layer("fc1", array(2, 4)), layer("fc2", array(2, 3))]
    assert told(calls, calls, refused=(1,)) == [
        ("runs", "predicted it is refused (in_features), observed [2, 3] float32")
    ]


def test_behind_a_repair_the_layout_is_left_open() -> None:
    wanted, given = array(2, 4, contiguous=False), array(2, 4, contiguous=True)
    prediction = [layer("rnn", array(2, 4)), function("torch.relu", wanted)]
    seen = [layer("rnn", array(2, 4)), function("torch.relu", given)]
    refused = {"refused": (RefusedCallFact(call=0, what="no"),)}
    real = Observation(scenario=HERE, calls=tuple(seen), outputs=(given,), **refused)
    expected = Prediction(
        scenario=HERE, calls=tuple(prediction), outputs=(wanted,), refused=(RefusedCallFact(call=0, what="input_size"),)
    )
    assert compare(expected, real, "cuda").troubles == ()


@pytest.mark.parametrize(("name", "kinds"), [("scaled_dot_product_attention", []), ("bmm", ["layout"])])
def test_how_attention_lies_in_memory_is_for_torch_to_choose(name: str, kinds: list[str]) -> None:
    wanted, given = array(2, 4, contiguous=False), array(2, 4, contiguous=True)

    def calls(array: Array) -> list[RunCall]:
        return [function(name, array), layer("act", array)]

    assert [kind for kind, _ in told(calls(wanted), calls(given))] == kinds
    behind = [function(name, given), layer("act", array(2, 5))]
    assert [kind for kind, _ in told(calls(wanted), behind)] == [*kinds, "shape"][:1]


@pytest.mark.parametrize(
    ("kind", "end", "trouble"),
    [
        ("raised", None, "raises"),
        ("raised", Reason(kind="value-from-data"), "stops"),
        ("memory", None, "memory"),
        ("device", None, "fault"),
    ],
)
def test_what_ends_a_run(kind: Any, end: Reason | None, trouble: str) -> None:
    error = RunError(kind=kind, type="E", message="E: why", at=at(11), layer="fc2", call=1)
    calls = [layer("fc1", array(2, 4)), layer("fc2", array(2, 4), row=11)]
    assert told(calls, calls[:1], end=end, error=error) == [(trouble, "E: why")]


def test_an_end_that_was_predicted_is_no_trouble() -> None:
    calls = [layer("fc1", array(2, 4)), function("torch.cat", row=11)]
    error = RunError(kind="raised", type="RuntimeError", message="sizes", at=at(11), call=1)
    assert told(calls, calls[:1], refused=(1,), error=error) == []


def test_numbers_that_are_none_come_with_their_call() -> None:
    calls = [layer("fc1", array(2, 4)), function("torch.log", array(2, 4), row=12)]
    unfit = (Unfit(kind="nan", where="the output", call=1), Unfit(kind="inf", where="the output"))
    assert told(calls, calls, unfit=unfit) == [
        ("not-finite", "the output holds nan, and `torch.log` is the first to make it"),
        ("not-finite", "the output holds inf"),
    ]

"""Diagnostics from facts written step by step: where they stand, what they say, and what they propose."""

from __future__ import annotations

from typing import Any

import pytest

from convlint.diagnostics import Diagnostic, Location
from convlint.facts import (
    BuildFailure,
    Change,
    Effect,
    Failure,
    FileFacts,
    InputFact,
    Layer,
    ModelFacts,
    Node,
    Reason,
    Span,
    TensorFact,
    TriedEdit,
    Violation,
)
from convlint.rules.apply import diagnose
from convlint.rules.load import load_rules
from convlint.rules.schema import Rule


def span(row: int, column: int, length: int, filename: str = "net.py") -> Span:
    return Span(filename=filename, row=row, column=column, end_row=row, end_column=column + length)


def tensor(*shape: int | str) -> TensorFact:
    return TensorFact(shape=shape, dtype="float32")


SITE = span(15, 20, 20)
ARGUMENT = span(15, 30, 4)
CALL = span(24, 20, 11)
VIOLATION = Violation(
    name="in_features",
    operand="input.shape[-1]",
    expected=1600,
    actual=9216,
    formula="64*((H-4)//2)*((W-4)//2)",
    derivation="64 * ((28-4)//2) * ((28-4)//2) = 9216",
    verdict="contradicted",
    argument="in_features",
    value=9216,
    sizes="H = W in {14, 15}",
    evidence="pyproject.toml",
    edit=TriedEdit(kind="number", code="nn.Linear(9216, 128)", changes=(Change(at=ARGUMENT, text="9216"),)),
)
FC1 = Layer(
    path="fc1",
    type="torch.nn.Linear",
    attributes={"in_features": 1600, "out_features": 128},
    site=SITE,
    arguments={"in_features": ARGUMENT},
)
CONV1 = Layer(path="conv1", type="torch.nn.Conv2d", site=span(11, 22, 22))
CONV2 = Layer(path="conv2", type="torch.nn.Conv2d", site=span(12, 22, 23))


def mnist(violation: Violation = VIOLATION, layer: Layer = FC1, call: Span | None = CALL) -> FileFacts:
    """The MNIST net whose first linear layer is fed too much."""
    nodes = (
        Node(id=0, name="x", op="input", target="x", outputs=(tensor("B", 1, 28, 28),), consumers=(1,)),
        _layer(1, "conv1", span(19, 20, 13), ("B", 1, 28, 28), ("B", 32, 26, 26)),
        _call(2, "torch.nn.functional.relu", span(19, 13, 21), ("B", 32, 26, 26), ("B", 32, 26, 26)),
        _layer(3, "conv2", span(20, 20, 13), ("B", 32, 26, 26), ("B", 64, 24, 24)),
        _call(4, "torch.nn.functional.max_pool2d", span(21, 13, 18), ("B", 64, 24, 24), ("B", 64, 12, 12)),
        _call(5, "torch.flatten", span(23, 13, 19), ("B", 64, 12, 12), ("B", 9216)),
        Node(
            id=6,
            name="fc1",
            op="module",
            target="torch.nn.Linear",
            layer="fc1",
            call=call,
            inputs=(tensor("B", 9216),),
            outputs=(tensor("B", 128),),
            producers=(5,),
            violations=(violation,),
        ),
    )
    model = ModelFacts(
        name="net.Net",
        target="Net",
        row=6,
        status="checked",
        inputs=(InputFact(name="x", shape=("B", 1, 28, 28), dtype="float32", source="pyproject.toml"),),
        layers={"fc1": layer, "conv1": CONV1, "conv2": CONV2},
        nodes=nodes,
    )
    return FileFacts(filename="net.py", models=(model,))


def _layer(number: int, path: str, call: Span, before: Any, after: Any) -> Node:
    return Node(
        id=number,
        name=path,
        op="module",
        target="torch.nn.Conv2d",
        layer=path,
        call=call,
        inputs=(tensor(*before),),
        outputs=(tensor(*after),),
        producers=(number - 1,),
        consumers=(number + 1,),
    )


def _call(number: int, target: str, call: Span, before: Any, after: Any) -> Node:
    return _layer(number, "", call, before, after).model_copy(
        update={"op": "function", "target": target, "layer": None}
    )


def only(facts: FileFacts) -> Diagnostic:
    (found,) = diagnose(facts, load_rules())
    return found


def test_a_wrong_linear_layer_stands_at_its_argument() -> None:
    found = only(mnist())
    assert (found.code, found.name, found.severity) == ("CL101", "linear-in-features", "error")
    assert found.message == "`fc1` takes 1600 features but gets 9216"
    assert (found.filename, found.location, found.end_location) == (
        "net.py",
        Location(row=15, column=30),
        Location(row=15, column=34),
    )
    assert (found.model, found.layer) == ("net.Net", "fc1")
    assert (found.expected, found.actual, found.formula) == (1600, 9216, "64*((H-4)//2)*((W-4)//2)")


def test_the_hint_names_the_number_where_it_comes_from_and_the_other_way_out() -> None:
    assert only(mnist()).hint == (
        "`nn.Linear(9216, 128)`: 64 * ((28-4)//2) * ((28-4)//2) = 9216; or feed H = W in {14, 15}"
    )


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"sizes": None}, "`nn.Linear(9216, 128)`: 64 * ((28-4)//2) * ((28-4)//2) = 9216"),
        ({"sizes": None, "derivation": None}, "`nn.Linear(9216, 128)`"),
        ({"edit": None, "derivation": None}, "feed H = W in {14, 15}"),
        ({"edit": None, "sizes": None}, "the size comes from 64 * ((28-4)//2) * ((28-4)//2) = 9216"),
        ({"edit": None, "derivation": None, "sizes": None}, None),
    ],
)
def test_a_hint_says_only_what_is_known(change: dict[str, Any], hint: str | None) -> None:
    assert only(mnist(VIOLATION.model_copy(update=change))).hint == hint


def test_the_trail_leads_from_the_input_to_the_layer() -> None:
    found = only(mnist())
    assert [(one.location.row, one.message) for one in found.related] == [
        (24, "called here with [B, 9216]"),
        (6, "x: [B, 1, 28, 28] (pyproject.toml)"),
        (19, "conv1 (line 11): [B, 1, 28, 28] -> [B, 32, 26, 26]"),
        (20, "conv2 (line 12): [B, 32, 26, 26] -> [B, 64, 24, 24]"),
        (21, "F.max_pool2d: [B, 64, 24, 24] -> [B, 64, 12, 12]"),
        (23, "torch.flatten: [B, 64, 12, 12] -> [B, 9216]"),
    ]
    assert [one.end_location is not None for one in found.related] == [True] + [False] * 5


def test_the_fix_replaces_the_argument() -> None:
    fix = only(mnist()).fix
    assert fix is not None
    assert fix.applicability == "unsafe"
    (edit,) = fix.edits
    assert (edit.content, edit.location, edit.end_location) == (
        "9216",
        Location(row=15, column=30),
        Location(row=15, column=34),
    )


@pytest.mark.parametrize(
    "edit",
    [
        None,
        {"is_whole": False},
        {"kind": "pad"},
        {"changes": (Change(at=span(40, 9, 4, "models.py"), text="9216"),)},
    ],
    ids=["none was tried", "more is wrong", "it fits one size of images alone", "in another file"],
)
def test_no_fix_but_of_what_was_tried_and_runs(edit: dict[str, Any] | None) -> None:
    changed = None if edit is None else VIOLATION.edit.model_copy(update=edit)  # type: ignore[union-attr]
    assert only(mnist(VIOLATION.model_copy(update={"edit": changed}))).fix is None


@pytest.mark.parametrize(
    ("edit", "hint"),
    [
        ({"others": ("x.flatten(1)",)}, "`nn.Linear(9216, 128)`, or `x.flatten(1)`"),
        ({"kind": "layout", "code": "x.transpose(1, 2)"}, "`x.transpose(1, 2)`"),
    ],
    ids=["several edits", "no other size is wanted"],
)
def test_the_hint_says_what_was_tried(edit: dict[str, Any], hint: str) -> None:
    changed = VIOLATION.edit.model_copy(update=edit)  # type: ignore[union-attr]
    violation = VIOLATION.model_copy(update={"edit": changed, "sizes": None if "others" in edit else VIOLATION.sizes})
    assert str(only(mnist(violation)).hint).startswith(hint)
    assert "feed" not in str(only(mnist(violation)).hint)


ELSEWHERE = span(40, 9, 4, "models.py")


@pytest.mark.parametrize(
    ("change", "layer", "call", "place"),
    [
        ({"at": ELSEWHERE}, FC1, CALL, ELSEWHERE),
        ({}, FC1, CALL, ARGUMENT),
        ({}, FC1.model_copy(update={"arguments": {}}), CALL, SITE),
        ({"argument": None}, FC1, CALL, CALL),
        ({"argument": None}, FC1, None, SITE),
        ({}, FC1.model_copy(update={"arguments": {}, "site": None}), CALL, CALL),
        ({}, FC1.model_copy(update={"arguments": {}, "site": None}), None, span(6, 1, 0)),
    ],
    ids=[
        "said",
        "argument",
        "site",
        "call, no argument at fault",
        "site, no call",
        "call",
        "row of the model",
    ],
)
def test_the_nearest_known_place_is_taken(change: dict[str, Any], layer: Layer, call: Span | None, place: Span) -> None:
    found = only(mnist(VIOLATION.model_copy(update=change), layer, call))
    assert found.filename == place.filename
    assert found.location == Location(row=place.row, column=place.column)
    assert found.end_location == Location(row=place.end_row, column=place.end_column)


def test_a_finding_in_forward_shows_where_its_layer_is_made() -> None:
    rank = VIOLATION.model_copy(update={"name": "rank", "argument": None, "expected": 4, "actual": 2})
    found = only(mnist(rank))
    assert found.code == "CL114"
    assert found.message == "`fc1` takes 4 features but gets [B, 9216], which is not flattened"
    assert (found.related[0].location.row, found.related[0].message) == (15, "`fc1` is made here")


def test_a_long_trail_is_shortened_in_its_middle() -> None:
    nodes = [Node(id=0, name="x", op="input", target="x", outputs=(tensor("B", 1),))]
    nodes += [_call(i, "torch.nn.functional.pad", span(i, 1, 5), ("B", i), ("B", i + 1)) for i in range(1, 20)]
    fc = mnist().models[0].nodes[-1].model_copy(update={"id": 20, "producers": (19,)})
    model = mnist().models[0].model_copy(update={"nodes": (*nodes, fc)})
    found = only(FileFacts(filename="net.py", models=(model,)))
    said = [one.message for one in found.related[1:]]
    assert len(said) == 12
    assert said[3] == "... 9 more calls that change the shape"
    assert said[2] == "F.pad: [B, 2] -> [B, 3]"
    assert said[4] == "F.pad: [B, 12] -> [B, 13]"
    assert not any(one.made_at for one in found.related)


def test_a_flatten_that_flattens_nothing_is_in_the_trail() -> None:
    same = [("B", 64, 144), ("B", 64, 144)]
    facts = mnist()
    model = facts.models[0]
    idle = [_call(4, "torch.nn.functional.relu", CALL, *same), _call(5, "torch.flatten", CALL, *same)]
    model = model.model_copy(update={"nodes": (*model.nodes[:4], *idle, model.nodes[-1])})
    said = [one.message for one in only(facts.model_copy(update={"models": (model,)})).related]
    assert said[-2:] == [
        "conv2 (line 12): [B, 32, 26, 26] -> [B, 64, 24, 24]",
        "torch.flatten: [B, 64, 144] as before",
    ]


def test_the_trail_follows_both_operands_and_ends_in_a_loop_of_facts() -> None:
    left = _call(1, "left", span(1, 1, 1), ("B", 1), ("B", 2)).model_copy(update={"producers": (3,)})
    right = _call(2, "right", span(2, 1, 1), ("B", 1), ("B", 3)).model_copy(update={"producers": (2,)})
    cat = Node(
        id=3,
        name="cat",
        op="function",
        target="torch.cat",
        call=span(3, 1, 9),
        inputs=(tensor("B", 2), tensor("B", 3)),
        producers=(1, 2),
        violations=(Violation(name="concat", operand="inputs[1].shape[1]", expected=2, actual=3),),
    )
    model = ModelFacts(name="n.N", target="N", row=1, status="checked", nodes=(left, right, cat))
    found = only(FileFacts(filename="net.py", models=(model,)))
    assert found.message == "the tensors that `torch.cat` joins differ in the last dimension (2, 3)"
    assert [one.message for one in found.related] == ["left: [B, 1] -> [B, 2]", "right: [B, 1] -> [B, 3]"]


def test_a_line_that_makes_several_layers_is_one_finding() -> None:
    once = mnist()
    (model,) = once.models
    again = model.nodes[-1].model_copy(update={"id": 7, "name": "fc2", "layer": "fc2", "producers": ()})
    layers = {**model.layers, "fc2": FC1.model_copy(update={"path": "fc2"})}
    both = model.model_copy(update={"nodes": (*model.nodes, again), "layers": layers})
    found = only(once.model_copy(update={"models": (both,)}))
    assert (found.layer, found.also) == ("fc1", ("fc2",))


def test_one_mistake_in_two_models_is_one_finding() -> None:
    once = mnist()
    twice = once.model_copy(update={"models": (*once.models, once.models[0].model_copy(update={"name": "net.B"}))})
    assert len(diagnose(twice, load_rules())) == 1


def test_two_requirements_of_one_node_are_two_findings() -> None:
    facts = mnist()
    model = facts.models[0]
    other = Violation(name="rank", operand="input.rank", expected=3, actual=2)
    node = model.nodes[-1].model_copy(update={"violations": (VIOLATION, other)})
    model = model.model_copy(update={"nodes": (*model.nodes[:-1], node)})
    found = diagnose(FileFacts(filename="net.py", models=(model,)), load_rules())
    assert [one.code for one in found] == ["CL101", "CL114"]


def test_a_requirement_of_the_constructor_has_no_node() -> None:
    heads = Violation(
        name="num_heads", operand="module.num_heads", expected=8, actual=300, argument="num_heads", at=ARGUMENT
    )
    model = ModelFacts(name="net.Net", target="Net", row=3, status="skipped", violations=(heads,))
    found = only(FileFacts(filename="net.py", models=(model,)))
    assert found.code == "CL106"
    assert found.message == "300 features cannot be split over 8 heads"
    assert (found.location.row, found.expected, found.actual, found.related) == (15, 8, 300, ())


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("unreadable", "CL001", "this file cannot be read: why"),
        ("syntax", "CL002", "this is not valid Python: why"),
        ("import", "CL003", "importing this file fails: why"),
        ("timeout", "CL004", "checking this file took too long: why"),
        ("crash", "CL005", "why"),
        ("memory", "CL008", "checking this file took too much memory: why"),
    ],
)
def test_a_file_that_gives_no_facts_is_a_finding(kind: Any, code: str, message: str) -> None:
    found = only(FileFacts(filename="net.py", failures=(Failure(kind=kind, message="why", at=span(3, 5, 2)),)))
    assert (found.code, found.message, found.location.row) == (code, message, 3)


def test_the_side_effects_of_a_file_are_one_finding() -> None:
    first = Effect(kind="writes", what="writes log.txt", at=span(3, 5, 2))
    others = tuple(
        Effect(kind="program", what=f"starts {name}", at=span(row, 5, 2)) for row, name in [(7, "git"), (9, "ls")]
    )
    found = only(FileFacts(filename="net.py", effects=(first, *others)))
    assert (found.code, found.severity, found.location.row) == ("CL007", "info", 3)
    assert found.message == "this file writes log.txt while it is checked, which convlint refuses (and 2 more)"
    assert [(one.location.row, one.message) for one in found.related] == [(7, "starts git"), (9, "starts ls")]
    alone = only(FileFacts(filename="net.py", effects=(first,)))
    assert alone.message == "this file writes log.txt while it is checked, which convlint refuses"


def test_a_failure_without_a_place_stands_at_the_top() -> None:
    found = only(FileFacts(filename="net.py", failures=(Failure(kind="import", message="why"),)))
    assert found.location == found.end_location == Location(row=1, column=1)


def test_a_constructor_that_raises_is_a_finding() -> None:
    found = only(FileFacts(filename="net.py", build_failures=(BuildFailure(target="Net", message="ValueError: no"),)))
    assert (found.code, found.message) == ("CL006", "building `Net` fails: ValueError: no")


@pytest.mark.parametrize("status", ["partial", "skipped"])
def test_a_model_that_was_not_checked_is_no_finding(status: Any) -> None:
    model = ModelFacts(name="net.Net", target="Net", row=3, status=status, reason=Reason(kind="no-torch-call"))
    assert diagnose(FileFacts(filename="net.py", models=(model,)), load_rules()) == []


UNTRIED = VIOLATION.model_copy(update={"edit": None})


def rule(**changes: Any) -> Rule:
    """The first rule of the documentation, which compares the sizes itself."""
    return Rule.model_validate(
        {
            "schema": 1,
            "id": "CL101",
            "name": "linear-in-features",
            "severity": "error",
            "message": "`{layer.path}` takes {module.in_features} features but gets {input.shape[-1]}",
            "match": {"module": ["torch.nn.Linear"]},
            "require": {"equal": ["input.shape[-1]", "module.in_features"]},
            "fix": {"applicability": "unsafe", "argument": "in_features", "value": "input.shape[-1]"},
            "why": "because",
            **changes,
        }
    )


def test_a_rule_may_compare_sizes_itself() -> None:
    facts = mnist()
    node = facts.models[0].nodes[-1].model_copy(update={"violations": ()})
    model = facts.models[0].model_copy(update={"nodes": (*facts.models[0].nodes[:-1], node)})
    (found,) = diagnose(FileFacts(filename="net.py", models=(model,)), [rule()])
    assert found.message == "`fc1` takes 1600 features but gets 9216"
    assert (found.expected, found.actual, found.location.row) == (1600, 9216, 15)
    assert found.fix is not None
    assert found.fix.edits[0].content == "9216"


def test_no_edit_is_offered_where_the_number_is_given_to_another_layer_as_well() -> None:
    facts = mnist(UNTRIED)
    model = facts.models[0]
    twin = model.layers["fc1"].model_copy(update={"path": "fc9"})
    shared = model.model_copy(update={"layers": {**model.layers, "fc9": twin}})
    (alone,), (with_twin,) = (
        diagnose(FileFacts(filename="net.py", models=(one,)), [rule()]) for one in (model, shared)
    )
    assert alone.fix is not None
    assert with_twin.fix is None
    assert with_twin.hint == alone.hint


def test_no_edit_is_offered_where_other_numbers_are_made_of_the_argument() -> None:
    facts = mnist(UNTRIED)
    model = facts.models[0]
    layer = model.layers["fc1"].model_copy(update={"reckoned": ("in_features",)})
    reckoned = model.model_copy(update={"layers": {**model.layers, "fc1": layer}})
    (found,) = diagnose(FileFacts(filename="net.py", models=(reckoned,)), [rule()])
    assert found.fix is None
    assert found.hint is not None


def test_no_edit_is_offered_where_the_layer_has_another_call_that_it_suits() -> None:
    facts = mnist(UNTRIED)
    model = facts.models[0]
    again = model.nodes[-1].model_copy(update={"id": 99, "violations": ()})
    both = model.model_copy(update={"nodes": (*model.nodes, again)})
    (found, *_) = diagnose(FileFacts(filename="net.py", models=(both,)), [rule()])
    assert found.fix is None


def test_a_rule_that_compares_sizes_takes_over_what_the_solver_says_of_the_operand() -> None:
    (found,) = diagnose(mnist(), [rule()])
    assert found.hint is not None
    assert found.hint.startswith("the size comes from 64 * ((28-4)//2)")


def test_what_is_unknown_at_run_time_reads_as_a_question_mark() -> None:
    changed = rule(message="{module.nothing} and {option.max}", require={"absent": "layer"})
    (found,) = diagnose(mnist(), [changed])
    assert found.message == "? and ?"


def test_options_reach_the_rule() -> None:
    changed = rule(require={"at_most": ["input.shape[-1]", "option.most"]})
    assert diagnose(mnist(), [changed], {"most": 10_000}) == []
    assert len(diagnose(mnist(), [changed], {"most": 9_000})) == 1


def test_a_rule_may_be_about_whole_models() -> None:
    changed = rule(match={"status": ["checked"]}, require={"absent": "model.name"}, message="{model.inputs[0].shape}")
    (found,) = diagnose(mnist(), [changed])
    assert (found.message, found.location.row) == ("[B, 1, 28, 28]", 6)


def test_one_mistake_under_two_names_is_one_finding() -> None:
    """A block that is used twice, or is checked by itself as well, has its mistake once."""
    (alone,) = mnist().models
    node = alone.nodes[-1].model_copy(update={"name": "net.fc1", "layer": "net.fc1"})
    inside = alone.model_copy(
        update={
            "name": "net.Outer",
            "layers": {**alone.layers, "net.fc1": FC1.model_copy(update={"path": "net.fc1"})},
            "nodes": (*alone.nodes[:-1], node),
        }
    )
    (only,) = diagnose(FileFacts(filename="net.py", models=(inside, alone)), load_rules())
    assert only.layer == "net.fc1"

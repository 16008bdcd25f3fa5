"""Which rules apply."""

from __future__ import annotations

import pytest

from convlint.rules.load import load_rules
from convlint.rules.select import UnknownRule, select


def codes(selected: list[str], ignored: list[str]) -> set[str]:
    return {rule.id for rule in select(load_rules(), selected, ignored)}


EVERY = codes([], [])
SHAPE = {code for code in EVERY if code.startswith("CL1")}


@pytest.mark.parametrize(
    ("selected", "ignored", "left"),
    [
        ([], [], EVERY),
        (["ALL"], [], EVERY),
        (["CL1"], [], SHAPE),
        (["CL101"], [], {"CL101"}),
        (["linear-in-features"], [], {"CL101"}),
        (["CL1"], ["CL113"], SHAPE - {"CL113"}),
        (["CL101"], ["CL1"], {"CL101"}),
        (["CL101"], ["CL101"], set()),
        ([], ["CL0"], EVERY - {code for code in EVERY if code.startswith("CL0")}),
        ([], ["wrong-rank"], EVERY - {"CL114"}),
    ],
)
def test_select(selected: list[str], ignored: list[str], left: set[str]) -> None:
    assert codes(selected, ignored) == left


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("CL1O1", "'CL1O1' names no rule; give a code (CL101), its beginning (CL1) or a name"),
        ("linear-in-feature", "'linear-in-feature' names no rule; did you mean 'linear-in-features'?"),
        ("E501", "'E501' names no rule; give a code (CL101), its beginning (CL1) or a name"),
        ("", "'' names no rule; give a code (CL101), its beginning (CL1) or a name"),
    ],
)
def test_a_selector_that_names_nothing_is_an_error(selector: str, message: str) -> None:
    with pytest.raises(UnknownRule) as caught:
        select(load_rules(), [selector])
    assert str(caught.value) == message

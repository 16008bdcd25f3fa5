"""Expressions that have a wanted value, and texts with changes made, for numbers and texts of all kinds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from convlint.facts import Change, Span
from convlint.worker.analysis.edits.expressions import Point, expressions, value_of
from convlint.worker.analysis.edits.text import edited

NAMES = ("width", "hidden", "self.heads", "config.dim")
SIZES = st.integers(min_value=1, max_value=512)
SCOPES = st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, SIZES)), min_size=1, max_size=4)
FORMS = st.sampled_from(["width", "2 * hidden", "width // 2", "width + hidden", "width * hidden", "config.dim * 4"])


@given(SCOPES, FORMS)
def test_each_expression_has_the_wanted_value(scopes: list[dict[str, int]], form: str) -> None:
    values = [value_of(form, scope) for scope in scopes]
    points = [Point(scope, value) for scope, value in zip(scopes, values, strict=True) if value]
    for found in expressions(points, "hidden", "self.a = nn.Linear(config.dim * 4, 8)") if points else ():
        assert [value_of(found, point.scope) for point in points] == [point.wanted for point in points]


@given(SCOPES, st.sampled_from(["width", "self.heads", "config.dim"]))
def test_a_name_that_fits_is_found(scopes: list[dict[str, int]], name: str) -> None:
    points = [Point(scope, scope[name]) for scope in scopes]
    found = next(iter(expressions(points, "hidden", "")))
    assert [value_of(found, scope) for scope in scopes] == [scope[name] for scope in scopes]


@given(st.dictionaries(st.sampled_from(NAMES), SIZES), st.text(max_size=12))
def test_what_is_no_sum_or_product_has_no_value(scope: dict[str, int], text: str) -> None:
    value = value_of(text, scope)
    assert value is None or isinstance(value, int)


@given(st.lists(st.text(alphabet="ab c", max_size=6), min_size=1, max_size=4), st.data())
def test_a_position_stands_where_it_stood_before(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines) + "\n"
    row = data.draw(st.integers(1, len(lines)))
    start = data.draw(st.integers(1, len(lines[row - 1]) + 1))
    end = data.draw(st.integers(start, len(lines[row - 1]) + 1))
    new = data.draw(st.text(alphabet="xy\n", max_size=5))
    change = Change(at=Span(filename="net.py", row=row, column=start, end_row=row, end_column=end), text=new)
    made = edited(text, [change])
    assert made is not None
    offset = sum(len(line) + 1 for line in lines[: row - 1]) + start - 1
    assert made.text == text[:offset] + new + text[offset + end - start :]
    assert made.position_before(row, 1) == (row, 1) or start == 1
    tail = made.text.count("\n") + (not made.text.endswith("\n"))
    if row < len(lines):
        assert made.position_before(tail, 1) == (len(lines), 1)


def test_changes_that_overlap_are_no_edit() -> None:
    spans = [Span(filename="net.py", row=1, column=a, end_row=1, end_column=b) for a, b in ((1, 4), (3, 5))]
    assert edited("abcdef\n", [Change(at=span, text="x") for span in spans]) is None

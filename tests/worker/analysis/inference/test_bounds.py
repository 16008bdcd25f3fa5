"""The bound of integers that a configuration declares for an input."""

from __future__ import annotations

import pytest
from tracing import Linter, net

from convlint.inputspec import InputSpec

SOURCE = net("self.e = nn.Embedding(100, 8)", "return self.e(x)")


@pytest.mark.parametrize(("high", "is_wrong"), [(100, False), (101, True), (None, False)])
def test_an_index_beyond_the_last_row(linter: Linter, high: int | None, is_wrong: bool) -> None:
    given = InputSpec(shape=("B", 20), dtype="int64", high=high)
    found = linter(SOURCE, given).findings
    assert [(one.violation.name, one.violation.expected, one.violation.actual, one.text) for one in found] == (
        [("index_bound", 100, 101, "100")] if is_wrong else []
    )


def test_a_bound_inside_a_dict(linter: Linter) -> None:
    source = net("self.e = nn.Embedding(100, 8)", 'return self.e(x["words"])')
    given = InputSpec(dict={"words": InputSpec(shape=("B", 20), dtype="int64", high=5000)})
    assert linter(source, given).the_finding.violation.actual == 5000

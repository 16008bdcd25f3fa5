"""Every signature that comes with convlint, by a small net that uses its operator where the package is not there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tracing import Linter
from uses import UNKNOWN, USES, Use

from convlint.shipped import shipped_rules
from convlint.signatures.document import schema_text
from convlint.signatures.load import FOLDER, read_signatures
from convlint.signatures.schema import SignatureEntry


def files() -> list[Path]:
    folder = shipped_rules()
    assert folder is not None
    return sorted((folder / FOLDER).glob("*.toml"))


def entries() -> list[SignatureEntry]:
    return [entry for path in files() for entry in read_signatures(path.read_text(encoding="utf-8"), str(path))]


def is_here(use: Use) -> bool:
    return importlib.util.find_spec(use.name.partition(".")[0]) is not None


def cases(uses: tuple[Use, ...]) -> list[object]:
    return [pytest.param(use, id=f"{use.name} {use.call}") for use in uses if not is_here(use)]


def test_each_is_used_below() -> None:
    assert {entry.title for entry in entries()} == {use.name for use in (*USES, *UNKNOWN)}


def test_each_says_where_it_is_documented() -> None:
    assert [entry.title for entry in entries() if not (entry.source or "").startswith("https://")] == []


def test_each_is_of_the_package_that_its_file_is_called_after() -> None:
    for path in files():
        for entry in read_signatures(path.read_text(encoding="utf-8"), str(path)):
            assert {name.partition(".")[0] for name in entry.names} == {path.stem}


def test_the_published_schema_is_up_to_date() -> None:
    folder = shipped_rules()
    assert folder is not None
    assert (folder / FOLDER / "schema.json").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("use", cases(USES))
def test_a_use(linter: Linter, use: Use) -> None:
    checked = linter(use.source, *use.specs)
    assert checked.is_clean()
    assert checked.model.outputs == use.outputs
    assert use.parameters is None or checked.model.parameters == use.parameters
    assert [node.target for node in checked.model.nodes if node.op != "input"] == [use.name]


@pytest.mark.parametrize("use", cases(UNKNOWN))
def test_a_use_whose_result_depends_on_data(linter: Linter, use: Use) -> None:
    checked = linter(use.source, *use.specs)
    assert not checked.findings
    assert [node.target for node in checked.model.nodes if node.op != "input"] == [use.name]

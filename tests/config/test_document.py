"""Which pyproject.toml entries go to, and how they are put after what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from convlint.config import Config, ConfigError, Settings
from convlint.config.document import extended, home_of, takes_tables, unfilled_rows

STANZA = '[[tool.convlint.model]]\nname = "net.py:Net"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("before", "added"),
    [
        ("", f"[tool.convlint]\n\n{STANZA}"),
        ("\n", f"[tool.convlint]\n\n{STANZA}"),
        ("[project]\n", f"\n[tool.convlint]\n\n{STANZA}"),
        ("[project] # last", f"\n\n[tool.convlint]\n\n{STANZA}"),
        ("[project]\r\n", f"\n[tool.convlint]\n\n{STANZA}".replace("\n", "\r\n")),
        ("[tool.convlint]\nignore = []\n[tool.x]\n", f"\n{STANZA}"),
        ('[[tool.convlint.model]]\nname = "a.py:A"\n', f"\n{STANZA}"),
    ],
)
def test_stanzas_go_behind_what_is_there(before: str, added: str) -> None:
    assert extended("pyproject.toml", before, STANZA) == before + added


@pytest.mark.parametrize(
    ("before", "stanza", "complaint"),
    [
        ("[tool.convlint]\nmodel = []\n", STANZA, "pyproject.toml: cannot take more tables at its end: "),
        ("tool = { convlint = {} }\n", STANZA, "pyproject.toml: cannot take more tables at its end: "),
        ("[broken", STANZA, "pyproject.toml: is not valid TOML: "),
        ("", "[[tool.convlint.model]]\nname = 3\n", 'pyproject.toml:4: "tool.convlint.model[0].name" must be a string'),
    ],
)
def test_nothing_comes_out_that_could_not_be_read(before: str, stanza: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        extended("pyproject.toml", before, stanza)
    assert caught.value.sentences[0].startswith(complaint)


def test_tables_and_an_array_do_not_mix() -> None:
    assert takes_tables("")
    assert takes_tables(STANZA)
    assert takes_tables('[project]\nname = "x"  # no end of line')
    assert not takes_tables('[tool.convlint]\nmodel = [{ name = "a.py:A" }]')


def test_the_lines_to_fill_in() -> None:
    text = (
        '# fill in nothing\n[[tool.convlint.model]]\nkwargs = { a = 1 }  # fill in: a\ninputs = []  # done\n'
        'inputs = []  # fill in: x\nmodel = [\n    { name = "a" },  # fill in: b\n]\n[other]\nkey = 1  # fill in\n'
    )  # fmt: skip
    assert unfilled_rows(text) == (3, 5, 7)


def test_the_file_that_holds_is_the_home(folder: Path) -> None:
    assert home_of(str(folder), Config(str(folder), Settings(), "/some/pyproject.toml")) == "/some/pyproject.toml"


def test_without_settings_the_nearest_file_of_the_repository_is_the_home(folder: Path) -> None:
    nothing = Config(str(folder), Settings())
    inner = folder / "project" / "models"
    inner.mkdir(parents=True)
    (folder / "project" / ".git").mkdir()
    (folder / "pyproject.toml").write_text("")
    assert home_of(str(folder), nothing) == str(folder / "pyproject.toml")
    (folder / "project" / "pyproject.toml").write_text("")
    assert home_of(str(inner), nothing) == str(folder / "project" / "pyproject.toml")


def test_a_new_home_is_in_the_working_directory_if_that_holds_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Config(str(folder), Settings())
    for name in ("here", "there"):
        (folder / name / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder / "here")
    assert home_of(str(folder / "here" / "models"), nothing) == str(folder / "here" / "pyproject.toml")
    assert home_of(str(folder / "there"), nothing) == str(folder / "there" / "pyproject.toml")

"""Finding and reading `[tool.convlint]`, and the words for what is wrong with it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlint.config import Config, ConfigError, Settings, load_config
from convlint.config.schema import ModelEntry


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(folder: Path, text: str) -> Settings:
    (folder / "pyproject.toml").write_text(textwrap.dedent(text))
    return load_config(str(folder)).settings


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return list(caught.value.sentences)


def test_every_key(folder: Path) -> None:
    settings = load(
        folder,
        """
        [tool.convlint]
        exclude = ["old/"]
        select = ["CL1"]
        ignore = ["wrong-rank"]
        fail-on = "error"
        require-checked = true
        timeout = 5
        output-format = "json"

        [[tool.convlint.model]]
        name = "models/*.py:Net*"
        args = [1, "a", [2]]
        kwargs = { depth = 3, block = { n = 1 } }
        inputs = [
            { shape = ["B", 1, 28, 28] },
            { shape = ["B", "L"], dtype = "torch.int64", high = 10, name = "ids" },
            { value = 0.3 },
            { list = [{ shape = [] }, { dict = { a = { value = "b" } } }] },
        ]
        """,
    )
    assert settings.exclude == ("old/",)
    assert settings.select == ("CL1",)
    assert settings.ignore == ("wrong-rank",)
    assert settings.require_checked is True
    assert (settings.fail_on, settings.timeout, settings.output_format) == ("error", 5.0, "json")
    (entry,) = settings.model
    assert (entry.path, entry.target) == ("models/*.py", "Net*")
    assert entry.args == (1, "a", [2])
    assert entry.kwargs == {"depth": 3, "block": {"n": 1}}
    assert entry.inputs is not None
    image, ids, value, several = (one.spec() for one in entry.inputs)
    assert (image.shape, image.dtype, image.name) == (("B", 1, 28, 28), "float32", None)
    assert (ids.shape, ids.dtype, ids.high, ids.name) == (("B", "L"), "int64", 10, "ids")
    assert (value.shape, value.value) == (None, 0.3)
    assert several.list is not None
    assert several.list[0].shape == ()
    assert several.list[1].dict is not None
    assert several.list[1].dict["a"].value == "b"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('excude = ["a"]', ':3: unknown key "tool.convlint.excude"; did you mean "exclude"?'),
        ('fail_on = "error"', ':3: unknown key "tool.convlint.fail_on"; did you mean "fail-on"?'),
        ('exclude = "a"', ":3: \"tool.convlint.exclude\" must be an array, but is 'a'"),
        ("select = [1]", ':3: "tool.convlint.select[0]" must be a string, but is 1'),
        ('timeout = "5"', ":3: \"tool.convlint.timeout\" must be a number, but is '5'"),
        ("require-checked = 1", ':3: "tool.convlint.require-checked" must be true or false, but is 1'),
        ("timeout = true", ':3: "tool.convlint.timeout" must be a number, but is True'),
        ("timeout = 0", ':3: "tool.convlint.timeout" is 0: input should be greater than 0'),
        (
            'fail-on = "warn"',
            ':3: "tool.convlint.fail-on" is \'warn\', but must be "error", "warning" or "info"',
        ),
        (
            "model = 3",
            ':3: "tool.convlint.model" must be an array of tables, each headed by [[tool.convlint.model]]',
        ),
        ("model = [3]", ':3: "tool.convlint.model[0]" must be a table, but is 3'),
    ],
)
def test_what_is_wrong_and_where(folder: Path, text: str, complaint: str) -> None:
    assert complaints(folder, f"\n[tool.convlint]\n{text}\n") == [f"pyproject.toml{complaint}"]


def test_an_unknown_key_far_from_all_lists_them(folder: Path) -> None:
    assert complaints(folder, "[tool.convlint]\nzzz = 1\n") == [
        'pyproject.toml:2: unknown key "tool.convlint.zzz"; '
        "valid are exclude, select, ignore, fail-on, require-checked, dry-run, timeout, memory-limit, output-format, "
        "signatures, cache-dir, verify, model"
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            'nam = "a.py:A"\nname = "a.py:A"',
            ':5: unknown key "tool.convlint.model[1].nam"; did you mean "name"?',
        ),
        ("args = [1]", ':4: "tool.convlint.model[1].name" is missing'),
        (
            'name = "a.py"',
            ':5: "tool.convlint.model[1].name": "a.py" must name a file and a model in it: "models/net.py:Net"',
        ),
        (
            'name = "a.py:A"\ninputs = [{ shape = ["B", -1] }]',
            ':6: "tool.convlint.model[1].inputs[0].shape[1]": '
            'a size is a whole number from 0, or a symbol such as "B", but not -1',
        ),
        (
            'name = "a.py:A"\ninputs = [{ shape = [1.5] }]',
            ':6: "tool.convlint.model[1].inputs[0].shape[0]": '
            'a size is a whole number from 0, or a symbol such as "B", but not 1.5',
        ),
        (
            'name = "a.py:A"\ninputs = [{ shape = [1], dtype = "flot32" }]',
            ':6: "tool.convlint.model[1].inputs[0].dtype": unknown dtype "flot32"; did you mean "float32"?',
        ),
        (
            'name = "a.py:A"\ninputs = [{ shape = [1], value = 3 }]',
            ':6: "tool.convlint.model[1].inputs[0]": '
            "an input has exactly one of shape, value, list and dict; this one has shape and value",
        ),
        (
            'name = "a.py:A"\ninputs = [{}]',
            ':6: "tool.convlint.model[1].inputs[0]": '
            "an input has exactly one of shape, value, list and dict; this one has none of them",
        ),
        (
            'name = "a.py:A"\ninputs = [{ value = 3, high = 4 }]',
            ':6: "tool.convlint.model[1].inputs[0]": high belongs to a shape, and this input is a value',
        ),
        (
            'name = "a.py:A"\ninputs = [{ dict = { x = { shpe = [1] } } }]',
            ':6: unknown key "tool.convlint.model[1].inputs[0].dict.x.shpe"; did you mean "shape"?',
        ),
    ],
)
def test_what_is_wrong_with_a_model(folder: Path, text: str, complaint: str) -> None:
    start = '[tool.convlint]\n[[tool.convlint.model]]\nname = "ok.py:Net"\n[[tool.convlint.model]]\n'
    assert f"pyproject.toml{complaint}" in complaints(folder, start + text + "\n")


def test_files_that_cannot_be_read(folder: Path) -> None:
    (complaint,) = complaints(folder, "[tool.convlint\n")
    assert complaint.startswith("pyproject.toml: is not valid TOML: ")
    assert "line 1" in complaint
    (folder / "sub").mkdir()
    (folder / "sub/pyproject.toml").write_bytes(b"[tool.convlint]\n# \xff\n")
    with pytest.raises(ConfigError, match=r"sub/pyproject\.toml: is not valid UTF-8"):
        load_config(str(folder / "sub"))


def test_a_section_that_is_no_table(folder: Path) -> None:
    assert complaints(folder, "[tool]\nconvlint = 3\n") == ['pyproject.toml: "tool.convlint" must be a table, but is 3']


def test_the_nearest_file_with_a_section_counts(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.convlint]\ntimeout = 1\n")
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/pyproject.toml").write_text("[tool.ruff]\n")
    found = load_config(str(folder / "a/b"))
    assert (found.folder, found.settings.timeout) == (str(folder), 1.0)
    assert load_config(str(folder / "a/b")) is found


def test_a_broken_file_that_says_nothing_of_convlint_is_no_concern(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.ruff\n")
    assert load_config(str(folder)).settings == Settings()


def test_a_chosen_file(folder: Path) -> None:
    (folder / "other.toml").write_text("[tool.convlint]\ntimeout = 7\n")
    found = load_config(str(folder), "other.toml")
    assert found.settings.timeout == 7.0
    (folder / "empty.toml").write_text("")
    with pytest.raises(ConfigError, match=r"empty.toml: has no \[tool.convlint\] table"):
        load_config(str(folder), "empty.toml")
    with pytest.raises(ConfigError, match=r"none\.toml: there is no such configuration file"):
        load_config(str(folder), "none.toml")


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2)))
def test_any_name_of_a_model_is_taken_or_explained(value: object) -> None:
    try:
        entry = ModelEntry.model_validate({"name": value})
    except ValueError:
        return
    assert entry.name == f"{entry.path}:{entry.target}"


def test_configs_are_values_that_can_be_keys() -> None:
    settings = Settings(model=(ModelEntry(name="a.py:A", kwargs={"n": [1]}),))
    assert {Config("/", settings): 1}

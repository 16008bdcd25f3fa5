"""From facts to what the user can paste; here the facts are written step by step, tests/cli has the real ones."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from convlint.config.schema import ModelEntry, Settings
from convlint.facts import (
    REASON_KINDS,
    ConstructionFact,
    FileFacts,
    GuessedArgument,
    InputFact,
    InputOrigin,
    ModelFacts,
    Reason,
    ReasonKind,
)
from convlint.plan import Entries
from convlint.remedies import ConfigPlace, Remedy, Stanza, place_of, remedies, remedy
from convlint.remedies.helps import HELPS, LACKS
from convlint.remedies.stanza import EntryKey, string
from convlint.sentences import sentence
from convlint.sentences.reasons import TEMPLATES

NO_INPUT = Reason(kind="no-input", inner=Reason(kind="raises", detail="ValueError: no (line 3)"))


def guessed(**values: Any) -> ConstructionFact:
    """Guessed arguments; None stands for an object."""
    given = (
        GuessedArgument(name=name, text=repr(value), value=value, is_plain=value is not None)
        for name, value in values.items()
    )
    return ConstructionFact(origin="guessed", arguments=tuple(given))


def model(**facts: Any) -> ModelFacts:
    given = {"name": "net.Net", "target": "Net", "row": 1, "status": "skipped", "construction": ConstructionFact()}
    return ModelFacts.model_validate({**given, **facts})


def fed(name: str, *shape: int | str, origin: InputOrigin = "guessed", dtype: str | None = "float32") -> InputFact:
    return InputFact(name=name, shape=shape or None, dtype=dtype, origin=origin)


def numbered(name: str, *shape: int | str) -> InputFact:
    return fed(name, *shape).model_copy(update={"is_numbered": True})


def part(owner: str, key: str | int, *shape: int | str) -> InputFact:
    return InputFact(name=f"{owner}[{key!r}]", shape=shape, dtype="float32", origin="guessed", within=(owner, key))


@pytest.fixture
def place(tmp_path: Path) -> ConfigPlace:
    return ConfigPlace(str(tmp_path / "net.py"), str(tmp_path / "pyproject.toml"), ())


def toml(one: Remedy | None) -> str:
    """The TOML, which has to be a valid entry."""
    assert one is not None
    assert one.toml is not None
    (entry,) = tomllib.loads(one.toml)["tool"]["convlint"]["model"]
    ModelEntry.model_validate(entry)
    return one.toml.partition('name = "net.py:Net"\n')[2]


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        (
            {"inputs": (fed("x", "B", "C", "H", "W"),)},
            'inputs = [{ shape = ["B", 3, 224, 224] }]  # fill in: x',
        ),
        (
            {"inputs": (fed("x", "B", 1, "H", "W", origin="layer"), fed("t", "B", dtype="int64"))},
            'inputs = [{ name = "x", shape = ["B", 1, "H", "W"] },'
            ' { name = "t", shape = ["B"], dtype = "int64" }]  # fill in: t',
        ),
        (
            {"inputs": (fed("x", "B", 3, "H", "W", origin="layer"),)},
            'inputs = [{ shape = ["B", 3, 224, 224] }]  # fill in: x',
        ),
        (
            {"inputs": (fed("x", "B", "L", 8, origin="layer"), fed("hidden", origin="name", dtype=None))},
            'inputs = [{ name = "x", shape = ["B", "L", 8] }, { name = "hidden", shape = ["B", 128] }]'
            "  # fill in: hidden",
        ),
        (
            {"inputs": (fed("x", "B", 4), fed("temperature", origin="name", dtype=None))},
            'inputs = [{ name = "x", shape = ["B", 4] }, { name = "temperature", value = 0.5 }]'
            "  # fill in: x, temperature",
        ),
        ({"takes": ("x",)}, 'inputs = [{ shape = ["B", 3, 224, 224] }]  # fill in: x'),
        ({}, 'inputs = [{ shape = ["B", 3, 224, 224] }]  # fill in: what forward takes'),
        (
            {"inputs": (numbered("input0", "B", 4), numbered("input1", "B", 5))},
            'inputs = [{ shape = ["B", 4] }, { shape = ["B", 5] }]  # fill in: input0, input1',
        ),
        (
            {"inputs": (part("batch", "image", "B", 3), part("batch", "mask", "B", 4)), "takes": ("batch",)},
            'inputs = [{ dict = { image = { shape = ["B", 3] }, mask = { shape = ["B", 4] } } }]'
            "  # fill in: batch['image'], batch['mask']",
        ),
        (
            {"inputs": (part("pair", 0, "B", 3), part("pair", 1, "B", 4), fed("x", "B", 5)), "takes": ("pair", "x")},
            'inputs = [{ name = "pair", list = [{ shape = ["B", 3] }, { shape = ["B", 4] }] },'
            ' { name = "x", shape = ["B", 5] }]  # fill in: pair[0], pair[1], x',
        ),
        (
            {
                "inputs": (fed("x", "B", 64, origin="layer"), fed("y", "B", "F")),
                "construction": guessed(width=64, kernel=(3, 3), mode="a, depth=1"),
                "required": ("width", "kernel", "mode"),
            },
            'kwargs = { width = 64, kernel = [3, 3], mode = "a, depth=1" }  # fill in: width, kernel, mode\n'
            'inputs = [{ name = "x", shape = ["B", 64] }, { name = "y", shape = ["B", 128] }]  # fill in: x, y',
        ),
    ],
    ids=[
        "image",
        "half known",
        "sizes",
        "state",
        "value",
        "not fed",
        "nothing",
        "numbered",
        "dict",
        "list",
        "guessed arguments",
    ],
)
def test_inputs(place: ConfigPlace, facts: dict[str, Any], lines: str) -> None:
    assert toml(remedy(model(reason=NO_INPUT, **facts), place)) == lines


@pytest.mark.parametrize(
    ("required", "lines"),
    [
        (("hidden", "num_layers"), "kwargs = { hidden = 64, num_layers = 2 }  # fill in: hidden, num_layers"),
        (("größe",), 'kwargs = { "größe" = 64 }  # fill in: größe'),
        (
            ("num_classes", "use_bias", "dropout", "mode", "hidden_sizes"),
            'kwargs = { num_classes = 10, use_bias = false, dropout = 0.1, mode = "", hidden_sizes = [64, 128] }'
            "  # fill in: num_classes, use_bias, dropout, mode, hidden_sizes",
        ),
        ((), "kwargs = {}  # fill in: arguments that it can be built with"),
    ],
)  # fmt: skip
def test_arguments_of_a_model_that_was_not_built(place: ConfigPlace, required: tuple[str, ...], lines: str) -> None:
    one = model(construction=None, required=required, reason=Reason(kind="arguments-missing", names=required))
    assert toml(remedy(one, place)) == lines


@pytest.mark.parametrize(
    ("reason", "required", "sentence"),
    [
        (
            Reason(kind="package-absent", name="einops"),
            (),
            'install einops, or leave the file out: `exclude = ["/net.py"]` in [tool.convlint] of {home}',
        ),
        (
            Reason(kind="class-needs-package", inner=Reason(kind="package-broken", name="apex", detail="no CUDA")),
            (),
            'fix the installation of apex, or leave the file out: `exclude = ["/net.py"]` in [tool.convlint] of {home}',
        ),
        (Reason(kind="time-limit", limit=60), (), "give it more time: `timeout = 240` in [tool.convlint] of {home}"),
        (
            Reason(kind="set-by-script", name="args", owner="main"),
            (),
            "give `args` a value where the file is imported, not only where the script runs",
        ),
        (
            Reason(kind="arguments-refused", names=("width", "config", "backbone")),
            ("width", "config", "backbone"),
            "`config`, `backbone` are objects, which only code can make: write a function without arguments that"
            " returns Net(...), and convlint checks what it returns",
        ),
    ],
)
def test_where_no_entry_helps_a_sentence_says_what_does(
    place: ConfigPlace, reason: Reason, required: tuple[str, ...], sentence: str
) -> None:
    found = remedy(model(construction=None, reason=reason, required=required), place)
    assert found is not None
    assert (found.toml, found.text) == (None, sentence.format(home=place.home))


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "checked"},
        {
            "status": "partial",
            "reason": Reason(kind="data-dependent", detail=".item()"),
            "inputs": (fed("x", "B", 8, origin="layer"),),
        },
        {"status": "partial", "reason": Reason(kind="stops-at-finding"), "inputs": (fed("x", "B", "C", "H", "W"),)},
        {"construction": None, "reason": Reason(kind="target-absent", name="Net")},
    ],
    ids=["checked", "data", "error", "absent"],
)
def test_nothing_is_said_where_nothing_helps(place: ConfigPlace, facts: dict[str, Any]) -> None:
    assert remedy(model(**facts), place) is None


def test_a_guessed_object_needs_code(place: ConfigPlace) -> None:
    one = model(
        reason=NO_INPUT,
        inputs=(fed("x", "B", "F"),),
        construction=guessed(width=64, norm=None, cells=None),
        required=("width", "norm", "cells"),
    )
    found = remedy(one, place)
    assert found is not None
    assert found.text.startswith("`norm`, `cells` are objects, which only code can make")


def test_an_entry_that_is_there_is_added_to(place: ConfigPlace) -> None:
    entry = ModelEntry.model_validate({"name": "*.py:*"})
    declared = ConfigPlace(place.path, place.home, (entry,))
    one = model(reason=NO_INPUT, inputs=(fed("x", "B", "F"),))
    found = remedy(one, declared)
    assert found is not None
    assert found.stanza is None
    assert found.text == (
        f'# add to the entry "*.py:*" in {place.home}\ninputs = [{{ shape = ["B", 128] }}]  # fill in: x'
    )
    full = ModelEntry.model_validate({"name": "net.py:Net", "inputs": [{"shape": ["B", 4]}]})
    fed_by_it = one.model_copy(update={"inputs": (fed("x", "B", 4, origin="configuration"),)})
    found = remedy(fed_by_it, ConfigPlace(place.path, place.home, (entry, full)))
    assert found is not None
    assert found.text == f'set inputs right in the entry "net.py:Net" in {place.home}'


def test_a_file_with_an_array_of_models_gets_an_item(place: ConfigPlace) -> None:
    Path(place.home).write_text('[tool.convlint]\nmodel = [{ name = "a.py:A" }]\n')
    found = remedy(model(reason=NO_INPUT, inputs=(fed("x", "B", "F"),)), place)
    assert found is not None
    assert found.sentence == f"add to `model` of [tool.convlint] in {place.home}"
    assert found.toml == '{ name = "net.py:Net", inputs = [{ shape = ["B", 128] }] },  # fill in: x'


def test_the_mistakes_of_a_constructor_are_findings_and_no_matter_of_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = model(construction=None, reason=Reason(kind="constructor-raises", detail="ValueError: no"))
    entries = Entries(lambda _: _no_config(tmp_path))
    (alone,) = remedies([FileFacts(filename="net.py", models=(one,))], entries)
    failed = {"filename": "net.py", "models": (one,), "build_failures": ({"target": "Net", "message": "no"},)}
    (found,) = remedies([FileFacts.model_validate(failed)], entries)
    assert alone is not None
    assert found is None


def _no_config(folder: Path) -> Any:
    from convlint.config import Config

    return Config(str(folder), Settings())


def test_names_are_relative_to_the_file_that_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    entries = Entries(lambda _: _no_config(tmp_path))
    place = place_of("models/[odd] net.py", entries)
    assert (place.home, place.name_of("Net")) == (str(tmp_path / "pyproject.toml"), "models/[[]odd] net.py:Net")
    (tmp_path / "models" / "pyproject.toml").write_text("[project]\n")
    assert place_of("models/net.py", entries).name_of("Net") == "net.py:Net"


@pytest.mark.parametrize("text", ["plain", 'quo"ted', "back\\slash", "tab\tand\u202eturned", "größe 名前 \U0001f600"])
def test_strings_are_read_back(text: str) -> None:
    assert tomllib.loads(f"a = {string(text)}")["a"] == text
    stanza = Stanza(f"{text}:Net", (EntryKey("kwargs", "{}"),))
    assert tomllib.loads(stanza.table)["tool"]["convlint"]["model"][0]["name"] == f"{text}:Net"
    assert tomllib.loads(f"model = [{stanza.item}]")["model"][0]["name"] == f"{text}:Net"


def sample(kind: ReasonKind) -> Reason:
    """A reason with all that its kind may have."""
    return Reason(
        kind=kind,
        name="a_name",
        names=("width",),
        owner="an_owner",
        limit=60,
        actual="4",
        expected="3",
        remainder="sizes",
        detail="a detail",
        inner=Reason(kind="package-absent", name="einops") if kind in WRAPPERS else None,
    )


WRAPPERS = tuple(kind for kind, ways in HELPS.items() if "inner" in ways)


@pytest.mark.parametrize("kind", REASON_KINDS)
def test_each_kind_has_a_sentence_and_a_remedy_or_a_stated_lack_of_one(place: ConfigPlace, kind: ReasonKind) -> None:
    reason, ways = sample(kind), HELPS[kind]
    assert sentence(reason)
    assert sentence(Reason(kind=kind))  # whatever it lacks
    is_of_building = "arguments" in ways
    found = remedy(
        model(
            reason=reason,
            construction=None if is_of_building else ConstructionFact(),
            required=("width",) if is_of_building else (),
            inputs=() if "inputs" in ways else (fed("x", "B", "F", origin="layer"),),
        ),
        place,
    )
    assert (found is None) == LACKS.issuperset(ways)


def test_sentences_and_remedies_are_of_these_kinds_only() -> None:
    assert set(TEMPLATES) == set(HELPS) == set(REASON_KINDS)


@pytest.mark.parametrize("kind", REASON_KINDS)
def test_a_sentence_names_each_value_of_its_kind(kind: ReasonKind) -> None:
    """A template names fields of reasons, and no braces or brackets are left in a sentence."""
    said = sentence(sample(kind))
    assert not set("{}[]|") & set(said)
    assert "None" not in said

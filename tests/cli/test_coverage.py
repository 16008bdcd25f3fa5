"""What is not checked is told, can be fixed with what is told, and can be made to fail the run."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convlint.facts import Reason
from convlint.sentences import sentence

REFUSED = Reason(kind="arguments-refused", names=("hidden", "mode"), detail="ValueError: unknown mode")

Write = Callable[[str, str], Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

NETS = """
import torch
from torch import nn


class Sized(nn.Module):
    def forward(self, x):
        if str(list(x.shape[1:])) != "[77, 120, 240]":  # a text tells no size
            raise ValueError("wrong size")
        return x.flatten(1)


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Conv2d(3, 8, 3)
        self.text = nn.Embedding(100, 8)

    def forward(self, image, text):
        image = self.image(image).mean((2, 3))
        if str(text.shape[1])[::-1] != "9994":
            raise ValueError("wrong length")
        return image + self.text(text).mean(1)


class Moded(nn.Module):
    def __init__(self, hidden, mode):
        super().__init__()
        if str(mode)[::-1] != "laiceps":
            raise ValueError("unknown mode")
        self.layer = nn.Linear(8, hidden)

    def forward(self, x):
        return self.layer(x)


class Both(nn.Module):
    def __init__(self, hidden, num_layers):
        super().__init__()
        self.hidden = hidden
        self.layers = nn.Sequential(*[nn.Linear(hidden, hidden) for _ in range(num_layers)])

    def forward(self, x, y):
        x = self.layers(x)
        if str(y.shape[-1] - self.hidden)[::-1] != "0005":
            raise ValueError("wrong size")
        return x


class Partly(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x, y):
        return torch.cat([self.layer(x) + y.sum((2, 3)), torch.ones(6000, 1)], 1)


class Fine(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        return self.layer(x)
"""
OBJECTS = """
from torch import nn


class Configured(nn.Module):
    def __init__(self, config):
        super().__init__()
        if str(config.kind)[::-1] != "laiceps":
            raise ValueError("unknown kind")
        self.layer = nn.Linear(8, config.width)

    def forward(self, x):
        return self.layer(x)
"""
MADE = """

def make():
    from types import SimpleNamespace

    return Configured(SimpleNamespace(kind="special", width=4))
"""
LACKING = """
from no_such_package import Base
from torch import nn


class Net(Base):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.other = self.made_by_the_package(8)

    def forward(self, x):
        return self.layer(x)
"""
# What a user writes in the places that are marked: by model, a pattern and what comes in its place.
FILLED = {
    "Sized": [(r'"B", 3, 224, 224', '"B", 77, 120, 240')],
    "Pair": [(r'"L\d?"', "4999")],
    "Moded": [(r'mode = ""', 'mode = "special"')],
    "Both": [
        (r"hidden = \d+", "hidden = 16"),
        (r'"x", shape = [^\]]+', '"x", shape = ["B", 16'),
        (r'"y", shape = [^\]]+', '"y", shape = ["B", 5016'),
    ],
    "Partly": [
        (r'"x", shape = [^\]]+', '"x", shape = [6000, 8'),
        (r'"y", shape = [^\]]+', '"y", shape = [6000, 8, 5, 7'),
    ],
}


def models(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.stdout.startswith("{"), result.stderr
    return {model["name"].partition(".")[2]: model for model in json.loads(result.stdout)["models"]}


def filled(target: str, text: str) -> str:
    for pattern, own in FILLED.get(target, []):
        text, count = re.subn(pattern, own, text)
        assert count == 1, text
    return "\n".join(line.partition("  # fill in")[0] for line in text.splitlines())


def test_the_remedies_mend_what_they_are_for(convlint: Run, folder: Path, write: Write) -> None:
    write("net.py", NETS)
    found = models(convlint("net.py", "--output-format", "json"))
    assert {name: model["status"] for name, model in found.items()} == {
        **dict.fromkeys(FILLED, "skipped"),
        "Partly": "partial",
        "Fine": "checked",
    }
    assert found["Fine"]["remedy"] is None
    assert found["Both"]["construction_origin"] == "guessed"
    assert next(iter(found["Both"]["guessed_arguments"])) == "hidden"
    pasted = [filled(name, model["remedy"]) for name, model in found.items() if model["remedy"] is not None]
    (folder / "pyproject.toml").write_text("\n\n".join(pasted))
    result = convlint("net.py", "--output-format", "json")
    mended = models(result)
    assert {name: (model["status"], model["reason"]) for name, model in mended.items()} == dict.fromkeys(
        found, ("checked", None)
    )
    assert (json.loads(result.stdout)["diagnostics"], result.stderr) == ([], "")


def test_what_takes_code_is_mended_by_code(convlint: Run, write: Write) -> None:
    write("net.py", OBJECTS)
    (model,) = models(convlint("net.py", "--output-format", "json")).values()
    assert model["status"] == "skipped"
    assert "write a function without arguments that returns Configured(...)" in model["remedy"]
    write("net.py", OBJECTS + MADE)
    (model,) = models(convlint("net.py", "--output-format", "json")).values()
    assert (model["name"], model["status"]) == ("net.make", "checked")


def test_the_exclusion_proposed_leaves_the_file_out(convlint: Run, write: Write) -> None:
    write("sub/net.py", LACKING)
    write("pyproject.toml", "[tool.convlint]\n")
    (model,) = models(convlint("--output-format", "json")).values()
    assert model["remedy"].startswith("install no_such_package, or leave the file out: `exclude = ")
    write("pyproject.toml", "[tool.convlint]\n" + model["remedy"].split("`")[1] + "\n")
    assert convlint().stdout == "No models in 0 files: nothing to check.\n"


def test_verbose_shows_what_to_paste(convlint: Run, write: Write) -> None:
    write("net.py", NETS)
    result = convlint("net.py:Pair", "-v")
    assert [line for line in result.stdout.splitlines() if not line.startswith("guards: ")] == [
        "net.py:13: Pair skipped: no input was found that forward takes: ValueError: wrong length (line 22)",
        "    input image: [B, 3, H, W] float32, from image (Conv2d)",
        "    input text: [B, L2] int64, from its name",
        "    help: write into a new pyproject.toml:",
        "        [[tool.convlint.model]]",
        '        name = "net.py:Pair"',
        '        inputs = [{ name = "image", shape = ["B", 3, "H", "W"] },'
        ' { name = "text", shape = ["B", "L2"], dtype = "int64" }]  # fill in: text',
        "",
        "0 models checked, 0 partial, 1 skipped: nothing was checked.",
    ]


def test_init_adds_what_is_missing_and_touches_nothing_else(convlint: Run, folder: Path, write: Write) -> None:
    write("net.py", NETS)
    write("objects.py", OBJECTS)
    before = (
        b'# mine\r\n[project]\r\nname = "x"   # keep\r\n\r\n[[tool.convlint.model]]\r\nname = "net.py:Sized"\r\n'
        b'inputs = [ {shape=["B",77,120,240]} ]\r\n[tool.other]\r\nkey = 1'
    )
    path = folder / "pyproject.toml"
    path.write_bytes(before)

    dry = convlint("init", "--dry-run")
    assert (dry.returncode, path.read_bytes()) == (0, before)
    assert '+name = "net.py:Moded"\n' in dry.stdout.replace("\r\n", "\n")

    result = convlint("init")
    assert result.returncode == 0
    assert result.stdout == 'pyproject.toml: 4 entries written; set the values right that are marked "fill in".\n'
    assert "objects.py:Configured is skipped: `config` is an object" in result.stderr
    after = path.read_bytes()
    assert after.startswith(before)
    assert b"\n" not in after.replace(b"\r\n", b"")
    written = [entry["name"] for entry in tomllib.loads(after.decode())["tool"]["convlint"]["model"]]
    assert written == ["net.py:Sized", "net.py:Pair", "net.py:Moded", "net.py:Both", "net.py:Partly"]
    lines = after.decode().splitlines()
    wrong = Reason(kind="no-input", inner=Reason(kind="raises", detail="ValueError: wrong length"))
    assert f"# skipped: {sentence(wrong)} (line 22)" in lines
    assert 'kwargs = { hidden = 64, mode = "" }  # fill in: hidden, mode' in lines

    again = convlint("init")
    assert (again.returncode, again.stdout, path.read_bytes()) == (0, "", after)
    assert "convlint: nothing to write: " in again.stderr
    assert 'still marked "fill in"' in again.stderr


def test_init_makes_a_file_where_there_is_none(convlint: Run, folder: Path, write: Write) -> None:
    write("models/net.py", NETS)
    result = convlint("init", "models/net.py:Moded")
    assert result.stdout == 'pyproject.toml: 1 entry written; set the values right that are marked "fill in".\n'
    head, said, stanza = re.split(r"\n\n|(?<=\))\n", (folder / "pyproject.toml").read_text())
    assert head == "[tool.convlint]"
    assert " ".join(said.replace("\n#", "").split()) == f"# skipped: {sentence(REFUSED)} (line 30)"
    assert stanza == (
        '[[tool.convlint.model]]\nname = "models/net.py:Moded"\n'
        'kwargs = { hidden = 64, mode = "" }  # fill in: hidden, mode\n'
    )


def test_init_writes_nothing_where_all_is_checked(convlint: Run, folder: Path, write: Write) -> None:
    write("a.py", "x = 1\n")
    result = convlint("init")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "convlint: nothing to write: 0 models checked\n"
    assert not (folder / "pyproject.toml").exists()


def test_init_leaves_alone_what_cannot_take_tables(convlint: Run, folder: Path, write: Write) -> None:
    write("net.py", NETS)
    text = '[tool.convlint]\nmodel = [{ name = "net.py:Sized" }]\n'
    write("pyproject.toml", text)
    result = convlint("init", "net.py:Moded")
    assert result.returncode == 2
    assert '{ name = "net.py:Moded", kwargs = { hidden = 64, mode = "" } },  # fill in: hidden, mode' in result.stderr
    assert (folder / "pyproject.toml").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.py"], "none.py: no such file or directory"),
        (["--config", "none.toml"], "none.toml: there is no such configuration file"),
        (["--output-format", "json"], "No such option"),
    ],
)
def test_wrong_usage_of_init_ends_with_2(convlint: Run, arguments: list[str], complaint: str) -> None:
    result = convlint("init", *arguments)
    assert result.returncode == 2
    assert complaint in result.stderr


def test_skipped_models_fail_a_run_that_requires_them(convlint: Run, write: Write) -> None:
    write("net.py", NETS)
    paths = ["net.py:Moded", "net.py:Partly", "net.py:Fine"]
    result = convlint(*paths)
    assert (result.returncode, len(result.stdout.splitlines())) == (0, 1)
    result = convlint(*paths, "--require-checked", "-q")
    assert result.returncode == 1
    listed, empty, last = result.stdout.splitlines()
    assert listed == f"net.py:26: Moded skipped: {sentence(REFUSED)} (line 30)"
    assert (empty, last) == (
        "",
        "1 model checked (1 with inputs that their layers ask for), 1 partial, 1 skipped: "
        "nothing found in what was checked;"
        " 1 skipped model fails the run, for require-checked is set (-v says how to mend it).",
    )
    assert convlint("net.py:Partly", "--require-checked").returncode == 0
    write("pyproject.toml", "[tool.convlint]\nrequire-checked = true\n")
    assert convlint(*paths, "--output-format", "concise").stdout == result.stdout
    assert convlint(*paths, "--output-format", "json").returncode == 1

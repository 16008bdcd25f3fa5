"""The whole way through, with real workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[[str, str], Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self, features=8):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.second = nn.Linear(features, 2)

    def forward(self, x):
        return self.second(self.first(x))
"""

HOLDER = """

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x):
        return self.block(x)
"""


def report(result: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(result.stdout)


def test_findings_and_their_exit_codes(convlint: Run, write: Write) -> None:
    write("right.py", NET)
    write("wrong.py", NET.replace("features=8", "features=6"))
    result = convlint("--output-format", "json")
    assert result.returncode == 1, result.stderr
    (finding,) = report(result)["diagnostics"]
    assert (finding["code"], finding["filename"], finding["expected"], finding["actual"]) == (
        "CL101",
        "wrong.py",
        6,
        8,
    )
    assert report(result)["summary"]["checked"] == 2
    assert convlint("right.py").returncode == 0
    assert convlint("--ignore", "CL101").returncode == 0


def test_the_configuration_gives_arguments_and_inputs(convlint: Run, write: Write) -> None:
    write("net.py", NET.replace("features=8", "features"))
    write(
        "pyproject.toml",
        """
        [[tool.convlint.model]]
        name = "net.py:Net"
        args = [8]
        inputs = [{ shape = ["B", 4] }]

        [[tool.convlint.model]]
        name = "net.py:Net"
        kwargs = { features = 6 }

        [[tool.convlint.model]]
        name = "net.py:Nett"
        """,
    )
    result = convlint("--output-format", "json")
    first, second = report(result)["models"]
    assert first["inputs"] == [
        {"name": "x", "shape": ["B", 4], "dtype": "float32", "source": "pyproject.toml", "origin": "configuration"}
    ]
    assert first["status"] == second["status"] == "checked"
    assert [one["expected"] for one in report(result)["diagnostics"]] == [6]
    assert 'name = "net.py:Nett": no model is called "Nett"; did you mean "Net"?' in result.stderr


def test_one_model_with_inputs(convlint: Run, write: Write) -> None:
    write("net.py", NET + NET.replace("Net(", "Other("))
    result = convlint("net.py:Net", "--input", "B,7", "--output-format", "json")
    (model,) = report(result)["models"]
    assert (model["name"], model["inputs"][0]["source"]) == ("net.Net", "--input")
    assert [(one["code"], one["actual"]) for one in report(result)["diagnostics"]] == [("CL101", 7)]
    ambiguous = convlint("net.py", "--input", "B,7")
    assert ambiguous.returncode == 2
    assert "2 would be checked (net.py:Net, net.py:Other)" in ambiguous.stderr


def test_what_goes_wrong_in_one_file_does_not_lose_the_others(convlint: Run, write: Write) -> None:
    write("wrong.py", NET.replace("features=8", "features=6"))
    write("raises.py", NET + "\nclass Other(Nowhere):\n    pass\n")
    write("exits.py", NET + "\nclass Other:\n    import sys\n    print('bye')\n    sys.exit(0)\n")
    write("unbuildable.py", NET.replace("super().__init__()", "super().__init__(); raise ValueError('no')"))
    write("broken.py", NET + "\ndef f(:\n")
    result = convlint("--output-format", "json")
    assert result.returncode == 1
    assert [(one["filename"], one["code"]) for one in report(result)["diagnostics"]] == [
        ("broken.py", "CL002"),
        ("exits.py", "CL003"),
        ("raises.py", "CL003"),
        ("unbuildable.py", "CL006"),
        ("wrong.py", "CL101"),
    ]


def test_a_script_is_linted_without_running_it(convlint: Run, write: Write, folder: Path) -> None:
    marker = folder / "ran"
    write(
        "train.py",
        NET.replace("features=8", "features=6")
        + f"\nopen({str(marker)!r}, 'w').close()\nmodel = Net()\n"
        + "for epoch in range(3):\n    model.fit(epoch)\nexit(3)\n",
    )
    result = convlint("--output-format", "json")
    assert [one["code"] for one in report(result)["diagnostics"]] == ["CL101"]
    assert not marker.exists()


def test_a_directive_has_a_block_checked_by_itself(convlint: Run, write: Write) -> None:
    write("net.py", NET.replace("class Net", "# convlint: input=[B, 7, 4]\nclass Block") + HOLDER)
    result = convlint("--output-format", "json")
    assert [(model["name"], model["status"]) for model in report(result)["models"]] == [
        ("net.Block", "checked"),
        ("net.Net", "checked"),
    ]
    (given,) = report(result)["models"][0]["inputs"]
    assert (given["shape"], given["source"]) == (["B", 7, 4], "comment (line 5)")


def test_a_package_in_a_source_folder(convlint: Run, write: Write) -> None:
    write("pyproject.toml", "[project]\nname = 'x'\n")
    write("src/pkg/__init__.py", "")
    write("src/pkg/layers.py", "WIDTH = 6\n")
    write(
        "src/pkg/net.py",
        NET.replace("from torch", "from .layers import WIDTH\nfrom torch").replace("features=8", "features=WIDTH"),
    )
    result = convlint("--output-format", "json")
    (model,) = report(result)["models"]
    assert model["status"] == "checked"
    assert [one["expected"] for one in report(result)["diagnostics"]] == [6]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_an_interrupt_ends_with_130(folder: Path, write: Write) -> None:
    endless = "super().__init__(); __import__('tempfile').mkstemp(prefix='running-')\n        while True: pass"
    write("net.py", NET.replace("super().__init__()", endless))
    process = subprocess.Popen(
        [sys.executable, "-m", "convlint", "net.py"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(folder.rglob("running-*")) and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.strip()) == (130, "convlint: interrupted")


@pytest.mark.skipif(sys.platform == "win32", reason="needs /dev/null")
def test_constructors_have_no_side_effects(convlint: Run, write: Write) -> None:
    effects = {
        "writes": f"open({str(Path.home() / 'convlint-wrote-this')!r}, 'w')",
        "starts": "__import__('os').system('true')",
        "connects": "__import__('socket').create_connection(('127.0.0.1', 9))",
    }
    for name, effect in effects.items():
        write(f"{name}.py", NET.replace("super().__init__()", f"super().__init__(); {effect}"))
    result = convlint("--output-format", "json")
    assert result.returncode == 0
    models = report(result)["models"]
    assert [model["status"] for model in models] == ["skipped"] * 3
    assert all("PermissionError" in model["reason"] for model in models)
    assert not (Path.home() / "convlint-wrote-this").exists()


def test_what_a_shared_module_does_is_told_once(convlint: Run, write: Write) -> None:
    body = "    try:\n        os.mkdir('weights')\n    except OSError:\n        pass\n"
    write("blocks.py", f"import os\n\n\ndef prepare():\n{body}\n\nclass Folder:\n    made = prepare()\n")
    for name in ("one", "two"):
        write(f"{name}.py", f"import blocks\n{NET}")
    diagnostics = report(convlint("--output-format", "json"))["diagnostics"]
    assert [(one["code"], one["filename"]) for one in diagnostics] == [("CL007", "blocks.py")]

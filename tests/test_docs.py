"""What the documents tell a reader to type and to paste is what there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context

from convlint.cli import commands

ROOT = Path(__file__).parent.parent
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:^|&& |/)(convlint(?: .*)?)$")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for found in _BLOCK.finditer(document.read_text(encoding="utf-8")):
            if found[1] == language:
                yield document.name, found[2]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def told() -> Iterator[str]:
    """The command lines of convlint in blocks of shell and of YAML, without their comments."""
    lines = [line for _, text in blocks("sh") for line in text.splitlines()]
    lines += [one for _, text in blocks("yaml") for one in strings(yaml.safe_load(text))]
    for line in lines:
        found = _COMMAND.search(line.partition(" #")[0].strip())
        if found is not None:
            yield found[1]


@pytest.mark.parametrize("command", sorted(set(told())))
def test_each_command_can_be_typed(command: str) -> None:
    arguments = shlex.split(command)[1:]
    name = arguments.pop(0) if arguments and arguments[0] in commands.commands else "check"
    with commands.commands[name].make_context(name, arguments, parent=Context(commands)) as parsed:
        assert parsed.params


def test_the_recipes_ask_for_the_device() -> None:
    recipes = [text for name, text in blocks("yaml") if name == "verify.md"]
    assert len(recipes) == 2
    for text in recipes:
        (command,) = [
            one
            for one in strings(yaml.safe_load(text)["jobs" if "jobs:" in text else "verify"])
            if "convlint verify" in one
        ]
        assert "--require-device" in command

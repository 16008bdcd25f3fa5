"""A cached run and a fresh one print the same bytes, whatever is changed between two runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

OTHER = """
from torch import nn

def other():
    return nn.Sequential(nn.Linear(4, 5), nn.Linear(6, 7))
"""

Change = Callable[[Any], None]


def swapped(name: str, old: str, new: str) -> Change:
    """The other of two texts."""

    def change(house: Any) -> None:
        text = (house.folder / name).read_text()
        house.write(name, text.replace(old, new) if old in text else text.replace(new, old))

    return change


def toggled(name: str, text: str = "") -> Change:
    """There, or not."""

    def change(house: Any) -> None:
        path = house.folder / name
        if path.exists():
            path.unlink()
        else:
            house.write(name, text)

    return change


CHANGES: dict[str, Change] = {
    "constant in an imported module": swapped("blocks.py", "WIDTH = 8", "WIDTH = 4 + 3"),
    "renamed class": swapped("net.py", "class Net", "class Renamed"),
    "broken syntax": swapped("blocks.py", "WIDTH", "WIDTH ="),
    "configuration of the user's": swapped("sizes.yaml", "10", "12"),
    "number in the file": swapped("net.py", "Linear(10, 2)", "Linear(12, 2)"),
    "touched": lambda house: (house.folder / "net.py").touch(),
    "row": swapped("net.py", "\nimport os", "\n\nimport os"),
    "another model": toggled("other.py", OTHER),
    "file that is looked for": toggled("wide"),
    "module in front": toggled("yaml.py", "def safe_load(_): return {'hidden': 11}\n"),
    "input": swapped(
        "pyproject.toml", "[project]", '[[tool.convlint.model]]\nname="net.py:Net"\ninputs=[{shape=[2,8]}]'
    ),
    "rules": swapped("pyproject.toml", "[project]", '[tool.convlint]\nignore = ["CL101"]'),
    "excluded": swapped("pyproject.toml", "[project]", '[tool.convlint]\nexclude = ["net.py"]'),
    "example": toggled("train.py", "import torch\nfrom net import Net\nNet()(torch.randn(3, 8))\n"),
}
OPTIONS = ((), ("--ignore", "CL1"), ("--output-format", "json"), ("-v",))


def both(house: Any, options: tuple[str, ...]) -> None:
    house.settle()
    cached, fresh = house.start(*options), house.start("--no-cache", *options)
    expected = fresh.communicate(timeout=300)
    assert cached.communicate(timeout=300) == expected
    assert cached.returncode == fresh.returncode
    again = house.run(*options, without_torch=True)
    assert again == (fresh.returncode, *expected)


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],  # each example takes seconds
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.sampled_from(OPTIONS)), min_size=4, max_size=4))
def test_a_cached_run_says_what_a_fresh_one_says(house: Any, steps: list[tuple[str, tuple[str, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(house.folder, Path(name, "project"))
        own = replace(house, folder=Path(name, "project"))  # the cache is shared by all examples
        for change, options in steps:
            CHANGES[change](own)
            both(own, options)

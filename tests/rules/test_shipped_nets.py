"""The nets in examples/: what torch says of them, so that their words stay true."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"
ENTRIES = tomllib.loads((EXAMPLES / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["convlint"]["model"]


def run(path: Path) -> torch.Size:
    (entry,) = (entry for entry in ENTRIES if entry["name"].startswith(f"*/{path.name}:"))
    (given,) = entry["inputs"]
    model = runpy.run_path(str(path))[entry["name"].rpartition(":")[2]]()
    output: torch.Tensor = model(torch.zeros([2 if dim == "B" else dim for dim in given["shape"]]))
    return output.shape


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mnist", (2, 10)),
        ("two_blocks", (2, 10)),
        ("four_blocks", (2, 10)),
        ("strides", (2, 4, 2, 2)),
        ("kernels", (2, 4, 2, 2)),
    ],
)
def test_the_correct_ones_run(name: str, shape: tuple[int, ...]) -> None:
    assert run(EXAMPLES / "correct" / f"{name}.py") == shape


@pytest.mark.parametrize("path", sorted((EXAMPLES / "broken").glob("*.py")), ids=lambda path: path.stem)
def test_the_broken_ones_do_not(path: Path) -> None:
    with pytest.raises(RuntimeError):
        run(path)


def test_each_broken_one_has_a_correct_sibling() -> None:
    correct, broken = ({path.name for path in (EXAMPLES / kind).glob("*.py")} for kind in ("correct", "broken"))
    assert broken <= correct

"""Models whose forward computes a loss, wrongly in `*_bad.py`, whose first line names the rule, rightly in their twins.

Torch is the judge: a wrong one raises, or makes a table of pairs out of a prediction and its target.
"""

from __future__ import annotations

import json
import math
import runpy
import subprocess
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

FOLDER = Path(__file__).parent / "nets"
FILES = sorted(FOLDER.glob("*.py"))


class Pairs(TorchFunctionMode):
    """Notes whether a function of two tensors broadcasts both of them."""

    def __init__(self) -> None:
        super().__init__()
        self.met = False

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        shapes = [x.shape for x in args if isinstance(x, torch.Tensor)]
        if len(shapes) == 2 and len(shapes[0]) != len(shapes[1]):
            with suppress(ValueError):
                both = math.prod(np.broadcast_shapes(*shapes))
                self.met |= both > max(shape.numel() for shape in shapes)
        return function(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def found() -> dict[str, list[dict[str, Any]]]:
    """The diagnostics of all nets, by file."""
    command = [sys.executable, "-m", "convlint", "--no-cache", "--output-format", "json", str(FOLDER)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(run.stdout)
    assert [model["status"] for model in report["models"]] == ["checked"] * len(report["models"]), report["models"]
    by_file: dict[str, list[dict[str, Any]]] = {path.name: [] for path in FILES}
    for one in report["diagnostics"]:
        by_file[Path(one["filename"]).name].append(one)
    return by_file


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_torch_agrees(path: Path) -> None:
    pairs = Pairs()
    is_wrong = False
    with warnings.catch_warnings(), pairs:
        warnings.simplefilter("ignore")
        try:
            runpy.run_path(str(path), run_name="__main__")
        except (RuntimeError, ValueError):
            is_wrong = True
    assert (is_wrong or pairs.met) is path.stem.endswith("_bad")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_wrong_are_found_and_no_other(path: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    codes = [one["code"] for one in found[path.name]]
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert codes == ([first.removeprefix("# ")] if path.stem.endswith("_bad") else [])

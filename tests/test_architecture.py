"""The map for newcomers leads to what is there, and its recipes name every file."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
TEXT = PAGE.read_text(encoding="utf-8")
CODE = sorted((ROOT / "convlint").rglob("*.py"))
RECIPES = dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", TEXT, re.MULTILINE | re.DOTALL))
ENTRIES = [(title, path) for title, text in RECIPES.items() for path in re.findall(r"^- `(.+?)`", text, re.MULTILINE)]


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def files_with(*texts: str) -> list[str]:
    """The modules that hold each of some texts."""
    found = [path for path in CODE if all(text in path.read_text(encoding="utf-8") for text in texts)]
    return [str(path.relative_to(ROOT)) for path in found]


def test_the_chart_shows_the_imports_as_they_are() -> None:
    assert runpy.run_path(str(ROOT / "docs" / "imports.py"))["drawn"](TEXT) == TEXT


@pytest.mark.parametrize(("text", "link"), re.findall(r"\[(.+?)\]\((\S+?)\)", TEXT))
def test_each_link_leads_to_what_it_names(text: str, link: str) -> None:
    target = (PAGE.parent / link).resolve()
    assert target.exists()
    if text.startswith("`") and target.suffix == ".py":
        name = text.strip("`")
        assert name in names_in(target) or name == target.stem


@pytest.mark.parametrize("part", re.findall(r"^\| (`.+?`) \|", TEXT, re.MULTILINE))
def test_each_part_of_the_table_is_there(part: str) -> None:
    for path in re.findall(r"`(.+?)`", part):
        assert any((ROOT / folder / path).exists() for folder in ("", "convlint"))


@pytest.mark.parametrize(("recipe", "path"), ENTRIES)
def test_each_file_of_a_recipe_is_there(recipe: str, path: str) -> None:
    assert list(ROOT.glob(re.sub(r"<\w+>", "*", path))), recipe


def test_an_operator_is_known_in_one_module() -> None:
    path = next(path for title, path in ENTRIES if title == "Add an operator")
    assert files_with("nn.Fold,") == files_with("functional.fold") == [path]
    assert files_with('"CTCLoss"') == files_with('"mse_loss", "MSELoss"') == ["convlint/ops/losses.py"]
    assert files_with('"stft"') == ["convlint/worker/ops/spectral.py"]


def test_a_rule_is_known_in_one_file() -> None:
    for path in (ROOT / "rules").glob("*/CL*.toml"):
        assert files_with(f'"{path.stem.partition("-")[0]}"') == []


def test_an_output_format_is_listed_once() -> None:
    formats = ['"sarif"', '"junit"']
    assert files_with(*formats) == ["convlint/output_format.py", "convlint/reporters/render.py"]

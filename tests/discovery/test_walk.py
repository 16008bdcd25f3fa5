"""From path arguments to files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from convlint.discovery.ignoring import Patterns, compile_patterns
from convlint.discovery.walk import python_files, split_target, walk


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(tree: Path, *names: str) -> None:
    for name in names:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")


def found(*paths: str, exclude: Sequence[str] = ()) -> list[str]:
    patterns: list[Patterns] = [compile_patterns(os.getcwd(), exclude)] if exclude else []
    return [os.path.relpath(path) for path in walk(paths, lambda _: patterns).files]


def test_folders_give_their_python_files_in_order(tree: Path) -> None:
    write(tree, "b.py", "a.py", "notes.txt", "pkg/__init__.py", "pkg/deep/net.py")
    assert found(".") == ["a.py", "b.py", "pkg/__init__.py", "pkg/deep/net.py"]


def test_notebooks_are_found_too(tree: Path) -> None:
    write(tree, "b.ipynb", "a.py", "deep/01 - Net.ipynb", ".ipynb_checkpoints/b-checkpoint.ipynb", "c.ipynb.txt")
    assert found(".") == ["a.py", "b.ipynb", "deep/01 - Net.ipynb"]
    assert found("deep/01 - Net.ipynb") == ["deep/01 - Net.ipynb"]
    assert found("**/*") == ["a.py", "b.ipynb", "deep/01 - Net.ipynb"]
    assert found(".", exclude=["*.ipynb"]) == ["a.py"]


def test_notebooks_are_no_files_that_others_import(tree: Path) -> None:
    write(tree, "b.ipynb", "a.py")
    assert list(python_files(str(tree), lambda _: ())) == [str(tree / "a.py")]


def test_default_folders_and_virtual_environments_are_left_out(tree: Path) -> None:
    write(tree, ".venv/a.py", "build/a.py", "node_modules/a.py", ".git/a.py", "env/lib/a.py", "ok/a.py")
    (tree / "env/pyvenv.cfg").touch()
    assert found(".") == ["ok/a.py"]
    assert found("build") == ["build/a.py"], "a folder that is named is walked"
    assert found(".", exclude=["!build"]) == ["build/a.py", "ok/a.py"]


def test_exclude_patterns(tree: Path) -> None:
    write(tree, "a.py", "old/a.py", "src/old/a.py", "src/net_old.py", "src/net.py")
    assert found(".", exclude=["old/", "*_old.py"]) == ["a.py", "src/net.py"]
    assert found(".", exclude=["/old"]) == ["a.py", "src/net.py", "src/net_old.py", "src/old/a.py"]
    assert found("old", exclude=["old/"]) == ["old/a.py"]


def test_a_file_that_is_named_is_taken_though_excluded(tree: Path) -> None:
    write(tree, "old/a.py")
    (tree / ".gitignore").write_text("old/\n")
    assert found("old/a.py", exclude=["old/"]) == ["old/a.py"]


def test_gitignore_files_near_and_far(tree: Path) -> None:
    write(tree, "a.py", "gen/a.py", "src/keep.py", "src/skip.py", "src/sub/skip.py", "src/sub/local.py")
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("gen/\nskip.py\n")
    (tree / "src/sub/.gitignore").write_text("local.py\n!skip.py\n")
    assert found(".") == ["a.py", "src/keep.py", "src/sub/skip.py"]
    assert found("src") == ["src/keep.py", "src/sub/skip.py"], "those above the path hold too"
    assert found("gen") == ["gen/a.py"]


def test_a_gitignore_with_a_wrong_line_keeps_its_other_lines(tree: Path) -> None:
    write(tree, "a.py", "b.py")
    (tree / ".gitignore").write_bytes(b"!\n\\\n\xff\xfe\na.py\n")
    assert found(".") == ["b.py"]


def test_links_do_not_lead_in_circles(tree: Path) -> None:
    write(tree, "pkg/a.py")
    (tree / "pkg/loop").symlink_to(tree / "pkg", target_is_directory=True)
    (tree / "self").symlink_to(tree / "self")
    assert found(".") == ["pkg/a.py"]
    assert found("pkg/loop") == ["pkg/loop/a.py"], "a link that is named is followed"


def test_patterns(tree: Path) -> None:
    write(tree, "models/a_net.py", "models/deep/b_net.py", "models/c.py", "models/notes_net.txt")
    assert found("models/**/*_net.*") == ["models/a_net.py", "models/deep/b_net.py"]
    result = walk(["nothing/*.py"], lambda _: ())
    assert result.problems == ["nothing/*.py: no file matches this pattern"]


def test_a_missing_path_does_not_lose_the_others(tree: Path) -> None:
    write(tree, "nets.py")
    result = walk(["net.py", "nets.py", "far/away.py"], lambda _: ())
    assert [Path(path).name for path in result.files] == ["nets.py"]
    assert result.problems == [
        "net.py: no such file or directory; did you mean 'nets.py'?",
        "far/away.py: no such file or directory",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read(tree: Path) -> None:
    write(tree, "shut/a.py", "b.py")
    (tree / "shut").chmod(0)
    result = walk(["."], lambda _: ())
    (tree / "shut").chmod(0o755)
    assert [Path(path).name for path in result.files] == ["b.py"]
    assert result.problems == [f"{tree}/shut: Permission denied"]


def test_a_file_named_twice_is_linted_once(tree: Path) -> None:
    write(tree, "a.py")
    assert found("a.py", ".", "./a.py") == ["a.py"]


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("net.py:Net", ("net.py", "Net")),
        ("my net.ipynb:Net", ("my net.ipynb", "Net")),
        ("net.py", ("net.py", None)),
        ("net.py:9", ("net.py:9", None)),
        ("net:Net", ("net:Net", None)),
        ("C:/net.py", ("C:/net.py", None)),
    ],
)
def test_a_target_behind_a_colon(path: str, parts: tuple[str, str | None]) -> None:
    assert split_target(path) == parts


def test_a_file_that_is_called_like_a_target(tree: Path) -> None:
    write(tree, "net.py:Net")
    assert split_target("net.py:Net") == ("net.py:Net", None)


def test_targets_of_one_file_add_up(tree: Path) -> None:
    write(tree, "net.py")
    (one,) = walk(["net.py:A", "net.py:B"], lambda _: ()).files.values()
    assert one.targets == ("A", "B")
    (whole,) = walk(["net.py:A", "net.py"], lambda _: ()).files.values()
    assert whole.targets == ()
    (still_whole,) = walk(["net.py", "net.py:A"], lambda _: ()).files.values()
    assert still_whole.targets == ()

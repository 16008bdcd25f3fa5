"""A state is another one as soon as something is different that was asked for, and only then."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from convlint.cache.world import World
from convlint.dependencies import Dependencies, joined
from convlint.watch import Watch, unwatched, watching


def state(depends: Dependencies) -> str:
    return World().state(depends)


def below(folder: Path) -> Dependencies:
    names = {name: str(folder / name) for name in ("read", "absent", "listed", "there", "module")}
    return Dependencies(
        files=(names["read"], names["absent"]),
        folders=(names["listed"],),
        paths=(names["there"],),
        modules=(names["module"],),
        packages=("torch",),
        variables=("CONVLINT_TEST",),
    )


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda folder: (folder / "read").write_text("other"),
    "gone": lambda folder: (folder / "read").unlink(),
    "appeared": lambda folder: (folder / "absent").write_text(""),
    "listed": lambda folder: (folder / "listed" / "new").write_text(""),
    "folder for a file": lambda folder: ((folder / "listed/a").unlink(), (folder / "listed/a").mkdir()),
    "there": lambda folder: (folder / "there").write_text(""),
    "module": lambda folder: (folder / "module.py").write_text(""),
    "package": lambda folder: (folder / "module").mkdir(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "read").write_text("text")
    (tmp_path / "listed").mkdir()
    (tmp_path / "listed" / "a").write_text("")
    return tmp_path


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_change_counts(folder: Path, change: Callable[[Path], object]) -> None:
    before = state(below(folder))
    assert state(below(folder)) == before
    change(folder)
    assert state(below(folder)) != before


def test_a_variable_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(below(folder))
    monkeypatch.setenv("CONVLINT_TEST", "1")
    assert state(below(folder)) != before


def test_what_nobody_asked_for_is_no_matter(folder: Path) -> None:
    before = state(below(folder))
    os.utime(folder / "read", (1, 1))
    (folder / "listed" / "a").write_text("content")
    (folder / "unknown.py").write_text("")
    assert state(below(folder)) == before


def test_a_lacking_module_hangs_on_every_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)
    lacking, complete = Dependencies(lacks_modules=True), Dependencies()
    before = state(lacking), state(complete)
    (folder / "timm-1.0.dist-info").mkdir()
    assert state(lacking) != before[0]
    assert state(complete) == before[1]


def seen(act: Callable[[], object]) -> Dependencies:
    with watching(lambda _: True, follows_imports=True) as watch:
        act()
    found = watch.dependencies()
    assert found is not None
    return found


def test_a_watch_notes_what_is_asked_for(folder: Path) -> None:
    def act() -> None:
        (folder / "read").read_text()
        with pytest.raises(FileNotFoundError):
            (folder / "absent").read_text()
        os.listdir(folder / "listed")
        os.path.exists(folder / "there")
        os.environ.get("CONVLINT_TEST")

    found = seen(act)
    assert found.files == (str(folder / "read"), str(folder / "absent"))
    assert found.folders == (str(folder / "listed"),)
    assert str(folder / "there") in found.paths
    assert found.variables == ("CONVLINT_TEST",)


def test_a_watch_passes_over_what_the_process_makes_itself(folder: Path) -> None:
    def act() -> None:
        (folder / "made").write_text("x")
        (folder / "made").read_text()
        (folder / "new").mkdir()

    found = seen(act)
    assert (found.files, found.folders) == ((), ())
    assert not {str(folder / "made"), str(folder / "new")} & {*found.paths}


def test_nothing_is_noted_while_nobody_watches(folder: Path) -> None:
    def act() -> None:
        with unwatched():
            (folder / "read").read_text()
            os.path.exists(folder / "there")

    assert seen(act) == Dependencies()


def test_a_name_that_is_no_text_is_not_kept() -> None:
    watch = Watch(lambda _: True, follows_imports=True)
    watch.asked(b"/tmp/\xff")
    assert watch.dependencies() is None


def test_dependencies_are_joined_without_repetition() -> None:
    one, two = Dependencies(files=("a", "b")), Dependencies(files=("b", "c"), lacks_modules=True)
    assert joined([one, two]) == Dependencies(files=("a", "b", "c"), lacks_modules=True)
    assert joined([]) == Dependencies()

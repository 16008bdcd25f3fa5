"""Entries in a folder: whole or not at all, whoever else writes there and whatever becomes of the files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convlint.cache.memory import Memory
from convlint.cache.store import Removed, Store
from convlint.dependencies import Dependencies

WRITER = """
import sys
from convlint.cache.store import Store
store = Store(sys.argv[1], limit=200_000)
for turn in range(150):
    for name in ("a", "b"):
        body = (name + sys.argv[2]).encode() * (1000 + turn)
        store.put(name, body)
        found = store.get(name)
        assert found is None or (len(set(found)) <= 2 and found.startswith(name.encode())), found[:20]
    store.sweep()
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "cache"))


def path_of(store: Store, name: str) -> Path:
    return Path(store.folder) / "entries" / f"{name}.entry"


def test_what_is_put_is_found_again(store: Store) -> None:
    assert store.get("a") is None
    store.put("a", b"one\ntwo")
    assert store.get("a") == b"one\ntwo"
    store.put("a", b"")
    assert store.get("a") == b""


def test_the_folder_says_that_it_is_a_cache(store: Store) -> None:
    store.put("a", b"x")
    tag = Path(store.folder, "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert Path(store.folder, ".gitignore").read_text().endswith("*\n")


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: data + b"x", lambda _: b"", lambda _: b"\xff\n"]
)
def test_a_damaged_entry_is_dropped(store: Store, spoil: object) -> None:
    store.put("a", b"facts")
    path = path_of(store, "a")
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    assert store.get("a") is None
    assert not path.exists()


def test_any_flipped_bit_is_noticed(store: Store) -> None:
    store.put("a", b"facts")
    whole = path_of(store, "a").read_bytes()
    for at in range(len(whole)):
        path_of(store, "a").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert store.get("a") is None


def test_processes_may_write_at_the_same_time(store: Store) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, store.folder, str(n)]) for n in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    assert {path.suffix for path in Path(store.folder, "entries").iterdir()} <= {".entry"}


def test_the_oldest_entries_make_room(tmp_path: Path) -> None:
    store = Store(str(tmp_path), limit=5000)
    for number in range(10):
        store.put(str(number), b"x" * 900)
        os.utime(path_of(store, str(number)), (number, number))
    assert store.get("0") is not None  # which makes it the one that was used last
    store.sweep()
    left = {name for name in map(str, range(10)) if store.get(name) is not None}
    assert left == {"0", "7", "8", "9"}


def test_an_entry_within_the_bound_stays(store: Store) -> None:
    store.put("a", b"x")
    store.sweep()
    assert store.get("a") == b"x"


def test_what_a_killed_run_left_is_swept_up(store: Store) -> None:
    store.put("a", b"x")
    old, young = (path_of(store, "a").with_name(f"{name}.new") for name in ("old", "young"))
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (1, 1))
    store.sweep()
    assert not old.exists()
    assert young.exists()


def test_clear_removes_only_what_is_its_own(store: Store) -> None:
    assert store.clear() == Removed()
    store.put("a", b"x" * 1000)
    mine = Path(store.folder, "thesis.txt")
    mine.write_text("years of work")
    removed = store.clear()
    assert removed.entries == 1
    assert removed.size > 1000
    assert os.listdir(store.folder) == ["thesis.txt"]
    mine.unlink()
    store.put("a", b"x")
    store.clear()
    assert not os.path.exists(store.folder)


def test_a_gitignore_of_the_users_own_stays(store: Store) -> None:
    os.makedirs(store.folder)
    Path(store.folder, ".gitignore").write_text("mine\n")
    store.put("a", b"x")
    store.clear()
    assert Path(store.folder, ".gitignore").read_text() == "mine\n"


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = Memory(Store(str(tmp_path / "file" / "cache")))
    assert memory.recall("question") is None
    memory.keep("question", Dependencies(), b"x")
    assert memory.trouble is not None
    assert "cannot be written: Not a directory" in memory.trouble
    memory.close()


@pytest.mark.parametrize("lists", [b"", b"[]", b"{}", b"[[1]]", b'[[[],[],[],[],[],[],"no"]]', b"[" * 100_000, b"\xff"])
def test_lists_that_are_none_are_dropped(tmp_path: Path, lists: bytes) -> None:
    store = Store(str(tmp_path))
    store.put("question", lists)
    assert Memory(store).recall("question") is None


def test_several_states_are_remembered(tmp_path: Path) -> None:
    store, file = Store(str(tmp_path / "cache")), tmp_path / "a.txt"
    depends = Dependencies(files=(str(file),))
    for text in ("one", "two"):
        file.write_text(text)
        time.sleep(0.1)
        Memory(store).keep("question", depends, text.encode())
    for text in ("one", "two"):
        file.write_text(text)
        assert Memory(store).recall("question") == (text.encode(), depends)
    file.write_text("three")
    assert Memory(store).recall("question") is None


def test_what_changes_during_the_run_is_not_kept(tmp_path: Path) -> None:
    store, file = Store(str(tmp_path / "cache")), tmp_path / "a.txt"
    memory = Memory(store)
    file.write_text("which of the contents was it?")
    memory.keep("question", Dependencies(files=(str(file),)), b"x")
    assert Memory(store).recall("question") is None

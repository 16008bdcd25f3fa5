"""The command with a cache: what it spares, what it must not spare, and how to be rid of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

CLEAN = "1 model checked (1 with inputs that their layers ask for), 0 partial, 0 skipped: all clear."
SLOW = """
from torch import nn

class Slow(nn.Module):
    def __init__(self):
        super().__init__()
        while True:
            pass

    def forward(self, x):
        return x
"""


def test_a_cached_run_loads_no_torch(house: Any) -> None:
    code, out, err = house.run()
    assert (code, err) == (0, "")
    assert CLEAN in out
    assert house.run(without_torch=True) == (0, out, "")
    assert "torch was imported" in house.run("--no-cache", without_torch=True)[2]

    # Facts serve other rules, formats and commands as well.
    assert house.run("--ignore", "CL1", without_torch=True)[0] == 0
    assert house.run("--output-format", "json", without_torch=True)[1].startswith("{")
    assert "second" in house.run("explain", "net.py:Net", without_torch=True)[1]
    assert house.run("init", "--dry-run", without_torch=True)[0] == 0


def test_what_the_model_hangs_on_is_checked_anew(house: Any) -> None:
    assert house.run()[0] == 0
    assert "gets 12" in house.run(MORE="2")[1]  # a variable that the constructor reads
    house.write("wide", "")  # a file that was looked for and not found
    assert "gets 20" in house.run()[1]
    (house.folder / "wide").unlink()
    assert CLEAN in house.run(without_torch=True)[1]
    house.write("sizes.yaml", "hidden: 7\n")
    assert "gets 7" in house.run()[1]
    house.write("sizes.yaml", "hidden: 10\n")
    house.write("yaml.py", "def safe_load(_): return {'hidden': 3}\n")  # an import that goes elsewhere now
    assert "gets 3" in house.run()[1]
    (house.folder / "yaml.py").unlink()
    house.write("blocks.py", "WIDTH = 8  # as before\n")
    house.settle()
    assert CLEAN in house.run()[1]
    assert CLEAN in house.run(without_torch=True)[1]


def test_no_cache_neither_reads_nor_writes(house: Any) -> None:
    assert house.run("--no-cache")[0] == 0
    assert not house.cache.exists()


def test_what_hangs_on_time_is_not_kept(house: Any) -> None:
    house.write("net.py", SLOW)
    house.settle()
    house.run("--timeout", "3")
    assert not house.entries()


def test_damaged_entries_are_replaced(house: Any) -> None:
    out = house.run()[1]
    sound = house.entries()
    for path in sound:
        path.write_bytes(path.read_bytes()[:-3])
    assert house.run() == (0, out, "")
    assert house.entries() == sound
    assert house.run(without_torch=True) == (0, out, "")


def test_two_runs_may_share_a_cache(house: Any) -> None:
    first, second = house.start(), house.start("--output-format", "json")
    assert "all clear" in first.communicate(timeout=300)[0]
    assert second.communicate(timeout=300)[0].startswith("{")
    assert house.run(without_torch=True)[0] == 0


@pytest.mark.skipif(os.name != "posix", reason="folders are protected otherwise there")
def test_a_cache_that_cannot_be_written_is_only_a_note(house: Any) -> None:
    house.cache.write_text("a file in its place")
    code, out, err = house.run()
    assert (code, CLEAN in out) == (0, True)
    assert err == f"convlint: the cache {house.cache} cannot be written: Not a directory; --no-cache goes without it\n"


def test_clean_says_how_much_it_removed(house: Any) -> None:
    assert house.run("clean") == (0, f"{house.cache}: there is nothing to remove\n", "")
    house.run()
    number = len(house.entries())
    code, out, err = house.run("clean")
    assert (code, err) == (0, "")
    assert out.startswith(f"{house.cache}: {number} entries removed, 0.0 MB")
    assert not house.cache.exists()


def test_the_nearest_word_on_the_folder_counts(house: Any) -> None:
    house.write("pyproject.toml", '[tool.convlint]\ncache-dir = "kept/here"\n')
    house.settle()
    given, configured = house.folder / "given", house.folder / "kept" / "here"
    assert house.run("--cache-dir", "given")[0] == 0
    assert given.exists()
    assert not house.cache.exists()
    assert house.run(CONVLINT_CACHE_DIR="")[0] == 0
    assert configured.exists()
    assert house.run(CONVLINT_CACHE_DIR="", without_torch=True)[0] == 0
    assert "removed" in house.run("clean", CONVLINT_CACHE_DIR="")[1]
    assert not configured.exists()
    assert given.exists()


def test_without_a_word_it_is_the_users_cache_folder(house: Any, tmp_path: Path) -> None:
    out = house.run("clean", CONVLINT_CACHE_DIR="", XDG_CACHE_HOME=str(tmp_path), HOME=str(tmp_path))[1]
    assert "convlint: there is nothing to remove" in out

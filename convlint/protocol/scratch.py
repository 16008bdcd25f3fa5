"""Temporary folders of user code: private, and gone afterwards whatever is in them."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
import time
from contextlib import suppress

PREFIX = "convlint-"
VARIABLES = ("TMPDIR", "TEMP", "TMP")
"""What tells programs where temporary files belong."""

_PATIENCE = 60.0  # seconds for the last try


def make(parent: str | None = None) -> str:
    """A new folder that only this user can enter."""
    return os.path.realpath(tempfile.mkdtemp(prefix=PREFIX, dir=parent))


def discard(folder: str, *, seconds: float = _PATIENCE) -> None:
    """Remove a folder with all that is in it, without following a link; gives up when the time is over."""
    with suppress(OSError):
        os.rmdir(folder)  # nearly always it is empty
        return
    end = time.monotonic() + seconds
    pending, cleared = [folder], set[str]()
    while pending and time.monotonic() < end:
        here = pending[-1]
        if here not in cleared:
            cleared.add(here)
            pending.extend(_clear(here, end))
        else:
            pending.pop()
            with suppress(OSError):
                os.rmdir(here)


def discard_for_good(folder: str) -> None:
    """As `discard`, and also what is nested too deep for a path."""
    discard(folder)
    if os.path.isdir(folder) and os.name == "posix":
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL, check=False, timeout=_PATIENCE)


def _clear(folder: str, end: float) -> list[str]:
    """Remove the files of a folder; its folders."""
    folders = []
    with suppress(OSError):
        os.chmod(folder, stat.S_IRWXU)
        with os.scandir(folder) as entries:
            for entry in entries:
                if time.monotonic() >= end:
                    break
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    with suppress(OSError):
                        os.unlink(entry.path)
    return folders

"""Landlock: what the Linux kernel refuses a process for good, whichever way it asks.

Reading is left alone. Python has no module for it, hence the bare system calls; their numbers are the same everywhere.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from glob import glob

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1  # flag of _CREATE: only ask for the version
_BENEATH = 1  # the kind of rule that allows something below a folder
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 13, 1 << 14
_CHANGE = sum(1 << bit for bit in range(4, 13))  # remove and make files, folders, sockets and the like
_BIND_AND_CONNECT = 0b11
_SIGNALS_AND_SOCKETS = 0b11  # signals to others, and sockets of others without a file name

# What programs write to that is not a file; multiprocessing keeps its locks in the last.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
_SHARED_MEMORY = "/dev/shm"
_ACCELERATORS = ("/dev/nvidia*", "/dev/nvidia-caps/*", "/dev/kfd", "/dev/dri/*")  # what drivers write to


@cache
def version() -> int:
    """The version that this kernel has, 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    with suppress(OSError, AttributeError):
        return max(0, _call(_CREATE, None, 0, _VERSION))
    return 0


def restrict(folder: str, *, with_devices: bool = False) -> int:
    """From now on write below the folder only, use no TCP and signal nobody outside: the version in force, 0 for none.

    `with_devices`: an accelerator may be used. TCP is refused from version 4 on, signals from version 6 on.
    """
    if not version():
        return 0
    ruleset = _ruleset()
    if ruleset < 0:
        return 0
    try:
        _allow(ruleset, [folder, _SHARED_MEMORY], _files())
        devices = (*_DEVICES, *(path for pattern in _ACCELERATORS for path in glob(pattern) if with_devices))
        _allow(ruleset, devices, _files() & (_WRITE_FILE | _TRUNCATE))
        if ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or _call(_RESTRICT, ruleset, 0) != 0:
            return 0
    finally:
        os.close(ruleset)
    return version()


def _files() -> int:
    """The accesses to files that this version knows and that change anything."""
    return _WRITE_FILE | _CHANGE | (_REFER if version() >= 2 else 0) | (_TRUNCATE if version() >= 3 else 0)


def _ruleset() -> int:
    fields = [_files()]
    if version() >= 4:
        fields.append(_BIND_AND_CONNECT)
    if version() >= 6:
        fields.append(_SIGNALS_AND_SOCKETS)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    return _call(_CREATE, attributes, len(attributes), 0)


def _allow(ruleset: int, paths: Iterable[str], accesses: int) -> None:
    for path in paths:
        with suppress(OSError):  # not every machine has them all
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                _call(_ADD, ruleset, _BENEATH, struct.pack("=Qi", accesses, place), 0)
            finally:
                os.close(place)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """A system call: what it returns, -1 if it fails."""
    values = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return int(ctypes.CDLL(None).syscall(ctypes.c_long(number), *values))

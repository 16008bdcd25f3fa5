"""What an audit event of Python is about: which files it would change, which address or program it would reach."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from convlint.watch import WRITING

Kind = Literal["writes", "network", "program"]


class Deed(NamedTuple):
    """One thing that code is about to do."""

    kind: Kind
    what: str  # behind "this file": "connects to 127.0.0.1:80"; ends before the path where there is one
    path: str | None = None  # absolute


# Event -> in words, and which of its arguments are a path and the descriptor of the folder that holds it.
_CHANGES: dict[str, tuple[str, tuple[tuple[int, int | None], ...]]] = {
    "os.mkdir": ("creates the folder", ((0, 2),)),
    "os.rename": ("renames", ((0, 2), (1, 3))),
    "os.remove": ("deletes", ((0, 1),)),
    "os.rmdir": ("deletes the folder", ((0, 1),)),
    "os.link": ("links", ((1, 3),)),
    "os.symlink": ("links", ((1, 2),)),
    "os.truncate": ("empties", ((0, None),)),
    "os.chmod": ("changes the rights of", ((0, 2),)),
    "os.chown": ("changes the owner of", ((0, 3),)),
    "os.utime": ("changes the time of", ((0, 3),)),
    "os.setxattr": ("changes", ((0, None),)),
    "os.removexattr": ("changes", ((0, None),)),
    "shutil.rmtree": ("deletes the folder", ((0, 1),)),
}
_NEEDS_ITS_FILE = frozenset({"os.remove", "os.rmdir", "shutil.rmtree", "os.rename", "os.chmod", "os.utime"})
_ADDRESSES = {"socket.connect": "connects to", "socket.bind": "listens at", "socket.sendto": "sends to"}
_NAMES = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
# Which argument is the program.
_STARTS = {
    "os.exec": 0,
    "os.posix_spawn": 0,
    "os.spawn": 1,
    "os.startfile": 0,
    "os.system": 0,
    "subprocess.Popen": 0,
}
_FORKS = frozenset({"os.fork", "os.forkpty"})
# Programs that packages ask about the machine while they are imported.
HARMLESS = frozenset(["ldconfig", "gcc", "cc", "ld", "objdump", "uname", "lscpu", "getconf", "nvidia-smi", "rocm-smi"])
# What torch.compile starts to build its code; the last one is that of the user's own choice.
COMPILERS = frozenset(
    ["g++", "c++", "clang", "clang++", "cl", "icpx", "ptxas", "ptxas-blackwell"]
    + [os.path.basename(os.environ[name]) for name in ("CXX", "CC") if os.environ.get(name)]
)

WATCHED = frozenset({"open", "os.kill", "os.killpg", *_CHANGES, *_ADDRESSES, *_NAMES, *_STARTS, *_FORKS})
"""The events that `deeds` knows: all others, and there are many, need not ask."""


def deeds(event: str, arguments: tuple[Any, ...], harmless: Collection[str] = HARMLESS) -> Iterator[Deed]:
    """What the event would do outside of this process; nothing for an event that does nothing there.

    `harmless` are programs that may be started.
    """
    if event == "open":
        yield from _opened(*arguments)
    elif event in _CHANGES:
        yield from _changes(event, arguments)
    elif event in _ADDRESSES or event in _NAMES:
        yield _reached(event, arguments)
    elif event in _STARTS:
        program = os.path.basename(_text(arguments[_STARTS[event]]))
        if program not in harmless:
            yield Deed("program", f"starts {program}")
    elif event in _FORKS:
        yield Deed("program", "starts another process")
    elif event in ("os.kill", "os.killpg"):
        yield from _signals(event, *arguments[:2])


def _opened(path: Any, _: Any, flags: Any) -> Iterator[Deed]:
    """A file that is opened to be written; a number is one that is open already."""
    if isinstance(flags, int) and flags & WRITING and not isinstance(path, int) and path is not None:
        yield Deed("writes", "writes", _absolute(path))


def _reached(event: str, arguments: tuple[Any, ...]) -> Deed:
    """Another machine, or the question for its address."""
    if event in _ADDRESSES:
        return Deed("network", f"{_ADDRESSES[event]} {_address(arguments[1])}")
    if event == "socket.getaddrinfo" and arguments[0] and arguments[1]:
        return Deed("network", f"connects to {_address(arguments)}")
    return Deed("network", f"looks up {_text(arguments[0])}")


def _changes(event: str, arguments: tuple[Any, ...]) -> Iterator[Deed]:
    words, places = _CHANGES[event]
    for number, (path_at, folder_at) in enumerate(places):
        path = arguments[path_at]
        folder = arguments[folder_at] if folder_at is not None and len(arguments) > folder_at else -1
        absolute = None if isinstance(path, int) or path is None else _absolute(path, folder)
        if absolute is None or (number == 0 and _fails_anyway(event, absolute)):
            return
        yield Deed("writes", words, absolute)


def _fails_anyway(event: str, path: str) -> bool:
    """Whether it changes nothing, as code that tries and goes on and `exist_ok` expect it."""
    return os.path.lexists(path) if event == "os.mkdir" else event in _NEEDS_ITS_FILE and not os.path.lexists(path)


def _signals(event: str, target: int, number: int) -> Iterator[Deed]:
    """A signal to other processes than this one and its own group; 0 only asks whether one is there."""
    own = {0, os.getpgrp()} if event == "os.killpg" else {os.getpid(), 0, -os.getpgrp()}
    if number and target not in own:
        whom = "its parent process" if target == os.getppid() else f"process {target}"
        yield Deed("program", f"sends signal {number} to {whom}")


def _absolute(path: Any, folder: Any = -1) -> str | None:
    """The file after the links; None for one in an open folder whose name is not to be had."""
    name = os.fsdecode(path)
    if not os.path.isabs(name) and isinstance(folder, int) and folder >= 0:
        if not sys.platform.startswith("linux"):
            return None
        with suppress(OSError):
            return os.path.realpath(os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name))
        return None
    return os.path.realpath(name)


def _address(address: Any) -> str:
    return (
        f"{_text(address[0])}:{_text(address[1])}"
        if isinstance(address, tuple) and len(address) > 1
        else _text(address)
    )


def _text(value: Any) -> str:
    return os.fsdecode(value) if isinstance(value, (str, bytes, os.PathLike)) else str(value)

"""What results depend on that is known before any work is done."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from convlint import __version__
from convlint.cache.world import World, digest

if TYPE_CHECKING:
    from convlint.jobs import Job

_ALWAYS_LOADED = ("torch", "numpy", "sympy", "pydantic")
_TELLING = ("TORCH", "PYTORCH")  # how the names of variables begin that torch itself may read
_TELLING_PYTHON = ("PYTHONOPTIMIZE", "PYTHONHOME", "PYTHONNOUSERSITE")


def job_key(job: Job, world: World) -> str | None:
    """The name of a job; None where it is not known what it depends on."""
    known = surroundings(world)
    return digest("facts", known, job.model_dump_json(), world.file(job.path)) if known is not None else None


def surroundings(world: World) -> str | None:
    """What all work of a run depends on; None where the version of torch or the working directory is not to be had."""
    try:
        return digest(_surroundings(world), os.getcwd()) if "torch" in world.distributions else None
    except OSError:
        return None


@lru_cache(maxsize=8)
def _surroundings(world: World) -> str:
    """The same for each run with this installation on this machine."""
    versions = [(name, world.distributions.get(name)) for name in _ALWAYS_LOADED]
    names = sorted(name for name in os.environ if name.startswith(_TELLING) or name in _TELLING_PYTHON)
    machine = tuple(os.uname()) if hasattr(os, "uname") else ()
    return digest(
        __version__,
        _own_source(),
        sys.version,
        sys.platform,
        machine[:1] + machine[2:],  # without the name of the machine
        versions,
        [(name, os.environ[name]) for name in names],
        _importable(os.environ.get("PYTHONPATH", "")),
    )


def _importable(path: str) -> list[str]:
    """What PYTHONPATH puts before other modules; for torch its version tells enough."""
    found: set[str] = set()
    for folder in filter(None, path.split(os.pathsep)):
        try:
            found.update(name for name in os.listdir(folder) if not _is_plain(name))
        except OSError:
            continue
    return sorted(found)


def _is_plain(name: str) -> bool:
    """Whether the name says nothing of modules, or is torch's own."""
    return name.startswith((".", "__")) or name.partition("-")[0].partition(".")[0] == "torch"


def _own_source() -> list[tuple[str, int, int]]:
    """The state of convlint's own files, which a checkout changes without a new version."""
    found: list[tuple[str, int, int]] = []
    folders = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.endswith((".py", ".toml")):
                    status = entry.stat()
                    found.append((entry.path, status.st_size, status.st_mtime_ns))
                elif entry.name != "__pycache__" and entry.is_dir():
                    folders.append(entry.path)
    return sorted(found)

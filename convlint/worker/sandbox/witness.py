"""Whose doing something is: the user's line after what happens right now, unless a library does it by itself."""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from types import FrameType

from convlint.worker.stack.places import FramePlace, place_of
from convlint.worker.stack.users import IsUser

_IMPORTING = "<frozen importlib._bootstrap>"
_OWN = __file__.rpartition("worker")[0]  # convlint's frames stand between, and do nothing of their own
_SCOPE = f"{_OWN}worker/user_code/scope.py"  # evaluates single expressions
_STDLIB = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})
_PACKAGES = tuple({sysconfig.get_path(name) for name in ("purelib", "platlib")})


@dataclass(frozen=True)
class Witness:
    """A place in the user's code."""

    place: FramePlace
    is_direct: bool  # nothing but Python itself stands between this place and what happens


def witness_of(frame: FrameType | None, is_user: IsUser) -> Witness | None:
    """The innermost place in the user's code; None for what a package does while it is imported."""
    is_direct = True
    while frame is not None:
        name = frame.f_code.co_filename
        if is_user(name):
            return Witness(place_of(frame), is_direct)
        if name == _IMPORTING:
            return None
        is_direct = is_direct and _is_python(name)
        frame = frame.f_back
    return None


def is_at_import(frame: FrameType | None, is_user: IsUser) -> bool:
    """Whether a top-level statement of the user's is running, and not only what convlint itself chose to call."""
    while frame is not None:
        code, caller = frame.f_code, frame.f_back
        if code.co_name == "<module>" and is_user(code.co_filename):
            return caller is None or caller.f_code.co_filename != _SCOPE
        frame = caller
    return False


def _is_python(name: str) -> bool:
    return name.startswith(("<frozen ", _OWN)) or (name.startswith(_STDLIB) and not name.startswith(_PACKAGES))

"""Which model of the run a module is that a script has built."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence

from convlint.jobs import PlannedModel
from convlint.worker.dry_run.constructions import FedModel
from convlint.worker.stack.places import FramePlace, position_of
from convlint.worker.stack.users import IsUser

Planned = Mapping[str, Sequence[PlannedModel]]


def identified(
    one: FedModel, chain: Sequence[FramePlace], planned: Planned, script: str, is_user: IsUser
) -> tuple[str, PlannedModel] | None:
    """The file and the model; `chain` are the places of the user's that its construction came through."""
    found = next(_planned(one, chain, planned, script), None)
    if found is not None:
        return found
    kind = type(one.module)
    path = _home(kind)
    if is_user(path) and "<locals>" not in kind.__qualname__:
        return path, PlannedModel(target=kind.__qualname__, kind="class", row=_row_of(kind))
    if one.raises and chain:  # of a library, or made in a function: only what is wrong with it is worth a word
        row = (position_of(chain[0]) or (1,))[0]
        return chain[0].code.co_filename, PlannedModel(target=kind.__name__, kind="instance", row=row)
    return None


def _planned(
    one: FedModel, chain: Sequence[FramePlace], planned: Planned, script: str
) -> Iterator[tuple[str, PlannedModel]]:
    """Its class, a factory that has made it, or the name that the script gives it."""
    kind = type(one.module)
    path = _home(kind)
    yield from ((path, m) for m in planned.get(path, ()) if m.kind == "class" and m.target == kind.__qualname__)
    for place in chain:
        file, name = place.code.co_filename, place.code.co_name
        yield from ((file, m) for m in planned.get(file, ()) if m.kind == "factory" and m.target == name)
    position = position_of(chain[-1]) if chain else None
    if position is not None:
        rows = range(position[0], position[2] + 1)
        yield from ((script, m) for m in planned.get(script, ()) if m.kind == "instance" and m.row in rows)


def _home(kind: type) -> str:
    return str(getattr(sys.modules.get(kind.__module__), "__file__", ""))


def _row_of(kind: type) -> int:
    try:
        return inspect.getsourcelines(kind)[1]
    except (OSError, TypeError):
        return 1

"""Other command lines of a script: each choice that may select a model, and the configuration files beside it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from convlint.jobs import Job
from convlint.worker.dry_run.world import DryRun

MOST = 6
"""Runs of one script besides that with its defaults."""
_CONFIGS = (".yaml", ".yml", ".json", ".cfg", ".toml", ".ini")
_NAMES = ("config", "cfg", "conf", "opt", "yaml", "yml", "json", "params", "hparams", "setting", "settings")

Options = tuple[tuple[str, Any], ...]
"""Values of options, by their names."""


def with_others(run: Callable[[DryRun], None], job: Job, number: int) -> Iterator[DryRun]:
    """The script run with its defaults, then with what else it may be given."""
    first = DryRun(number)
    run(first)
    yield first
    for options in islice(_others(first, job), MOST):
        world = DryRun(number, options=options)
        run(world)
        yield world


def _others(world: DryRun, job: Job) -> Iterator[Options]:
    for name, choices in world.choices.items():
        yield from (((name, choice),) for choice in choices)
    for name in world.lacking:
        if any(part in _NAMES for part in name.lower().replace("-", "_").split("_")):
            yield from (((name, path),) for path in _files(job))


def _files(job: Job) -> list[str]:
    """Configuration files near a script; where there are many, none is the one that is meant."""
    folder = os.path.dirname(job.path)
    folders = dict.fromkeys([folder, *(os.path.join(folder, name) for name in ("config", "configs", "conf", "cfg"))])
    found: list[str] = []
    for one in folders:
        try:
            found += [os.path.join(one, name) for name in sorted(os.listdir(one)) if name.endswith(_CONFIGS)]
        except OSError:
            continue
    return found if len(found) <= MOST else []


def choices_of(actions: Sequence[argparse.Action]) -> dict[str, list[Any]]:
    """The texts that options may be besides their defaults."""
    found: dict[str, list[Any]] = {}
    for action in actions:
        if action.choices is not None and action.nargs is None and not isinstance(action.choices, dict | range):
            texts = [one for one in list(action.choices)[:MOST] if isinstance(one, str) and one != action.default]
            if texts:
                found[action.dest] = texts
    return found

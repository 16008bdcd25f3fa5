"""What a whole run has said, for the same question asked again while nothing has changed that it depends on.

This is what spares a run even the search for models. It must stay quick to import.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import click

from convlint.cache.key import surroundings
from convlint.cache.location import choose_folder
from convlint.cache.memory import Memory
from convlint.cache.store import Store
from convlint.cache.world import digest
from convlint.dependencies import Dependencies, joined
from convlint.watch import Watch, watching

_CONFIGURATION = "pyproject.toml"
_LOADED = ("click", "pathspec", "rich")  # besides what loads torch
# Python and the packages beside click; convlint itself. Their versions are part of every question.
_LIBRARIES = tuple(os.path.dirname(os.path.abspath(file)) for file in (os.__file__, os.path.dirname(click.__file__)))
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Answer(NamedTuple):
    """What a run says, and its exit code."""

    code: int
    notes: tuple[str, ...]  # besides the report
    report: str


class Answers:
    """The answers in a memory to one question. The watch knows what this run has looked at itself."""

    def __init__(self, memory: Memory, question: str, watch: Watch) -> None:
        self._memory = memory
        self._question = question
        self._watch = watch

    def known(self) -> Answer | None:
        found = self._memory.recall(self._question)
        try:
            return _parsed(found[0]) if found is not None else None
        except (ValueError, TypeError, RecursionError):
            return None

    def keep(self, answer: Answer, depends: Dependencies) -> None:
        """Keep an answer, whose facts depend on `depends`."""
        own = self._watch.dependencies()
        if own is not None:
            body = json.dumps(answer).encode()
            # What the variables of this process are has nothing to do with the report.
            self._memory.keep(self._question, joined([own._replace(variables=()), depends]), body)
            self._memory.close()


@contextmanager
def answering(paths: tuple[str, ...], asked: Mapping[str, object]) -> Iterator[Answers | None]:
    """The answers to the arguments of a command line, while the run is watched; None where none can be kept.

    To be opened before anything of the project is read, and in a process that has read nothing before.
    """
    folder = _folder(paths, asked)
    if folder is None or any(_is_below(os.path.abspath(path), _LIBRARIES) for path in paths):
        yield None
        return
    memory = Memory(Store(folder))
    known = surroundings(memory.world)
    if known is None:
        yield None
        return

    def counts(name: str) -> bool:
        return not _is_below(name, (folder, _OWN, *_LIBRARIES))

    versions = [memory.world.distributions.get(name) for name in _LOADED]
    arguments = sorted((name, repr(value)) for name, value in asked.items())
    question = digest("answer", known, versions, paths, arguments)
    with watching(counts, follows_imports=False) as watch:
        yield Answers(memory, question, watch)


def _folder(paths: tuple[str, ...], asked: Mapping[str, object]) -> str | None:
    """Where the cache lies; None where a configuration may say so, which takes long to read."""
    config = asked.get("config")
    first = os.path.abspath(paths[0])
    above = [config] if isinstance(config, str) else [os.path.join(one, _CONFIGURATION) for one in _upward(first)]
    for path in above:
        try:
            with open(path, "rb") as file:
                if b"cache-dir" in file.read():
                    return None
        except (OSError, ValueError):
            continue
    given = asked.get("cache_dir")
    return choose_folder(given if isinstance(given, str) else None)


def _is_below(name: str, folders: tuple[str, ...]) -> bool:
    return any(name.startswith(folder + os.sep) or name == folder for folder in folders)


def _upward(path: str) -> Iterator[str]:
    """The path and the folders above it."""
    yield path
    while (parent := os.path.dirname(path)) != path:
        path = parent
        yield path


def _parsed(body: bytes) -> Answer:
    code, notes, report = json.loads(body)
    if type(code) is not int or not isinstance(report, str) or not all(isinstance(note, str) for note in notes):
        raise ValueError("this is no answer")
    return Answer(code, tuple(notes), report)

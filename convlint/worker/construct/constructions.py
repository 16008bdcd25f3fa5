"""The ways in which one model is constructed, with the evidence for each."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from convlint.jobs import Expression, ModelJob
from convlint.notebook import line_of
from convlint.worker.construct.filling import MAX_ATTEMPTS, Filler, Names, Style
from convlint.worker.construct.signatures import required
from convlint.worker.project.unavailable import Unavailable
from convlint.worker.resolve import Given, Resolver, Unresolved

MAX_SITES = 8
"""Distinct constructions of one class that are checked."""


@dataclass(frozen=True)
class Construction:
    """The arguments of one construction, and how we know them."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    source: str = "its defaults"
    site: Expression | None = None
    is_known: bool = True  # no argument is a guess
    is_plain: bool = True  # written out where it is called, so that an exception is the user's own


@dataclass(frozen=True)
class Partial:
    """A site with arguments that could not be evaluated; those are left to be guessed."""

    given: Mapping[str, Any]
    source: str
    reason: str


def known(job: ModelJob, target: Any, resolver: Resolver) -> tuple[list[Construction], list[Partial]]:
    """The constructions that the user wrote down; and those of which only a part can be had."""
    if isinstance(target, nn.Module):
        return [Construction(source="the file itself")], []
    if job.declared and (job.args or job.kwargs or not job.sites):
        return [Construction(job.args, job.kwargs, "pyproject.toml")], []
    found: dict[str, Construction] = {}
    parts: list[Partial] = []
    for site in job.sites:
        try:
            given = resolver.arguments(site)
        except Unresolved as error:
            parts.append(Partial({}, "", str(error)))
            continue
        made = _construction(target, site, given, resolver)
        if isinstance(made, Partial):
            parts.append(made)
        elif made is not None:
            found.setdefault(repr((made.args, sorted(made.kwargs.items()))), made)
    if not found and not job.args and not job.kwargs and _needs_nothing(target):
        found[""] = Construction()
    return list(found.values())[:MAX_SITES], parts


def _construction(
    target: Any, site: Expression, given: Sequence[Given], resolver: Resolver
) -> Construction | Partial | None:
    args = tuple(one.value for one in given if one.name is None)
    kwargs = {one.name: one.value for one in given if one.name is not None}
    broken = [one for one in given if one.error is not None]
    whole = Construction(args, kwargs, _where(site, resolver), site, is_plain=_is_plain(given, site))
    try:
        bound = inspect.signature(target).bind(*args, **kwargs).arguments
    except ValueError:
        return None  # a class without a signature
    except TypeError:
        return None if broken else whole
    if not broken:
        return whole
    lost = {id(one): one for one in broken}
    kept = {
        name: value
        for name, value in bound.items()
        if not any(one.name == name for one in broken) and not _is_lost(name, bound, given, lost)
    }
    return Partial(kept, _where(site, resolver), broken[0].error or "")


def _is_lost(name: str, bound: Mapping[str, Any], given: Sequence[Given], lost: Mapping[int, Given]) -> bool:
    """Whether a positional argument is one of those that could not be evaluated."""
    positional = [one for one in given if one.name is None]
    index = list(bound).index(name)
    return index < len(positional) and id(positional[index]) in lost


def _is_plain(given: Sequence[Given], site: Expression) -> bool:
    """Arguments written out at a call that is no test: tests construct what must not be constructed."""
    return all(one.is_literal for one in given) and "test" not in site.path.rpartition("/")[2]


def _where(site: Expression, resolver: Resolver) -> str:
    file = resolver.files.get(site.path)
    text = site.text if len(site.text) <= 60 else site.text[:57] + "..."
    return f"{text} ({file.filename if file else site.path}, {line_of(site.path, site.row)})"


def _needs_nothing(target: Any) -> bool:
    try:
        return not required(target)
    except (TypeError, ValueError):
        return True


class Refused(Exception):
    """No filling was accepted; the last refusal is the cause."""


Make = Callable[[Mapping[str, Any]], nn.Module]


def fill(
    target: Any, names: Names, style: Style, fixed: Mapping[str, Any], make: Make
) -> tuple[Construction, nn.Module]:
    """Construct with guessed arguments, trying others where one is refused. Raises Refused or Unavailable."""
    choices: dict[str, int] = {}
    error: Exception | None = None
    for _ in range(MAX_ATTEMPTS):
        filler = Filler(style, names, choices)
        try:
            guessed = filler.arguments(target, list(fixed))
            model = make({**guessed, **fixed})
        except Unavailable:
            raise
        except Exception as refusal:
            error = refusal
            suspect = _suspect(refusal, filler, choices)
            if suspect is None:
                break
            choices = {**choices, suspect: choices.get(suspect, 0) + 1}
            continue
        said = ", ".join(f"{name}={_short(value)}" for name, value in guessed.items())
        return Construction((), {**guessed, **fixed}, f"guessed: {said}", is_known=False, is_plain=False), model
    raise Refused from error


def _short(value: Any) -> str:
    text = value.__name__ if isinstance(value, type) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."


def _suspect(error: Exception, filler: Filler, choices: Mapping[str, int]) -> str | None:
    """The argument to try another value for: one that the failing line names, else the least tried one."""
    left = [name for name, count in filler.offered.items() if choices.get(name, 0) + 1 < count]
    for line in _lines(error):
        words = re.findall(r"\w+", line)
        named = [name for name in left if name in words]
        if named:
            return min(named, key=lambda name: choices.get(name, 0))
    return min(left, key=lambda name: choices.get(name, 0), default=None)


def _lines(error: BaseException) -> Iterator[str]:
    """The lines that the error came through, innermost first."""
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    for filename, row in reversed(frames):
        yield linecache.getline(filename, row)

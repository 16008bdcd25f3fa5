"""The ways in which one model is constructed, with the evidence for each."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from convlint.facts import ConstructionFact
from convlint.jobs import Expression, ModelJob
from convlint.notebook import line_of
from convlint.readme import is_readme
from convlint.worker.build.resolve import CallArgument, Resolver, Unresolved
from convlint.worker.user_code.parameters import required

MAX_SITES = 8
"""Distinct constructions of one class that are checked."""


@dataclass(frozen=True)
class Construction:
    """The arguments of one construction, and how we know them."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    fact: ConstructionFact = field(default_factory=ConstructionFact)
    site: Expression | None = None
    is_known: bool = True  # no argument is a guess
    is_plain: bool = True  # written out where it is called, so that an exception is the user's own
    method: str | None = None  # of the class, where that constructs it: `from_config`
    guessed: frozenset[str] = frozenset()  # the arguments that are made up

    @property
    def key(self) -> str:
        """The same for constructions with the same arguments."""
        return repr((self.method, self.args, sorted(self.kwargs.items())))


@dataclass(frozen=True)
class Partial:
    """A site with arguments that could not be evaluated; those are left to be guessed."""

    given: Mapping[str, Any]
    site: Expression | None = None


def known(job: ModelJob, target: Any, resolver: Resolver) -> tuple[list[Construction], list[Partial]]:
    """The constructions that the user wrote down; and those of which only a part can be had."""
    if isinstance(target, nn.Module):
        return [Construction(fact=ConstructionFact(origin="instance"))], []
    if job.declared and (job.args or job.kwargs or not job.sites):
        return [Construction(job.args, job.kwargs, ConstructionFact(origin="configuration"))], []
    found, parts = _at_sites(job, target, resolver)
    if not found and not job.args and not job.kwargs and _needs_nothing(target):
        found = [Construction()]
    return sorted(found, key=_loads)[:MAX_SITES], parts


def _at_sites(job: ModelJob, target: Any, resolver: Resolver) -> tuple[list[Construction], list[Partial]]:
    """The distinct constructions at the calls of the target, and the calls of which only a part can be had."""
    found: dict[str, Construction] = {}
    parts: list[Partial] = []
    for site in job.sites:
        if found and is_readme(site.path):
            continue  # it shows one model in many settings, which are not news next to a script
        try:
            made = _construction(target, site, resolver.arguments(site), resolver)
        except Unresolved:
            made = Partial({}, site)
        if isinstance(made, Partial):
            parts.append(made)
        elif made is not None:
            found.setdefault(made.key, made)
    return list(found.values()), parts


def is_of(site: Expression, construction: Construction, target: Any, resolver: Resolver) -> bool:
    """Whether a call of the target makes this very construction: the same call, or one with the same arguments."""
    if site == construction.site:
        return True
    if not construction.is_known:
        return False
    try:
        made = _construction(target, site, resolver.arguments(site), resolver)
    except Unresolved:
        return False
    return isinstance(made, Construction) and made.key == construction.key


def _loads(construction: Construction) -> bool:
    """Whether it will most likely want files or the network: those that do not come first."""
    return any(sign in (construction.method or "") for sign in ("pretrained", "load", "checkpoint", "hub"))


def _construction(
    target: Any, site: Expression, given: Sequence[CallArgument], resolver: Resolver
) -> Construction | Partial | None:
    args = tuple(one.value for one in given if one.name is None)
    kwargs = {one.name: one.value for one in given if one.name is not None}
    is_broken = any(one.is_lost for one in given)
    method = method_called(target, site)
    whole = Construction(
        args, kwargs, _where(site, resolver), site, is_plain=_is_plain(given, site) and not method, method=method
    )
    if method is not None:  # its arguments are not the constructor's
        return Partial({}, site) if is_broken else whole
    try:
        bound = inspect.signature(target).bind(*args, **kwargs).arguments
    except ValueError:
        return None  # a class without a signature
    except TypeError:
        return None if is_broken else whole
    return Partial(_evaluated(bound, given), site) if is_broken else whole


def _evaluated(bound: Mapping[str, Any], given: Sequence[CallArgument]) -> dict[str, Any]:
    """The bound arguments without those that could not be evaluated."""
    positional = [one for one in given if one.name is None]
    by_place = {name for name, one in zip(bound, positional, strict=False) if one.is_lost}
    by_name = {one.name for one in given if one.is_lost}
    return {name: value for name, value in bound.items() if name not in by_place and name not in by_name}


def method_called(target: Any, site: Expression) -> str | None:
    """`from_config` of `Net.from_config(3)`."""
    call = ast.parse(site.text, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not isinstance(target, type):
        return None
    found = inspect.getattr_static(target, call.func.attr, None)
    return call.func.attr if isinstance(found, classmethod | staticmethod) else None


def _is_plain(given: Sequence[CallArgument], site: Expression) -> bool:
    """Arguments written out at a call that is not a test, which constructs what must not be, and in no README, which
    grows stale."""
    is_code = "test" not in site.path.rpartition("/")[2] and not is_readme(site.path)
    return is_code and site.is_written and all(one.is_literal for one in given)


def _where(site: Expression, resolver: Resolver) -> ConstructionFact:
    file = resolver.files.get(site.path)
    text = site.text if len(site.text) <= 60 else site.text[:57] + "..."
    place = f"{file.filename if file else site.path}, {line_of(site.path, site.row)}"
    return ConstructionFact(origin="code", call=text, place=place)


def _needs_nothing(target: Any) -> bool:
    try:
        return not required(target)
    except (TypeError, ValueError):
        return True

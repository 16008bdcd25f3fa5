"""Sizes beyond the domain: 1, and the lengths of sound. They are tried before a proof stands."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import sympy

from convlint.facts import LARGEST_SIZE
from convlint.worker.analysis.solving.domain import ACCEPTED, Axis, Domain, fates, grouped
from convlint.worker.analysis.solving.search import (
    MAX_POINTS,
    SPATIAL,
    Search,
    named,
    pick,
    rebuilt,
    sizes_at,
    square_domain,
)
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.trail import Key, Requirement

LONGEST = 1 << 20
"""The largest length of a sequence that is looked at."""


def single_size(search: Search, forgiven: frozenset[Key]) -> dict[str, int] | None:
    """A size of 1 that works: torch's symbols start at 2, so it is tried on plain numbers before a proof stands."""
    names = [name for name in search.names if name != BATCH]
    batch = [[BATCH]] if BATCH in search.names else []
    groups: dict[str, list[str]] = {}  # the sizes of one input: those with one number after their letter
    for name in names:
        groups.setdefault(name.lstrip(string.ascii_letters + "_"), []).append(name)
    spatial = [[name for name in group if name[0] in SPATIAL] for group in groups.values()]
    for chosen in [names, *groups.values(), *filter(None, spatial), *([name] for name in names), *batch]:
        sizes = _sizes_beside(
            search, dict.fromkeys(chosen, 1), [name for name in search.names if name not in chosen], forgiven
        )
        if sizes is None:
            continue
        whole = {**search.first.run_spec.sizes, **sizes}
        if search.comes_through(sizes, whole, forgiven):
            return whole
    return None


def _sizes_beside(
    search: Search, ones: Mapping[str, int], rest: list[str], forgiven: frozenset[Key]
) -> dict[str, int] | None:
    """Sizes for the other symbols that meet the requirements of the first path, where some are 1."""
    hints = search.first.run_spec.sizes
    fixed = {named(name): ones.get(name, size) for name, size in hints.items() if name not in rest}
    key = frozenset(ones)
    if key not in search.beside:
        numbers = {symbol: sympy.Integer(size) for symbol, size in fixed.items()}
        needs = tuple(
            replace(event, condition=rebuilt(event.condition, numbers))
            for event in search.paths[0]
            if isinstance(event, Requirement)
        )
        search.beside[key] = needs, replace(grouped([named(name) for name in rest], [needs], MAX_POINTS), fixed=fixed)
    needs, every = search.beside[key]
    for domain in (square_domain(search, rest, fixed), every):
        fate = fates(domain, needs, forgiven)
        if (fate == ACCEPTED).any():
            return sizes_at(domain, pick(fate, ACCEPTED))
    return None


def long_size(search: Search, forgiven: frozenset[Key]) -> dict[str, int] | None:
    """A length beyond the images' sizes that works: sound comes in tens of thousands of samples."""
    hints = search.first.run_spec.sizes
    for name in search.names:
        if name[0] in SPATIAL or name == BATCH:
            continue
        fixed = {named(other): size for other, size in hints.items() if other != name}
        domain = Domain((Axis((named(name),), np.arange(LARGEST_SIZE, LONGEST, dtype=np.int64)),), fixed)
        hits = np.flatnonzero(fates(domain, search.paths[0], forgiven) == ACCEPTED)
        if len(hits):
            return {**hints, name: int(domain.axes[0].values[hits[0]])}
    return None

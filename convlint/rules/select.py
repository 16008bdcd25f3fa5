"""Which rules apply: by code, by the beginning of a code, or by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from convlint.rules.schema import Rule


class UnknownRule(ValueError):
    """A selector that names no rule."""


def select(rules: Sequence[Rule], selected: Sequence[str] = (), ignored: Sequence[str] = ()) -> tuple[Rule, ...]:
    """The rules that a selector names (all, if there is none), without those that an ignore names.

    Where both name a rule, the longer selector wins, so `--select CL1 --ignore CL113` does what it says, and
    `--ignore CL1 --select CL101` too.
    """
    for selector in (*selected, *ignored):
        check_selector(rules, selector)
    return tuple(rule for rule in rules if _chosen(rule, selected, ignored))


def check_selector(rules: Sequence[Rule], selector: str) -> None:
    """Raise UnknownRule if the selector names no rule."""
    if any(_weight(rule, selector) for rule in rules):
        return
    near = difflib.get_close_matches(selector, [rule.name for rule in rules], n=1)
    advice = f"did you mean {near[0]!r}?" if near else "give a code (CL101), its beginning (CL1) or a name"
    raise UnknownRule(f"{selector!r} names no rule; {advice}")


def _chosen(rule: Rule, selected: Sequence[str], ignored: Sequence[str]) -> bool:
    for_it = max((_weight(rule, selector) for selector in selected), default=0 if selected else 1)
    against = max((_weight(rule, selector) for selector in ignored), default=0)
    return for_it > against if selected else not against


def _weight(rule: Rule, selector: str) -> int:
    """How closely a selector names a rule; 0 if it does not."""
    if selector in (rule.id, rule.name):
        return len(rule.id)
    if selector == "ALL":
        return 1
    return len(selector) if selector.startswith("C") and rule.id.startswith(selector) else 0

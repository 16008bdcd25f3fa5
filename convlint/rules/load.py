"""Rules from their TOML files: from `rules/` of a checkout, or from the wheel."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from convlint.rules.schema import Condition, FixTemplate, Match, Rule
from convlint.shipped import PLACES, shipped_rules

GROUPS = {
    "analysis": "CL0",
    "shape": "CL1",
    "dtype-device": "CL2",
    "wiring": "CL3",
    "design": "CL4",
    "efficiency": "CL5",
    "training": "CL6",
    "contract": "CL9",
}


SIGNATURES = "signatures"
"""The folder next to the groups that holds no rules."""


class RuleError(Exception):
    """A rule file that cannot be used; the message names the file and the key."""


def rules_folder() -> Path:
    """Where the rule files are."""
    folder = shipped_rules()
    if folder is None:
        raise RuleError(f"no rules found, neither in {PLACES[0]} nor in {PLACES[1]}; install convlint again")
    return folder


@lru_cache(maxsize=1)
def load_rules() -> tuple[Rule, ...]:
    """All rules, in the order of their codes."""
    return read_folder(rules_folder())


def read_folder(folder: Path) -> tuple[Rule, ...]:
    """The rules below a folder, in the order of their codes."""
    return unique((path, read_rule(path)) for path in sorted(folder.glob("*/*.toml")) if path.parent.name != SIGNATURES)


def unique(found: Iterable[tuple[Path, Rule]]) -> tuple[Rule, ...]:
    """The rules in the order of their codes; no code and no name may be used twice."""
    owners: dict[str, Path] = {}
    rules: list[Rule] = []
    for path, rule in found:
        for key, value in (("id", rule.id), ("name", rule.name)):
            if value in owners:
                raise RuleError(f"{path}: {key}: {value!r} is already used by {owners[value]}; choose another")
            owners[value] = path
        rules.append(rule)
    return tuple(sorted(rules, key=lambda rule: rule.id))


def read_rule(path: Path) -> Rule:
    """The rule in one file."""
    try:
        with path.open("rb") as stream:
            data = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: cannot be read: {error}") from error
    try:
        rule = Rule.model_validate(data)
    except ValidationError as error:
        raise RuleError("\n".join(f"{path}: {explain(problem)}" for problem in error.errors())) from error
    _check_place(path, rule)
    return rule


def _check_place(path: Path, rule: Rule) -> None:
    wanted = f"{rule.id}-{rule.name}.toml"
    if path.name != wanted:
        raise RuleError(f"{path}: the file of rule {rule.id} must be called {wanted}")
    prefix = GROUPS.get(path.parent.name)
    if prefix is None:
        raise RuleError(f"{path}: no group is called {path.parent.name!r}; the groups are {', '.join(GROUPS)}")
    if not rule.id.startswith(prefix):
        raise RuleError(f"{path}: id: {rule.id!r} must begin with {prefix} in the group {path.parent.name}")


def explain(problem: ErrorDetails) -> str:
    """One problem of a rule file in plain words, with its key."""
    key = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "missing":
            return f"{key}: is missing"
        case "extra_forbidden":
            return f"{key}: is not a key of a rule{_nearest(problem['loc'])}"
        case _:
            text = problem["msg"].removeprefix("Value error, ")
            return f"{key}: {text} (got {problem['input']!r})"


def _nearest(place: tuple[int | str, ...]) -> str:
    """A suggestion for an unknown key, from the keys of the table that it stands in."""
    tables: dict[str, type[BaseModel]] = {"match": Match, "require": Condition, "fix": FixTemplate}
    table = tables.get(str(place[0]), Rule) if len(place) > 1 else Rule
    known = [field.alias or name for name, field in table.model_fields.items()]
    near = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; it may have: {', '.join(known)}"

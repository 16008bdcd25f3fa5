"""What of a file's facts a rule is about: calls, violations, failures, side effects or whole models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from convlint.facts import FileFacts, ModelFacts, Violation
from convlint.rules.environment import Environment
from convlint.rules.evaluate import matches
from convlint.rules.schema import Match


def subjects(match: Match, file: FileFacts, options: Mapping[str, Any]) -> Iterator[Environment]:
    """One environment for each thing in the file that the rule must be evaluated on."""
    if match.failure:
        yield from _failures(match.failure, file, options)
    elif match.effect:
        effects = tuple(one for one in file.effects if one.kind in match.effect)
        if effects:
            yield Environment(file, effects=effects, options=options)
    else:
        for model in (*file.models, *file.calls):
            yield from _of_model(match, Environment(file, model=model, options=options), model)


def _failures(kinds: Collection[str], file: FileFacts, options: Mapping[str, Any]) -> Iterator[Environment]:
    """The models that could not be built, then what else failed."""
    if "build" in kinds:
        yield from (Environment(file, failure=one, options=options) for one in file.build_failures)
    for failure in file.failures:
        if failure.kind in kinds:
            yield Environment(file, failure=failure, options=options)


def _of_model(match: Match, whole: Environment, model: ModelFacts) -> Iterator[Environment]:
    """A model as a whole, the troubles of its real runs, or its calls."""
    if match.trouble:
        troubles = model.verification.troubles if model.verification is not None else ()
        yield from (replace(whole, trouble=one) for one in troubles if one.kind in match.trouble)
    elif not match.status:
        yield from _calls(match, whole, model)
    elif model.status in match.status:
        yield whole


def _calls(match: Match, whole: Environment, model: ModelFacts) -> Iterator[Environment]:
    if match.violation and not match.module and not match.function:
        yield from _entries(match.violation, whole, model.violations)
    for node in model.nodes:
        if match.violation and not node.violations:
            continue  # nearly every node, in nearly every model
        layer = model.layers.get(node.layer) if node.layer is not None else None
        if not matches(match, node, layer.type if layer is not None else None):
            continue
        here = Environment(whole.file, model=model, node=node, options=whole.options)
        if match.violation:
            yield from _entries(match.violation, here, node.violations)
        else:
            yield here


def _entries(names: Iterable[str], place: Environment, entries: Iterable[Violation]) -> Iterator[Environment]:
    for violation in entries:
        if any(fnmatchcase(violation.name, name) for name in names):
            yield Environment(
                place.file, model=place.model, node=place.node, violation=violation, options=place.options
            )

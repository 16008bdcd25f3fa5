"""What the tests of dry runs read out of facts."""

from __future__ import annotations

from collections.abc import Callable

from convlint.facts import FileFacts

DryRunOf = Callable[..., FileFacts]


def inputs_of(facts: FileFacts, target: str) -> list[tuple[int | str, ...] | None]:
    """The shapes that a model is fed."""
    return next([item.shape for item in model.inputs] for model in facts.models if model.target == target)


def rows(facts: FileFacts) -> list[tuple[str, int]]:
    """The name and the line of each violation, in models and outside of them."""
    found = [
        (violation.name, violation.at.row if violation.at is not None else node.call.row if node.call else 0)
        for model in (*facts.models, *facts.calls)
        for node in model.nodes
        for violation in node.violations
    ]
    raised = [(one.name, one.at.row if one.at else 0) for model in facts.models for one in model.violations]
    return sorted({*found, *raised})

"""One finding for which an edit is sought, and all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sympy
from torch import fx, nn

from convlint.facts import Change, EditKind, Span
from convlint.worker.analysis.edits.rebuild import Scope, ScopedSites, is_editable
from convlint.worker.analysis.edits.syntax import SourceExpression, written_at
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.build.skeleton import Sites
from convlint.worker.stack.parsed_file import call_at
from convlint.worker.stack.places import FramePlace
from convlint.worker.stack.users import IsUser
from convlint.worker.trace.trace import TensorMeta
from convlint.worker.trace.trail import Key, Requirement, Stop

Tier = Literal[0, 1, 2, 3]
"""How likely an edit is what is meant: it says where the size went; a number; the other side; anything else."""


@dataclass(frozen=True)
class Candidate:
    """An edit that may be what is missing."""

    kind: EditKind
    changes: tuple[Change, ...]
    code: str
    at: Span | None  # where the cause is; None: where the finding stands already
    tier: Tier = 1
    side: int = 0  # of two sides that may both be meant, the one that is changed


@dataclass(frozen=True)
class EditedModel:
    """The model that is to be edited, with the numbers that could be named where each part was made."""

    model: nn.Module
    sites: Sites
    scopes: Mapping[str, tuple[Scope, ...]]  # by path
    is_user: IsUser

    def chain(self, module: nn.Module) -> tuple[FramePlace, ...]:
        return self.sites.chain(module)


def scopes_of(model: nn.Module, sites: ScopedSites, made_up: frozenset[str]) -> dict[str, tuple[Scope, ...]]:
    """By path; without the arguments whose values are made up, which say nothing of a number."""
    return {
        path: tuple(_without(scope, made_up) for scope in sites.scopes(module))
        for path, module in model.named_modules(remove_duplicate=False)
    }


def _without(scope: Scope, names: frozenset[str]) -> Scope:
    return {name: value for name, value in scope.items() if name.rpartition(".")[2] not in names}


@dataclass(frozen=True)
class EditCase:
    """A mistake, the run that met it, and every requirement that broke in that run."""

    finding: Finding
    requirement: Requirement | Stop
    run: Run
    broken: Sequence[Requirement]
    built: EditedModel
    node: fx.Node = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "node", self.run.trace.nodes[self.finding.node])

    @property
    def targets(self) -> frozenset[Key]:
        """What an edit has to meet: every requirement of the call that broke."""
        return frozenset(
            {
                self.requirement.key,
                *(requirement.key for requirement in self.broken if requirement.node == self.finding.node),
            }
        )

    @property
    def layer(self) -> Any:
        return self.node.meta.get("layer")

    @property
    def path(self) -> str:
        return str(self.node.target) if self.node.op == "call_module" else ""

    @property
    def title(self) -> str:
        """The layer that is called, or the block that calls a function."""
        return self.path or str(self.node.meta["block"]) or str(self.node.name)

    @property
    def inputs(self) -> Sequence[TensorMeta]:
        found: Sequence[TensorMeta] = self.node.meta["inputs"]
        return found

    def written(self, node: fx.Node | None = None) -> SourceExpression | None:
        """The call of a node in the user's code, where it can be edited."""
        place = (node or self.node).meta.get("place")
        found = written_at(place) if place is not None else None
        return found if found is not None and is_editable(found.filename, self.built.is_user) else None

    def constructor(self, layer: nn.Module) -> SourceExpression | None:
        """The call that made a layer, in the user's code."""
        for place in self.built.chain(layer):
            if is_editable(place.code.co_filename, self.built.is_user):
                call = call_at(place)
                return SourceExpression(place.code.co_filename, call) if call is not None else None
        return None


def shape_of(meta: TensorMeta) -> tuple[int | None, ...]:
    """The sizes that are plain numbers; None for a symbol."""
    return tuple(number(size) for size in meta.formulas)


def number(size: sympy.Expr | str | None) -> int | None:
    return int(size) if isinstance(size, sympy.Integer) else None


def layers_behind(node: fx.Node) -> Iterator[fx.Node]:
    """The calls of layers that a node is made of, the nearest first, the node itself among them."""
    queue, seen = [node], set[fx.Node]()
    while queue:
        current = queue.pop(0)
        if current in seen:
            continue
        seen.add(current)
        if current.meta.get("layer") is not None:
            yield current
        queue.extend(current.all_input_nodes)

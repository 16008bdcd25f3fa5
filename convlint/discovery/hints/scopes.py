"""The scopes of a file: which names are bound where, and what is called where."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Literal

Position = tuple[int, int]
Block = tuple[tuple[int, str], ...]
"""The branches and loops around a statement, outermost first: the statement's id and the arm."""

Kind = Literal["assign", "unpack", "loop", "parameter", "import", "definition", "other"]
Function = ast.FunctionDef | ast.AsyncFunctionDef
_EXCLUSIVE = ("if", "else", "case")
_END: Position = (1 << 30, 0)


@dataclass(slots=True, eq=False)
class SyntaxScope:
    node: ast.Module | Function | ast.ClassDef
    parent: SyntaxScope | None = None  # where names are looked up next
    owner: SyntaxScope | None = None  # the class of a method
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)  # of a class: those of self
    calls: list[tuple[ast.Call, SyntaxPlace]] = field(default_factory=list)
    returns: list[tuple[ast.expr, SyntaxPlace]] = field(default_factory=list)
    functions: dict[str, SyntaxScope] = field(default_factory=dict)  # directly inside

    @property
    def self_name(self) -> str | None:
        """The name by which a method calls its object."""
        if self.owner is None or not isinstance(self.node, Function):
            return None
        arguments = [*self.node.args.posonlyargs, *self.node.args.args]
        return arguments[0].arg if arguments else None


@dataclass(frozen=True, slots=True, eq=False)
class SyntaxPlace:
    """Where a piece of code stands."""

    scope: SyntaxScope
    position: Position
    block: Block = ()
    is_doubtful: bool = False  # what raises here may be meant to, or it may not be run at all
    exits: frozenset[int] = frozenset()  # ids of the statements before it by which the code may be left

    @property
    def conditions(self) -> frozenset[object]:
        """What decides whether it comes to this place: arms of branches, and ways out before it."""
        return frozenset(arm for arm in self.block if arm[1] != "loop") | self.exits


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """One way a name gets a value."""

    kind: Kind
    value: ast.expr | None  # of a loop what it goes over
    spot: SyntaxPlace  # of the value
    end: Position
    index: tuple[int, ...] = ()  # of `for i, (x, y) in ...`: (1, 0) for x


def live(name: str, spot: SyntaxPlace) -> list[Binding] | None:
    """The bindings that a name may have at a spot; None for a name that the file does not bind at all."""
    scope: SyntaxScope | None = spot.scope
    while scope is not None:
        found = scope.bindings.get(name)
        if found and (scope is spot.scope or not isinstance(scope.node, ast.ClassDef)):
            # A function runs after all of the scope around it.
            return _reaching(found, spot if scope is spot.scope else SyntaxPlace(scope, _END))
        scope = scope.parent
    return None


def reaching_attribute(name: str, spot: SyntaxPlace) -> list[Binding]:
    """What `self.name` may be in a method."""
    owner = spot.scope.owner
    return _reaching(owner.attributes.get(name, []), SyntaxPlace(owner, _END)) if owner else []


def _reaching(bindings: list[Binding], spot: SyntaxPlace) -> list[Binding]:
    reaching: list[Binding] = []
    for binding in sorted(bindings, key=lambda binding: binding.end):
        if binding.end > spot.position or _excludes(binding.spot.block, spot.block):
            continue
        if spot.block[: len(binding.spot.block)] == binding.spot.block:
            reaching.clear()  # nothing that came before is left
        reaching.append(binding)
    return reaching


def _excludes(one: Block, other: Block) -> bool:
    """Whether two blocks are different arms of the same branch."""
    for (mine, arm), (theirs, opposite) in zip(one, other, strict=False):
        if mine != theirs:
            return False
        if arm != opposite:
            return arm.startswith(_EXCLUSIVE) and opposite.startswith(_EXCLUSIVE)
    return False

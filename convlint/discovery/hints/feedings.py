"""What goes into the very model of a construction, where the way from its source to the call is understood."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from convlint.discovery.hints.batches import Batches
from convlint.discovery.hints.calls import forward_call, spread
from convlint.discovery.hints.contexts import Context, ViewOf, enter, uses_parameters
from convlint.discovery.hints.exact import exact
from convlint.discovery.hints.loaders import Batch, NotUnderstood
from convlint.discovery.hints.making import Chain, Makings
from convlint.discovery.hints.probes import Probe, probe_of
from convlint.discovery.hints.view import View, shorten
from convlint.discovery.survey import Census
from convlint.jobs import Expression

_DEEPEST = 3  # functions that a model is handed through
_MOST = 3000  # calls of one file that are looked at


@dataclass(frozen=True, slots=True, eq=False)
class Feeding:
    """One run of a model: either an example call, the sizes that a tool is told, or images of a loader."""

    chain: Chain
    view: View  # of the call
    call: ast.Call
    is_certain: bool  # nothing decides whether it comes to this call
    example: Expression | None = None
    shape: Expression | None = None
    has_batch: bool = True
    batch: Batch | None = None

    @property
    def what(self) -> str:
        return shorten(ast.unparse(self.call))


@dataclass(eq=False)
class Feedings:
    """Those of one file, and of the functions that it hands a model to."""

    census: Census
    view_of: ViewOf
    view: View
    followed: set[int] = field(default_factory=set)  # ids of the calls that a feeding is known for
    refuted: set[int] = field(default_factory=set)  # and of those that do something to the images on the way
    _left: int = _MOST

    def __post_init__(self) -> None:
        self._makings = Makings(self.census, self.view_of)
        self._batches = Batches(self.view_of)

    def all(self) -> list[Feeding]:
        found: dict[object, Feeding] = {}
        for scope in self.view.scopes:
            for call, spot in scope.calls:
                for feeding in self._walk(call, Context(self.view, spot)):
                    found.setdefault(_key(feeding), feeding)
        return sorted(found.values(), key=lambda one: (not one.is_certain, one.call.lineno))

    def _walk(self, call: ast.Call, context: Context, depth: int = 0) -> Iterator[Feeding]:
        self._left -= 1
        if self._left < 0:
            return
        feeding = self._feeding(call, context)
        if feeding is not None:
            self.followed.add(id(call))
            yield feeding
        elif depth < _DEEPEST and self._hands_a_model(call, context):
            inside = enter(call, context, self.view_of)
            for inner, spot in inside.spot.scope.calls if inside is not None else ():
                yield from self._walk(inner, inside.at(spot), depth + 1)  # type: ignore[union-attr]

    def _hands_a_model(self, call: ast.Call, context: Context) -> bool:
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return any(isinstance(one, ast.Name | ast.Attribute) and self._makings.of(one, context) for one in given)

    def _feeding(self, call: ast.Call, context: Context) -> Feeding | None:
        if any(spot.is_doubtful for spot in context.spots()):
            return None
        probe = probe_of(call, context.spot, context.view)
        if probe is not None:
            return self._probed(call, context, probe)
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr == "forward":
            function = function.value
        if not call.args and not call.keywords:
            return None
        chain = self._makings.of(function, context)
        if not chain:
            return None
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        known, is_certain = exact(given, context), _is_certain(chain, context, given)
        if known is not None:
            values, place = known
            keywords = [ast.keyword(one.arg, value) for one, value in _named(call, values)]
            example = forward_call(values[: len(call.args)], keywords, place.view, _row(place, context, call))
            return Feeding(chain, context.view, call, is_certain, example=example)
        return self._images(chain, call, context)

    def _images(self, chain: Chain, call: ast.Call, context: Context) -> Feeding | None:
        if len(call.args) != 1 or call.keywords:
            return None
        try:
            batch = self._batches.of(call.args[0], context)
        except NotUnderstood:
            self.refuted.add(id(call))
            return None
        if batch is None:
            return None
        if batch.part != (0,):
            self.refuted.add(id(call))
            return None
        return Feeding(chain, context.view, call, _is_certain(chain, context, ()), batch=batch)

    def _probed(self, call: ast.Call, context: Context, probe: Probe) -> Feeding | None:
        """`summary(model, (1, 28, 28))`, `torch.jit.trace(model, x)` and the like."""
        model = probe.model_of(call)
        chain = self._makings.of(model, context) if model is not None else ()
        given = probe.argument_of(call) if chain else None
        if given is None:
            return None
        is_certain = _is_certain(chain, context, [given.node])
        if given.is_sizes:
            known = exact([given.node], context)
            if known is None:
                return None
            (sizes,), place = known
            shape = Expression(text=ast.unparse(sizes), path=place.view.path, row=_row(place, context, call))
            return Feeding(chain, context.view, call, is_certain, shape=shape, has_batch=given.has_batch)
        run = spread(given.node, context.spot)
        known = exact([one.value if isinstance(one, ast.Starred) else one for one in run.args], context)
        if known is None:
            return None
        values, place = known
        starred = [_starred(one, value) for one, value in zip(run.args, values, strict=True)]
        example = forward_call(starred, [], place.view, _row(place, context, call))
        return Feeding(chain, context.view, call, is_certain, example=example)


def _starred(one: ast.expr, value: ast.expr) -> ast.expr:
    return ast.Starred(value=value, ctx=ast.Load()) if isinstance(one, ast.Starred) else value


def _named(call: ast.Call, values: list[ast.expr]) -> Iterator[tuple[ast.keyword, ast.expr]]:
    yield from zip(call.keywords, values[len(call.args) :], strict=True)


def _row(place: Context, context: Context, call: ast.Call) -> int:
    """Where the arguments are evaluated: at the call itself, or where a caller gives them."""
    return call.lineno if place is context else place.spot.position[0]


def _is_certain(chain: Chain, context: Context, given: Sequence[ast.expr]) -> bool:
    """Whether the call is made wherever the model is, with what the code around it says.

    No branch besides those around the construction leads to it, and no caller may give other arguments.
    """
    for nodes, place in ((given, context), *(([making.node], making.context) for making in chain)):
        if place.entered is None and uses_parameters(nodes, place):
            return False
    taken = frozenset[object]().union(*(spot.conditions for spot in context.spots()))
    around = frozenset[object]().union(*(spot.conditions for spot in chain[0].context.spots()))
    return taken <= around


def _key(feeding: Feeding) -> object:
    makings = tuple(making.key for making in feeding.chain)
    said = feeding.example or feeding.shape
    return (id(feeding.call), makings, said.text if said else None, feeding.batch.key if feeding.batch else None)

"""What a loader of torchvision's images gives: from the dataset, through transforms, variables and functions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from convlint.discovery.hints.contexts import Context, PossibleValue, ViewOf, enter, values_of
from convlint.discovery.hints.datasets import Images, images_of
from convlint.discovery.hints.exact import exact, followed
from convlint.discovery.hints.scopes import SyntaxPlace, reaching_attribute
from convlint.discovery.hints.view import View
from convlint.discovery.project import Symbol
from convlint.discovery.references import dotted
from convlint.jobs import Expression, Step

_LOADERS = ("torch.utils.data.DataLoader", "torch.utils.data.dataloader.DataLoader")
_SPLITS = frozenset({"random_split", "Subset"})


class NotUnderstood(Exception):
    """Something is done with the images that is not followed, or they are none of torchvision's."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Images of a loader, or the whole that it gives."""

    images: Images
    home: View  # the file of the dataset
    part: tuple[int, ...] = ()  # (0,) are the images, (1,) their labels
    sizes: Expression | None = None  # reshaped to these, the batch first
    is_flat: bool = False  # all sizes but the batch are one

    @property
    def is_plain(self) -> bool:
        return self.sizes is None and not self.is_flat

    @property
    def key(self) -> tuple[object, ...]:
        return (self.images.key, self.part, self.sizes.text if self.sizes else None, self.is_flat)


@dataclass(eq=False)
class Loaders:
    view_of: ViewOf

    def of(self, node: ast.expr, context: Context, part: tuple[int, ...] = ()) -> Batch | None:
        """What the loader that an expression is gives; `part` where it is one of several."""
        return self._source(node, context, part, self._loader_call)

    def _loader_call(self, node: ast.Call, context: Context, part: tuple[int, ...]) -> Batch | None:
        if context.view.meaning_of(node.func, context.spot) in _LOADERS:
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            is_odd = "collate_fn" in given or None in given or len(node.args) > 6
            size = given.get("batch_size", node.args[1] if len(node.args) > 1 else None)
            dataset = node.args[0] if node.args else given.get("dataset")
            if part or is_odd or dataset is None or (isinstance(size, ast.Constant) and size.value is None):
                raise NotUnderstood
            return self.dataset(dataset, context)
        return self._returned(node, context, part, self.of)

    def dataset(self, node: ast.expr, context: Context, part: tuple[int, ...] = ()) -> Batch | None:
        return self._source(node, context, part, self._dataset_call)

    def _dataset_call(self, node: ast.Call, context: Context, part: tuple[int, ...]) -> Batch | None:
        if last_name(node) in _SPLITS and node.args:  # of any part, since the images are the same
            return self.dataset(node.args[0], context)
        if last_name(node) == "ConcatDataset" and node.args and isinstance(node.args[0], ast.List | ast.Tuple):
            return same_of([self.dataset(one, context) for one in node.args[0].elts])
        found = images_of(node, context.spot, context.view, lambda transform: _followed(transform, context))
        if found:
            if part or len(found) > 1:
                raise NotUnderstood
            steps = tuple(_exact_step(step, context) for step in found[0].steps)
            return Batch(replace(found[0], steps=steps), context.view)
        return self._returned(node, context, part, self.dataset)

    def _source(
        self,
        node: ast.expr,
        context: Context,
        part: tuple[int, ...],
        of_call: Callable[[ast.Call, Context, tuple[int, ...]], Batch | None],
    ) -> Batch | None:
        """Through variables, attributes and tables, to the call that makes it."""
        if context.room <= 0:
            return None
        again = self.of if of_call == self._loader_call else self.dataset
        match node:
            case ast.Call():
                return of_call(node, context, part)
            case ast.Name(id=name):
                _check_attributes(name, context)
                values = values_of(name, context)
                return one_of(values, lambda one: again(_whole(one), one.context, (*one.index, *part)))
            case ast.Tuple(elts=items) | ast.List(elts=items) if part and part[0] < len(items):
                return again(items[part[0]], context, part[1:])
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key)):
                values = values_of(name, context)
                return one_of(values, lambda one: _entry(one, key, part, again))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == context.spot.scope.self_name:
                bound = reaching_attribute(attribute, context.spot)
                if len(bound) != 1 or bound[0].value is None or bound[0].kind != "assign":
                    return None
                return again(bound[0].value, context.at(bound[0].spot), part)
            case ast.Attribute() | ast.Subscript():
                return None
            case _:
                raise NotUnderstood

    def _returned(
        self,
        node: ast.Call,
        context: Context,
        part: tuple[int, ...],
        again: Callable[[ast.expr, Context, tuple[int, ...]], Batch | None],
    ) -> Batch | None:
        """What a function of the project gives back."""
        inside = enter(node, context, self.view_of)
        if inside is None:
            meaning = context.view.meaning_of(node.func, context.spot)
            is_method = isinstance(node.func, ast.Attribute) and meaning is None
            if is_method or isinstance(meaning, Symbol):
                return None
            raise NotUnderstood
        returns = inside.spot.scope.returns
        if not returns:
            raise NotUnderstood  # a generator
        return same_of([again(value, inside.at(spot), part) for value, spot in returns])


def _entry(
    value: PossibleValue,
    key: object,
    part: tuple[int, ...],
    again: Callable[[ast.expr, Context, tuple[int, ...]], Batch | None],
) -> Batch | None:
    """`loaders["train"]` of a table that is written out."""
    match value.node:
        case ast.Dict(keys=keys, values=values) if not value.is_item and not value.index:
            found = [v for k, v in zip(keys, values, strict=True) if isinstance(k, ast.Constant) and k.value == key]
            return again(found[-1], value.context, part) if found else None
        case ast.Tuple(elts=items) | ast.List(elts=items) if isinstance(key, int) and key < len(items):
            return again(items[key], value.context, part)
        case ast.Call() if isinstance(key, int) and not value.is_item:
            return again(value.node, value.context, (*value.index, key, *part))
        case _:
            return None


def _followed(node: ast.expr, context: Context) -> tuple[ast.expr, SyntaxPlace, View]:
    found, place = followed(node, context)
    place = place or context
    return found, place.spot, place.view


def _exact_step(step: Step, context: Context) -> Step:
    """A transform whose sizes are the same wherever they are evaluated."""
    call = ast.parse(step.call.text, mode="eval").body
    assert isinstance(call, ast.Call)
    known = exact([*call.args, *(keyword.value for keyword in call.keywords)], context)
    if known is None:
        raise NotUnderstood
    values, place = known
    call.keywords = [
        ast.keyword(one.arg, value) for one, value in zip(call.keywords, values[len(call.args) :], strict=True)
    ]
    call.args = values[: len(call.args)]
    row = step.call.row if place is context else place.spot.position[0]
    return Step(name=step.name, call=Expression(text=ast.unparse(call), path=place.view.path, row=row))


def _check_attributes(name: str, context: Context) -> None:
    """`data.transform = ...`, `data.data = ...`."""
    for node in ast.walk(context.spot.scope.node):
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Attribute)
            and target.attr in ("transform", "transforms", "data", "collate_fn")
            and (dotted(target.value) or "").partition(".")[0] == name
            for target in node.targets
        ):
            raise NotUnderstood


def _whole(value: PossibleValue) -> ast.expr:
    if value.is_item:
        raise NotUnderstood
    return value.node


def one_of(values: list[PossibleValue] | None, read: Callable[[PossibleValue], Batch | None]) -> Batch | None:
    return None if values is None else same_of([read(value) for value in values])


def same_of(found: Iterable[Batch | None]) -> Batch | None:
    """The one that all of them are."""
    batches = list(found)
    known = {batch.key for batch in batches if batch is not None}
    if len(known) > 1:
        raise NotUnderstood
    return batches[0] if batches and None not in batches else None


def last_name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else (dotted(node.func) or "")

"""What a loop takes from a loader of torchvision's images, followed to a call of a model."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from convlint.discovery.hints.contexts import Context, PossibleValue, ViewOf, values_of
from convlint.discovery.hints.exact import exact
from convlint.discovery.hints.loaders import Batch, Loaders, NotUnderstood, last_name, one_of, same_of
from convlint.discovery.hints.model_calls import ITERATORS, RESHAPES, SAME, WRAPPED, reshaped_to
from convlint.discovery.hints.values import IN_PLACE
from convlint.discovery.references import dotted
from convlint.jobs import Expression

_LIKE = frozenset({"randn_like", "rand_like", "zeros_like", "ones_like", "empty_like"})


@dataclass(eq=False)
class Batches:
    view_of: ViewOf
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.view_of)

    def of(self, node: ast.expr, context: Context) -> Batch | None:
        """The images that an expression is; None where it is not known where it comes from."""
        if context.room <= 0:
            return None
        match node:
            case ast.Name(id=name):
                self._check_in_place(name, context)
                return one_of(values_of(name, context), self._value)
            case ast.Attribute(value=value, attr="data"):
                return self.of(value, context)
            case ast.Subscript(value=value, slice=ast.Constant(value=int(number))):
                return _element(self.of(value, context), (number,))
            case ast.IfExp(body=body, orelse=orelse):
                return same_of([self.of(body, context), self.of(orelse, context)])
            case ast.BinOp(left=left, right=right):
                return self._sum(left, right, context)
            case ast.Call():
                return self._call(node, context)
            case _:
                raise NotUnderstood

    def _value(self, value: PossibleValue) -> Batch | None:
        if value.is_item:
            return self._item(value)
        return _element(self.of(value.node, value.context), value.index)

    def _item(self, value: PossibleValue) -> Batch | None:
        """What a loop takes: of `enumerate(tqdm(loader))` a number and a batch."""
        node, path = value.node, value.index
        while isinstance(node, ast.Call) and node.args and last_name(node) in ITERATORS:
            if last_name(node) == "enumerate":
                if path[:1] != (1,):
                    raise NotUnderstood
                path = path[1:]
            node = node.args[0]
        return _element(self.loaders.of(node, value.context), path)

    def _sum(self, left: ast.expr, right: ast.expr, context: Context) -> Batch | None:
        """`images / 255`, `images + torch.randn_like(images)`."""
        for one, other in ((left, right), (right, left)):
            is_like = isinstance(other, ast.Call) and last_name(other) in _LIKE
            if isinstance(other, ast.Constant) or is_like:
                return self.of(one, context)
        raise NotUnderstood

    def _call(self, node: ast.Call, context: Context) -> Batch | None:
        name = last_name(node)
        if name == "next" and node.args and isinstance(node.func, ast.Name):
            return self._item(PossibleValue(node.args[0], context))
        if name in WRAPPED and node.args:
            return self.of(node.args[0], context)
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, context)
        raise NotUnderstood

    def _method(self, node: ast.Call, method: ast.Attribute, context: Context) -> Batch | None:
        """`images.to(device)`, `images.view(-1, 784)`, `torch.flatten(images, 1)`."""
        is_torch = dotted(method.value) == "torch"
        if method.attr in SAME and not is_torch:
            return self.of(method.value, context)
        if method.attr in RESHAPES and (node.args or not is_torch):
            found = self.of(node.args[0] if is_torch else method.value, context)
            return None if found is None else self._reshaped(found, node, context)
        raise NotUnderstood

    def _reshaped(self, batch: Batch, node: ast.Call, context: Context) -> Batch:
        sizes = reshaped_to(node)
        if batch.part != (0,) or sizes is None:
            raise NotUnderstood
        first, *rest = sizes
        if [ast.unparse(one) for one in rest] == ["-1"]:
            if last_name(node) != "flatten" and not _is_batch(first):
                raise NotUnderstood
            return replace(batch, sizes=None, is_flat=True) if batch.sizes is None else batch
        known = exact(list(rest), context)
        if known is None or any(ast.unparse(one) == "-1" for one in rest):
            raise NotUnderstood
        text = f"(-1, {', '.join(ast.unparse(one) for one in known[0])})"
        place = known[1]
        return replace(batch, sizes=Expression(text=text, path=place.view.path, row=node.lineno), is_flat=False)

    def _check_in_place(self, name: str, context: Context) -> None:
        """`images.resize_(64, 784)`."""
        for call, spot in context.spot.scope.calls:
            method = call.func
            is_change = isinstance(method, ast.Attribute) and method.attr in IN_PLACE and dotted(method.value) == name
            if is_change and spot.position < context.spot.position:
                raise NotUnderstood


def _element(batch: Batch | None, path: tuple[int, ...]) -> Batch | None:
    if batch is None or not path:
        return batch
    if batch.part or batch.sizes is not None or batch.is_flat:
        raise NotUnderstood  # `images[0]` is one image
    return replace(batch, part=path)


def _is_batch(node: ast.expr) -> bool:
    """`images.size(0)`, `images.shape[0]`, `len(images)`, `batch_size`."""
    text = ast.unparse(node)
    return (
        text.endswith((".size(0)", ".shape[0]"))
        or text.startswith("len(")
        or "batch" in text
        or text in ("b", "B", "bs", "n", "N")
    )

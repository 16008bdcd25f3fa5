"""The transforms of a torchvision dataset: which of them change the shape of an image, in order."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from convlint.discovery.hints.scopes import SyntaxPlace, live, reaching_attribute
from convlint.discovery.hints.view import View
from convlint.discovery.project import Symbol
from convlint.discovery.references import dotted
from convlint.jobs import Step

Steps = tuple[Step, ...]
_Reader = Callable[[ast.expr, SyntaxPlace, View, int], list[Steps]]

_CHANGING = frozenset(
    {"Resize", "Scale", "CenterCrop", "RandomCrop", "RandomResizedCrop", "RandomSizedCrop", "Grayscale", "Pad"}
)
_KEEPING = frozenset(
    {
        "ToTensor",
        "PILToTensor",
        "ToPILImage",
        "ToImage",
        "ToImageTensor",
        "ToDtype",
        "ToPureTensor",
        "ConvertImageDtype",
        "ConvertDtype",
        "ConvertImageDType",
        "Normalize",
        "RandomHorizontalFlip",
        "RandomVerticalFlip",
        "RandomRotation",
        "RandomAffine",
        "RandomPerspective",
        "RandomErasing",
        "RandomGrayscale",
        "RandomInvert",
        "RandomPosterize",
        "RandomSolarize",
        "RandomAdjustSharpness",
        "RandomAutocontrast",
        "RandomEqualize",
        "RandomPhotometricDistort",
        "ColorJitter",
        "GaussianBlur",
        "GaussianNoise",
        "ElasticTransform",
        "AutoAugment",
        "RandAugment",
        "TrivialAugmentWide",
        "AugMix",
        "LinearTransformation",
    }
)
_GROUPS = frozenset({"Compose", "RandomApply", "RandomOrder", "Sequential"})
_OPTIONAL = "RandomApply"  # it may as well do nothing, so what is in it must change no shape
_MUTATING = frozenset({"append", "insert", "extend", "pop", "remove"})
_DEEPEST = 10


def alternatives(node: ast.expr, spot: SyntaxPlace, view: View, depth: int = 0) -> list[Steps]:
    """The steps that a transform may be made of; none where one of them is not known."""
    if depth > _DEEPEST:
        return []
    match node:
        case ast.Call():
            return _call(node, spot, view, depth)
        case ast.Name(id=name):
            return _bound(name, spot, view, depth, alternatives)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == spot.scope.self_name:
            bound = reaching_attribute(attribute, spot)
            return _union([alternatives(one.value, one.spot, view, depth + 1) for one in bound if one.value])
        case ast.IfExp(body=body, orelse=orelse):
            return _union([alternatives(one, spot, view, depth + 1) for one in (body, orelse)])
        case ast.Subscript(value=ast.Name(id=name), slice=key):
            return _item(name, key, spot, view, depth)
        case _:
            return []


def _bound(name: str, spot: SyntaxPlace, view: View, depth: int, read: _Reader) -> list[Steps]:
    """What a variable may be; none where one of its values is not known."""
    bound = live(name, spot) or []
    found = [read(one.value, one.spot, view, depth + 1) for one in bound if one.value and one.kind == "assign"]
    return _union(found) if len(found) == len(bound) else []


def _union(found: list[list[Steps]]) -> list[Steps]:
    return [steps for one in found for steps in one] if all(found) else []


def _call(node: ast.Call, spot: SyntaxPlace, view: View, depth: int) -> list[Steps]:
    meaning = view.meaning_of(node.func, spot)
    if isinstance(meaning, Symbol):
        return _returned(meaning, view, depth)
    if not isinstance(meaning, str) or not meaning.startswith(("torchvision.transforms", "torch.nn.Sequential")):
        return []
    last = meaning.rpartition(".")[2]
    if last == "Sequential":
        return _join(node.args, spot, view, depth)
    if last in _GROUPS:
        steps = _grouped(node, spot, view, depth)
        return steps if last != _OPTIONAL or steps == [()] else []
    if last in _CHANGING:
        return [(Step(name=last, call=view.expression(node)),)]
    expands = any(keyword.arg == "expand" for keyword in node.keywords)
    return [()] if last in _KEEPING and not expands else []


def _grouped(node: ast.Call, spot: SyntaxPlace, view: View, depth: int) -> list[Steps]:
    """The list that a group is given as its first argument."""
    inner = [*node.args, *(keyword.value for keyword in node.keywords)]
    return _sequence(inner[0], spot, view, depth) if inner else []


def _sequence(node: ast.expr, spot: SyntaxPlace, view: View, depth: int) -> list[Steps]:
    """A list of transforms: written out, in a variable, or several joined by `+`."""
    if depth > _DEEPEST:
        return []
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return _join(items, spot, view, depth)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _product(
                _sequence(left, spot, view, depth + 1),
                _sequence(right, spot, view, depth + 1),
            )
        case ast.Name(id=name):
            return [] if _is_changed(name, spot) else _bound(name, spot, view, depth, _sequence)
        case _:
            return []


def _join(items: list[ast.expr], spot: SyntaxPlace, view: View, depth: int) -> list[Steps]:
    result: list[Steps] = [()]
    for item in items:
        result = _product(result, alternatives(item, spot, view, depth + 1))
    return result


def _product(first: list[Steps], second: list[Steps]) -> list[Steps]:
    return [(*one, *other) for one in first for other in second][:4]


def _is_changed(name: str, spot: SyntaxPlace) -> bool:
    """`steps.append(...)`."""
    return any(
        isinstance(call.func, ast.Attribute) and call.func.attr in _MUTATING and dotted(call.func.value) == name
        for call, _ in spot.scope.calls
    )


def _returned(symbol: Symbol, view: View, depth: int) -> list[Steps]:
    """What a function of the same file returns."""
    functions = view.scopes[0].functions
    if symbol.path != view.path or symbol.name not in functions:
        return []
    returns = functions[symbol.name].returns
    return _union([alternatives(value, spot, view, depth + 1) for value, spot in returns])


def _item(name: str, key: ast.expr, spot: SyntaxPlace, view: View, depth: int) -> list[Steps]:
    """`data_transforms["train"]`; for a variable key each item."""
    bound = live(name, spot) or []
    result: list[list[Steps]] = []
    for one in bound:
        if not isinstance(one.value, ast.Dict):
            return []
        result.extend(alternatives(value, one.spot, view, depth + 1) for value in _values(one.value, key))
    return _union(result)


def _values(table: ast.Dict, key: ast.expr) -> Iterator[ast.expr]:
    wanted = key.value if isinstance(key, ast.Constant) else None
    for one, value in zip(table.keys, table.values, strict=True):
        if wanted is None or (isinstance(one, ast.Constant) and one.value == wanted):
            yield value

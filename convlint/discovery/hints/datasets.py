"""The torchvision datasets of a file: the size of their images, and what their transforms make of it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from convlint.discovery.hints.scopes import SyntaxPlace
from convlint.discovery.hints.transforms import Steps, alternatives
from convlint.discovery.hints.view import View

Size = tuple[int, int, int]
Follow = Callable[[ast.expr], tuple[ast.expr, SyntaxPlace, View]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """The size of the images where all have the same, and the position of the argument `transform`."""

    size: Size | None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Images:
    """What a dataset gives. Without a size its images have three channels, and each its own height and width."""

    name: str
    row: int
    size: Size | None
    steps: Steps

    @property
    def outcome(self) -> object:
        """What tells the shapes after the transforms apart, as far as that shows without running anything."""
        if not self.steps:
            return self.size
        last = self.steps[-1]
        if last.name == "Pad" or any(step.name == "Grayscale" for step in self.steps):
            return self.key
        call = ast.parse(last.call.text, mode="eval").body
        size = _pair(call.args[0]) if isinstance(call, ast.Call) and call.args else None
        channels = self.size[0] if self.size else 3
        match size:
            case (height, width):
                return (channels, height, width)
            case int() if self._is_square or last.name not in ("Resize", "Scale"):
                return (channels, size, size)
            case _:
                return self.key  # `Resize(32)` sets the shorter side alone

    @property
    def _is_square(self) -> bool:
        """Whether the images may be square where the last step takes them."""
        return len(self.steps) > 1 or self.size is None or self.size[1] == self.size[2]

    @property
    def key(self) -> tuple[object, ...]:
        return (self.size, *((step.name, step.call.text) for step in self.steps))


_GREY, _COLOUR = (1, 28, 28), (3, 32, 32)
_DATASETS = {
    "MNIST": _Kind(_GREY, 2),
    "FashionMNIST": _Kind(_GREY, 2),
    "KMNIST": _Kind(_GREY, 2),
    "QMNIST": _Kind(_GREY),
    "EMNIST": _Kind(_GREY),
    "CIFAR10": _Kind(_COLOUR, 2),
    "CIFAR100": _Kind(_COLOUR, 2),
    "SVHN": _Kind(_COLOUR, 2),
    "STL10": _Kind((3, 96, 96), 3),
    "USPS": _Kind((1, 16, 16), 2),
    "Omniglot": _Kind((1, 105, 105), 2),
    "PCAM": _Kind((3, 96, 96), 2),
    "CelebA": _Kind((3, 218, 178), 3),
    "LFWPeople": _Kind((3, 250, 250), 3),
    "FakeData": _Kind((3, 224, 224), 3),
    "GTSRB": _Kind(None, 2),
    "ImageFolder": _Kind(None, 1),
    "ImageNet": _Kind(None),
    "Flowers102": _Kind(None, 2),
    "Food101": _Kind(None, 2),
    "OxfordIIITPet": _Kind(None, 3),
    "Caltech101": _Kind(None, 2),
    "Caltech256": _Kind(None, 1),
    "Places365": _Kind(None, 4),
    "DTD": _Kind(None, 3),
    "StanfordCars": _Kind(None, 2),
    "Imagenette": _Kind(None, 4),
}
_TESTING = frozenset({"test", "val", "valid"})


def datasets_of(view: View) -> list[Images]:
    """Each of a file once, those for training first."""
    found: list[tuple[bool, Images]] = []
    for scope in view.scopes:
        for call, spot in scope.calls:
            found.extend((_is_for_testing(call), images) for images in images_of(call, spot, view))
    found.sort(key=lambda item: (item[0], item[1].row))
    unique: dict[object, Images] = {}
    for _, images in found:
        unique.setdefault(images.key, images)
    return list(unique.values())


def ranked(found: list[Images]) -> list[tuple[Images, bool]]:
    """Each with whether it can be relied on, those first.

    Of several datasets, most likely options of a script, each may go with other models. Of one in several sizes the
    file may only look at the raw images, but it does not resize them for nothing.
    """
    if len({images.name for images in found}) > 1:
        return [(images, False) for images in found]
    outcomes = {images.outcome for images in found}
    if len(outcomes) == 1:
        return [(images, True) for images in found]
    changed = {images.outcome for images in found if images.steps}
    sure = [(images, bool(images.steps) and len(changed) == 1) for images in found]
    return sorted(sure, key=lambda item: not item[1])


def images_of(call: ast.Call, spot: SyntaxPlace, view: View, follow: Follow | None = None) -> list[Images]:
    """What a call of a dataset may give; none for any other call. `follow` finds what a parameter is given."""
    meaning = view.meaning_of(call.func, spot)
    if not isinstance(meaning, str) or not meaning.startswith("torchvision.datasets."):
        return []
    name = meaning.rpartition(".")[2]
    kind = _DATASETS.get(name)
    transform = _argument(call, "transform", kind.position) if kind else None
    if kind is None or transform is None or any(keyword.arg == "transforms" for keyword in call.keywords):
        return []  # images that become no tensor are fed to nothing
    size = kind.size
    if name == "FakeData":
        given = _argument(call, "image_size", 1)
        size = size if given is None else _literal(given)
        if size is None:
            return []
    node, at, home = (transform, spot, view) if follow is None else follow(transform)
    return [Images(name, call.lineno, size, steps) for steps in alternatives(node, at, home)]


def _argument(call: ast.Call, name: str, position: int | None) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return None if isinstance(keyword.value, ast.Constant) else keyword.value
    if position is not None and len(call.args) > position:
        return call.args[position]
    return None


def _value(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _literal(node: ast.expr) -> Size | None:
    match _value(node):
        case (int(channels), int(height), int(width)):
            return channels, height, width
        case _:
            return None


def _pair(node: ast.expr) -> int | tuple[int, int] | None:
    """The size in `Resize(32)` and `CenterCrop((28, 28))`."""
    match _value(node):
        case int(size):
            return size
        case (int(height), int(width)) | [int(height), int(width)]:
            return height, width
        case _:
            return None


def _is_for_testing(call: ast.Call) -> bool:
    for keyword in call.keywords:
        if isinstance(keyword.value, ast.Constant):
            if keyword.arg == "train" and keyword.value.value is False:
                return True
            if keyword.arg == "split" and keyword.value.value in _TESTING:
                return True
    return False

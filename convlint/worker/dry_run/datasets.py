"""torchvision's data sets without their files: noise of their size, under their length."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from convlint.worker.dry_run import noise
from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.world import current


@dataclass(frozen=True)
class KnownDataset:
    """The images of a data set as they are on the disk of its users."""

    mode: str  # of PIL
    size: tuple[int, int] | None  # width and height; None: they differ
    lengths: dict[Any, int]  # by `train` or `split`
    classes: int


_MNIST = KnownDataset("L", (28, 28), {True: 60000, False: 10000}, 10)
_CIFAR = {True: 50000, False: 10000}
KNOWN = {
    "MNIST": _MNIST,
    "FashionMNIST": _MNIST,
    "KMNIST": _MNIST,
    "CIFAR10": KnownDataset("RGB", (32, 32), _CIFAR, 10),
    "CIFAR100": KnownDataset("RGB", (32, 32), _CIFAR, 100),
    "USPS": KnownDataset("L", (16, 16), {True: 7291, False: 2007}, 10),
    "SVHN": KnownDataset("RGB", (32, 32), {"train": 73257, "test": 26032, "extra": 531131}, 10),
    "STL10": KnownDataset("RGB", (96, 96), {"train": 5000, "test": 8000, "unlabeled": 100000}, 10),
    "GTSRB": KnownDataset("RGB", None, {"train": 26640, "test": 12630}, 43),
    "Food101": KnownDataset("RGB", None, {"train": 75750, "test": 25250}, 101),
    "Flowers102": KnownDataset("RGB", None, {"train": 1020, "val": 1020, "test": 6149}, 102),
    "OxfordIIITPet": KnownDataset("RGB", None, {"trainval": 3680, "test": 3669}, 37),
    "DTD": KnownDataset("RGB", None, {"train": 1880, "val": 1880, "test": 1880}, 47),
    "EuroSAT": KnownDataset("RGB", (64, 64), {None: 27000}, 10),
    "Caltech101": KnownDataset("RGB", None, {None: 8677}, 101),
    "Caltech256": KnownDataset("RGB", None, {None: 30607}, 257),
    "ImageNet": KnownDataset("RGB", None, {"train": 1281167, "val": 50000}, 1000),
}
"""Those whose samples are an image and a class."""
_SPLITS = {"EMNIST": {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 37, "digits": 10, "mnist": 10}}
_EMNIST = {"byclass": (697932, 116323), "bymerge": (697932, 116323), "balanced": (112800, 18800)}
_EMNIST |= {"letters": (124800, 20800), "digits": (240000, 40000), "mnist": (60000, 10000)}


def adapt(module: Any, patches: Patches) -> None:
    """Have the data sets of `torchvision.datasets` do without their files."""
    for name, known in KNOWN.items():
        kind = getattr(module, name, None)
        if kind is not None:
            _adapt(kind, _init(known), patches)
    if hasattr(module, "EMNIST"):
        _adapt(module.EMNIST, _init_emnist, patches)
    if hasattr(module, "CelebA"):
        _adapt(module.CelebA, _init_celeba, patches)
    folder = module.ImageFolder
    patches.put(folder, "__init__", _init_folder(folder.__init__))
    for name, value in (
        ("__getitem__", _of_folder(folder.__getitem__)),
        ("__len__", _length_of_folder(folder.__len__)),
    ):
        patches.put(folder, name, value)


def _adapt(kind: Any, init: Callable[..., None], patches: Patches) -> None:
    patches.put(kind, "__init__", init)
    patches.put(kind, "__getitem__", _sample)
    patches.put(kind, "__len__", lambda self: self._convlint_length)
    patches.put(kind, "__repr__", lambda self: type(self).__name__)


def _init(known: KnownDataset) -> Callable[..., None]:
    def init(
        self: Any, root: Any = None, *args: Any, transform: Any = None, target_transform: Any = None, **kwargs: Any
    ) -> None:
        chosen, rest = _chosen(known, args, kwargs)
        if rest:
            transform = rest[0] if transform is None else transform
            target_transform = rest[1] if target_transform is None and len(rest) > 1 else target_transform
        _fill(self, root, known, known.lengths[chosen], transform, target_transform)
        self.train, self.split = chosen, chosen

    return init


def _chosen(known: KnownDataset, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The part of a data set that is asked for, and the positional arguments after it."""
    first = next(iter(known.lengths))
    for name in ("train", "split"):
        if name in kwargs:
            return _part(known, kwargs[name]), list(args)
    if first is None:
        return None, list(args)
    return (_part(known, args[0]), list(args[1:])) if args else (first, [])


def _part(known: KnownDataset, given: Any) -> Any:
    part = given if isinstance(given, str) else bool(given)
    return part if part in known.lengths else next(iter(known.lengths))


def _init_emnist(self: Any, root: Any, split: str, train: bool = True, **kwargs: Any) -> None:
    classes, lengths = _SPLITS["EMNIST"][split], _EMNIST[split]
    known = KnownDataset("L", (28, 28), {True: lengths[0], False: lengths[1]}, classes)
    length = known.lengths[bool(train)]
    _fill(self, root, known, length, kwargs.get("transform"), kwargs.get("target_transform"))
    self.train, self.split = train, split


def _init_celeba(
    self: Any, root: Any, split: str = "train", target_type: Any = "attr", transform: Any = None, **kwargs: Any
) -> None:
    lengths = {"train": 162770, "valid": 19867, "test": 19962, "all": 202599}
    known = KnownDataset("RGB", (178, 218), dict(lengths), 10177)
    _fill(self, root, known, lengths.get(split, 162770), transform, kwargs.get("target_transform"))
    self.split = split
    kinds = {"attr": 40, "identity": 0, "bbox": 4, "landmarks": 10}
    names = [target_type] if isinstance(target_type, str) else list(target_type)
    self._convlint_target = tuple(kinds.get(name, 0) for name in names)


def _fill(self: Any, root: Any, known: KnownDataset, length: int, transform: Any, target_transform: Any) -> None:
    """Attributes that all data sets have; large tables take no memory."""
    self.root, self.transform, self.target_transform = root, transform, target_transform
    self.transforms = None
    self._convlint_known, self._convlint_length, self._convlint_target = known, length, None
    self.classes = [str(number) for number in range(known.classes)]
    self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
    targets = [noise.label(number, known.classes) for number in range(min(length, 100_000))]
    if known.size is not None:
        width, height = known.size
        if known.mode == "L":
            self.data = torch.randint(0, 256, (1, height, width), dtype=torch.uint8).expand(length, -1, -1)
            self.targets = torch.tensor(targets)
        else:
            self.data = np.broadcast_to(noise.pixels(height, width, 3)[None], (length, height, width, 3))
            self.targets = targets
    else:
        self.targets = targets
    self.labels = self._labels = self.targets


def _sample(self: Any, index: Any) -> Any:
    known: KnownDataset = self._convlint_known
    index = int(index)
    if index >= self._convlint_length:
        raise IndexError(index)
    width, height = known.size or noise.size()
    image, target = _image(known.mode, width, height, current().number), _target(self, index, known)
    if self.transform is not None:
        image = self.transform(image)
    if self.target_transform is not None:
        target = self.target_transform(target)
    return image, target


def _target(self: Any, index: int, known: KnownDataset) -> Any:
    sizes = self._convlint_target
    if sizes is None:
        return noise.label(index, known.classes)
    made = [torch.zeros(size, dtype=torch.int64) if size else torch.tensor(index) for size in sizes]
    return made[0] if len(made) == 1 else tuple(made)


@lru_cache(maxsize=32)
def _image(mode: str, width: int, height: int, _: int) -> Any:
    return noise.image(mode, width, height)


def _init_folder(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, root: Any, transform: Any = None, target_transform: Any = None, *args: Any, **kw: Any) -> None:
        if isinstance(root, str | os.PathLike) and os.path.isdir(root):
            original(self, root, transform, target_transform, *args, **kw)
            return
        classes = current().made_up("the classes of a folder", *noise.CLASSES)
        length = current().made_up_length("the files of a folder", *noise.FILES)
        _fill(self, root, KnownDataset("RGB", None, {}, classes), length, transform, target_transform)
        self.samples = self.imgs = [
            (os.path.join(str(root), str(noise.label(number, classes)), f"convlint{number:04d}.jpg"), label)
            for number, label in enumerate(self.targets)
        ]
        self.loader = noise.photo
        self.extensions = (".jpg",)

    return init


def _of_folder(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, index: (_sample if hasattr(self, "_convlint_known") else original)(self, index)


def _length_of_folder(original: Callable[..., int]) -> Callable[..., int]:
    return lambda self: self._convlint_length if hasattr(self, "_convlint_length") else original(self)

"""What the transforms of torchvision make of the size of an image; torchvision itself is not needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Image = tuple[int, int | None, int | None]
"""Channels, height and width; None for what is not known, or differs from image to image."""

Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]
Transform = tuple[str, tuple[Any, ...], Mapping[str, Any]]


def image_sizes(size: tuple[int, int, int] | None, transforms: Sequence[Transform]) -> Image:
    """The size after all the transforms. Raises for arguments that none of them takes."""
    image: Image = size or (3, None, None)
    for name, args, kwargs in transforms:
        image = _TRANSFORMS[name](image, args, kwargs)
    return image


def _resize(image: Image, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Image:
    channels, height, width = image
    size = _argument(args, kwargs, "size")
    if size is None or _argument(args, kwargs, "max_size", 2) is not None:
        return channels, None, None
    pair = _pair(size)
    if pair is not None:
        return channels, *pair
    shorter = _whole(size[0] if isinstance(size, list | tuple) else size)
    if height is None or width is None:
        return channels, None, None
    # As torchvision does it: the shorter side gets the size, and the longer one is cut to a whole number.
    if height <= width:
        return channels, shorter, int(shorter * width / height)
    return channels, int(shorter * height / width), shorter


def _crop(image: Image, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Image:
    size = _argument(args, kwargs, "size")
    pair = _pair(size)
    if pair is None:
        one = _whole(size[0] if isinstance(size, list | tuple) else size)
        pair = (one, one)
    return image[0], *pair


def _pad(image: Image, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Image:
    channels, height, width = image
    padding = _argument(args, kwargs, "padding")
    sides = [_whole(side) for side in padding] if isinstance(padding, list | tuple) else [_whole(padding)]
    left, top, right, bottom = (sides * 4)[:4]  # of one for all, of two for the width and the height
    return channels, None if height is None else height + top + bottom, None if width is None else width + left + right


def _grayscale(image: Image, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Image:
    channels = _argument(args, kwargs, "num_output_channels")
    return 1 if channels is None else _whole(channels), image[1], image[2]


_TRANSFORMS: dict[str, Callable[[Image, tuple[Any, ...], Mapping[str, Any]], Image]] = {
    "Resize": _resize,
    "Scale": _resize,
    "CenterCrop": _crop,
    "RandomCrop": _crop,
    "RandomResizedCrop": _crop,
    "RandomSizedCrop": _crop,
    "Pad": _pad,
    "Grayscale": _grayscale,
}


def _argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], name: str, position: int = 0) -> Any:
    return args[position] if len(args) > position else kwargs.get(name)


def _pair(size: Any) -> tuple[int, int] | None:
    if isinstance(size, list | tuple) and len(size) == 2:
        return _whole(size[0]), _whole(size[1])
    return None


def _whole(value: Any) -> int:
    if isinstance(value, bool | str) or int(value) != value:
        raise ValueError(f"{value!r} is not a size")
    return int(value)

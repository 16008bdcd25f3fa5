"""Contents for what is not here: noise, of sizes that differ from world to world where nobody gives them."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from convlint.worker.dry_run.world import current

_generator = np.random.default_rng  # numpy's own, whatever it is while a program runs
IMAGE = ((613, 487), (541, 659))
"""Width and height of an image that is not here, in each world."""
VOLUME = ((151, 139, 101), (127, 163, 109))
FILES = (67, 101)
"""How many files a folder has that is not here."""
CLASSES = (3, 5)


def pixels(height: int, width: int, channels: int) -> np.ndarray[Any, Any]:
    """Bytes of an image; a gray one has no axis for channels."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    draw = _generator(current().seed + height * width)
    return draw.integers(0, 256, shape, dtype=np.uint8)


def size() -> tuple[int, int]:
    """Width and height of an image."""
    return current().made_up("the size of an image", *IMAGE)


def image(mode: str, width: int, height: int) -> Any:
    image_of = importlib.import_module("PIL.Image")

    channels = len(image_of.new(mode, (1, 1)).getbands())
    return image_of.fromarray(pixels(height, width, channels), mode if channels > 1 else None)


def photo(name: str) -> Any:
    """An image file that is not here: of unknown size, and in color or not, until the program converts it."""
    width, height = size()
    is_photo = name.lower().endswith((".jpg", ".jpeg"))
    mode = "RGB" if is_photo else current().made_up("the mode of an image", "RGB", "L")
    made = image(mode, width, height)
    made.filename = name
    return made


def volume() -> np.ndarray[Any, Any]:
    shape = current().made_up("the size of a volume", *VOLUME)
    return _generator(current().seed).random(shape)


def label(index: int, classes: int) -> int:
    """A class of a sample."""
    return (index * 7919 + current().number) % classes

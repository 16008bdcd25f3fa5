"""torchvision's data sets without their files: noise of their size, under their length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stood_in() -> Iterator[None]:
    yield

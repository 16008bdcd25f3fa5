"""How many parameters a model may have to be worth a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


class TooLarge(Exception):
    """More parameters than a real run is worth."""


@contextmanager
def limited(most: int) -> Iterator[None]:
    """Raise TooLarge as soon as the modules that are built hold more parameters; untouched memory costs nothing."""
    original = nn.Module.register_parameter
    total = 0

    def register(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        nonlocal total
        if param is not None and not nn.parameter.is_lazy(param):
            total += param.numel()
            if total > most:
                raise TooLarge(f"more than {most // 1_000_000} M parameters")
        original(self, name, param)

    nn.Module.register_parameter = register  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.register_parameter = original  # type: ignore[method-assign]

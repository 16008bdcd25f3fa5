"""Signatures against the packages themselves, where they are installed: what runs there comes out as declared."""

from __future__ import annotations

import sys

import pytest
import torch
from test_shipped import is_here
from tracing import Linter
from uses import USES, Use

BATCH = 5
SIDE = 20
REAL = [pytest.param(use, id=f"{use.name} {use.call}") for use in USES if is_here(use)]


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Python not find the packages that are there, as it does not where they are not installed."""
    for package in {use.name.partition(".")[0] for use in USES if is_here(use)}:
        for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, package, None)


def shapes_of(given: object) -> list[tuple[int, ...]]:
    parts = given if isinstance(given, tuple) else (given,)
    return [tuple(part.shape) for part in parts if isinstance(part, torch.Tensor)]


def really(linter: Linter, use: Use) -> list[tuple[int, ...]]:
    """The shapes that the package itself gives."""
    given = [
        torch.zeros(
            [size if isinstance(size, int) else BATCH if size == "B" else SIDE for size in spec.shape or ()]
        ).to(getattr(torch, spec.dtype))
        for spec in use.specs
    ]
    return shapes_of(linter.module(use.source).Net()(*given))


def at_numbers(shape: tuple[int | str, ...]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else BATCH if size == "B" else SIDE for size in shape)


@pytest.mark.parametrize("use", REAL)
def test_the_package_gives_what_its_signature_says(linter: Linter, use: Use) -> None:
    assert really(linter, use) == [at_numbers(shape) for shape in use.outputs]


@pytest.mark.parametrize("use", REAL)
def test_the_signature_gives_what_the_package_does(linter: Linter, use: Use, absent: None) -> None:
    checked = linter(use.source, *use.specs)
    assert checked.is_clean()
    assert checked.model.outputs == use.outputs
    assert use.parameters is None or checked.model.parameters == use.parameters


@pytest.mark.parametrize("use", REAL)
def test_the_package_is_followed_where_it_is_there(linter: Linter, use: Use) -> None:
    checked = linter(use.source, *use.specs)
    assert checked.is_clean()
    assert checked.model.outputs == use.outputs

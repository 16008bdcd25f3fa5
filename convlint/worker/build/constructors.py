"""What a layer's constructor needs, and a constructor call that goes on after a violation."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from convlint.worker.ops.constructor import ConstructorRequirement, ConstructorRule
from convlint.worker.ops.registry import operators

RULES: dict[type[nn.Module], tuple[ConstructorRule, ...]] = {
    layer: op.constructor for op in operators() for layer in op.layers if op.constructor
}

Report = Callable[[nn.Module, ConstructorRequirement], None]


@contextmanager
def checked(report: Report) -> Iterator[None]:
    """While this lasts, a constructor with a violation reports it and builds with a number that fits."""
    originals = {kind: kind.__init__ for kind in RULES}
    try:
        for kind, rules in RULES.items():
            kind.__init__ = _checking(originals[kind], rules, report)  # type: ignore[method-assign]
        yield
    finally:
        for kind, original in originals.items():
            kind.__init__ = original  # type: ignore[method-assign]


_signature = functools.lru_cache(maxsize=256)(inspect.signature)


def _checking(original: Callable[..., None], rules: tuple[ConstructorRule, ...], report: Report) -> Callable[..., None]:
    signature = _signature(original)

    @functools.wraps(original)
    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError:
            return original(self, *args, **kwargs)  # torch words this itself
        bound.apply_defaults()
        needs = [requirement for rule in rules if (requirement := rule(bound.arguments)) is not None]
        for requirement in needs[:1]:
            report(self, requirement)
            bound.arguments[requirement.repair[0]] = requirement.repair[1]
        return original(*bound.args, **bound.kwargs) if needs else original(self, *args, **kwargs)

    return init

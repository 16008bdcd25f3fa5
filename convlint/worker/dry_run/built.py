"""The models that a program builds, whether it feeds them or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from convlint.worker.build.skeleton import Sites
from convlint.worker.stack.users import IsUser

MOST = 4096
"""Modules of the user's own classes that are kept."""


@dataclass
class BuiltSites(Sites):
    """Construction sites, with the modules of the user's own classes that were made."""

    is_user: IsUser = lambda _: False
    made: list[nn.Module] = field(default_factory=list)

    def add(self, module: nn.Module) -> None:
        super().add(module)
        home = getattr(sys.modules.get(type(module).__module__), "__file__", None)
        is_new = not self.made or self.made[-1] is not module
        if is_new and len(self.made) < MOST and isinstance(home, str) and self.is_user(home):
            self.made.append(module)

    def roots(self) -> Iterator[nn.Module]:
        """Those that are no part of another one, and whose constructors came to their end."""
        inner: set[int] = set()
        for module in self.made:
            if _is_whole(module):
                inner.update(id(one) for one in module.modules() if one is not module)
        seen: set[int] = set()
        for module in self.made:
            if id(module) not in inner and id(module) not in seen and _is_whole(module):
                seen.add(id(module))
                yield module


def _is_whole(module: nn.Module) -> bool:
    return "_modules" in vars(module)

"""What a layer's constructor needs, and a constructor call that goes on after a broken need."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True)
class ConstructorNeed:
    """A broken need of a constructor call. `argument` is at fault, `repair` is what construction went on with."""

    name: str
    operand: str
    argument: str
    needed: int
    came: int
    detail: str
    repair: tuple[str, int]


Rule = Callable[[dict[str, Any]], ConstructorNeed | None]


def _heads(given: dict[str, Any]) -> ConstructorNeed | None:
    """`embed_dim % num_heads == 0` (torch.nn.MultiheadAttention)."""
    features, heads = given["embed_dim"], given["num_heads"]
    if not (_positive(features) and _positive(heads)) or features % heads == 0:
        return None
    near = sorted((n for n in range(1, features + 1) if features % n == 0), key=lambda n: (abs(n - heads), n))[:2]
    detail = (
        f"embed_dim {features} is not divisible by num_heads {heads}; {' or '.join(map(str, sorted(near)))} would fit"
    )
    return ConstructorNeed("num_heads", "module.num_heads", "num_heads", heads, features, detail, ("num_heads", 1))


def _groups(argument: str) -> Rule:
    def rule(given: dict[str, Any]) -> ConstructorNeed | None:
        """Channels are divisible by groups (torch.nn.Conv1d and its kin)."""
        channels, groups = given[argument], given["groups"]
        if not (_positive(channels) and _positive(groups)) or channels % groups == 0:
            return None
        detail = f"{argument} {channels} is not divisible by groups {groups}"
        return ConstructorNeed("groups", "module.groups", "groups", groups, channels, detail, ("groups", 1))

    return rule


def _norm_groups(given: dict[str, Any]) -> ConstructorNeed | None:
    """`num_channels % num_groups == 0` (torch.nn.GroupNorm)."""
    channels, groups = given["num_channels"], given["num_groups"]
    if not (_positive(channels) and _positive(groups)) or channels % groups == 0:
        return None
    detail = f"num_channels {channels} is not divisible by num_groups {groups}"
    return ConstructorNeed("num_groups", "module.num_groups", "num_groups", groups, channels, detail, ("num_groups", 1))


def _positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
RULES: dict[type[nn.Module], tuple[Rule, ...]] = {
    nn.MultiheadAttention: (_heads,),
    nn.GroupNorm: (_norm_groups,),
    **dict.fromkeys(_CONVOLUTIONS, (_groups("in_channels"), _groups("out_channels"))),
}

Report = Callable[[nn.Module, ConstructorNeed], None]


@contextmanager
def checked(report: Report) -> Iterator[None]:
    """While this lasts, a constructor with a broken need reports it and builds with a number that fits."""
    originals = {kind: kind.__init__ for kind in RULES}
    try:
        for kind, rules in RULES.items():
            kind.__init__ = _checking(originals[kind], rules, report)  # type: ignore[method-assign]
        yield
    finally:
        for kind, original in originals.items():
            kind.__init__ = original  # type: ignore[method-assign]


_signature = functools.lru_cache(maxsize=256)(inspect.signature)


def _checking(original: Callable[..., None], rules: tuple[Rule, ...], report: Report) -> Callable[..., None]:
    signature = _signature(original)

    @functools.wraps(original)
    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError:
            return original(self, *args, **kwargs)  # torch words this itself
        bound.apply_defaults()
        needs = [need for rule in rules if (need := rule(bound.arguments)) is not None]
        for need in needs[:1]:
            report(self, need)
            bound.arguments[need.repair[0]] = need.repair[1]
        return original(*bound.args, **bound.kwargs) if needs else original(self, *args, **kwargs)

    return init

"""Random nets that run: from a random source to text, and as a strategy of hypothesis."""

from __future__ import annotations

from random import Random

import torch
from hypothesis import strategies as st

from benchmarks.oracle.draft import BATCH, Draft, Step
from benchmarks.oracle.net import Net
from benchmarks.oracle.steps import flatten, proposals

_FIRST = ("image", "image", "image", "image", "words", "tokens", "line", "flat", "volume")
_TRIES = 8


def generated(seed: int) -> Net:
    return generate(Random(seed), name_of(seed))


def name_of(seed: int) -> str:
    return f"net-{seed:06}"


def generate(random: Random, name: str) -> Net:
    """A net of a few to a dozen steps, which real torch has run line by line."""
    torch.manual_seed(0)  # dropout and initial weights; no shape depends on them
    first = _first(random)
    draft = Draft(random, first)
    wanted = random.randint(3, 11)
    for _ in range(wanted * _TRIES):
        if len(draft.lines) >= wanted:
            break
        options = proposals(draft)
        if not options:
            break
        draft.take(random.choice(options)(draft))
    if random.random() < 0.6 and draft.x.dim() > 2:
        draft.take(flatten(draft))
    if draft.x.dim() == 2 and draft.x.is_floating_point():
        draft.take(_classifier(draft))
    return Net(name, draft.source(), (draft.spec(first),))


def _first(random: Random) -> torch.Tensor:
    kind = random.choice(_FIRST)
    if kind == "image":
        side = random.choice((12, 16, 20, 24, 28, 32, 17, 21))
        return torch.randn(BATCH, random.choice((1, 3, 4)), side, random.choice((side, side, side + 5)))
    if kind == "volume":
        return torch.randn(BATCH, random.choice((1, 2, 4)), *(random.randint(6, 12) for _ in range(3)))
    if kind == "tokens":
        return torch.full((BATCH, random.randint(4, 20)), 49)
    if kind == "flat":
        return torch.randn(BATCH, random.choice((8, 10, 16, 24)))
    return torch.randn(BATCH, random.randint(4, 20), random.choice((8, 12, 16, 24)))


def _classifier(draft: Draft) -> Step:
    name = draft.fresh("classifier")
    return Step({name: f"nn.Linear({draft.number(draft.x.shape[1])}, 10)"}, [f"x = self.{name}(x)"])


@st.composite
def nets(draw: st.DrawFn) -> Net:
    """The same as a strategy: hypothesis holds the choices, and makes a failing net smaller."""
    random = draw(st.randoms(use_true_random=False))
    return generate(random, "net")

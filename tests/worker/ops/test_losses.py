"""The shape of a loss whose value depends on data."""

from __future__ import annotations

import pytest
from tracing import Linter, net


@pytest.mark.parametrize(("reduction", "shape"), [("mean", ()), ("none", (3,))])
def test_ctc(linter: Linter, reduction: str, shape: tuple[int, ...]) -> None:
    source = net(
        f"self.f = nn.Linear(8, 5)\nself.loss = nn.CTCLoss(reduction={reduction!r})",
        "lengths = torch.full((3,), 10)\n"
        "return self.loss(self.f(x).log_softmax(-1), torch.ones(3, 4, dtype=torch.long), lengths, lengths // 5)",
    )
    assert not linter.torch_refuses(source, (10, 3, 8))
    checked = linter(source, (10, 3, 8))
    assert checked.is_clean
    assert checked.model.outputs == (shape,)

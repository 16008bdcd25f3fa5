"""Losses whose value torch computes from data, though their shape depends on shapes alone."""

from __future__ import annotations

import sympy
from torch import nn

from convlint.worker.ops.call import Call
from convlint.worker.ops.op import Op
from convlint.worker.values.sizes import equal


def _ctc(call: Call) -> None:
    """`[T, B, C]` or `[T, C]` with targets `[B, S]` or one long row: a number, or one for each of B (torch.nn.CTCLoss).

    Where the shapes do not fit, torch words the refusal.
    """
    logits, targets = call.tensor(0, "log_probs"), call.tensor(1, "targets")
    if logits is None or targets is None or logits.dim() not in (2, 3) or targets.dim() not in (1, 2):
        return
    if targets.dim() == 2 and (logits.dim() == 2 or equal(targets.shape[0], logits.shape[1]) is not sympy.true):
        return
    is_single = call.option(5, "reduction", "mean") != "none"
    call.result = call.ledger.fresh(() if is_single else tuple(logits.shape[1:-1]), logits)


OPS = (Op(layers=(nn.CTCLoss,), functions=("torch.nn.functional.ctc_loss",), check=_ctc),)

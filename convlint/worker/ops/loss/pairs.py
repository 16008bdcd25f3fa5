"""Losses of two or three embeddings, or of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from convlint.worker.ops.loss.demand import Demand, Demands, floating, not_bool, of_shape
from convlint.worker.ops.loss.elements import broadcast
from convlint.worker.ops.loss.operands import LossCall
from convlint.worker.values.sizes import Size, broadcasts, equal


def _margin_ranking(call: LossCall) -> Demands:
    yield from _same_rank(call, "input1", "input2", "target")
    yield from broadcast(call, "input1", "input2", "target")
    yield from not_bool(call, "input1", "input2", "target")


def _same_rank(call: LossCall, first: str, *others: str) -> Demands:
    for role in others:
        if call[role].rank != call[first].rank:
            yield of_shape(role, call[role], call[first].shape)
            return


def _cosine_embedding(call: LossCall) -> Demands:
    """Two vectors and a number, or two rows of vectors and a number for each (torch.nn.CosineEmbeddingLoss)."""
    target = call["target"]
    if target.rank > 1:
        yield of_shape("target", target, call["input1"].shape[:1])
        return
    for role in ("input1", "input2"):
        if call[role].rank != target.rank + 1:
            yield of_shape(role, call[role], "[N, D]" if target.rank else "[D]")
            return
    yield from broadcast(call, "input1", "input2")
    rows = call["input1"].shape[:-1], call["input2"].shape[:-1]
    for sizes in rows:
        for came, wanted in zip(target.shape, sizes, strict=True):
            yield Demand("loss_size", "target", broadcasts(wanted, came), came, wanted, -1)


def _triplet(call: LossCall) -> Demands:
    roles = ("anchor", "positive", "negative")
    yield from _same_rank(call, *roles)
    yield from broadcast(call, "anchor", "positive")
    yield from broadcast(call, "anchor", "negative")
    yield from _same_rows(call["positive"].shape, call["negative"].shape, is_swapped=bool(call.options.get("swap")))
    yield from not_bool(call, *roles)


def _same_rows(positive: tuple[Size, ...], negative: tuple[Size, ...], *, is_swapped: bool) -> Demands:
    """The distances of both kinds fit together; the last dimension is gone from them."""
    for dim in range(-min(len(positive), len(negative)), 0 if is_swapped else -1):
        came, wanted = negative[dim], positive[dim]
        yield Demand("loss_size", "negative", broadcasts(wanted, came), came, wanted, dim)


def _ctc(call: LossCall) -> Demands:
    """`[T, B, C]` or `[T, C]` with targets `[B, S]` or one long row (torch.nn.CTCLoss)."""
    logits, targets = call["log_probs"], call["targets"]
    if logits.rank not in (2, 3):
        yield of_shape("log_probs", logits, "[T, B, C]")
    elif targets.rank not in (1, 2):
        yield of_shape("targets", targets, "[B, S]")
    elif targets.rank == 2:
        batch = logits.shape[1] if logits.rank == 3 else 1
        yield Demand("loss_size", "targets", equal(targets.shape[0], batch), targets.shape[0], batch, -2)
    yield from floating(call, "log_probs")


STATEMENTS: Final[Mapping[str, Callable[[LossCall], Demands]]] = {
    "margin_ranking_loss": _margin_ranking,
    "cosine_embedding_loss": _cosine_embedding,
    "triplet_margin_loss": _triplet,
    "ctc_loss": _ctc,
}

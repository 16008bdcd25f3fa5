"""Packed sequences without lengths: a pack that remembers the padded tensor it was made of.

How long each sequence is depends on data. With the longest as long as the padded tensor, which is the usual case,
everything behind the pack has the shapes that it has without one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils import rnn
from torch.nn.utils.rnn import PackedSequence

from convlint.worker.torch_private.fake import FakeTensor


class Packed(PackedSequence):
    """A pack of a fake tensor `[B, L, F]` (batch_first) or `[L, B, F]`."""

    padded: torch.Tensor
    batch_first: bool
    lengths: Any


def pack(padded: torch.Tensor, lengths: Any, batch_first: bool) -> Packed:
    length = padded.shape[1 if batch_first else 0]
    sizes = torch.empty((length,), dtype=torch.int64)
    packed = Packed(padded.flatten(0, 1), sizes, None, None)
    packed.padded, packed.batch_first, packed.lengths = padded, batch_first, lengths
    return packed


def unpack(packed: Packed, batch_first: bool) -> torch.Tensor:
    return packed.padded if packed.batch_first == batch_first else packed.padded.transpose(0, 1)


def keep_shapes() -> None:
    """Let torch's functions for packing take fake tensors. For good: user code imports them by name."""
    original_pack, original_pad = rnn.pack_padded_sequence, rnn.pad_packed_sequence

    def pack_padded_sequence(
        input: torch.Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
    ) -> PackedSequence:
        if isinstance(input, FakeTensor) and input.dim() > 1:
            return pack(input, lengths, batch_first)
        return original_pack(input, lengths, batch_first, enforce_sorted)

    def pad_packed_sequence(
        sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if isinstance(sequence, Packed):
            padded = unpack(sequence, batch_first)
            batch = padded.shape[0 if batch_first else 1]
            return padded, torch.empty((batch,), dtype=torch.int64)
        return original_pad(sequence, batch_first, padding_value, total_length)

    for function in (pack_padded_sequence, pad_packed_sequence):
        setattr(rnn, function.__name__, function)

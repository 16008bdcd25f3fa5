"""Packed sequences on fake tensors: a pack that remembers the padded tensor it was made of.

Lengths that are data have no numbers. With the longest as long as the padded tensor, which is the usual case, what
follows the pack has the shapes that it has without one; but such a length proves nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils import rnn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import handle_torch_function, has_torch_function_unary

from convlint.worker.torch_private.fake import FakeTensor
from convlint.worker.values.sizes import Size


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


def longest(lengths: Any) -> int | None:
    """The largest of some lengths; None where they are data, or symbols."""
    if isinstance(lengths, torch.Tensor):
        if isinstance(lengths, FakeTensor) or lengths.dim() != 1 or not len(lengths):
            return None
        return int(lengths.max())
    numbers = list(lengths) if isinstance(lengths, list | tuple) else []
    return max(numbers) if numbers and all(type(number) is int for number in numbers) else None


PAD = "torch.nn.utils.rnn.pad_packed_sequence"
"""The name under which a trace has the calls of `repad`."""


def repad(padded: torch.Tensor, batch_first: bool, length: Size, is_known: bool) -> torch.Tensor:
    """The padded tensor again as `[B, length, F]` (batch_first) or `[length, B, F]`, from a call that has a node."""
    if has_torch_function_unary(padded):
        result: torch.Tensor = handle_torch_function(repad, (padded,), padded, batch_first, length, is_known)
        return result
    return padded


repad.__name__ = PAD


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
            return _padded(sequence, batch_first, total_length)
        return original_pad(sequence, batch_first, padding_value, total_length)

    for function in (pack_padded_sequence, pad_packed_sequence):
        setattr(rnn, function.__name__, function)


def _padded(packed: Packed, batch_first: bool, total: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    padded = unpack(packed, batch_first)
    batch, length = (padded.shape[0], padded.shape[1]) if batch_first else (padded.shape[1], padded.shape[0])
    known = total if total is not None else longest(packed.lengths)
    padded = repad(padded, batch_first, length if known is None else known, known is not None)
    lengths = torch.tensor(packed.lengths) if isinstance(packed.lengths, list | tuple) else packed.lengths
    return padded, lengths if isinstance(lengths, torch.Tensor) else torch.empty((batch,), dtype=torch.int64)

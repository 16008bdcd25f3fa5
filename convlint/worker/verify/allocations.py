"""How much memory tensors hold while code runs: every storage from the call that makes it to its end.

Also which operations ran, since some have memory of their own.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch

from convlint.worker.torch_private.fake import DispatchMode, storage_key
from convlint.worker.values.nesting import tensors_in

_BLOCK = 512
"""Bytes that the allocators of accelerators round up to."""


class Allocations(DispatchMode):
    """Counts the bytes of tensors that are made while it is active, and that live."""

    def __init__(self, known: Iterable[torch.Tensor] = ()) -> None:
        super().__init__()
        self.live = 0
        self.peak = 0
        self.operations: set[str] = set()  # the names of those that ran
        self._sizes: dict[int, int] = {}
        self._known = {storage_key(tensor) for tensor in known}  # held by somebody else all the time

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.operations.add(func.overloadpacket.__name__)
        for tensor in tensors_in(result):
            self._note(tensor)
        return result

    def _note(self, tensor: torch.Tensor) -> None:
        if tensor.layout is not torch.strided:
            return
        storage, key = tensor.untyped_storage(), storage_key(tensor)
        if key in self._sizes or key in self._known:
            return
        self._sizes[key] = size = size_of(tensor)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.live -= self._sizes.pop(key, 0)


def size_of(tensor: torch.Tensor) -> int:
    """Bytes of its storage, as the allocator of its device gives them out: that of the CPU rounds nothing."""
    size = tensor.untyped_storage().nbytes()
    return size if tensor.device.type == "cpu" else -(-size // _BLOCK) * _BLOCK


def held(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes of some tensors, those that share memory counted once."""
    return sum({storage_key(x): size_of(x) for x in tensors if x.layout is torch.strided}.values())

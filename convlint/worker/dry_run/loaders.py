"""Data loaders that give their first batch and their last, smaller one, in the process of the program itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from torch.utils.data import BatchSampler, DataLoader, IterableDataset, RandomSampler, SequentialSampler
from torch.utils.data._utils import collate

from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.unknown import UnknownValue
from convlint.worker.dry_run.world import current

_DISTINCT = 8
"""Samples of a batch that are made; they are repeated to fill it."""


def _init(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: DataLoader[Any], dataset: Any, *args: Any, **kwargs: Any) -> None:
        for name in ("num_workers", "pin_memory", "timeout", "persistent_workers", "prefetch_factor", "worker_init_fn"):
            kwargs.pop(name, None)
        kwargs.pop("multiprocessing_context", None)
        args = (*args[:4], 0, *args[5:6]) if len(args) > 4 else args  # the fifth is num_workers
        original(self, dataset, *args, **kwargs)

    return init


def _iterate(loader: DataLoader[Any]) -> Iterator[Any]:
    current().check_time()
    dataset, collate = loader.dataset, loader.collate_fn
    if isinstance(dataset, IterableDataset):
        yield from _of_stream(loader)
        return
    for batch in _batches(loader):
        if not isinstance(batch, list):
            yield collate(dataset[batch])
            continue
        first = [dataset[index] for index in batch[:_DISTINCT]]
        yield collate([first[number % len(first)] for number in range(len(batch))])


def _of_stream(loader: DataLoader[Any]) -> Iterator[Any]:
    """Of a data set without a length: what comes first."""
    items, size = iter(loader.dataset), loader.batch_size
    if size is None:
        yield from islice((loader.collate_fn(item) for item in items), 2)
        return
    for _ in range(2):
        batch = list(islice(items, size))
        if batch and (len(batch) == size or not loader.drop_last):
            yield loader.collate_fn(batch)


def _batches(loader: DataLoader[Any]) -> Iterator[Any]:
    """The indices of the first batch and of the last one; a sampler of the user's says what these are."""
    sampler = loader.batch_sampler
    if sampler is None:
        yield from islice(iter(loader.sampler), 2)
        return
    plain = type(sampler) is BatchSampler and type(sampler.sampler) in (RandomSampler, SequentialSampler)
    if not plain:
        yield from (list(batch) for batch in islice(iter(sampler), 2))
        return
    assert isinstance(sampler, BatchSampler)
    total, size = len(sampler.sampler), sampler.batch_size  # type: ignore[arg-type]
    if total >= size or not sampler.drop_last:
        yield list(range(min(total, size)))
    rest = total % size
    if total > size and _is_known(loader.dataset):
        if rest and not sampler.drop_last:
            yield list(range(total - rest, total))
        elif total >= 2 * size:
            yield list(range(size, 2 * size))


def _is_known(dataset: Any) -> bool:
    """Whether the length of a data set is its own, and not made up."""
    return not current().is_length_made_up(len(dataset))


@contextmanager
def small() -> Iterator[None]:
    """While this lasts, loaders start no processes and go through few batches."""
    with Patches() as patches:
        patches.put(DataLoader, "__init__", _init(DataLoader.__init__))
        patches.put(DataLoader, "__iter__", _iterate)
        known: dict[Any, Any] = {**collate.default_collate_fn_map, UnknownValue: lambda batch, **_: batch[0]}
        patches.put(collate, "default_collate_fn_map", known)
        yield

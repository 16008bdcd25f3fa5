"""What programs report with, where the package for it is not here: bars of progress, and summaries of models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import torch
from torch import nn

from convlint.worker.dry_run.unknown import UnknownValue


class ProgressBar:
    """An iterable that reports nothing."""

    def __init__(self, iterable: Any = None, *_: Any, **given: Any) -> None:
        total = given.get("total")
        self.iterable = iterable if iterable is not None else range(total if isinstance(total, int) else 0)
        self.n = 0

    def __iter__(self) -> Iterator[Any]:
        return iter([self.iterable.derived("[]")] if isinstance(self.iterable, UnknownValue) else self.iterable)

    def __len__(self) -> int:
        return len(self.iterable)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _nothing(self, *_: Any, **__: Any) -> None:
        pass

    update = set_description = set_description_str = set_postfix = set_postfix_str = close = refresh = write = _nothing


def progress_range(*args: int, **_: Any) -> ProgressBar:
    return ProgressBar(range(*args))


def summary(model: nn.Module, input_size: Any = None, input_data: Any = None, **_: Any) -> None:
    """torchinfo's: sizes with the batch."""
    if input_data is not None:
        model(*(input_data if isinstance(input_data, list | tuple) else (input_data,)))
    elif input_size is not None:
        sizes = input_size if isinstance(input_size[0], list | tuple) else [input_size]
        model(*(torch.zeros(tuple(size)) for size in sizes))


def summary_of_sample(model: nn.Module, input_size: Any, *_: Any, **__: Any) -> None:
    """torchsummary's: sizes without it."""
    sizes = input_size if isinstance(input_size[0], list | tuple) else [input_size]
    model(*(torch.zeros((2, *size)) for size in sizes))


def profile(model: nn.Module, inputs: Any = (), **_: Any) -> tuple[float, float]:
    """thop's."""
    model(*inputs)
    return 0.0, 0.0


TABLE: dict[str, Any] = {
    **{f"tqdm{part}.tqdm": ProgressBar for part in ("", ".auto", ".notebook", ".autonotebook")},
    **{f"tqdm{part}.trange": progress_range for part in ("", ".auto", ".notebook", ".autonotebook")},
    "torchinfo.summary": summary,
    "torchsummary.summary": summary_of_sample,
    "thop.profile": profile,
}
"""By dotted name."""

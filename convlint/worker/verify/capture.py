"""A real run of forward up to one call of a layer, and a number of what that call gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from convlint.facts import Breakdown, RunInput, Span
from convlint.jobs import Wanted
from convlint.worker.ops.breakdown.case import NotShown
from convlint.worker.stack.places import raised_at, span_of
from convlint.worker.user_code.wording import said
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.device import synchronize
from convlint.worker.verify.taken_apart import taken_apart


class Stopped(Exception):
    """forward raises before it comes to the call that is wanted."""

    def __init__(self, reason: str, at: Span | None) -> None:
        super().__init__(reason)
        self.at = at


class _Done(BaseException):
    """Leaves the user's forward after the call that is wanted; no `except Exception` may catch it."""


def broken_down(bench: Bench, wanted: Wanted, feed: Sequence[RunInput]) -> Breakdown:
    """The number that is wanted. Raises NotShown and Stopped."""
    layer = _layer(bench.model, wanted.layer)
    calls: list[tuple[Any, Any]] = []

    def note(_: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        synchronize(bench.device)
        calls.append(((args, kwargs), output))
        if len(calls) == wanted.call:
            raise _Done

    # Behind the hooks that change the input, and before those that change the output.
    layer.register_forward_hook(note, prepend=True, with_kwargs=True)
    _compute_exactly()
    error = None
    try:
        args, kwargs = bench.arguments([item.at(wanted.scenario.sizes) for item in feed])
        with bench.running(training=False):
            bench.model(*args, **kwargs)
    except _Done:
        pass
    except Exception as raised:
        error = raised
    if len(calls) < wanted.call:
        raise _missed(wanted, len(calls), error, bench)
    with torch.no_grad():
        return taken_apart(layer, wanted.layer, *calls[wanted.call - 1], wanted.at)


def _layer(model: nn.Module, path: str) -> nn.Module:
    """A layer by its path; a model that is a layer itself follows the name of its class."""
    found: dict[str, nn.Module] = dict(model.named_modules(remove_duplicate=False))
    if path in found:
        return found[path]
    if path == type(model).__name__:
        return model
    raise NotShown(f"the model has no layer {path} once it is built for real")


def _compute_exactly() -> None:
    """In the full precision of float32: a GPU rounds to fewer digits by itself. The process ends with this run."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


def _missed(wanted: Wanted, calls: int, error: Exception | None, bench: Bench) -> Exception:
    if error is None and not calls:
        return NotShown(f"forward does not call {wanted.layer} in eval mode")
    if error is None:
        return NotShown(f"forward calls {wanted.layer} only {calls} time{'s' if calls != 1 else ''} in eval mode")
    place = raised_at(error, bench.is_user)
    call = f"call {wanted.call} of {wanted.layer}" if wanted.call > 1 else wanted.layer
    return Stopped(f"forward raises before {call} is done: {said(error)}", span_of(place) if place else None)

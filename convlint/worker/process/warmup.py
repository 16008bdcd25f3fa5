"""What the worker does once, before it forks for the first file."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from convlint.worker.analysis.examine import examine
from convlint.worker.analysis.session import TraceSession
from convlint.worker.build.skeleton import Sites, building, make_fake
from convlint.worker.torch_private import deferral, settle
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.modules import no_missing_keys
from convlint.worker.torch_private.symbols import keep_symbolic_kernels, new_env
from convlint.worker.user_code.pretrained import skip_hub
from convlint.worker.user_code.standins import Weights
from convlint.worker.values import packing


def warm_up() -> None:
    """Load what a trace needs, and silence what never matters to shapes."""
    torch.set_num_threads(1)
    silence_torch()
    skip_initialisation()
    skip_weights()
    keep_symbolic_kernels()
    packing.keep_shapes()
    _examine_something()
    settle()


def prepare_trials() -> None:
    """Silence torch, and do without weights that are not there. Nothing is computed: threads do not outlive a fork."""
    deferral.load("torch._dynamo")  # every optimizer asks for it
    silence_torch()
    skip_weights()
    load: Callable[..., Any] = nn.Module.load_state_dict

    def lenient(self: nn.Module, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Seeded weights stay where there are no others."""
        return load(self, state_dict, *args, **kwargs) if len(state_dict) else no_missing_keys()

    nn.Module.load_state_dict = lenient  # type: ignore[method-assign]


def silence_torch() -> None:
    """A refused call is a fact here, not an incident; and torch's trace log would symbolise a stack for each symbol."""
    logging.getLogger("torch").setLevel(logging.CRITICAL)
    logging.getLogger("torch.__trace").handlers.clear()


def skip_initialisation() -> None:
    """Make `torch.nn.init.*_` return their tensor untouched: weights have no values here."""
    for name, _ in inspect.getmembers(nn.init, inspect.isfunction):
        if name.endswith("_") and not name.startswith("_"):
            setattr(nn.init, name, _untouched)


def skip_weights() -> None:
    """Make downloads of weights give nothing, and files of weights that are not there something inert."""
    torch.hub.load_state_dict_from_url = lambda *_, **__: {}
    original = torch.load

    def load(f: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(f, *args, **kwargs)
        except Exception:
            return Weights()

    torch.load = load
    skip_hub()


def _untouched(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return tensor


def _examine_something() -> None:
    """A small net with a mistake takes the whole way once, so that no file pays for what all files share."""
    mode, sites = new_mode(new_env()), Sites()
    with building(mode, sites):
        model = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2)
        )
    make_fake(model, mode)
    examine(TraceSession(model, mode, sites, lambda _: False), None)

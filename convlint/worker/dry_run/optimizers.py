"""Training steps without effect: a backward pass that computes nothing, optimizers that change nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim import Optimizer

from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.world import current


def backward(*_: Any, **__: Any) -> None:
    """Gradients have no shapes of their own."""
    current().steps += 1


def _init(self: Optimizer, params: Any, defaults: dict[str, Any]) -> None:
    """torch's own loads its compiler."""
    self.defaults = defaults
    self.state = {}  # type: ignore[assignment]
    self.param_groups = []
    groups = list(params) if isinstance(params, Iterable) and not isinstance(params, torch.Tensor) else [params]
    if not groups:
        raise ValueError("optimizer got an empty parameter list")
    for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
        self.add_param_group(group)
    for name in ("pre", "post"):
        vars(self)[f"_optimizer_step_{name}_hooks"] = {}


def _add(self: Optimizer, group: dict[str, Any]) -> None:
    params = group["params"]
    made = (
        [params] if isinstance(params, torch.Tensor) else [one[1] if isinstance(one, tuple) else one for one in params]
    )
    self.param_groups.append({**self.defaults, **group, "params": made})


def _step(_: Optimizer, closure: Callable[[], Any] | None = None, **__: Any) -> Any:
    current().steps += 1
    return closure() if callable(closure) else None


def _nothing(*_: Any, **__: Any) -> None:
    pass


def _state(self: Optimizer) -> dict[str, Any]:
    return {"state": {}, "param_groups": [{k: v for k, v in one.items() if k != "params"} for one in self.param_groups]}


def _gradients(_: Any, inputs: Any, *__: Any, **___: Any) -> tuple[torch.Tensor, ...]:
    return tuple(map(torch.zeros_like, [inputs] if isinstance(inputs, torch.Tensor) else inputs))


def _norm(*_: Any, **__: Any) -> torch.Tensor:
    return torch.tensor(1.0)


@contextmanager
def quiet() -> Iterator[None]:
    """While this lasts, training changes nothing."""
    with Patches() as patches:
        for name, value in [("__init__", _init), ("add_param_group", _add), ("zero_grad", _nothing), ("step", _step)]:
            patches.put(Optimizer, name, value)
        patches.put(Optimizer, "state_dict", _state)
        patches.put(Optimizer, "load_state_dict", _nothing)
        for _, kind in inspect.getmembers(torch.optim, inspect.isclass):
            if issubclass(kind, Optimizer) and kind is not Optimizer:
                patches.put(kind, "step", _step)
        patches.put(torch.autograd, "grad", _gradients)
        patches.put(torch.autograd, "backward", _nothing)
        patches.put(torch.nn.utils, "clip_grad_norm_", _norm)
        patches.put(torch.nn.utils, "clip_grad_value_", _nothing)
        yield

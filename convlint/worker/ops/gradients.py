"""Gradients that forward computes: nothing here has any, so their shapes are those of what they are taken of."""

from __future__ import annotations

from typing import Any

import sympy
import torch

from convlint.worker.ops.call import Call, shape_text
from convlint.worker.ops.op import Op


def _is_one_number(call: Call, x: torch.Tensor) -> bool:
    """Whether gradients may be taken of a tensor without one of its own; states it where not."""
    if all(isinstance(size, int) and size == 1 for size in x.shape):
        return True
    facts = {"actual": shape_text(x.shape), "expected": "[]"}
    return call.require("loss_scalar", "input.shape", sympy.false, **facts)


def _backward(call: Call) -> None:
    """Of one number, or of more where their own gradients are given (torch.Tensor.backward)."""
    x = call.tensor(0, "self")
    call.result = None
    if x is not None and call.get(1, "gradient") is None and not _is_one_number(call, x):
        call.result = call.ledger.fresh((), x)


def _grad(call: Call) -> None:
    """One tensor of its own shape for each input (torch.autograd.grad)."""
    outputs, given = _listed(call.get(0, "outputs")), call.get(1, "inputs")
    inputs = list(given.values()) if isinstance(given, dict) else _listed(given)
    are_tensors = all(isinstance(x, torch.Tensor) for x in (*outputs, *inputs))
    if not inputs or not are_tensors or call.get(7, "is_grads_batched"):
        return
    if call.get(2, "grad_outputs") is None:
        for x in outputs:
            if not _is_one_number(call, x):
                break
    gradients = tuple(call.ledger.fresh(tuple(x.shape), x) for x in inputs)
    call.result = dict(zip(given, gradients, strict=True)) if isinstance(given, dict) else gradients


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


OPS = (
    Op(functions=("torch.Tensor.backward",), check=_backward),
    Op(functions=("torch.autograd.grad",), check=_grad),
)

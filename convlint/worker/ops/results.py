"""Shapes of results written down from torch's documentation, for calls with symbolic sizes.

Computing them with fake tensors costs 50 ms a call, spent on guards about strides that say nothing about shapes.
Only where the strides of the result are known as well, since a later `view` depends on them. What has no rule here is
computed by torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from convlint.worker.ops.call import Call
from convlint.worker.ops.convolution import CONVOLUTIONS
from convlint.worker.ops.op import Rule, Shape
from convlint.worker.ops.registry import op_of_call


def goes_on_numbers(call: Call) -> bool:
    """Whether torch itself makes plain numbers of the sizes on the way, also of those that it leaves as they are.

    Then a rule says more than a call, even where the strides of the result are not known.
    """
    if isinstance(call.layer, CONVOLUTIONS):
        return call.layer.padding == "same" or call.layer.padding_mode != "zeros"
    op = op_of_call(call)
    return op is not None and op.is_on_numbers


def _rule(call: Call) -> Rule | None:
    op = op_of_call(call)
    return op.shape if op is not None else None


def is_one_dtype(call: Call, tensors: Sequence[torch.Tensor]) -> bool:
    """Whether all operands, the layer's weights and the result have one dtype: any other is torch's to say."""
    if any(isinstance(given, torch.dtype) for given in (*call.args, *call.kwargs.values())):
        return False
    if call.target.endswith(".float") and any(x.dtype is not torch.float32 for x in tensors):
        return False
    weight = getattr(call.layer, "weight", None)
    own = [weight.dtype] if isinstance(weight, torch.Tensor) else []
    return len({*own, *(x.dtype for x in tensors if x.dtype is not torch.bool)}) <= 1


def numbers_among(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The first operand that is not a mask: a mask times numbers is numbers."""
    return next((x for x in tensors if x.dtype is not torch.bool), tensors[0])


def has_rule(call: Call) -> bool:
    """Whether the call is one of which something is written down."""
    return _rule(call) is not None


def result_shape(call: Call) -> Shape | None:
    """The shape of the call's one result; None where torch must say it."""
    rule = _rule(call)
    return rule(call) if rule is not None else None

"""A call that torch refuses for nothing but the dtypes of its operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
import torch

from convlint.worker.ops.call import Call
from convlint.worker.ops.dtype import casts_by_itself, dtype_name
from convlint.worker.torch_private.fake import tree_map
from convlint.worker.trace.confirm import Unconfirmed, refusal
from convlint.worker.values.nesting import tensors_in


def unmixed(call: Call, subject: Callable[..., Any]) -> bool:
    """State that the operands of a refused call differ in dtype, and give them one, where torch takes it with one."""
    numbers = [x for x in tensors_in((call.args, call.kwargs)) if x.is_floating_point() or x.is_complex()]
    dtypes = list(dict.fromkeys(x.dtype for x in numbers))
    if len(dtypes) < 2 or casts_by_itself():
        return False
    widest = dtypes[0]
    for dtype in dtypes[1:]:
        widest = torch.promote_types(widest, dtype)

    def with_one(value: Any) -> Any:
        is_other = any(value is x for x in numbers) and value.dtype != widest
        return call.ledger.fresh(tuple(value.shape), value, widest) if is_other else value

    args, kwargs = tree_map(with_one, (tuple(call.args), call.kwargs))
    try:
        if refusal(subject, tuple(args), kwargs) is not None:
            return False
    except Unconfirmed:
        return False
    other = next(i for i, x in enumerate(numbers) if x.dtype != numbers[0].dtype)
    facts = {"actual": dtype_name(numbers[other]), "expected": dtype_name(numbers[0])}
    call.require("mixed_dtype", f"inputs[{other}].dtype", sympy.false, **facts)
    call.args, call.kwargs = list(args), kwargs
    return True

"""Calls on plain numbers: what a fake tensor itself would give, and nothing where a size or a value is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional as F  # noqa: N812
from tracing import Linter, net

from convlint.worker.ops.call import Call
from convlint.worker.torch_private.fake import FakeTensor, FakeTensorMode, new_mode
from convlint.worker.torch_private.symbols import new_env, new_symbol
from convlint.worker.trace.numeric import on_numbers
from convlint.worker.trace.trace import function_name
from convlint.worker.values.nesting import tensors_in

CALLS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "reshape": (torch.Tensor.reshape, (1, -1, 4)),
    "permuted": (torch.Tensor.permute, (2, 0, 1)),
    "item": (torch.Tensor.__getitem__, ((slice(1, None), None, 0),)),
    "sum": (torch.sum, (1,)),
    "to itself": (torch.Tensor.contiguous, ()),
    "to integers": (torch.Tensor.to, (torch.int64,)),
    "several": (torch.Tensor.chunk, (2, 1)),
    "named": (torch.Tensor.max, (1,)),
    "padded": (F.pad, ((1, 2),)),
    "compared": (torch.Tensor.gt, (0.5,)),
}


def static(mode: FakeTensorMode, *shape: int) -> torch.Tensor:
    with mode:
        return torch.zeros(shape)


def call(function: Callable[..., Any], *args: Any) -> Call:
    ledger: Any = None  # no call asks it
    return Call(ledger, function_name(function), list(args), {})


@pytest.mark.parametrize("name", CALLS)
def test_a_call_gives_what_the_fake_tensor_gives(warm: None, name: str) -> None:
    function, rest = CALLS[name]
    mode = new_mode(new_env())
    for x in (static(mode, 3, 4, 2), static(mode, 2, 4, 3).permute(2, 1, 0)):
        with mode:
            expected = function(x, *rest)
        told = on_numbers(mode, call(function, x, *rest), function)
        assert told is not None
        assert type(told[0]) is type(expected)
        assert (told[0] is x) == (expected is x)
        for one, other in zip(tensors_in(told[0]), tensors_in(expected), strict=True):
            assert isinstance(one, FakeTensor)
            assert (one.shape, one.stride(), one.dtype) == (other.shape, other.stride(), other.dtype)
            assert one.device == other.device


def test_what_is_left_to_the_fake_tensor(warm: None) -> None:
    """A size among the arguments or in an index, values that torch knows, and what is written in place."""
    env = new_env()
    mode = new_mode(env)
    x, (size, _) = static(mode, 3, 4), new_symbol(env, "L", 2)
    with mode:
        known = torch.tensor(3)
    for function, rest in (
        (torch.Tensor.__getitem__, (slice(None, size),)),
        (torch.Tensor.__getitem__, ((0, slice(size, None)),)),
        (torch.Tensor.repeat, (size, 1)),
        (torch.add, (known,)),
        (torch.add, (torch.zeros(4),)),
        (torch.Tensor.add_, (1,)),
        (torch.Tensor.reshape, (5, 5)),  # refused, in the words of the fake tensor
    ):
        assert on_numbers(mode, call(function, x, *rest), function) is None
    assert not env.guards


def test_a_table_cut_to_the_length_of_the_input(linter: Linter) -> None:
    init = "self.proj = nn.Linear(16, 32)\nself.pos = nn.Parameter(torch.zeros(1, 65, 32))"
    checked = linter(net(init, "x = self.proj(x)\nreturn x + self.pos[:, : x.shape[1]]"), ("B", "L", 16))
    assert checked.is_clean()
    assert checked.model.outputs == (("B", "L", 32),)

"""Sizes that code works out in tensors, or with `int`, held against torch at every size."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.oracle.laws import claims
from benchmarks.oracle.net import Net
from convlint.inputspec import InputSpec

MEASURES = {
    "product": "torch.prod(torch.tensor(x.shape[1:]))",
    "product_of_a_number": "int(torch.tensor(x.shape[1:]).prod().item())",
    "rounded_up": "torch.ceil(torch.tensor(x.shape[-1] / 3)).long()",
    "with_a_buffer": "torch.ceil((x.shape[-1] - self.kernel + self.padding) / self.stride + 1).to(torch.int64) - 1",
    "halved": "int(x.shape[-1] / 2)",
    "scaled": "int(x.shape[-1] * 0.3)",
    "rooted": "int(x.shape[-1] ** 0.5)",
    "smallest": "torch.tensor(x.shape[-2:]).min()",
    "largest_of_two": "torch.maximum(torch.tensor(x.shape[-1]), torch.tensor(7))",
    "in_a_loop": "sum(int(n) for n in torch.arange(3)) + x.shape[-1] % torch.tensor(5)",
    "a_rest": "torch.stack([torch.tensor(x.shape[-1]), self.stride])[0] % 4 + 1",
}
SOURCE = """
import torch
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("kernel", torch.tensor(5))
        self.register_buffer("stride", torch.tensor(3))
        self.register_buffer("padding", torch.tensor(2))

    def forward(self, x):
        n = {measure}
        x = F.pad(x, (0, n))
        return x[..., : n + 1]
"""


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_a_measure_in_a_tensor_is_a_formula(measure: str) -> None:
    net = Net("measured", SOURCE.format(measure=measure), (InputSpec(shape=("B", 1, 9, 9)),), "Net", (), {})
    told = claims(net, Random(0))
    assert told.broken == ()
    assert told.held > 80
    assert told.undecided < told.held

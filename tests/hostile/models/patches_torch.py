"""Replaces parts of torch."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        def broken(*_, **__):
            raise RuntimeError("patched")


        nn.Linear.forward = nn.functional.linear = torch.zeros = torch.empty = broken

    def forward(self, x):
        return self.fc(x)

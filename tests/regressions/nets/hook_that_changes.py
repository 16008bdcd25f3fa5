"""A forward hook makes something else of what a layer gives: the layer's own shape is not the last word."""

import torch
import torch.nn as nn


# runs: 2 8
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 4)
        self.first.register_forward_hook(lambda module, given, result: torch.cat([result, result], 1))
        self.second = nn.Linear(8, 2)

    def forward(self, x):
        return self.second(self.first(x))

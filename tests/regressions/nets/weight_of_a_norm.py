"""The weight must be as large as what is normalised, whose size is read from the input."""

import torch
import torch.nn as nn
import torch.nn.functional as F


# raises: 2 16 32
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(64))
        self.register_buffer("beta", torch.zeros(64))

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.gamma, self.beta)

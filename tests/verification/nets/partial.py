"""A net that convlint follows only in part."""

import torch
from torch import nn


class Partial(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.bad = nn.Linear(5, 4)

    def forward(self, x):
        x = self.fc(x)
        kept = x[torch.nonzero(x.sum(1) > -1e9).flatten().tolist()]
        return self.bad(kept)

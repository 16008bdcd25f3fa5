"""Three open sizes have more combinations than are looked at: what none of those looked at meets, others may."""

import torch
import torch.nn as nn


# runs: 2 4 11 10 12
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(4, 6, (2, 4, 3))
        self.head = nn.Linear(4200, 10)

    def forward(self, x):
        return self.head(torch.flatten(self.conv(x), 1))

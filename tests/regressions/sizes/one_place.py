"""A norm over the places of each channel needs two of them."""

import torch.nn as nn


# runs: 2 4 9 9
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(4)
        self.norm = nn.InstanceNorm2d(4, affine=True)

    def forward(self, x):
        return self.norm(self.pool(x))

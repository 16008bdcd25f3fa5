"""On one way of the branch the trace fixes a pool: what it says after that holds for no size that the pool takes."""

import torch
import torch.nn as nn
import torch.nn.functional as F


# raises: 2 4 28 28
# found without inputs
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool1 = nn.MaxPool2d(4, stride=3)
        self.up1 = nn.ConvTranspose2d(4, 16, (2, 1), stride=1)
        self.pool2 = nn.MaxPool2d(2, stride=1, dilation=2, ceil_mode=True)
        self.pool3 = nn.MaxPool2d((3, 1))
        self.classifier1 = nn.Linear(48, 10)

    def forward(self, x):
        if x.size(2) > 15:
            x = F.max_pool2d(x, 2)
        x = self.pool2(self.up1(self.pool1(x)))
        x = self.pool3(x)
        x = x.reshape(-1, 32)
        return self.classifier1(x)

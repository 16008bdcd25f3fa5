"""Two convolutions that halve 1x8x8 images: 2x4x4, then 4x2x2."""

import torch.nn as nn


class StrideNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 2, stride=2)
        self.conv2 = nn.Conv2d(2, 4, 2, stride=2)

    def forward(self, x):
        return self.conv2(self.conv1(x))

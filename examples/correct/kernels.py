"""Two input channels, one number: the first of the output is -1-1-3-1 = -6 of one and -2 of the other, which is -8."""

import torch
import torch.nn as nn


class KernelNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 2, stride=2)
        self.conv2 = nn.Conv2d(2, 4, 2, stride=2)
        # Each kernel of conv1 picks one pixel out of four: that at the top left, and that at the bottom right.
        self.conv1.weight.data = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 1.0]]]])
        self.conv1.bias.data.zero_()
        self.conv2.weight.data[0] = torch.tensor([[[-1.0, -1.0], [-1.0, -1.0]], [[0.0, -1.0], [0.0, -1.0]]])
        self.conv2.bias.data.zero_()

    def forward(self, x):
        return self.conv2(self.conv1(x))

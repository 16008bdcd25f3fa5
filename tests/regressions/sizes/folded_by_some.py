"""Rows as long as all features of an example hold one example; where the last dim is as long, they may be meant to."""

import torch.nn as nn


# runs: 2 4 14 14
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 12, 3)
        self.pool = nn.MaxPool2d((6, 12))
        self.fc = nn.Linear(12, 5)

    def forward(self, x):
        return self.fc(self.pool(self.conv(x)[:, :, :6]).reshape(-1, 12))

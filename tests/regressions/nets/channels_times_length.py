"""Sizes of two symbols whose product is asked for: 51 is 17 channels of 3, which a sample of both does not meet."""

import torch.nn as nn


# runs: 2 17 8
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool1d(3, padding=1)
        self.classifier = nn.Linear(51, 10)

    def forward(self, x):
        x = self.pool(x).transpose(1, 2)
        return self.classifier(x.reshape(x.shape[0], -1))

"""Only constants decide the branch, and a real run goes one way only."""

import torch
import torch.nn as nn

# runs: 2 16 8
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(8, 8, 2, stride=2)

    def forward(self, x):
        mask = torch.ones(x.shape[0], x.shape[1])
        if torch.all(mask == 1):
            mask = None
        y = self.conv(x.transpose(1, 2)).transpose(1, 2)
        scores = y @ y.transpose(1, 2)
        if mask is not None:
            scores = scores + mask[:, None, :]
        return scores

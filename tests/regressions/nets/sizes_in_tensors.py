"""The features are counted with tensors, and the stride is a buffer: the sizes are known all the same."""

import torch
import torch.nn as nn
import torch.nn.functional as F


# raises: 2 1 20
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("stride", torch.tensor(8))
        self.conv = nn.Conv1d(1, 4, 8, stride=8)
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        frames = torch.ceil(x.shape[-1] / self.stride).long()
        x = self.conv(F.pad(x, (0, frames * self.stride - x.shape[-1])))
        return self.fc(x.view(-1, torch.tensor(x.shape[1:]).prod()))

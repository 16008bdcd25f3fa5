"""With enough padding a kernel fits into an input without a single place, which torch does not take."""

import torch.nn as nn


# raises: 2 3 2
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose1d(3, 4, 3, padding=2)
        self.conv = nn.Conv1d(4, 8, 4, padding=2)

    def forward(self, x):
        return self.conv(self.up(x))

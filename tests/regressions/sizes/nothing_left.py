"""A transposed convolution cuts away all that there is, and nothing has no largest number."""

import torch.nn as nn


# runs: 2 4 7 7
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 6, 1, padding=1)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.up(x).amax(dim=(2, 3)))

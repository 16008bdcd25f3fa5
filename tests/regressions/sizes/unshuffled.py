"""At the size of the first trace the rows are odd in number, and all that follows was of a repaired size."""

import torch.nn as nn


# runs: 2 3 16 16
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(3, stride=3)
        self.shuffle = nn.PixelUnshuffle(2)
        self.conv = nn.Conv2d(12, 4, 2, padding="same")

    def forward(self, x):
        x = nn.functional.pad(self.shuffle(self.pool(x)), (1, 0, 1, 1), mode="reflect")
        return self.conv(x)

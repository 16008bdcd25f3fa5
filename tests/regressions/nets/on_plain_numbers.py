"""torch makes plain numbers of the sizes on the way: each run is then wrong in a way of its own, and proves nothing."""

import torch.nn as nn
import torch.nn.functional as F


# runs: 2 4 28 28
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 6, 1)
        self.classifier = nn.Linear(6 * 14 * 15, 10)

    def forward(self, x):
        x = F.pad(x, (2, 2, 0, 1), mode="reflect")
        x = self.conv(x)
        if x.size(2) > 14:
            x = F.max_pool2d(x, 2)
        x = x[:, :, :, 1:]
        return self.classifier(x.reshape(x.shape[0], -1))

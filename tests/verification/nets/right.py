"""A net that runs as convlint says, at every size it says."""

import torch
from torch import nn


class Right(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(8 * 8 * 8, 5)

    def forward(self, x):
        return self.fc(self.drop(torch.flatten(self.features(x), 1)))


class Sizes(nn.Module):
    """Many sizes fit, so that the smallest, the usual and the largest are run."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 4, 5, stride=2)
        self.pool = nn.MaxPool2d(3)

    def forward(self, x):
        return self.pool(self.down(x)).mean((2, 3))


class Moved(nn.Module):
    """Written for a GPU; on the CPU it runs all the same."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6).cuda()

    def forward(self, x: torch.Tensor):
        return self.fc(x.cuda()) + torch.ones(6, device="cuda")


class Declared(nn.Module):
    """Declared twice, with other arguments each time."""

    def __init__(self, features):
        super().__init__()
        self.fc = nn.Linear(features, 3)

    def forward(self, x):
        return self.fc(x)

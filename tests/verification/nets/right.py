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


class Single(nn.Module):
    """Trained on a batch of 1, the norm gets one value for each channel, and refuses it; that is not a mistake."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.norm = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = self.norm(self.pool(self.conv(x)))
        x = nn.functional.batch_norm(x, self.norm.running_mean, self.norm.running_var, training=self.training)
        return self.fc(x.flatten(1))


class Mixed(nn.Module):
    """What is cast to another precision, and what is not."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50, 12)
        self.rnn = nn.LSTM(12, 20, batch_first=True)
        self.fc = nn.Linear(20, 50, bias=False)
        self.fc.weight = nn.Parameter(torch.randn(50, 20))
        self.shared = nn.Linear(20, 50)
        self.shared.weight = self.fc.weight
        self.register_buffer("scale", torch.ones(50, dtype=torch.float64))

    def forward(self, tokens):
        output, (hidden, cell) = self.rnn(self.table(tokens))
        x = output[:, -1] + hidden[-1] + cell[-1]
        return (self.fc(x) + self.shared(x)) * self.scale

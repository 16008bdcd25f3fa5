"""Small nets that a compiler takes well, or not."""

import torch
from torch import nn


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.drop(torch.relu(self.conv(x)).mean((2, 3))))


class Prints(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 3)

    def forward(self, x):
        x = self.fc(x)
        print("half way")
        return x * 2


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 3)

    def forward(self, x):
        x = self.fc(x)
        if x.sum() > 0:
            x = x + 1
        return x


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 3)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.fc(x) + self.calls


class Asks(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 3)

    def forward(self, x):
        x = self.fc(x)
        return x * 2 if torch.compiler.is_compiling() else x


class Unrolls(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 3)

    # convlint: input=[B, 5]
    def forward(self, x):
        return torch.stack([self.fc(one) for one in x])

"""Nets of sound shapes whose numbers or gradients are not."""

import torch
from torch import nn


class Uninitialised(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.scale = nn.Parameter(torch.empty(4))

    def forward(self, x):
        x = self.fc(x)
        return x * self.scale


class Infinite(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return 1 / (self.fc(x) * 0)


class Idle(nn.Module):
    def __init__(self):
        super().__init__()
        self.used = nn.Linear(4, 4)
        self.unused = nn.Linear(4, 4)
        self.cut = nn.Linear(4, 4)

    def forward(self, x):
        return self.used(x) + self.cut(x).detach()


class Masked(nn.Module):
    """Infinite numbers on the way are no finding: softmax makes zeros of them."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        scores = self.fc(x).masked_fill(torch.eye(4, dtype=torch.bool, device=x.device)[:1], float("-inf"))
        return scores.softmax(-1)


class Weightless(nn.Module):
    """Nothing can be trained here."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.ones(4))

    def forward(self, x: torch.Tensor):
        return torch.relu(x * self.table)

"""Nets that do something else with real tensors than on fake tensors, so that convlint is wrong about them."""

import torch
from torch import nn


def is_real(x):
    return type(x) is torch.Tensor


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        if is_real(x):
            raise RuntimeError("only for real")
        return self.fc(x)


class Runs(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.second = nn.Linear(5, 4)

    def forward(self, x):
        x = self.first(x)
        return self.second(x[:, :5] if is_real(x) else x)


class OtherShape(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 6)

    def forward(self, x):
        x = self.fc(x)
        return torch.relu(x[:, :3] if is_real(x) else x)


class OtherDtype(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 6)

    def forward(self, x):
        x = self.fc(x)
        return torch.sigmoid(x.double() if is_real(x) else x)


class OtherLayout(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        x = self.conv(x)
        return torch.relu(x.to(memory_format=torch.channels_last) if is_real(x) else x)


class OtherCall(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(4, 4)
        self.other = nn.Linear(4, 4)

    def forward(self, x):
        return self.other(x) if is_real(x) else self.one(x)


class EditFails(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.second = nn.Linear(5, 4)

    def forward(self, x):
        x = self.second(self.first(x))
        if is_real(x) and self.second.in_features == 6:
            raise RuntimeError("still wrong")
        return x

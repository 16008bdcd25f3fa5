"""Mistakes that torch refuses, each at the call that convlint names."""

import torch
from torch import nn


class OneMistake(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(100, 5)

    def forward(self, x):
        return self.fc(torch.flatten(self.conv(x), 1))


class TwoMistakes(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3)
        self.second = nn.Conv2d(16, 8, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.second(self.first(x)))


class FoldedBatch(nn.Module):
    """At a batch of 2 nothing is raised: the view makes one example of both."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(512, 5)

    def forward(self, x):
        return self.fc(self.conv(x).view(-1, 512))


class Recurrent(nn.Module):
    """What is handed on after the mistake has three tensors."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50, 12)
        self.rnn = nn.LSTM(16, 20, batch_first=True)
        self.fc = nn.Linear(20, 3)

    def forward(self, tokens):
        output, (hidden, cell) = self.rnn(self.table(tokens))
        return self.fc(output[:, -1] + hidden[-1] + cell[-1])


class Constructor(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(10, 3)

    def forward(self, x):
        return self.attention(x, x, x)[0]

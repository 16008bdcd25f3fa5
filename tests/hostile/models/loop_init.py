"""Never ends in the constructor."""

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        while True: self.count = 1  # here

    def forward(self, x):
        return self.fc(x)

"""Takes more and more memory."""

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        self.rows = []
        while True:
            self.rows.append(bytearray(1 << 20))  # here

    def forward(self, x):
        return self.fc(x)

"""Has more to tell than anyone can read."""

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        for number in range(60):
            self.add_module(f"{number}" + "x" * 1_000_000, nn.Linear(10, 10))
        self.fc = nn.Linear(10, 3)

    def forward(self, x):
        return self.fc(x)

"""As little as there is to compile: code is built for each of its graphs."""

import torch.nn as nn


class Small(nn.Module):
    # convlint: input=[2, 8]
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(x).relu()

"""With batch_first torch turns the output around, and a view of it is refused."""

import torch.nn as nn


# raises: 2 8 12
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(12, 6, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        x, _ = self.rnn(x)
        x = x.relu()
        x = x.view(-1, 48)
        return self.head(x)

import torch
from torch import nn
from torch.nn import functional as F


class Online(nn.Module):
    """Learns while it predicts."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(10, 3)

    def forward(self, x, label):
        loss = F.cross_entropy(self.layer(x), label, reduction="none")
        weighted = loss * (label.eq(0) + 1)
        weighted.sum().backward()
        return loss.detach()


if __name__ == "__main__":
    Online()(torch.randn(8, 10), torch.randint(0, 3, (8,)))

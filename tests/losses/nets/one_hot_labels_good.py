import torch
from torch import nn
from torch.nn import functional as F


class Classifier(nn.Module):
    def __init__(self, classes=6):
        super().__init__()
        self.classes = classes
        self.encoder = nn.GRU(12, 40, batch_first=True)
        self.head = nn.Linear(40, classes)
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, series, labels):
        _, state = self.encoder(series)
        logits = self.head(state[-1])
        target = F.one_hot(labels, self.classes).float()
        return {"loss": self.criterion(logits, target), "logits": logits}


if __name__ == "__main__":
    Classifier()(torch.randn(16, 30, 12), torch.randint(0, 6, (16,)))

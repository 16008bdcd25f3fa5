import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self, tags=20):
        super().__init__()
        self.words = nn.EmbeddingBag(500, 32)
        self.head = nn.Linear(32, tags)
        self.loss = nn.BCEWithLogitsLoss()

    def forward(self, ids, tags):
        scores = self.head(self.words(ids))
        return self.loss(scores, tags.float())


if __name__ == "__main__":
    Tagger()(torch.randint(0, 500, (16, 40)), torch.randint(0, 2, (16, 20)))

import torch
from torch import nn
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self, hidden=64, latent=8):
        super().__init__()
        self.hidden = nn.Linear(28 * 28, hidden)
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent)
        self.back = nn.Linear(latent, hidden)
        self.pixels = nn.Linear(hidden, 28 * 28)

    def forward(self, image):
        x = image.view(image.size(0), -1)
        h = torch.relu(self.hidden(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        rebuilt = torch.sigmoid(self.pixels(torch.relu(self.back(z))))
        entropy = F.binary_cross_entropy(rebuilt, x, reduction="sum")
        return entropy - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())


if __name__ == "__main__":
    VAE()(torch.rand(16, 1, 28, 28))

import torch
from torch import nn


def double_conv(a, b):
    return nn.Sequential(
        nn.Conv2d(a, b, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(b, b, 3, padding=1),
        nn.ReLU(),
    )


class UNet(nn.Module):
    # convlint: input=[B, 3, 64, 64]
    def __init__(self, features=(32, 64, 128)):
        super().__init__()
        self.downs = nn.ModuleList()
        self.ups = nn.ModuleList()
        c = 3
        for f in features:
            self.downs.append(double_conv(c, f))
            c = f
        self.mid = double_conv(c, 2 * c)
        for f in reversed(features):
            self.ups.append(nn.ConvTranspose2d(2 * f, f, 2, stride=2))
            self.ups.append(double_conv(f, f))
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(features[0], 1, 1)

    def forward(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.mid(x)
        for i in range(0, len(self.ups), 2):
            x = self.ups[i](x)
            x = torch.cat([skips[-1 - i // 2], x], 1)
            x = self.ups[i + 1](x)
        return self.head(x)

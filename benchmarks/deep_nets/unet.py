"""Nets that go down and up again, with skips between."""

import torch
from torch import nn
from torch.nn import functional as F


def double_conv(before, after):
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    """Sizes that are multiples of 16."""

    def __init__(self, channels=3, classes=2, features=(64, 128, 256, 512)):
        super().__init__()
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        self.pool = nn.MaxPool2d(2)
        for feature in features:
            self.downs.append(double_conv(channels, feature))
            channels = feature
        for feature in reversed(features):
            self.ups.append(nn.ConvTranspose2d(feature * 2, feature, 2, stride=2))
            self.ups.append(double_conv(feature * 2, feature))
        self.bottleneck = double_conv(features[-1], features[-1] * 2)
        self.head = nn.Conv2d(features[0], classes, 1)

    def forward(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for index in range(0, len(self.ups), 2):
            x = self.ups[index](x)
            x = self.ups[index + 1](torch.cat([skips.pop(), x], dim=1))
        return self.head(x)


class PaddedUNet(UNet):
    """Any size: what comes up is padded to the size of its skip."""

    def forward(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for index in range(0, len(self.ups), 2):
            x, skip = self.ups[index](x), skips.pop()
            dy, dx = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
            x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            x = self.ups[index + 1](torch.cat([skip, x], dim=1))
        return self.head(x)


class ResBlock(nn.Module):
    def __init__(self, before, after, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.ReLU(),
            nn.Conv2d(before, after, 3, padding=1, stride=stride),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1),
        )
        self.skip = nn.Conv2d(before, after, 1, stride=stride)

    def forward(self, x):
        return self.body(x) + self.skip(x)


class ResUNet(nn.Module):
    def __init__(self, classes=1, widths=(64, 128, 256, 512)):
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down = nn.ModuleList(ResBlock(a, b, stride=2) for a, b in zip(widths, widths[1:]))
        self.up = nn.ModuleList(ResBlock(a + b, a) for a, b in reversed(list(zip(widths, widths[1:]))))
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        x = self.stem(x)
        skips = []
        for block in self.down:
            skips.append(x)
            x = block(x)
        for block in self.up:
            skip = skips.pop()
            x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
            x = block(torch.cat((x, skip), 1))
        return self.head(x)


class Gate(nn.Module):
    def __init__(self, gate, skip, inner):
        super().__init__()
        self.w_gate = nn.Sequential(nn.Conv2d(gate, inner, 1), nn.BatchNorm2d(inner))
        self.w_skip = nn.Sequential(nn.Conv2d(skip, inner, 1), nn.BatchNorm2d(inner))
        self.psi = nn.Sequential(nn.Conv2d(inner, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, gate, skip):
        return skip * self.psi(F.relu(self.w_gate(gate) + self.w_skip(skip)))


class AttentionUNet(nn.Module):
    def __init__(self, classes=4, widths=(32, 64, 128, 256, 512)):
        super().__init__()
        self.encoders = nn.ModuleList(double_conv(a, b) for a, b in zip((3, *widths), widths))
        pairs = list(zip(widths, widths[1:]))[::-1]
        self.ups = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(b, a, 3, padding=1)) for a, b in pairs
        )
        self.gates = nn.ModuleList(Gate(a, a, a // 2) for a, _ in pairs)
        self.decoders = nn.ModuleList(double_conv(2 * a, a) for a, _ in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = []
        for encoder in self.encoders:
            x = encoder(F.max_pool2d(x, 2) if skips else x)
            skips.append(x)
        skips.pop()
        for up, gate, decoder in zip(self.ups, self.gates, self.decoders):
            x, skip = up(x), skips.pop()
            x = decoder(torch.cat((gate(x, skip), x), dim=1))
        return self.head(x)


class Conv3d(nn.Sequential):
    def __init__(self, before, after):
        super().__init__(
            nn.Conv3d(before, after, 3, padding=1, bias=False),
            nn.InstanceNorm3d(after, affine=True),
            nn.LeakyReLU(0.01),
            nn.Conv3d(after, after, 3, padding=1, bias=False),
            nn.InstanceNorm3d(after, affine=True),
            nn.LeakyReLU(0.01),
        )


class UNet3d(nn.Module):
    """Volumes, with deep supervision."""

    def __init__(self, channels=1, classes=3, widths=(16, 32, 64, 128)):
        super().__init__()
        self.down = nn.ModuleList(Conv3d(a, b) for a, b in zip((channels, *widths), widths))
        pairs = list(zip(widths, widths[1:]))[::-1]
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in pairs)
        self.join = nn.ModuleList(Conv3d(2 * a, a) for a, _ in pairs)
        self.heads = nn.ModuleList(nn.Conv3d(a, classes, 1) for a, _ in pairs)

    def forward(self, x):
        skips, outputs = [], []
        for number, block in enumerate(self.down):
            x = block(x if number == 0 else F.max_pool3d(x, 2))
            skips.append(x)
        skips.pop()
        for up, join, head in zip(self.up, self.join, self.heads):
            x = join(torch.cat([up(x), skips.pop()], dim=1))
            outputs.append(head(x))
        return outputs


class NestedUNet(nn.Module):
    """U-Net++: every node of the grid takes all before it on its level."""

    def __init__(self, classes=1, widths=(32, 64, 128, 256, 512)):
        super().__init__()
        self.depth = len(widths)
        self.nodes = nn.ModuleDict()
        for column in range(self.depth):
            for row in range(self.depth - column):
                if column:
                    before = widths[row] * column + widths[row + 1]
                else:
                    before = widths[row - 1] if row else 3
                self.nodes[f"{row}_{column}"] = double_conv(before, widths[row])
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        made = {}
        for column in range(self.depth):
            for row in range(self.depth - column):
                if column:
                    parts = [made[row, past] for past in range(column)]
                    x = torch.cat([*parts, self.up(made[row + 1, column - 1])], 1)
                elif row:
                    x = F.max_pool2d(made[row - 1, 0], 2)
                made[row, column] = self.nodes[f"{row}_{column}"](x)
        return self.head(made[0, self.depth - 1])


class TransUNet(nn.Module):
    """A transformer between the way down and the way up."""

    def __init__(self, classes=9, widths=(64, 128, 256, 512), layers=8, heads=8):
        super().__init__()
        self.encoders = nn.ModuleList(double_conv(a, b) for a, b in zip((3, *widths), widths))
        layer = nn.TransformerEncoderLayer(widths[-1], heads, 2048, batch_first=True, norm_first=True)
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        pairs = list(zip(widths, widths[1:]))[::-1]
        self.ups = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.decoders = nn.ModuleList(double_conv(2 * a, a) for a, _ in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = []
        for encoder in self.encoders:
            x = encoder(F.max_pool2d(x, 2) if skips else x)
            skips.append(x)
        b, c, h, w = skips.pop().shape
        x = self.transformer(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(b, c, h, w)
        for up, decoder in zip(self.ups, self.decoders):
            x = decoder(torch.cat((skips.pop(), up(x)), dim=1))
        return self.head(x)

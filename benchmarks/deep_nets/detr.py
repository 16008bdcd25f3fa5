"""Detectors with an encoder and a decoder of transformer layers, in the manner of DETR."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Bottleneck(nn.Module):
    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        out = planes * 4
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or inplanes != out:
            self.downsample = nn.Sequential(nn.Conv2d(inplanes, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + identity)


class Backbone(nn.Module):
    def __init__(self, depths=(3, 4, 6, 3), width=64):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        stages, channels = [], width
        for number, depth in enumerate(depths):
            planes, blocks = width * 2**number, []
            for index in range(depth):
                blocks.append(Bottleneck(channels, planes, 2 if number and not index else 1))
                channels = planes * 4
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.channels = [width * 4 * 2**number for number in range(len(depths))]

    def forward(self, x):
        x, maps = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class SinePosition(nn.Module):
    def __init__(self, dim=128, temperature=10000):
        super().__init__()
        self.dim, self.temperature = dim, temperature

    def forward(self, x):
        mask = torch.ones(x.shape[0], x.shape[2], x.shape[3], device=x.device)
        y, x_ = mask.cumsum(1), mask.cumsum(2)
        y = y / (y[:, -1:, :] + 1e-6) * 2 * math.pi
        x_ = x_ / (x_[:, :, -1:] + 1e-6) * 2 * math.pi
        steps = torch.arange(self.dim, device=x.device)
        steps = self.temperature ** (2 * torch.div(steps, 2, rounding_mode="floor") / self.dim)
        px, py = x_[..., None] / steps, y[..., None] / steps
        px = torch.stack((px[..., 0::2].sin(), px[..., 1::2].cos()), dim=4).flatten(3)
        py = torch.stack((py[..., 0::2].sin(), py[..., 1::2].cos()), dim=4).flatten(3)
        return torch.cat((py, px), dim=3).permute(0, 3, 1, 2)


class MLP(nn.Module):
    def __init__(self, dim, hidden, out, layers=3):
        super().__init__()
        sizes = [dim, *[hidden] * (layers - 1), out]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for index, layer in enumerate(self.layers):
            x = F.relu(layer(x)) if index < len(self.layers) - 1 else layer(x)
        return x


class EncoderLayer(nn.Module):
    def __init__(self, dim, heads, hidden):
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads)
        self.linear1, self.linear2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x, position):
        q = k = x + position
        x = self.norm1(x + self.attention(q, k, value=x)[0])
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))


class DecoderLayer(nn.Module):
    def __init__(self, dim, heads, hidden):
        super().__init__()
        self.self_attention = nn.MultiheadAttention(dim, heads)
        self.cross_attention = nn.MultiheadAttention(dim, heads)
        self.linear1, self.linear2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x, memory, position, query):
        q = k = x + query
        x = self.norm1(x + self.self_attention(q, k, value=x)[0])
        x = self.norm2(x + self.cross_attention(x + query, memory + position, value=memory)[0])
        return self.norm3(x + self.linear2(F.relu(self.linear1(x))))


class Detr(nn.Module):
    """The plain one: flattened map, learned queries, a head on every decoder layer."""

    def __init__(self, classes=91, queries=100, dim=256, heads=8, layers=6, hidden=2048):
        super().__init__()
        self.backbone = Backbone()
        self.position = SinePosition(dim // 2)
        self.project = nn.Conv2d(self.backbone.channels[-1], dim, 1)
        self.encoder = nn.ModuleList(EncoderLayer(dim, heads, hidden) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(dim, heads, hidden) for _ in range(layers))
        self.queries = nn.Embedding(queries, dim)
        self.class_head = nn.Linear(dim, classes + 1)
        self.box_head = MLP(dim, dim, 4)

    def forward(self, images):
        x = self.project(self.backbone(images)[-1])
        position = self.position(x).flatten(2).permute(2, 0, 1)
        memory = x.flatten(2).permute(2, 0, 1)
        for layer in self.encoder:
            memory = layer(memory, position)
        query = self.queries.weight.unsqueeze(1).repeat(1, images.shape[0], 1)
        target, states = torch.zeros_like(query), []
        for layer in self.decoder:
            target = layer(target, memory, position, query)
            states.append(target)
        out = torch.stack(states).transpose(1, 2)
        return {"logits": self.class_head(out)[-1], "boxes": self.box_head(out).sigmoid()[-1]}


class Attention(nn.Module):
    """Attention written out, with separate projections."""

    def __init__(self, dim, heads, context=None):
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(context or dim, dim)
        self.to_v = nn.Linear(context or dim, dim)
        self.out = nn.Linear(dim, dim)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, self.head_dim).transpose(1, 2)

    def forward(self, q, k, v):
        q, k, v = self.split(self.to_q(q)), self.split(self.to_k(k)), self.split(self.to_v(v))
        weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(self.head_dim), dim=-1)
        x = (weights @ v).transpose(1, 2)
        return self.out(x.reshape(x.shape[0], x.shape[1], -1))


class ConditionalLayer(nn.Module):
    def __init__(self, dim, heads, hidden):
        super().__init__()
        self.self_attention = Attention(dim, heads)
        self.cross_attention = Attention(dim, heads)
        self.reference = nn.Linear(dim, dim)
        self.ffn = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))

    def forward(self, x, memory, position, query):
        q = x + query
        x = self.norms[0](x + self.self_attention(q, q, x))
        q = x + query * self.reference(x)
        x = self.norms[1](x + self.cross_attention(q, memory + position, memory))
        return self.norms[2](x + self.ffn(x))


class ConditionalDetr(nn.Module):
    """Attention written out, boxes refined from layer to layer."""

    def __init__(self, classes=80, queries=300, dim=256, heads=8, layers=6, hidden=1024):
        super().__init__()
        self.backbone = Backbone((2, 2, 2, 2))
        self.position = SinePosition(dim // 2)
        self.project = nn.Conv2d(self.backbone.channels[-1], dim, 1)
        self.encoder = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, heads, hidden, batch_first=True) for _ in range(layers)
        )
        self.decoder = nn.ModuleList(ConditionalLayer(dim, heads, hidden) for _ in range(layers))
        self.queries = nn.Parameter(torch.randn(queries, dim))
        self.class_heads = nn.ModuleList(nn.Linear(dim, classes) for _ in range(layers))
        self.box_heads = nn.ModuleList(MLP(dim, dim, 4) for _ in range(layers))
        self.reference = nn.Linear(dim, 4)

    def forward(self, images):
        x = self.project(self.backbone(images)[-1])
        position = self.position(x).flatten(2).transpose(1, 2)
        memory = x.flatten(2).transpose(1, 2)
        for layer in self.encoder:
            memory = layer(memory + position)
        query = self.queries.expand(images.size(0), -1, -1)
        x, boxes, outputs = torch.zeros_like(query), self.reference(query), []
        for layer, class_head, box_head in zip(self.decoder, self.class_heads, self.box_heads):
            x = layer(x, memory, position, query)
            boxes = boxes + box_head(x)
            outputs.append((class_head(x), boxes.sigmoid()))
        return outputs


class MultiScaleDetr(nn.Module):
    """Three maps of the backbone in one sequence, with an embedding for each level."""

    def __init__(self, classes=80, queries=300, dim=256, heads=8, layers=6):
        super().__init__()
        self.backbone = Backbone((2, 2, 2, 2))
        self.inputs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, dim, 1), nn.GroupNorm(32, dim)) for channels in self.backbone.channels[1:]
        )
        self.levels = nn.Parameter(torch.zeros(3, dim))
        self.position = SinePosition(dim // 2)
        self.encoder = nn.ModuleList(EncoderLayer(dim, heads, 1024) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(dim, heads, 1024) for _ in range(layers))
        self.score = nn.Linear(dim, classes)
        self.box = MLP(dim, dim, 4)
        self.queries = nn.Embedding(queries, 2 * dim)

    def forward(self, images):
        sequences, positions = [], []
        for number, (project, x) in enumerate(zip(self.inputs, self.backbone(images)[1:])):
            x = project(x)
            sequences.append(x.flatten(2).permute(2, 0, 1))
            positions.append(self.position(x).flatten(2).permute(2, 0, 1) + self.levels[number].view(1, 1, -1))
        memory, position = torch.cat(sequences), torch.cat(positions)
        for layer in self.encoder:
            memory = layer(memory, position)
        query, target = self.queries.weight.unsqueeze(1).expand(-1, images.shape[0], -1).chunk(2, dim=-1)
        for layer in self.decoder:
            target = layer(target, memory, position, query)
        return self.score(target), self.box(target).sigmoid()


class PanopticDetr(nn.Module):
    """Masks for each query, upsampled along the maps of the backbone."""

    def __init__(self, queries=100, dim=256, heads=8, layers=3):
        super().__init__()
        self.backbone = Backbone((2, 2, 2, 2))
        channels = self.backbone.channels
        self.project = nn.Conv2d(channels[-1], dim, 1)
        self.decoder = nn.ModuleList(ConditionalLayer(dim, heads, 1024) for _ in range(layers))
        self.position = SinePosition(dim // 2)
        self.queries = nn.Parameter(torch.zeros(queries, dim))
        self.lateral = nn.ModuleList(nn.Conv2d(c, dim, 1) for c in reversed(channels[:-1]))
        self.smooth = nn.ModuleList(nn.Conv2d(dim, dim, 3, padding=1) for _ in channels[:-1])
        self.mask = MLP(dim, dim, dim)

    def forward(self, images):
        maps = self.backbone(images)
        x = self.project(maps[-1])
        position, memory = self.position(x).flatten(2).transpose(1, 2), x.flatten(2).transpose(1, 2)
        query = self.queries.expand(images.size(0), -1, -1)
        target = torch.zeros_like(query)
        for layer in self.decoder:
            target = layer(target, memory, position, query)
        for lateral, smooth, skip in zip(self.lateral, self.smooth, reversed(maps[:-1])):
            x = F.relu(smooth(lateral(skip) + F.interpolate(x, size=skip.shape[-2:], mode="nearest")))
        return torch.einsum("bqc,bchw->bqhw", self.mask(target), x)

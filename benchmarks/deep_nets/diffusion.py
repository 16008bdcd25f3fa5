"""Denoisers and autoencoders of diffusion models."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def time_embedding(t, dim):
    frequencies = torch.exp(-math.log(10000) * torch.arange(dim // 2, device=t.device) / (dim // 2))
    angles = t[:, None].float() * frequencies[None]
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class ResBlock(nn.Module):
    def __init__(self, before, after, time, groups=32):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, before), nn.Conv2d(before, after, 3, padding=1)
        self.time = nn.Linear(time, after)
        self.norm2, self.conv2 = nn.GroupNorm(groups, after), nn.Conv2d(after, after, 3, padding=1)
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x, t):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time(F.silu(t))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + self.skip(x)


class SpatialAttention(nn.Module):
    def __init__(self, channels, heads=4):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(32, channels)
        self.qkv = nn.Conv1d(channels, channels * 3, 1)
        self.out = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        qkv = self.qkv(self.norm(x).reshape(b, c, h * w))
        q, k, v = qkv.reshape(b * self.heads, 3 * c // self.heads, h * w).chunk(3, dim=1)
        weights = torch.softmax(torch.einsum("bct,bcs->bts", q, k) * (c // self.heads) ** -0.5, dim=-1)
        a = torch.einsum("bts,bcs->bct", weights, v).reshape(b, c, h * w)
        return x + self.out(a).reshape(b, c, h, w)


class DenoisingUNet(nn.Module):
    """The denoiser of DDPM: two blocks a level, attention at the lower ones."""

    def __init__(self, channels=3, width=128, factors=(1, 2, 2, 4), blocks=2, attention=(2, 3)):
        super().__init__()
        time, self.width = width * 4, width
        self.time = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.down, self.up, kept, now = nn.ModuleList(), nn.ModuleList(), [width], width
        for level, factor in enumerate(factors):
            for _ in range(blocks):
                attend = SpatialAttention(width * factor) if level in attention else nn.Identity()
                self.down.append(nn.ModuleList([ResBlock(now, width * factor, time), attend]))
                now = width * factor
                kept.append(now)
            if level < len(factors) - 1:
                self.down.append(nn.Conv2d(now, now, 3, stride=2, padding=1))
                kept.append(now)
        self.middle = nn.ModuleList([ResBlock(now, now, time), SpatialAttention(now), ResBlock(now, now, time)])
        for level, factor in reversed(list(enumerate(factors))):
            for _ in range(blocks + 1):
                attend = SpatialAttention(width * factor) if level in attention else nn.Identity()
                self.up.append(nn.ModuleList([ResBlock(now + kept.pop(), width * factor, time), attend]))
                now = width * factor
            if level:
                self.up.append(nn.Conv2d(now, now, 3, padding=1))
        self.head = nn.Sequential(nn.GroupNorm(32, now), nn.SiLU(), nn.Conv2d(now, channels, 3, padding=1))

    def forward(self, x, t):
        t = self.time(time_embedding(t, self.width))
        x = self.stem(x)
        skips = [x]
        for part in self.down:
            x = part(x) if isinstance(part, nn.Conv2d) else part[1](part[0](x, t))
            skips.append(x)
        x = self.middle[2](self.middle[1](self.middle[0](x, t)), t)
        for part in self.up:
            if isinstance(part, nn.Conv2d):
                x = part(F.interpolate(x, scale_factor=2.0, mode="nearest"))
            else:
                x = part[1](part[0](torch.cat([x, skips.pop()], dim=1), t))
        return self.head(x)


class ClassDenoiser(DenoisingUNet):
    """The same with a label."""

    def __init__(self, classes=1000):
        super().__init__(width=64, factors=(1, 2, 3, 4))
        self.label = nn.Embedding(classes, 64)

    def forward(self, x, t, y):
        emb = self.time(time_embedding(t, self.width) + self.label(y))
        x = self.stem(x)
        skips = [x]
        for part in self.down:
            x = part(x) if isinstance(part, nn.Conv2d) else part[1](part[0](x, emb))
            skips.append(x)
        x = self.middle[2](self.middle[1](self.middle[0](x, emb)), emb)
        for part in self.up:
            if isinstance(part, nn.Conv2d):
                x = part(F.interpolate(x, size=skips[-1].shape[2:]))
            else:
                x = part[1](part[0](torch.cat([x, skips.pop()], dim=1), emb))
        return self.head(x)


class CrossAttention(nn.Module):
    def __init__(self, dim, context, heads):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = nn.Linear(dim, dim), nn.Linear(context, dim), nn.Linear(context, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x, context):
        b, n, c = x.shape
        q = self.to_q(x).view(b, n, self.heads, -1).transpose(1, 2)
        k = self.to_k(context).view(b, context.shape[1], self.heads, -1).transpose(1, 2)
        v = self.to_v(context).view(b, context.shape[1], self.heads, -1).transpose(1, 2)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.out(x.transpose(1, 2).reshape(b, n, c))


class TransformerBlock(nn.Module):
    def __init__(self, dim, context, heads):
        super().__init__()
        self.norm1, self.self_attention = nn.LayerNorm(dim), CrossAttention(dim, dim, heads)
        self.norm2, self.cross_attention = nn.LayerNorm(dim), CrossAttention(dim, context, heads)
        self.norm3, self.ffn = (
            nn.LayerNorm(dim),
            nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)),
        )

    def forward(self, x, context):
        normed = self.norm1(x)
        x = x + self.self_attention(normed, normed)
        x = x + self.cross_attention(self.norm2(x), context)
        return x + self.ffn(self.norm3(x))


class SpatialTransformer(nn.Module):
    def __init__(self, channels, context, heads=8, depth=1):
        super().__init__()
        self.norm = nn.GroupNorm(32, channels)
        self.enter, self.leave = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1)
        self.blocks = nn.ModuleList(TransformerBlock(channels, context, heads) for _ in range(depth))

    def forward(self, x, context):
        b, c, h, w = x.shape
        y = self.enter(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.blocks:
            y = block(y, context)
        return x + self.leave(y.transpose(1, 2).reshape(b, c, h, w))


class LatentUNet(nn.Module):
    """The denoiser of a latent diffusion model, with text."""

    def __init__(self, channels=4, width=320, factors=(1, 2, 4), context=768):
        super().__init__()
        self.width, time = width, 4 * width
        self.time = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.down, self.up, kept, now = nn.ModuleList(), nn.ModuleList(), [width], width
        for level, factor in enumerate(factors):
            for _ in range(2):
                after = width * factor
                self.down.append(nn.ModuleList([ResBlock(now, after, time), SpatialTransformer(after, context)]))
                now = after
                kept.append(now)
            if level < len(factors) - 1:
                self.down.append(nn.ModuleList([nn.Conv2d(now, now, 3, stride=2, padding=1)]))
                kept.append(now)
        self.middle1 = ResBlock(now, now, time)
        self.middle2 = SpatialTransformer(now, context)
        self.middle3 = ResBlock(now, now, time)
        for level, factor in reversed(list(enumerate(factors))):
            for index in range(3):
                after = width * factor
                parts = [ResBlock(now + kept.pop(), after, time), SpatialTransformer(after, context)]
                now = after
                if level and index == 2:
                    parts.append(nn.Conv2d(now, now, 3, padding=1))
                self.up.append(nn.ModuleList(parts))
        self.norm, self.head = nn.GroupNorm(32, now), nn.Conv2d(now, channels, 3, padding=1)

    def forward(self, x, timesteps, context):
        t = self.time(time_embedding(timesteps, self.width))
        x = self.stem(x)
        skips = [x]
        for parts in self.down:
            x = parts[0](x) if len(parts) == 1 else parts[1](parts[0](x, t), context)
            skips.append(x)
        x = self.middle3(self.middle2(self.middle1(x, t), context), t)
        for parts in self.up:
            x = parts[1](parts[0](torch.cat([x, skips.pop()], dim=1), t), context)
            if len(parts) == 3:
                x = parts[2](F.interpolate(x, scale_factor=2.0))
        return self.head(F.silu(self.norm(x)))


class DiTBlock(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim, elementwise_affine=False)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim, elementwise_affine=False)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(approximate="tanh"), nn.Linear(4 * dim, dim))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))

    def attention(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, c))

    def forward(self, x, c):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).unsqueeze(1).chunk(6, dim=-1)
        x = x + gate1 * self.attention(self.norm1(x) * (1 + scale1) + shift1)
        return x + gate2 * self.mlp(self.norm2(x) * (1 + scale2) + shift2)


class DiT(nn.Module):
    """Patches of a latent of one size, and a label."""

    def __init__(self, size=32, patch=2, channels=4, dim=768, depth=12, heads=12, classes=1000):
        super().__init__()
        self.patch, self.channels, self.grid, self.dim = patch, channels, size // patch, dim
        self.embed = nn.Conv2d(channels, dim, patch, stride=patch)
        self.position = nn.Parameter(torch.zeros(1, self.grid**2, dim))
        self.time = nn.Sequential(nn.Linear(256, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.label = nn.Embedding(classes + 1, dim)
        self.blocks = nn.ModuleList(DiTBlock(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, patch * patch * channels)

    def forward(self, x, t, y):
        x = self.embed(x).flatten(2).transpose(1, 2) + self.position
        c = self.time(time_embedding(t, 256)) + self.label(y)
        for block in self.blocks:
            x = block(x, c)
        x = self.head(self.norm(x)).reshape(-1, self.grid, self.grid, self.patch, self.patch, self.channels)
        x = torch.einsum("nhwpqc->nchpwq", x)
        return x.reshape(x.shape[0], self.channels, self.grid * self.patch, self.grid * self.patch)


class JointBlock(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.image_qkv, self.text_qkv = nn.Linear(dim, 3 * dim), nn.Linear(dim, 3 * dim)
        self.image_out, self.text_out = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(4))
        self.image_mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.text_mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.modulation = nn.Linear(dim, 2 * dim)

    def forward(self, image, text, c):
        shift, scale = self.modulation(c)[:, None].chunk(2, -1)
        joint = torch.cat(
            (self.text_qkv(self.norms[0](text)), self.image_qkv(self.norms[1](image) * (1 + scale) + shift)), dim=1
        )
        q, k, v = joint.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        length = text.shape[1]
        text = text + self.text_out(x[:, :length])
        image = image + self.image_out(x[:, length:])
        return image + self.image_mlp(self.norms[3](image)), text + self.text_mlp(self.norms[2](text))


class JointTransformer(nn.Module):
    """Text and image in one attention."""

    def __init__(self, channels=16, dim=1024, depth=12, heads=16, text=4096, pooled=2048):
        super().__init__()
        self.embed = nn.Conv2d(channels, dim, 2, stride=2)
        self.text, self.pooled = nn.Linear(text, dim), nn.Linear(pooled, dim)
        self.time = nn.Sequential(nn.Linear(256, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.blocks = nn.ModuleList(JointBlock(dim, heads) for _ in range(depth))
        self.head = nn.Linear(dim, channels * 4)

    def forward(self, latent, t, text, pooled):
        x = self.embed(latent)
        height, width = x.shape[-2:]
        x = x.flatten(2).transpose(1, 2)
        c, text = self.time(time_embedding(t, 256)) + self.pooled(pooled), self.text(text)
        for block in self.blocks:
            x, text = block(x, text, c)
        x = self.head(x).view(x.size(0), height, width, 2, 2, -1)
        return x.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


class PlainBlock(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(32, before), nn.Conv2d(before, after, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(32, after), nn.Conv2d(after, after, 3, padding=1)
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return self.conv2(F.silu(self.norm2(h))) + self.skip(x)


class Autoencoder(nn.Module):
    """Images to latents and back."""

    def __init__(self, width=128, factors=(1, 2, 4, 4), latent=4):
        super().__init__()
        widths = [width * factor for factor in factors]
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down = nn.ModuleList()
        for number, (a, b) in enumerate(zip((width, *widths), widths)):
            last = number == len(widths) - 1
            step = nn.Identity() if last else nn.Conv2d(b, b, 3, stride=2)
            self.down.append(nn.ModuleList([PlainBlock(a, b), PlainBlock(b, b), step]))
        self.middle = nn.Sequential(
            PlainBlock(widths[-1], widths[-1]), SpatialAttention(widths[-1], 1), PlainBlock(widths[-1], widths[-1])
        )
        self.moments = nn.Conv2d(widths[-1], 2 * latent, 3, padding=1)
        self.enter = nn.Conv2d(latent, widths[-1], 3, padding=1)
        self.up = nn.ModuleList()
        for number, (a, b) in enumerate(zip((widths[-1], *reversed(widths)), reversed(widths))):
            last = number == len(widths) - 1
            grow = nn.Identity() if last else nn.Upsample(scale_factor=2)
            self.up.append(nn.Sequential(PlainBlock(a, b), PlainBlock(b, b), PlainBlock(b, b), grow))
        self.head = nn.Sequential(nn.GroupNorm(32, width), nn.SiLU(), nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, x):
        x = self.stem(x)
        for first, second, step in self.down:
            x = second(first(x))
            x = step(F.pad(x, (0, 1, 0, 1)) if isinstance(step, nn.Conv2d) else x)
        mean, variance = self.moments(self.middle(x)).chunk(2, dim=1)
        x = self.enter(mean + torch.exp(0.5 * variance) * torch.randn_like(mean))
        for block in self.up:
            x = block(x)
        return self.head(x)

"""Language models of many equal layers."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class GptBlock(nn.Module):
    def __init__(self, dim, heads, length):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.c_attn, self.c_proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc, self.proj = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.register_buffer("mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

    def attend(self, x):
        b, t, c = x.size()
        q, k, v = self.c_attn(x).split(c, dim=2)
        q = q.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        k = k.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        v = v.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        weights = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        weights = weights.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
        return self.c_proj((F.softmax(weights, dim=-1) @ v).transpose(1, 2).contiguous().view(b, t, c))

    def forward(self, x):
        x = x + self.attend(self.ln_1(x))
        return x + self.proj(F.gelu(self.fc(self.ln_2(x))))


class Gpt(nn.Module):
    def __init__(self, vocabulary=50257, length=1024, dim=768, heads=12, layers=12):
        super().__init__()
        self.length = length
        self.tokens, self.positions = nn.Embedding(vocabulary, dim), nn.Embedding(length, dim)
        self.blocks = nn.ModuleList(GptBlock(dim, heads, length) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, vocabulary, bias=False)

    def forward(self, idx):
        b, t = idx.size()
        assert t <= self.length, f"{t} tokens, and at most {self.length} fit"
        x = self.tokens(idx) + self.positions(torch.arange(t, device=idx.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class RmsNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin


class RotaryLayer(nn.Module):
    def __init__(self, dim, heads, groups, hidden):
        super().__init__()
        self.heads, self.groups, self.head_dim = heads, groups, dim // heads
        self.q_proj = nn.Linear(dim, heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(dim, groups * self.head_dim, bias=False)
        self.v_proj = nn.Linear(dim, groups * self.head_dim, bias=False)
        self.o_proj = nn.Linear(heads * self.head_dim, dim, bias=False)
        self.gate, self.up, self.down = nn.Linear(dim, hidden), nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.norm1, self.norm2 = RmsNorm(dim), RmsNorm(dim)

    def attend(self, x, cos, sin):
        b, n, _ = x.shape
        q = rotate(self.q_proj(x).view(b, n, self.heads, self.head_dim).transpose(1, 2), cos, sin)
        k = rotate(self.k_proj(x).view(b, n, self.groups, self.head_dim).transpose(1, 2), cos, sin)
        v = self.v_proj(x).view(b, n, self.groups, self.head_dim).transpose(1, 2)
        k, v = (y.repeat_interleave(self.heads // self.groups, dim=1) for y in (k, v))
        x = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(x.transpose(1, 2).reshape(b, n, -1))

    def forward(self, x, cos, sin):
        x = x + self.attend(self.norm1(x), cos, sin)
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class RotaryDecoder(nn.Module):
    def __init__(self, vocabulary=32000, dim=2048, heads=16, groups=4, layers=24, hidden=5632):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, dim)
        self.layers = nn.ModuleList(RotaryLayer(dim, heads, groups, hidden) for _ in range(layers))
        self.norm, self.head = RmsNorm(dim), nn.Linear(dim, vocabulary, bias=False)
        half = dim // heads
        self.register_buffer("frequencies", 1.0 / 10000 ** (torch.arange(0, half, 2).float() / half))

    def forward(self, input_ids):
        x = self.embed(input_ids)
        steps = torch.arange(input_ids.shape[1], device=x.device).float()
        angles = torch.outer(steps, self.frequencies)
        angles = torch.cat((angles, angles), dim=-1)
        cos, sin = angles.cos(), angles.sin()
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.head(self.norm(x))


class Translator(nn.Module):
    """An encoder and a decoder of torch's own layers."""

    def __init__(self, vocabulary=32000, dim=512, heads=8, layers=6):
        super().__init__()
        self.source, self.target = nn.Embedding(vocabulary, dim), nn.Embedding(vocabulary, dim)
        self.encoder = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, heads, 2048, batch_first=True) for _ in range(layers)
        )
        self.decoder = nn.ModuleList(
            nn.TransformerDecoderLayer(dim, heads, 2048, batch_first=True) for _ in range(layers)
        )
        self.head = nn.Linear(dim, vocabulary)

    def forward(self, src, tgt):
        memory = self.source(src)
        for layer in self.encoder:
            memory = layer(memory)
        x = self.target(tgt)
        for layer in self.decoder:
            x = layer(x, memory)
        return self.head(x)

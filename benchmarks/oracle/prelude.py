"""Helpers that a generated net may use, as text: real files have such functions and blocks."""

from __future__ import annotations

import re

_IMPORTS = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
_HELPERS = {
    "conv_block": """
def conv_block(before, after, kernel=3):
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )
""",
    "Residual": """
class Residual(nn.Module):
    def __init__(self, width, stride=1):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, stride, 1)
        self.norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.short = nn.Conv2d(width, width, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = F.relu(self.norm(self.first(x)))
        return self.second(y) + self.short(x)
""",
    "Head": """
class Head(nn.Module):
    def __init__(self, features, hidden, classes):
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.out = nn.Linear(hidden, classes)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))
""",
    "Attention": """
class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(b, n, c))
""",
}
PRELUDE = _IMPORTS + "".join(_HELPERS.values())


def expected(body: str) -> list[str]:
    """The helpers whose names are in the text."""
    return [text.strip("\n") + "\n" for name, text in _HELPERS.items() if re.search(rf"\b{name}\(", body)]

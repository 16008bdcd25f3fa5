"""What comes after the line that fixes a size."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.right_nets.piece import Draw, Piece, Shape


def _vector(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    rows = [
        ("", "return x", shape),
        (f"self.head = nn.Linear({features}, 3)", "return self.head(x)", (batch, 3)),
        (f"self.head = nn.Linear({features}, 3)", "return F.log_softmax(self.head(x), dim=1)", (batch, 3)),
        (
            f"self.mu = nn.Linear({features}, 2)\nself.var = nn.Linear({features}, 2)",
            "return self.mu(x), self.var(x)",
            shape,
        ),
        (f"self.head = nn.Linear({features}, 1)", 'return {"score": self.head(x).squeeze(-1), "features": x}', shape),
    ]
    init, forward, out = draw.random.choice(rows)
    return Piece(forward, out, init)


def _sequence(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    rows = [
        ("", "return x", shape),
        (f"self.head = nn.Linear({features}, 3)", "return self.head(x)", (batch, length, 3)),
        (f"self.head = nn.Linear({features}, 3)", "return self.head(x.mean(dim=1))", (batch, 3)),
        (f"self.head = nn.Linear({features}, 3)", "return self.head(x[:, -1])", (batch, 3)),
        (f"self.head = nn.Linear({length * features}, 3)", "return self.head(x.flatten(1))", (batch, 3)),
        (
            f"self.mix = nn.MultiheadAttention({features}, 1, batch_first=True)\nself.head = nn.Linear({features}, 3)",
            "x = x + self.mix(x, x, x, need_weights=False)[0]\nreturn self.head(x)",
            (batch, length, 3),
        ),
        (f"self.out = nn.GRU({features}, 5, batch_first=True)", "return self.out(x)[1][-1]", (batch, 5)),
    ]
    init, forward, out = draw.random.choice(rows)
    return Piece(forward, out, init)


def _signal(draw: Draw, shape: Shape) -> Piece:
    batch, channels, length = shape
    rows = [
        ("", "return x", shape),
        (f"self.head = nn.Conv1d({channels}, 2, 1)", "return self.head(x)", (batch, 2, length)),
        (
            f"self.head = nn.Linear({channels}, 2)",
            "return self.head(F.adaptive_avg_pool1d(x, 1).squeeze(-1))",
            (batch, 2),
        ),
        (f"self.head = nn.Linear({channels * length}, 2)", "return self.head(x.flatten(1))", (batch, 2)),
        (f"self.head = nn.Linear({length}, 2)", "return self.head(x)", (batch, channels, 2)),
    ]
    init, forward, out = draw.random.choice(rows)
    return Piece(forward, out, init)


def _image(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    rows = [
        ("", "return x", shape),
        (f"self.head = nn.Conv2d({channels}, 2, 1)", "return self.head(x)", (batch, 2, height, width)),
        (f"self.head = nn.Linear({channels}, 2)", "return self.head(x.mean(dim=(2, 3)))", (batch, 2)),
        (
            f"self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear({channels}, 2))",
            "return self.head(x)",
            (batch, 2),
        ),
        (f"self.head = nn.Linear({channels * height * width}, 2)", "return self.head(torch.flatten(x, 1))", (batch, 2)),
        (
            f"self.head = nn.Conv2d({channels}, 2, 3, padding=1)",
            'return self.head(F.interpolate(x, scale_factor=2, mode="nearest"))',
            (batch, 2, 2 * height, 2 * width),
        ),
    ]
    init, forward, out = draw.random.choice(rows)
    return Piece(forward, out, init)


HEADS: dict[str, Callable[[Draw, Shape], Piece]] = {
    "vector": _vector,
    "sequence": _sequence,
    "signal": _signal,
    "image": _image,
}

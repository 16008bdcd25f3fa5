"""What comes before the line that fixes a size: an input, and a few layers that keep its batch."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.right_nets.piece import Draw, Piece, Shape, Stem


def _float(shape: Shape) -> tuple[tuple[str, ...], str]:
    return (f"torch.randn({', '.join(map(str, shape))})",), str(list(shape))


def _tokens(shape: Shape, high: int) -> tuple[tuple[str, ...], str]:
    return (f"torch.randint(0, {high}, {shape})",), f"{list(shape)}:int64"


def vector(draw: Draw) -> Stem:
    batch, width, features = draw.batch(), draw.one(3, 4, 5, 7, 10), draw.features()
    rows: list[tuple[str, str]] = [
        (f"self.fc = nn.Linear({width}, {features})", "x = self.fc(x)"),
        (f"self.fc = nn.Linear({width}, {features})", "x = torch.relu(self.fc(x))"),
        (
            f"self.body = nn.Sequential(nn.Linear({width}, 20), nn.GELU(), nn.Linear(20, {features}))",
            "x = self.body(x)",
        ),
        (
            f"self.fc1 = nn.Linear({width}, 6)\nself.fc2 = nn.Linear(6, {features})",
            "x = F.silu(self.fc1(x))\nx = self.fc2(x)",
        ),
        (
            f"self.fc = nn.Linear({width}, {features})\nself.norm = nn.LayerNorm({features})",
            "x = self.norm(self.fc(x))",
        ),
        (
            f"self.w = nn.Parameter(torch.randn({features}, {width}))\nself.b = nn.Parameter(torch.zeros({features}))",
            "x = F.linear(x, self.w, self.b)",
        ),
        (
            f"self.fc = nn.utils.parametrizations.weight_norm(nn.Linear({width}, {features}))",
            "x = self.fc(x)",
        ),
    ]
    init, forward = draw.random.choice(rows)
    inputs, declared = _float((batch, width))
    return Stem(Piece(forward, (batch, features), init, "vector"), inputs, declared)


def pictures_to_vector(draw: Draw) -> Stem:
    batch, features, size = draw.batch(), draw.features(), draw.one(8, 12, 16)
    init = (
        f"self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)\nself.fc = nn.Linear({4 * (size // 2) ** 2}, {features})"
    )
    forward = "x = F.relu(self.conv(x))\nx = self.fc(x.flatten(1))"
    inputs, declared = _float((batch, 3, size, size))
    return Stem(Piece(forward, (batch, features), init, "vector"), inputs, declared)


def tokens_to_vector(draw: Draw) -> Stem:
    batch, features, length = draw.batch(), draw.features(), draw.length()
    init = f"self.emb = nn.Embedding(50, {features})"
    forward = "x = self.emb(x).mean(1)"
    inputs, declared = _tokens((batch, length), 50)
    return Stem(Piece(forward, (batch, features), init, "vector"), inputs, declared)


def sequence(draw: Draw) -> Stem:
    batch, length, width, features = draw.batch(), draw.length(), draw.one(3, 4, 6, 10), draw.features()
    rows = [
        (f"self.fc = nn.Linear({width}, {features})", "x = self.fc(x)"),
        (f"self.fc = nn.Linear({width}, {features})", "x = torch.tanh(self.fc(x))"),
        (
            f"self.fc = nn.Linear({width}, {features})\nself.norm = nn.LayerNorm({features})",
            "x = self.norm(self.fc(x))",
        ),
        (
            f"self.conv = nn.Conv1d({width}, {features}, 3, padding=1)",
            "x = self.conv(x.transpose(1, 2)).transpose(1, 2)",
        ),
        (f"self.rnn = nn.GRU({width}, {features}, batch_first=True)", "x, _ = self.rnn(x)"),
        (
            (
                f"self.fc = nn.Linear({width}, {features})\n"
                f"self.layer = nn.TransformerEncoderLayer({features}, 2, 16, batch_first=True)"
            ),
            "x = self.layer(self.fc(x))",
        ),
        (
            f"self.rnn = nn.LSTM({width}, {features // 2}, bidirectional=True, batch_first=True)",
            "x, _ = self.rnn(x)",
        ),
    ]
    init, forward = draw.random.choice(rows)
    inputs, declared = _float((batch, length, width))
    return Stem(Piece(forward, (batch, length, features), init, "sequence"), inputs, declared)


def tokens(draw: Draw) -> Stem:
    batch, features, length = draw.batch(), draw.features(), draw.length()
    init = f"self.emb = nn.Embedding(50, {features})"
    forward = draw.text(
        "x = self.emb(x)", f"x = self.emb(x) * {features} ** 0.5", "x = F.dropout(self.emb(x), 0.1, self.training)"
    )
    inputs, declared = _tokens((batch, length), 50)
    return Stem(Piece(forward, (batch, length, features), init, "sequence"), inputs, declared)


def patches(draw: Draw) -> Stem:
    batch, features, rows, columns = draw.batch(), draw.features(), draw.one(2, 3), draw.one(2, 3)
    init = f"self.patch = nn.Conv2d(3, {features}, 4, 4)"
    forward = "x = self.patch(x).flatten(2).transpose(1, 2)"
    inputs, declared = _float((batch, 3, 4 * rows, 4 * columns))
    return Stem(Piece(forward, (batch, rows * columns, features), init, "sequence"), inputs, declared)


def signal(draw: Draw) -> Stem:
    batch, channels, features, length = draw.batch(), draw.one(1, 2, 6), draw.features(), draw.one(8, 10, 16, 21)
    rows = [
        (f"self.conv = nn.Conv1d({channels}, {features}, 3, padding=1)", "x = self.conv(x)", length),
        (f"self.conv = nn.Conv1d({channels}, {features}, 3)", "x = F.relu(self.conv(x))", length - 2),
        (
            (
                f"self.conv = nn.Conv1d({channels}, {features}, 4, stride=2, padding=1)\n"
                f"self.norm = nn.BatchNorm1d({features})"
            ),
            "x = self.norm(self.conv(x))",
            (length - 2) // 2 + 1,
        ),
        (
            f"self.conv = nn.Conv1d({channels}, {features}, 3, padding=2, dilation=2)",
            "x = F.leaky_relu(self.conv(x), 0.1)",
            length,
        ),
        (f"self.up = nn.ConvTranspose1d({channels}, {features}, 4, 2, 1)", "x = self.up(x)", length * 2),
    ]
    init, forward, out = draw.random.choice(rows)
    inputs, declared = _float((batch, channels, length))
    return Stem(Piece(forward, (batch, features, out), init, "signal"), inputs, declared)


def image(draw: Draw) -> Stem:
    batch, channels, features = draw.batch(), draw.one(1, 3, 4), draw.one(4, 6, 8, 16)
    height, width = draw.size(), draw.size()
    rows = [
        (f"self.conv = nn.Conv2d({channels}, {features}, 3, padding=1)", "x = self.conv(x)", 1),
        (
            (
                f"self.conv = nn.Conv2d({channels}, {features}, 3, padding=1, bias=False)\n"
                f"self.norm = nn.BatchNorm2d({features})"
            ),
            "x = F.relu(self.norm(self.conv(x)))",
            1,
        ),
        (
            f"self.conv = nn.Conv2d({channels}, {features}, 3, padding=1)",
            "x = F.max_pool2d(F.relu(self.conv(x)), 2)",
            2,
        ),
        (f"self.conv = nn.Conv2d({channels}, {features}, 4, stride=2, padding=1)", "x = F.elu(self.conv(x))", 2),
        (
            f"self.conv1 = nn.Conv2d({channels}, {features}, 3, padding=1)\n"
            f"self.conv2 = nn.Conv2d({features}, {features}, 3, padding=1)",
            "x = self.conv1(x)\nx = x + F.relu(self.conv2(x))",
            1,
        ),
        (
            f"self.depth = nn.Conv2d({channels}, {channels}, 3, padding=1, groups={channels})\n"
            f"self.point = nn.Conv2d({channels}, {features}, 1)",
            "x = self.point(self.depth(x))",
            1,
        ),
        (
            f"self.body = nn.Sequential(\n    nn.Conv2d({channels}, {features}, 1), nn.GroupNorm(2, {features}),\n"
            "    nn.SiLU(), nn.AvgPool2d(2),\n)",
            "x = self.body(x)",
            2,
        ),
    ]
    init, forward, scale = draw.random.choice(rows)
    inputs, declared = _float((batch, channels, height, width))
    shape = (batch, features, height // scale, width // scale)
    return Stem(Piece(forward, shape, init, "image"), inputs, declared)


STEMS: dict[str, tuple[Callable[[Draw], Stem], ...]] = {
    "vector": (vector, vector, pictures_to_vector, tokens_to_vector),
    "sequence": (sequence, sequence, tokens, patches),
    "signal": (signal,),
    "image": (image,),
}

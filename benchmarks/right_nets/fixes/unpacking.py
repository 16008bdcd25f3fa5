"""Unpacking into so many names: unbind, chunk, split, iteration, tuples."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix

_NAMES = "abcdefghijklmnopqrstuvwxyz"


@fix("sequence")
def unbind_steps(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    names = ", ".join(_NAMES[:length])
    return Piece(
        f"{names} = {draw.text('x.unbind(1)', 'torch.unbind(x, dim=1)')}\nx = {names.replace(', ', ' + ')}",
        (batch, features),
        layout="vector",
    )


@fix("vector")
def unbind_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    if batch > 12:
        return Piece("rows = list(x)\nx = torch.stack(rows[:2])", (2, features), layout="vector")
    names = ", ".join(_NAMES[:batch]) + ("," if batch == 1 else "")
    source = draw.text("x.unbind(0)", "x", "torch.split(x, 1)")
    total = " + ".join(_NAMES[:batch])
    return Piece(f"{names} = {source}\nx = ({total}).reshape(1, {features})", (1, features), layout="vector")


@fix("vector")
def chunk_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    if batch % 2:
        return Piece(
            f"first, rest = x[:1], x[1:]\nx = first + rest.sum(0)\nassert rest.size(0) == {batch - 1}",
            (1, features),
            layout="vector",
        )
    source = draw.text(
        "x.chunk(2)",
        f"x.split({batch // 2})",
        f"torch.split(x, [{batch // 2}, {batch // 2}], dim=0)",
        "torch.tensor_split(x, 2)",
    )
    return Piece(f"a, b = {source}\nx = a * b", (batch // 2, features), layout="vector")


@fix("sequence")
def split_into_listed_steps(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    forward = f"head, tail = torch.split(x, [1, {length - 1}], dim=1)\nx = head + tail.mean(1, keepdim=True)"
    return Piece(forward, (batch, 1, features), layout="sequence")


@fix("image")
def split_channels(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = draw.text(
        "a, b = x.chunk(2, dim=1)\nx = a * torch.sigmoid(b)",
        f"a, b = torch.split(x, {channels // 2}, dim=1)\nx = a + b",
        f"a, b = x[:, :{channels // 2}], x[:, {channels // 2}:]\nx = torch.maximum(a, b)",
        "x = F.glu(x, dim=1)",
    )
    return Piece(forward, (batch, channels // 2, height, width), layout="image")


@fix("image")
def rows_of_fixed_count(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = f"rows = [row.mean(-1) for row in x.unbind(2)]\nassert len(rows) == {height}\nx = torch.stack(rows, 1)"
    return Piece(forward, (batch, height, channels), layout="sequence")


@fix("sequence")
def zip_with_parameters(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.heads = nn.ModuleList(nn.Linear({features}, 4) for _ in range({length}))"
    forward = "x = torch.stack([head(step) for head, step in zip(self.heads, x.unbind(1), strict=True)], dim=1)"
    return Piece(forward, (batch, length, 4), init, "sequence")


@fix("sequence")
def star_unpacked(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    return Piece("first, *rest = x.unbind(dim=1)\nx = first + sum(rest)", (batch, features), layout="vector")


@fix("vector")
def siamese_halves(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    rows = batch if batch % 2 == 0 else 1
    forward = f"x = x[:{rows}]\n" + (
        f"x = x.view(2, {rows // 2}, {features})\nx = F.cosine_similarity(x[0], x[1], dim=1).unsqueeze(1)"
        if rows > 1
        else "x = F.cosine_similarity(x, -x, dim=1).unsqueeze(1)"
    )
    return Piece(forward, (max(rows // 2, 1), 1), layout="vector")


@fix("vector")
def grouped_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    groups = next(number for number in (4, 3, 2, 5, 1) if batch % number == 0)
    forward = f"x = x.unflatten(0, ({groups}, {batch // groups}))\nx = x - x.mean(1, keepdim=True)\nx = x.flatten(0, 1)"
    return Piece(forward, shape, layout="vector")

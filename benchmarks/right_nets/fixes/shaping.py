"""Views with the batch in them, and repeats, rolls and flattenings of fixed counts."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix


@fix("sequence")
def view_with_batch(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    forward = draw.text(
        f"x = x.reshape({batch}, {length * features})",
        f"x = x.contiguous().view({batch}, {length * features})",
        f"x = torch.reshape(x, ({batch}, -1))",
    )
    return Piece(forward, (batch, length * features), layout="vector")


@fix("signal")
def view_signal_with_batch(draw: Draw, shape: Shape) -> Piece:
    batch, channels, length = shape
    return Piece(f"x = x.contiguous().view({batch}, {channels * length})", (batch, channels * length), layout="vector")


@fix("image")
def view_map_with_batch(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = draw.text(
        f"x = x.contiguous().view({batch}, {channels}, -1).permute(0, 2, 1)",
        f"x = x.reshape({batch}, {channels}, {height * width}).transpose(1, 2)",
    )
    return Piece(forward, (batch, height * width, channels), layout="sequence")


@fix("vector")
def flatten_the_whole_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.all = nn.Linear({batch * features}, 6)"
    forward = draw.text("x = self.all(x.reshape(-1))", "x = self.all(x.flatten())", "x = self.all(x.ravel())")
    return Piece(forward + ".unsqueeze(0)", (1, 6), init, "vector")


@fix("sequence")
def heads_with_batch(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    heads = 2 if features % 4 else 4
    init = f"self.qkv = nn.Linear({features}, {3 * features})"
    forward = (
        f"q, k, v = self.qkv(x).view({batch}, {length}, 3, {heads}, {features // heads}).permute(2, 0, 3, 1, 4)\n"
        f"x = (q @ k.transpose(-2, -1)).softmax(-1) @ v\nx = x.transpose(1, 2).reshape({batch}, {length}, {features})"
    )
    return Piece(forward, shape, init, "sequence")


@fix("vector")
def pairs_of_rows(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    forward = (
        f"left = x.unsqueeze(1).expand({batch}, {batch}, {features})\n"
        f"right = x.unsqueeze(0).expand({batch}, {batch}, {features})\nx = torch.cat([left, right], dim=-1)"
    )
    return Piece(forward, (batch, batch, 2 * features), layout="sequence")


@fix("vector")
def repeat_over_fixed_steps(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.steps = nn.Parameter(torch.zeros({batch}, 4, {features}))"
    return Piece("x = x.unsqueeze(1).repeat(1, 4, 1) + self.steps", (batch, 4, features), init, "sequence")


@fix("sequence")
def fixed_permutation(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.order = torch.arange({length}).flip(0)"
    forward = draw.text(
        "x = x[:, self.order]", "x = x.index_select(1, self.order)", f"x = x[torch.arange({batch})][:, self.order, :]"
    )
    return Piece(forward, shape, init, "sequence")


@fix("sequence")
def last_step_of_each_row(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.last = torch.full(({batch},), {length - 1})"
    return Piece(f"x = x[torch.arange({batch}), self.last]", (batch, features), init, "vector")


@fix("sequence")
def squeeze_batch_of_one(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    forward = f"x = x.reshape({batch} * {length}, {features})\nassert x.shape[0] == {batch * length}"
    return Piece(forward, (batch * length, features), layout="vector")


@fix("vector")
def asserts_its_shape(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    forward = draw.text(
        f"assert x.shape == ({batch}, {features})",
        f"if x.size(0) != {batch}:\n    raise ValueError(f'expected {batch} rows, got {{x.size(0)}}')",
        f"torch._assert(x.shape[0] == {batch}, 'wrong batch')",
    )
    return Piece(forward, shape, layout="vector")


@fix("image")
def asserts_its_size(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = draw.text(
        f"b, c, h, w = x.shape\nassert (h, w) == ({height}, {width}), f'wrong size {{h}}x{{w}}'",
        f"if x.shape[2:] != torch.Size([{height}, {width}]):\n    raise RuntimeError('wrong size')",
    )
    return Piece(forward, shape, layout="image")


@fix("vector")
def outer_product_of_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    forward = (
        "similarity = F.normalize(x, dim=1) @ F.normalize(x, dim=1).T\n"
        f"x = similarity.masked_fill(torch.eye({batch}, dtype=torch.bool), -1.0)"
    )
    return Piece(forward, (batch, batch), layout="vector")


@fix("vector")
def diagonal_of_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    return Piece(f"x = torch.diag((x @ x.t()).view({batch}, {batch})).unsqueeze(1)", (batch, 1), layout="vector")

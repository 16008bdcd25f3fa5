"""Sizes of maps: grids, folds, unpooling, output_size, interpolation, pixel shuffles."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix


@fix("image")
def grid_of_fixed_batch(draw: Draw, shape: Shape) -> Piece:
    batch, channels, _, _ = shape
    size = draw.one(5, 7)
    forward = f"x = F.grid_sample(x, torch.zeros({batch}, {size}, {size}, 2), align_corners=False)"
    return Piece(forward, (batch, channels, size, size), layout="image")


@fix("image")
def affine_grid_of_fixed_size(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f'self.register_buffer("theta", torch.eye(2, 3).repeat({batch}, 1, 1))'
    forward = (
        f"grid = F.affine_grid(self.theta, [{batch}, {channels}, {height}, {width}], align_corners=False)\n"
        "x = F.grid_sample(x, grid, align_corners=False)"
    )
    return Piece(forward, shape, init, "image")


@fix("image")
def spatial_transformer(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.loc = nn.Linear({channels}, 6)"
    forward = (
        f"theta = self.loc(x.mean((2, 3))).view({batch}, 2, 3)\n"
        "x = F.grid_sample(x, F.affine_grid(theta, x.size(), align_corners=False), align_corners=False)"
    )
    return Piece(forward, shape, init, "image")


@fix("image")
def fold_to_fixed_size(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = f"columns = F.unfold(x, 3, padding=1)\nx = F.fold(columns, ({height}, {width}), 3, padding=1)"
    return Piece(forward, shape, layout="image")


@fix("image")
def fold_module(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = (
        f"self.unfold = nn.Unfold(2, stride=2)\nself.fold = nn.Fold(({height // 2 * 2}, {width // 2 * 2}), 2, stride=2)"
    )
    return Piece("x = self.fold(self.unfold(x))", (batch, channels, height // 2 * 2, width // 2 * 2), init, "image")


@fix("image")
def unpool_to_whole_size(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    size = draw.text(
        f"({batch}, {channels}, {height}, {width})", f"torch.Size([{height}, {width}])", f"[{height}, {width}]"
    )
    init = "self.pool = nn.MaxPool2d(2, return_indices=True)\nself.unpool = nn.MaxUnpool2d(2)"
    return Piece(f"x, index = self.pool(x)\nx = self.unpool(x, index, output_size={size})", shape, init, "image")


@fix("image")
def transposed_to_whole_size(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    size = draw.text(f"({batch}, {channels}, {height}, {width})", f"({height}, {width})")
    init = (
        f"self.down = nn.Conv2d({channels}, {channels}, 3, 2, 1)\n"
        f"self.up = nn.ConvTranspose2d({channels}, {channels}, 3, 2, 1)"
    )
    return Piece(f"x = self.up(self.down(x), output_size={size})", shape, init, "image")


@fix("signal")
def transposed_signal_to_size(draw: Draw, shape: Shape) -> Piece:
    batch, channels, length = shape
    init = (
        f"self.down = nn.Conv1d({channels}, {channels}, 3, 2, 1)\n"
        f"self.up = nn.ConvTranspose1d({channels}, {channels}, 3, 2, 1)"
    )
    return Piece(f"x = self.up(self.down(x), output_size=({batch}, {channels}, {length}))", shape, init, "signal")


@fix("image")
def interpolate_and_add_fixed(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    mode = draw.text("nearest", "area", "nearest-exact")
    init = f"self.skip = nn.Parameter(torch.zeros({batch}, {channels}, 9, 9))"
    return Piece(
        f"x = F.interpolate(x, size=(9, 9), mode='{mode}') + self.skip", (batch, channels, 9, 9), init, "image"
    )


@fix("image")
def pixel_shuffle_and_view(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.expand = nn.Conv2d({channels}, 8, 1)\nself.shuffle = nn.PixelShuffle(2)"
    forward = f"x = self.shuffle(self.expand(x)).view({batch}, 2, {2 * height}, {2 * width})"
    return Piece(forward, (batch, 2, 2 * height, 2 * width), init, "image")


@fix("image")
def channel_shuffle_of_fixed_batch(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = (
        f"x = x.view({batch}, 2, {channels // 2}, {height}, {width}).transpose(1, 2)\n"
        f"x = x.reshape({batch}, {channels}, {height}, {width})"
    )
    return Piece(forward, shape, layout="image")


@fix("image")
def expand_to_fixed_size(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.one = nn.Conv2d({channels}, 1, 1)"
    forward = f"x = self.one(x).expand({batch}, 6, {draw.text(str(height), '-1')}, {width})"
    return Piece(forward, (batch, 6, height, width), init, "image")


@fix("image")
def expand_as_constant(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = f"x = x.mean((2, 3), keepdim=True).expand_as(torch.empty({batch}, {channels}, 8, 8))"
    return Piece(forward, (batch, channels, 8, 8), layout="image")


@fix("image")
def windows_of_fixed_count(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    h, w = height // 2, width // 2
    forward = (
        f"x = x[:, :, :{2 * h}, :{2 * w}].reshape({batch}, {channels}, 2, {h}, 2, {w})\n"
        f"x = x.permute(0, 2, 4, 1, 3, 5).reshape({batch * 4}, {channels}, {h}, {w})"
    )
    return Piece(forward, (batch * 4, channels, h, w), layout="image")


@fix("image")
def pad_to_fixed_size(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.fc = nn.Linear({channels} * 32 * 32, 4)"
    forward = "x = F.pad(x, (0, 32 - x.shape[-1], 0, 32 - x.shape[-2]))\nx = self.fc(x.flatten(1))"
    return Piece(forward, (batch, 4), init, "vector")


@fix("image")
def layer_norm_of_map(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.map_norm = nn.LayerNorm([{channels}, {height}, {width}])"
    return Piece("x = self.map_norm(x)", shape, init, "image")

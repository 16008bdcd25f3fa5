"""Number types that are set in code."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix, layout_of


@fix("vector")
def double_layer(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    kind = draw.text("double", "bfloat16")
    init = f"self.wide = nn.Linear({features}, 6).to(torch.{kind})"
    cast = draw.text(
        f"x.to(torch.{kind})", "x.to(self.wide.weight.dtype)", "x.type_as(self.wide.weight)", "x.to(self.wide.weight)"
    )
    return Piece(f"x = self.wide({cast}).float()", (batch, 6), init, "vector")


@fix("vector")
def double_by_method(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.wide = nn.Linear({features}, 6).double()"
    return Piece(f"x = self.wide(x.double() + torch.zeros({batch}, {features}, dtype=torch.float64))", (batch, 6), init)


@fix("vector", "image")
def autocast_block(draw: Draw, shape: Shape) -> Piece:
    layer = f"nn.Linear({shape[1]}, 6)" if len(shape) == 2 else f"nn.Conv2d({shape[1]}, 6, 1)"
    init = f"self.cheap = {layer}"
    make = draw.text("torch.autocast('cpu', dtype=torch.bfloat16)", "torch.amp.autocast('cpu', torch.bfloat16)")
    forward = f"with {make}:\n    x = self.cheap(x)\n    assert x.dtype is torch.bfloat16\nx = x.float()"
    return Piece(forward, (shape[0], 6, *shape[2:]), init, layout_of(shape))


@fix("vector")
def autocast_switched_off(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.exact = nn.Linear({features}, 6)"
    forward = "with torch.autocast('cpu', enabled=False):\n    x = self.exact(x.float())"
    return Piece(forward, (batch, 6), init, "vector")


@fix("signal")
def spectrum(draw: Draw, shape: Shape) -> Piece:
    batch, channels, length = shape
    bins = length // 2 + 1
    init = f"self.filter = nn.Parameter(torch.randn({channels}, {bins}, dtype=torch.cfloat))"
    forward = f"x = torch.fft.rfft(x, dim=-1) * self.filter\nx = torch.fft.irfft(x, n={length}, dim=-1)"
    return Piece(forward, shape, init, "signal")


@fix("image")
def spectrum_of_map(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.filter = nn.Parameter(torch.randn({channels}, {height}, {width // 2 + 1}, 2))"
    forward = (
        "x = torch.fft.rfft2(x, norm='ortho') * torch.view_as_complex(self.filter)\n"
        f"x = torch.fft.irfft2(x, s=({height}, {width}), norm='ortho')"
    )
    return Piece(forward, shape, init, "image")


@fix("vector")
def complex_weights(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.w = nn.Parameter(torch.randn({features}, 6, dtype=torch.complex64))"
    return Piece("x = (x.to(torch.complex64) @ self.w).abs()", (batch, 6), init, "vector")


@fix("sequence")
def polar_pairs(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    size = f"{length}, {features // 2}"
    init = f'self.register_buffer("turn", torch.polar(torch.ones({size}), torch.rand({size})))'
    forward = (
        f"x = torch.view_as_complex(x.reshape({batch}, {length}, -1, 2)) * self.turn\n"
        "x = torch.view_as_real(x).flatten(2)"
    )
    return Piece(forward, shape, init, "sequence")


@fix("vector")
def integer_bins(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = 'self.register_buffer("edges", torch.linspace(-1, 1, 9))\nself.bins = nn.Embedding(10, 4)'
    forward = f"x = self.bins(torch.bucketize(x, self.edges)).view({batch}, {features * 4})"
    return Piece(forward, (batch, features * 4), init, "vector")


@fix("vector")
def argmax_to_embedding(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.codes = nn.Embedding({features}, 6)"
    forward = draw.text(
        "x = self.codes(x.argmax(dim=-1))",
        "x = self.codes(x.topk(1, dim=1).indices.squeeze(1))",
        f"x = F.one_hot(x.argmax(-1), {features}).float() @ self.codes.weight",
    )
    return Piece(forward, (batch, 6), init, "vector")


@fix("vector")
def vector_quantizer(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.codebook = nn.Embedding(7, {features})"
    forward = (
        "codes = self.codebook.weight\n"
        "distances = x.pow(2).sum(1, keepdim=True) - 2 * x @ codes.t() + codes.pow(2).sum(1)\n"
        f"onehot = torch.zeros({batch}, 7).scatter_(1, distances.argmin(1).unsqueeze(1), 1)\n"
        "quantized = onehot @ self.codebook.weight\n"
        "x = x + (quantized - x).detach()"
    )
    return Piece(forward, shape, init, "vector")


@fix("image")
def half_and_back(draw: Draw, shape: Shape) -> Piece:
    init = f"self.scale = nn.Parameter(torch.ones(1, {shape[1]}, 1, 1, dtype=torch.float16))"
    return Piece("x = (x.half() * self.scale).float()", shape, init, "image")


@fix("vector")
def default_dtype_switched(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    forward = (
        f"noise = torch.empty({batch}, {features}, dtype=torch.get_default_dtype()).normal_()\n"
        "x = x + noise.to(x.dtype)"
    )
    return Piece(forward, shape, layout="vector")


@fix("vector")
def double_linear_algebra(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    forward = (
        f"gram = x.double().t() @ x.double() + torch.eye({features}, dtype=torch.double)\n"
        "x = torch.linalg.solve(gram, x.double().t()).t().to(x.dtype)"
    )
    return Piece(forward, shape, layout="vector")


@fix("sequence")
def boolean_mask_from_float(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    forward = (
        f"keep = torch.ones({batch}, {length}).bool()\n"
        "x = torch.where(keep.unsqueeze(-1), x, torch.zeros((), dtype=x.dtype))"
    )
    return Piece(forward, shape, layout="sequence")

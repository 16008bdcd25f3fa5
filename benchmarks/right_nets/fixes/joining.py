"""Constants that are joined with the input: cat, stack, arithmetic, masks, assignments."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix, layout_of


@fix("vector")
def cat_constant_columns(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    more, make = draw.one(1, 2, 4), draw.text("ones", "zeros", "rand")
    return Piece(f"x = torch.cat([x, torch.{make}({batch}, {more})], dim=1)", (batch, features + more), layout="vector")


@fix("vector")
def hstack_constant(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    return Piece(f"x = torch.hstack((torch.arange({batch}.0).unsqueeze(1), x))", (batch, features + 1), layout="vector")


@fix("sequence")
def cat_class_token(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.cls = nn.Parameter(torch.zeros({batch}, 1, {features}))"
    return Piece("x = torch.cat([self.cls, x], dim=1)", (batch, length + 1, features), init, "sequence")


@fix("sequence")
def cat_prompt_tokens(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    more = draw.one(2, 3)
    init = f"self.prompt = nn.ParameterList([nn.Parameter(torch.randn({batch}, {more}, {features})) for _ in range(2)])"
    forward = "for prompt in self.prompt:\n    x = torch.cat((x, prompt), 1)"
    return Piece(forward, (batch, length + 2 * more, features), init, "sequence")


@fix("sequence")
def stack_constant(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    forward = f"x = torch.stack([x, torch.ones({batch}, {length}, {features})], dim=2).sum(dim=2)"
    return Piece(forward, shape, layout="sequence")


@fix("image")
def cat_coordinates(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = (
        f"rows = torch.linspace(-1, 1, {height}).view(1, 1, {height}, 1).expand({batch}, 1, {height}, {width})\n"
        f"columns = torch.linspace(-1, 1, {width}).view(1, 1, 1, {width}).expand({batch}, 1, {height}, {width})\n"
        'self.register_buffer("coordinates", torch.cat([rows, columns], 1))'
    )
    return Piece("x = torch.cat([x, self.coordinates], dim=1)", (batch, channels + 2, height, width), init, "image")


@fix("image")
def cat_noise_map(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = f"noise = torch.randn({batch}, 1, {height}, {width})\nx = torch.cat([x, noise], 1)"
    return Piece(forward, (batch, channels + 1, height, width), layout="image")


@fix("signal")
def cat_constant_channels(draw: Draw, shape: Shape) -> Piece:
    batch, channels, length = shape
    return Piece(
        f"x = torch.cat((torch.zeros({batch}, 2, {length}), x), dim=-2)", (batch, channels + 2, length), layout="signal"
    )


@fix("sequence")
def add_positions_of_whole_batch(draw: Draw, shape: Shape) -> Piece:
    init = f"self.pos = nn.Parameter(torch.zeros({', '.join(map(str, shape))}))"
    return Piece(
        draw.text("x = x + self.pos", "x = self.pos + x", "x = torch.add(x, self.pos)"), shape, init, "sequence"
    )


@fix("vector", "sequence", "signal", "image")
def multiply_by_fixed_gate(draw: Draw, shape: Shape) -> Piece:
    init = f'self.register_buffer("gate", torch.rand{shape})'
    return Piece(
        draw.text("x = x * self.gate", "x = x.mul(self.gate)", "x = torch.where(self.gate > 0.5, x, 0.0)"),
        shape,
        init,
        layout_of(shape),
    )


@fix("vector")
def lerp_to_constant(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    return Piece(
        f"x = torch.lerp(x, torch.ones({batch}, {features}), torch.full(({batch}, 1), 0.3))", shape, layout="vector"
    )


@fix("vector")
def addcmul_constant(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    return Piece(
        f"x = torch.addcmul(x, torch.ones({batch}, 1), torch.rand({batch}, {features}), value=0.5)",
        shape,
        layout="vector",
    )


@fix("sequence")
def masked_fill_fixed_padding(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f'self.register_buffer("padding", torch.arange({length}).expand({batch}, {length}) >= {length - 1})'
    return Piece("x = x.masked_fill(self.padding.unsqueeze(-1), 0.0)", shape, init, "sequence")


@fix("vector")
def assign_into_fixed_buffer(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    steps = draw.one(2, 3, 5)
    forward = (
        f"out = torch.zeros({batch}, {steps}, {features})\nfor step in range({steps}):\n"
        "    out[:, step] = x * step\nx = out"
    )
    return Piece(forward, (batch, steps, features), layout="sequence")


@fix("image")
def assign_into_canvas(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = (
        f"canvas = torch.zeros({batch}, {channels}, {height + 4}, {width + 4})\n"
        "canvas[:, :, 2:-2, 2:-2] = x\nx = canvas"
    )
    return Piece(forward, (batch, channels, height + 4, width + 4), layout="image")


@fix("sequence")
def copy_into_cache(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f'self.register_buffer("cache", torch.zeros({batch}, {length + 3}, {features}))'
    forward = f"self.cache = self.cache.detach().clone()\nself.cache[:, :{length}].copy_(x)\nx = self.cache"
    return Piece(forward, (batch, length + 3, features), init, "sequence")


@fix("vector")
def index_put_rows(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    forward = (
        f"rows = torch.zeros({batch}, dtype=torch.long)\n"
        f"x = x.index_put((torch.arange({batch}), rows), torch.ones({batch}))"
    )
    return Piece(forward, shape, layout="vector")


@fix("vector")
def index_add_rows(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.index = torch.arange({batch}) % 2"
    return Piece(f"x = torch.zeros(2, {features}).index_add(0, self.index, x)", (2, features), init, "vector")


@fix("vector")
def scatter_one_hot(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    forward = f"mask = torch.zeros({batch}, {features}).scatter_(1, x.argmax(1, keepdim=True), 1.0)\nx = x * mask"
    return Piece(forward, shape, layout="vector")


@fix("vector")
def take_along_fixed_index(draw: Draw, shape: Shape) -> Piece:
    batch, _ = shape
    return Piece(
        f"x = torch.take_along_dim(x, torch.zeros({batch}, 2, dtype=torch.long), dim=1)", (batch, 2), layout="vector"
    )


@fix("vector")
def gather_fixed_labels(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f'self.register_buffer("labels", torch.arange({batch}).remainder({features}).unsqueeze(1))'
    return Piece("x = x.log_softmax(1).gather(1, self.labels).sum(1, keepdim=True).neg()", (batch, 1), init, "vector")


@fix("vector")
def loss_of_fixed_targets(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.loss = nn.CrossEntropyLoss()\nself.target = torch.zeros({batch}, dtype=torch.long)"
    return Piece("x = self.loss(x, self.target)", (), init)


@fix("vector")
def mse_to_fixed_targets(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    return Piece(f"x = F.mse_loss(x, torch.zeros({batch}, {features}), reduction='none')", shape, layout="vector")


@fix("vector")
def fixed_dropout_mask(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.keep = torch.rand({batch}, {features}) > 0.1"
    return Piece("if self.training:\n    x = x * self.keep\nelse:\n    x = x * 0.9", shape, init, "vector")


@fix("sequence")
def where_of_fixed_mask(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.mask_token = nn.Parameter(torch.zeros(1, 1, {features}))"
    forward = f"chosen = torch.rand({batch}, {length}) < 0.3\nx = torch.where(chosen[..., None], self.mask_token, x)"
    return Piece(forward, shape, init, "sequence")

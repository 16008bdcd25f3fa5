"""Branches: on sizes, modes, flags, values and exceptions."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix, layout_of


@fix("vector")
def fallback_on_error(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.small = nn.Linear({features}, 6)\nself.large = nn.Linear({features * 2}, 6)"
    caught = draw.text("RuntimeError", "Exception", "(RuntimeError, ValueError)")
    return Piece(f"try:\n    x = self.large(x)\nexcept {caught}:\n    x = self.small(x)", (batch, 6), init, "vector")


@fix("sequence")
def fallback_of_view(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    forward = (
        f"x = x.transpose(1, 2)\ntry:\n    x = x.view({batch}, {length * features})\n"
        f"except RuntimeError:\n    x = x.reshape({batch}, {length * features})"
    )
    return Piece(forward, (batch, length * features), layout="vector")


@fix("vector")
def fallback_of_missing_attribute(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.plain = nn.Linear({features}, 6)"
    forward = "try:\n    x = self.fancy(x)\nexcept AttributeError:\n    x = self.plain(x)"
    return Piece(forward, (batch, 6), init, "vector")


@fix("vector")
def unused_wrong_branch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    flag = draw.text("False", "batch_norm", "training")
    init = f"self.use_wide = False\nself.wide = nn.Linear({features * 3}, 6)\nself.narrow = nn.Linear({features}, 6)"
    condition = "self.use_wide" if flag != "training" else f"x.size(1) == {features * 3}"
    return Piece(f"x = self.wide(x) if {condition} else self.narrow(x)", (batch, 6), init, "vector")


@fix("vector", "image")
def unsqueezes_when_unbatched(draw: Draw, shape: Shape) -> Piece:
    forward = draw.text(
        f"if x.dim() == {len(shape) - 1}:\n    x = x.unsqueeze(0)",
        f"if x.ndim < {len(shape)}:\n    x = x[None]",
        f"x = x if len(x.shape) == {len(shape)} else x.unsqueeze(0)",
    )
    return Piece(forward, shape, layout=layout_of(shape))


@fix("vector")
def chooses_by_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.norm = nn.BatchNorm1d({features})\nself.plain = nn.LayerNorm({features})"
    return Piece("x = self.norm(x) if x.size(0) > 1 else self.plain(x)", shape, init, "vector")


@fix("vector")
def value_branch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = (
        f"self.a = nn.Linear({features}, 6)\n"
        f"self.b = nn.Sequential(nn.Linear({features}, 4), nn.ReLU(), nn.Linear(4, 6))"
    )
    forward = draw.text(
        "if x.sum() > 0:\n    x = self.a(x)\nelse:\n    x = self.b(x)",
        "x = self.a(x) if x.mean().item() > 0 else self.b(x)",
        "x = torch.cond(x.sum() > 0, self.a, self.b, (x,))",
        "x = torch.where((x.sum(1) > 0).unsqueeze(1), self.a(x), self.b(x))",
        "if torch.isnan(x).any():\n    raise ValueError('not a number')\nx = self.a(x)",
    )
    return Piece(forward, (batch, 6), init, "vector")


@fix("vector")
def mode_branch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.main = nn.Linear({features}, 6)\nself.auxiliary = nn.Linear({features}, 6)"
    return Piece(
        "y = self.main(x)\nif self.training:\n    y = y + self.auxiliary(x)\nx = y", (batch, 6), init, "vector"
    )


@fix("sequence")
def early_exit_loop(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = (
        f"self.layers = nn.ModuleList(nn.Linear({features}, {features}) for _ in range(3))\n"
        f"self.halt = nn.Linear({features}, 1)"
    )
    forward = (
        "for layer in self.layers:\n    x = torch.relu(layer(x))\n"
        "    if self.halt(x).sigmoid().mean() > 0.9:\n        break"
    )
    return Piece(forward, shape, init, "sequence")


@fix("sequence")
def stochastic_depth(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.blocks = nn.ModuleList(nn.Linear({features}, {features}) for _ in range(3))"
    forward = (
        "for block in self.blocks:\n    if self.training and torch.rand(1).item() < 0.5:\n"
        f"        continue\n    keep = torch.rand({batch}, 1, 1) > 0.1\n    x = x + block(x) * keep"
    )
    return Piece(forward, shape, init, "sequence")


@fix("image")
def resizes_when_different(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.reference = nn.Parameter(torch.zeros({batch}, {channels}, {height}, {width}))"
    forward = (
        "if x.shape[-2:] != self.reference.shape[-2:]:\n"
        "    x = F.interpolate(x, size=self.reference.shape[-2:])\nx = x + self.reference"
    )
    return Piece(forward, shape, init, "image")


@fix("image")
def projects_when_different(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    out = draw.one(channels, 2 * channels)
    init = (
        f"self.body = nn.Conv2d({channels}, {out}, 3, padding=1)\n"
        f"self.shortcut = nn.Identity() if {channels} == {out} else nn.Conv2d({channels}, {out}, 1)"
    )
    return Piece("x = self.body(x) + self.shortcut(x)", (batch, out, height, width), init, "image")


@fix("vector")
def dispatch_on_type(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.layers = nn.Sequential(nn.Linear({features}, 6), nn.Dropout(0.1), nn.ReLU(), nn.Linear(6, 4))"
    forward = (
        "for layer in self.layers:\n    if isinstance(layer, nn.Dropout) and not self.training:\n"
        "        continue\n    x = layer(x)"
    )
    return Piece(forward, (batch, 4), init, "vector")


@fix("vector")
def match_on_mode(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = (
        "self.mode = 'sum'\n"
        f"self.experts = nn.ModuleDict({{'left': nn.Linear({features}, 6), 'right': nn.Linear({features}, 6)}})"
    )
    forward = (
        "left, right = (self.experts[name](x) for name in ('left', 'right'))\nmatch self.mode:\n"
        "    case 'sum':\n        x = left + right\n"
        "    case 'cat':\n        x = torch.cat([left, right], 1)\n    case _:\n        raise ValueError(self.mode)"
    )
    return Piece(forward, (batch, 6), init, "vector")


@fix("vector")
def mixture_of_experts(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = (
        f"self.experts = nn.ModuleList(nn.Linear({features}, 6) for _ in range(3))\n"
        f"self.gate = nn.Linear({features}, 3)"
    )
    forward = (
        f"chosen = self.gate(x).argmax(1)\nout = torch.zeros({batch}, 6)\n"
        "for number, expert in enumerate(self.experts):\n"
        "    rows = (chosen == number).nonzero(as_tuple=True)[0]\n    if rows.numel():\n"
        "        out[rows] = expert(x[rows])\nx = out"
    )
    return Piece(forward, (batch, 6), init, "vector")


@fix("vector")
def boolean_rows(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    forward = f"chosen = torch.arange({batch}) % 2 == 0\nx = x[chosen]\nassert x.size(0) == {(batch + 1) // 2}"
    return Piece(forward, ((batch + 1) // 2, features), layout="vector")

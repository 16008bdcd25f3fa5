"""State that stays on the module between calls."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix, layout_of


@fix("sequence")
def kept_hidden_state(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.cell = nn.GRU({features}, 6, batch_first=True)\nself.hidden = None"
    forward = draw.text(
        (
            f"if self.hidden is None:\n    self.hidden = torch.zeros(1, {batch}, 6)\n"
            "x, h = self.cell(x, self.hidden)\nself.hidden = h.detach()"
        ),
        "x, h = self.cell(x, self.hidden)\nself.hidden = h.detach()",
        "if self.hidden is None or self.hidden.size(1) != x.size(0):\n    self.hidden = x.new_zeros(1, x.size(0), 6)\n"
        "x, h = self.cell(x, self.hidden)\nself.hidden = h.detach()",
    )
    return Piece(forward, (batch, length, 6), init, "sequence")


@fix("sequence")
def kept_lstm_state(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = (
        f"self.cell = nn.LSTM({features}, 6, 2, batch_first=True)\n"
        f"self.state = torch.zeros(2, {batch}, 6), torch.zeros(2, {batch}, 6)"
    )
    forward = "x, state = self.cell(x, self.state)\nself.state = tuple(part.detach() for part in state)"
    return Piece(forward, (batch, length, 6), init, "sequence")


@fix("vector", "image")
def counts_its_calls(draw: Draw, shape: Shape) -> Piece:
    init = 'self.calls = 0\nself.register_buffer("steps", torch.zeros((), dtype=torch.long))'
    forward = "self.calls += 1\nself.steps += 1\nx = x / self.calls"
    return Piece(forward, shape, init, layout_of(shape))


@fix("vector")
def running_mean_of_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f'self.register_buffer("average", torch.zeros({features}))'
    forward = (
        "if self.training:\n    with torch.no_grad():\n"
        "        self.average.mul_(0.9).add_(x.mean(0), alpha=0.1)\nx = x - self.average"
    )
    return Piece(forward, shape, init, "vector")


@fix("vector")
def memory_queue(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    slots = batch * draw.one(2, 4)
    init = (
        f'self.register_buffer("queue", torch.randn({slots}, {features}))\n'
        'self.register_buffer("pointer", torch.zeros(1, dtype=torch.long))'
    )
    forward = (
        "logits = x @ self.queue.clone().t()\nstart = int(self.pointer)\n"
        f"self.queue[start:start + {batch}] = x.detach()\nself.pointer[0] = (start + {batch}) % {slots}\nx = logits"
    )
    return Piece(forward, (batch, slots), init, "vector")


@fix("sequence")
def key_value_cache(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.k = nn.Linear({features}, {features})\nself.v = nn.Linear({features}, {features})\nself.past = None"
    forward = (
        "k, v = self.k(x), self.v(x)\nif self.past is not None:\n"
        "    k = torch.cat([self.past[0], k], 1)\n    v = torch.cat([self.past[1], v], 1)\n"
        "self.past = k.detach(), v.detach()\nx = F.scaled_dot_product_attention(x, k, v)"
    )
    return Piece(forward, shape, init, "sequence")


@fix("sequence")
def cache_of_fixed_batch(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = (
        f'self.register_buffer("keys", torch.zeros({batch}, {length * 3}, {features}), persistent=False)\n'
        "self.position = 0"
    )
    forward = (
        f"end = min(self.position + x.size(1), {length * 3})\n"
        f"self.keys[:, end - x.size(1):end] = x.detach()\nself.position = end % {length * 2}\n"
        "x = torch.softmax(x @ self.keys.transpose(1, 2), -1) @ self.keys"
    )
    return Piece(forward, shape, init, "sequence")


@fix("vector")
def spiking_membrane(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = "self.membrane = None"
    forward = (
        f"if self.membrane is None:\n    self.membrane = torch.zeros({batch}, {features})\n"
        "membrane = self.membrane * 0.9 + x\nspikes = (membrane > 1.0).float()\n"
        "self.membrane = (membrane - spikes).detach()\nx = spikes"
    )
    return Piece(forward, shape, init, "vector")


@fix("vector")
def previous_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = "self.previous = None"
    forward = (
        "previous = x if self.previous is None else self.previous\nself.previous = x.detach()\n"
        "x = torch.cat([x, previous], 1)"
    )
    return Piece(forward, (batch, 2 * features), init, "vector")


@fix("vector")
def cached_constant(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = "self.cache = {}"
    forward = (
        f"if x.size(0) not in self.cache:\n    self.cache[x.size(0)] = torch.eye({batch})\n"
        "x = self.cache[x.size(0)] @ x"
    )
    return Piece(forward, shape, init, "vector")


@fix("sequence")
def rotary_cache(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = "self.angles = None"
    forward = (
        "if self.angles is None or self.angles.size(0) < x.size(1):\n"
        f"    self.angles = torch.outer(torch.arange({length}.0), torch.ones({features // 2}))\n"
        "cos, sin = self.angles.cos(), self.angles.sin()\na, b = x[..., ::2], x[..., 1::2]\n"
        "x = torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)"
    )
    return Piece(forward, shape, init, "sequence")


@fix("image")
def reservoir_of_maps(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = "self.history = []"
    forward = (
        "self.history.append(x.detach())\nself.history = self.history[-3:]\nx = x + torch.stack(self.history).mean(0)"
    )
    return Piece(forward, shape, init, "image")


@fix("vector")
def hook_that_records(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = (
        f"self.inner = nn.Linear({features}, 6)\nself.seen = []\n"
        "self.inner.register_forward_hook(lambda module, args, output: self.seen.append(output.shape))"
    )
    return Piece("x = self.inner(x)\nassert self.seen[-1][1] == 6", (batch, 6), init, "vector")


@fix("vector")
def hook_that_changes(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = (
        f"self.inner = nn.Linear({features + 1}, 6)\n"
        f"self.inner.register_forward_pre_hook(lambda module, args: (torch.cat([args[0], torch.ones({batch}, 1)], 1),))"
    )
    return Piece("x = self.inner(x)", (batch, 6), init, "vector")

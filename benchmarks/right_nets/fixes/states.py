"""Recurrent states of a fixed batch."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix


@fix("sequence")
def gru_state(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    hidden, layers, ways = draw.one(5, 6, 20), draw.one(1, 2), draw.one(1, 2)
    more = f", num_layers={layers}" * (layers > 1) + ", bidirectional=True" * (ways > 1)
    kind = draw.text("GRU", "RNN")
    init = f"self.cell = nn.{kind}({features}, {hidden}, batch_first=True{more})"
    make = draw.text("zeros", "randn")
    forward = f"x, _ = self.cell(x, torch.{make}({layers * ways}, {batch}, {hidden}))"
    return Piece(forward, (batch, length, hidden * ways), init, "sequence")


@fix("sequence")
def lstm_state(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    hidden, layers = draw.one(5, 6, 20), draw.one(1, 2, 3)
    init = (
        f"self.cell = nn.LSTM({features}, {hidden}, {layers}, batch_first=True)\n"
        f"self.h0 = nn.Parameter(torch.zeros({layers}, {batch}, {hidden}))\n"
        f"self.c0 = nn.Parameter(torch.zeros({layers}, {batch}, {hidden}))"
    )
    return Piece("x, (h, c) = self.cell(x, (self.h0, self.c0))", (batch, length, hidden), init, "sequence")


@fix("sequence")
def lstm_of_time_first(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.cell = nn.LSTM({features}, 10)"
    forward = (
        f"state = torch.zeros(1, {batch}, 10), torch.zeros(1, {batch}, 10)\n"
        "x, state = self.cell(x.transpose(0, 1), state)\nx = x.transpose(0, 1)"
    )
    return Piece(forward, (batch, length, 10), init, "sequence")


@fix("sequence")
def projected_lstm_state(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.cell = nn.LSTM({features}, 12, proj_size=5, batch_first=True)"
    forward = f"x, _ = self.cell(x, (torch.zeros(1, {batch}, 5), torch.zeros(1, {batch}, 12)))"
    return Piece(forward, (batch, length, 5), init, "sequence")


@fix("sequence")
def cell_over_steps(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    kind = draw.text("GRUCell", "RNNCell")
    init = f"self.cell = nn.{kind}({features}, 7)"
    forward = (
        f"h = torch.zeros({batch}, 7)\noutputs = []\nfor t in range({draw.text('x.size(1)', str(length))}):\n"
        "    h = self.cell(x[:, t], h)\n    outputs.append(h)\nx = torch.stack(outputs, dim=1)"
    )
    return Piece(forward, (batch, length, 7), init, "sequence")


@fix("sequence")
def lstm_cell_over_steps(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.cell = nn.LSTMCell({features}, 7)"
    forward = (
        f"h, c = torch.zeros({batch}, 7), torch.zeros({batch}, 7)\nfor step in x.unbind(1):\n"
        "    h, c = self.cell(step, (h, c))\nx = h"
    )
    return Piece(forward, (batch, 7), init, "vector")


@fix("vector")
def cell_with_fixed_state(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.cell = nn.GRUCell({features}, 6)\nself.h = torch.zeros({batch}, 6)"
    return Piece("x = self.cell(x, self.h)", (batch, 6), init, "vector")


@fix("sequence")
def own_recurrence(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.wx = nn.Linear({features}, 6)\nself.wh = nn.Linear(6, 6, bias=False)"
    forward = (
        f"h = x.new_zeros({batch}, 6)\nfor t in range({length}):\n"
        "    h = torch.tanh(self.wx(x[:, t]) + self.wh(h))\nx = h"
    )
    return Piece(forward, (batch, 6), init, "vector")


@fix("vector")
def autoregressive_decoder(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    steps = draw.one(3, 5)
    init = (
        f"self.emb = nn.Embedding(20, 6)\nself.cell = nn.GRUCell(6, {features})\n"
        f"self.vocabulary = nn.Linear({features}, 20)"
    )
    forward = (
        f"token = torch.zeros({batch}, dtype=torch.long)\nlogits = []\nfor _ in range({steps}):\n"
        "    x = self.cell(self.emb(token), x)\n    logits.append(self.vocabulary(x))\n"
        "    token = logits[-1].argmax(-1)\n"
        "x = torch.stack(logits, 1)"
    )
    return Piece(forward, (batch, steps, 20), init, "sequence")


@fix("image")
def convolutional_lstm(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.gates = nn.Conv2d({channels} + 4, 16, 3, padding=1)"
    forward = (
        f"h = torch.zeros({batch}, 4, {height}, {width})\nc = torch.zeros({batch}, 4, {height}, {width})\n"
        "i, f, o, g = self.gates(torch.cat([x, h], 1)).chunk(4, 1)\n"
        "c = f.sigmoid() * c + i.sigmoid() * g.tanh()\nx = o.sigmoid() * c.tanh()"
    )
    return Piece(forward, (batch, 4, height, width), init, "image")


@fix("sequence")
def learned_state_expanded(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.cell = nn.GRU({features}, 6, batch_first=True)\nself.start = nn.Parameter(torch.zeros(1, 1, 6))"
    expand = draw.text(f"self.start.expand(1, {batch}, 6).contiguous()", f"self.start.repeat(1, {batch}, 1)")
    return Piece(f"x, _ = self.cell(x, {expand})", (batch, length, 6), init, "sequence")

"""Products with fixed operands: bmm, baddbmm, einsum, cdist, bilinear, attention, graphs."""

from __future__ import annotations

from benchmarks.right_nets.piece import Draw, Piece, Shape, fix


@fix("sequence")
def bmm_with_fixed_batch(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    out = draw.one(4, 6)
    init = f"self.w = nn.Parameter(torch.randn({batch}, {features}, {out}))"
    return Piece(
        draw.text("x = torch.bmm(x, self.w)", "x = x.bmm(self.w)", "x = x @ self.w"),
        (batch, length, out),
        init,
        "sequence",
    )


@fix("sequence")
def attend_fixed_values(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    slots = draw.one(3, 5)
    init = f"self.v = nn.Parameter(torch.randn({batch}, {slots}, {features}))"
    return Piece("x = torch.bmm(F.softmax(x, -1), self.v.transpose(1, 2))", (batch, length, slots), init, "sequence")


@fix("sequence")
def baddbmm_fixed(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    out = draw.one(3, 4)
    bias = draw.text("torch.zeros(1, 1)", f"torch.ones({length}, {out})", f"torch.ones({batch}, 1, {out})")
    return Piece(
        f"x = torch.baddbmm({bias}, x, torch.ones({batch}, {features}, {out}))", (batch, length, out), layout="sequence"
    )


@fix("sequence", "signal")
def addbmm_fixed(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    return Piece(
        f"x = torch.addbmm(torch.zeros({length}, 5), x, torch.ones({batch}, {features}, 5))",
        (length, 5),
        layout="vector",
    )


@fix("sequence")
def cdist_to_prototypes(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.prototypes = nn.Parameter(torch.randn({batch}, 3, {features}))"
    return Piece("x = torch.cdist(x, self.prototypes)", (batch, length, 3), init, "sequence")


@fix("vector")
def cdist_of_rows(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    return Piece(f"x = torch.cdist(x, x) + torch.eye({batch})", (batch, batch), layout="vector")


@fix("vector")
def bilinear_with_constant(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.bilinear = nn.Bilinear({features}, 5, 6)"
    return Piece(f"x = self.bilinear(x, torch.ones({batch}, 5))", (batch, 6), init, "vector")


@fix("vector")
def graph_of_fixed_nodes(draw: Draw, shape: Shape) -> Piece:
    nodes, features = shape
    init = f'self.register_buffer("adjacency", torch.eye({nodes}))\nself.gc = nn.Linear({features}, 6)'
    forward = draw.text("x = torch.mm(self.adjacency, self.gc(x))", "x = F.relu(self.adjacency @ self.gc(x))")
    return Piece(forward, (nodes, 6), init, "vector")


@fix("vector")
def sparse_graph(draw: Draw, shape: Shape) -> Piece:
    nodes, features = shape
    init = f'self.register_buffer("adjacency", torch.eye({nodes}).to_sparse())\nself.gc = nn.Linear({features}, 6)'
    return Piece("x = torch.sparse.mm(self.adjacency, self.gc(x))", (nodes, 6), init, "vector")


@fix("vector")
def edge_list_graph(draw: Draw, shape: Shape) -> Piece:
    nodes, features = shape
    init = (
        f"self.source = torch.arange({nodes})\nself.target = torch.arange({nodes}).roll(1)\n"
        f"self.gc = nn.Linear({features}, 6)"
    )
    forward = f"messages = self.gc(x)[self.source]\nx = torch.zeros({nodes}, 6).index_add_(0, self.target, messages)"
    return Piece(forward, (nodes, 6), init, "vector")


@fix("vector")
def einsum_over_batch(draw: Draw, shape: Shape) -> Piece:
    batch, features = shape
    init = f"self.w = nn.Parameter(torch.randn({batch}, {features}, 4))"
    return Piece("x = torch.einsum('bf,bfo->bo', x, self.w)", (batch, 4), init, "vector")


@fix("sequence")
def einsum_of_sequence(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.mix = nn.Parameter(torch.randn({length}, {length}))"
    return Piece("x = torch.einsum('bld,lm->bmd', x, self.mix)", shape, init, "sequence")


@fix("sequence")
def queries_of_fixed_batch(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    queries = draw.one(2, 5)
    init = (
        f"self.queries = nn.Parameter(torch.randn({batch}, {queries}, {features}))\n"
        f"self.attention = nn.MultiheadAttention({features}, 2, batch_first=True)"
    )
    return Piece("x = self.attention(self.queries, x, x)[0]", (batch, queries, features), init, "sequence")


@fix("sequence")
def memory_of_fixed_batch(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = (
        f"self.memory = nn.Parameter(torch.zeros({batch}, 3, {features}))\n"
        f"self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer({features}, 2, 16, batch_first=True), 1)"
    )
    return Piece("x = self.decoder(x, self.memory)", shape, init, "sequence")


@fix("sequence")
def scaled_dot_product_fixed(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.kv = nn.Parameter(torch.randn(2, {batch}, 4, {features}))"
    return Piece("k, v = self.kv\nx = F.scaled_dot_product_attention(x, k, v)", shape, init, "sequence")


@fix("sequence")
def attention_mask_per_head(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = (
        f"self.attention = nn.MultiheadAttention({features}, 2, batch_first=True)\n"
        f'self.register_buffer("mask", torch.ones({batch * 2}, {length}, {length}).triu(1).bool())'
    )
    return Piece("x = x + self.attention(x, x, x, attn_mask=self.mask)[0]", shape, init, "sequence")


@fix("sequence")
def padding_mask_of_fixed_batch(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = f"self.layer = nn.TransformerEncoderLayer({features}, 2, 16, batch_first=True)"
    forward = (
        f"padding = torch.zeros({batch}, {length}, dtype=torch.bool)\npadding[:, -1] = True\n"
        "x = self.layer(x, src_key_padding_mask=padding)"
    )
    return Piece(forward, shape, init, "sequence")


@fix("sequence")
def causal_mask_of_fixed_length(draw: Draw, shape: Shape) -> Piece:
    batch, length, features = shape
    init = (
        f"self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer({features}, 2, 16, batch_first=True), 2)\n"
        f'self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask({length}))'
    )
    return Piece(
        draw.text("x = self.encoder(x, self.mask)", "x = self.encoder(x, mask=self.mask, is_causal=True)"),
        shape,
        init,
        "sequence",
    )


@fix("image")
def grouped_kernel_of_batch(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    init = f"self.kernel = nn.Parameter(torch.randn({batch} * {channels}, 1, 3, 3))"
    forward = (
        f"x = x.reshape(1, {batch * channels}, {height}, {width})\n"
        f"x = F.conv2d(x, self.kernel, padding=1, groups={batch * channels})\n"
        f"x = x.view({batch}, {channels}, {height}, {width})"
    )
    return Piece(forward, shape, init, "image")


@fix("image")
def gram_matrix(draw: Draw, shape: Shape) -> Piece:
    batch, channels, height, width = shape
    forward = (
        f"features = x.view({batch} * {channels}, {height} * {width})\n"
        f"x = features @ features.t() / {channels * height * width}"
    )
    return Piece(forward, (batch * channels, batch * channels), layout="vector")

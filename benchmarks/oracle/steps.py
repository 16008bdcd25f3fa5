"""What may come next in a net, by the layout of the tensor. Arguments are drawn freely: torch refuses what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.oracle.draft import Draft, Step

Proposal = Callable[[Draft], Step]


def _one(draft: Draft, stem: str, text: str, call: str = "{}(x)") -> Step:
    """One layer, called once."""
    name = draft.fresh(stem)
    return Step({name: text}, [f"x = {call.format(f'self.{name}')}"])


def _pick(draft: Draft, *options: str) -> str:
    return draft.random.choice(options)


def _maybe(draft: Draft, chance: float, text: str) -> str:
    return text if draft.random.random() < chance else ""


def _width(draft: Draft) -> int:
    return draft.random.choice((4, 6, 8, 12, 16, 20, 24, 32))


def _window(draft: Draft, rank: int) -> str:
    """A kernel: a number, or one for each dim."""
    if draft.random.random() < 0.8:
        return str(draft.random.randint(1, 4))
    return str(tuple(draft.random.randint(1, 4) for _ in range(rank)))


# -- convolutions and pools of any rank --------------------------------------------------------------------------


def convolution(rank: int) -> Proposal:
    def propose(draft: Draft) -> Step:
        before, after = draft.x.shape[1], _width(draft)
        common = [groups for groups in (2, 3, 4) if before % groups == after % groups == 0]
        padding = draft.random.choice(("1", "2", "'same'", str(tuple(draft.random.randint(0, 2) for _ in range(rank)))))
        options = [
            _maybe(draft, 0.4, f", stride={draft.random.randint(1, 3)}"),
            _maybe(draft, 0.5, f", padding={padding}"),
            _maybe(draft, 0.2, ", dilation=2"),
            _maybe(draft, 0.2, f", groups={draft.random.choice(common)}" if common else ""),
            _maybe(draft, 0.2, ", bias=False"),
            _maybe(draft, 0.1, ", padding_mode='circular'"),
        ]
        text = (
            f"nn.Conv{rank}d({draft.number(before)}, {draft.number(after)}, {_window(draft, rank)}{''.join(options)})"
        )
        return _one(draft, "conv", text)

    return propose


def transposed(rank: int) -> Proposal:
    def propose(draft: Draft) -> Step:
        options = [
            _maybe(draft, 0.6, f", stride={draft.random.randint(1, 3)}"),
            _maybe(draft, 0.4, f", padding={draft.random.randint(0, 2)}"),
            _maybe(draft, 0.3, f", output_padding={draft.random.randint(0, 2)}"),
            _maybe(draft, 0.2, ", dilation=2"),
        ]
        before, after = draft.number(draft.x.shape[1]), draft.number(_width(draft))
        return _one(
            draft, "up", f"nn.ConvTranspose{rank}d({before}, {after}, {_window(draft, rank)}{''.join(options)})"
        )

    return propose


def pool(kind: str, rank: int, *more: tuple[float, str]) -> Proposal:
    """A pool; `more` are options that only this kind has, or has at another place, each with its chance."""

    def propose(draft: Draft) -> Step:
        options = [
            _maybe(draft, 0.4, f", stride={draft.random.randint(1, 3)}"),
            _maybe(draft, 0.3, ", padding=1"),
            *(_maybe(draft, chance, text) for chance, text in more),
        ]
        return _one(draft, "pool", f"nn.{kind}Pool{rank}d({_window(draft, rank)}{''.join(options)})")

    return propose


def max_pool(rank: int) -> Proposal:
    return pool("Max", rank, (0.2, ", dilation=2"), (0.4, ", ceil_mode=True"))


def average_pool(rank: int) -> Proposal:
    return pool("Avg", rank, (0.4, ", ceil_mode=True"), (0.2, ", count_include_pad=False"))


def adaptive_pool(rank: int) -> Proposal:
    def propose(draft: Draft) -> Step:
        kind = _pick(draft, "Avg", "Max")
        sizes = tuple(draft.random.choice((1, 2, 3, 5, None)) for _ in range(rank))
        size = str(sizes[0] or 2) if draft.random.random() < 0.6 else str(sizes)
        return _one(draft, "adapt", f"nn.Adaptive{kind}Pool{rank}d({size})")

    return propose


def norm(rank: int) -> Proposal:
    def propose(draft: Draft) -> Step:
        width = draft.x.shape[1]
        groups = draft.random.choice([n for n in (1, 2, 3, 4) if width % n == 0])
        return _one(
            draft,
            "norm",
            _pick(
                draft,
                f"nn.BatchNorm{rank}d({draft.number(width)})",
                f"nn.GroupNorm({groups}, {draft.number(width)})",
                f"nn.InstanceNorm{rank}d({width}, affine={_pick(draft, 'True', 'False')})",
            ),
        )

    return propose


def flatten(draft: Draft) -> Step:
    whole = draft.x[0].numel()
    return Step({}, [_pick(
        draft, "x = torch.flatten(x, 1)", "x = x.flatten(1)", "x = x.view(x.size(0), -1)",
        "x = x.reshape(x.shape[0], -1)",
        f"x = x.reshape(-1, {draft.number(whole)})", "x = nn.Flatten()(x)",
    )])  # fmt: skip


# -- images ------------------------------------------------------------------------------------------------------


def activation(draft: Draft) -> Step:
    layer = _pick(draft, "nn.ReLU(inplace=True)", "nn.GELU()", "nn.Dropout(0.2)", "nn.LeakyReLU(0.1)", "nn.PReLU()")
    if draft.random.random() < 0.5:
        return _one(draft, "act", layer)
    return Step(
        {}, [_pick(draft, "x = F.relu(x)", "x = torch.tanh(x)", "x = x * torch.sigmoid(x)", "x = F.dropout(x)")]
    )


def resize(draft: Draft) -> Step:
    size = draft.random.randint(3, 24)
    return Step({}, [_pick(
        draft, "x = F.interpolate(x, scale_factor=2)", f"x = F.interpolate(x, size=({size}, {size + 1}))",
        "x = nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False)(x)", "x = F.avg_pool2d(x, 2)",
        "x = F.interpolate(x, scale_factor=1.5, mode='nearest')", "x = F.max_pool2d(x, 2, stride=1)",
    )])  # fmt: skip


def pad(draft: Draft) -> Step:
    sides = [draft.random.randint(0, 2) for _ in range(4)]
    mode = _pick(draft, "", ", mode='reflect'")
    return Step({}, [f"x = F.pad(x, {tuple(sides)}{mode})"])


def shuffle(draft: Draft) -> Step:
    return _one(draft, "shuffle", _pick(draft, "nn.PixelShuffle(2)", "nn.PixelUnshuffle(2)", "nn.ChannelShuffle(2)"))


def blocks(draft: Draft) -> Step:
    width = draft.number(draft.x.shape[1])
    return _one(
        draft, "block",
        _pick(
            draft, f"conv_block({width}, {draft.number(_width(draft))})", f"conv_block({width}, {_width(draft)}, 5)",
            f"Residual({width})", f"Residual({width}, stride=2)",
        ),
    )  # fmt: skip


def branches(draft: Draft) -> Step:
    """Two ways from one tensor, put side by side or added."""
    before = draft.x.shape[1]
    left, right = draft.fresh("left"), draft.fresh("right")
    widths = (_width(draft), _width(draft))
    cat = draft.random.random() < 0.5
    after = widths if cat else (widths[0], widths[0])
    layers = {
        left: f"nn.Conv2d({draft.number(before)}, {draft.number(after[0])}, 1)",
        right: f"nn.Conv2d({before}, {draft.number(after[1])}, 3, padding=1)",
    }
    join = (
        f"x = torch.cat([self.{left}(x), self.{right}(x)], dim=1)" if cat else f"x = self.{left}(x) + self.{right}(x)"
    )
    return Step(layers, [join])


def halves(draft: Draft) -> Step:
    return Step(
        {}, ["a, b = x.chunk(2, dim=1)", _pick(draft, "x = a * torch.sigmoid(b)", "x = torch.cat((b, a), dim=1)")]
    )


def channels_last(draft: Draft) -> Step:
    name = draft.fresh("norm")
    lines = ["x = x.permute(0, 2, 3, 1)", f"x = self.{name}(x)", "x = x.permute(0, 3, 1, 2)"]
    return Step({name: f"nn.LayerNorm({draft.number(draft.x.shape[1])})"}, lines)


def keep(draft: Draft) -> Step:
    return Step({}, [f"{draft.fresh('kept_')} = x", "x = F.relu(x)"])


def join(draft: Draft) -> Step:
    name = draft.random.choice(sorted(draft.kept)) if draft.kept else "x"
    return Step({}, [_pick(draft, f"x = torch.cat([x, {name}], 1)", f"x = x + {name}")])


def by_size(draft: Draft) -> Step:
    """A branch on the size of the image."""
    limit = draft.random.randint(4, 20)
    return Step({}, [f"if x.size(2) > {limit}:", "    x = F.max_pool2d(x, 2)"])


def to_words(draft: Draft) -> Step:
    return Step({}, [_pick(draft, "x = x.flatten(2).transpose(1, 2)", "x = x.mean(2).permute(0, 2, 1)")])


def pooled(draft: Draft) -> Step:
    return Step({}, [_pick(draft, "x = x.mean([2, 3])", "x = x.amax(dim=(2, 3))", "x = x.mean(-1).mean(-1)")])


# -- rows of features --------------------------------------------------------------------------------------------


def linear(draft: Draft) -> Step:
    before, after = draft.x.shape[-1], _width(draft)
    if draft.random.random() < 0.7:
        return _one(draft, "fc", f"nn.Linear({draft.number(before)}, {draft.number(after)})")
    if draft.random.random() < 0.5:
        return _one(draft, "head", f"Head({draft.number(before)}, {draft.number(after)}, {_width(draft)})")
    text = f"nn.Sequential(nn.Linear({draft.number(before)}, {after}), nn.ReLU(), nn.Linear({after}, {_width(draft)}))"
    return _one(draft, "mlp", text)


def loop(draft: Draft) -> Step:
    name, width = draft.fresh("layers"), draft.x.shape[-1]
    text = f"nn.ModuleList([nn.Linear({draft.number(width)}, {width}) for _ in range({draft.random.randint(2, 3)})])"
    return Step({name: text}, [f"for layer in self.{name}:", "    x = torch.relu(layer(x))"])


def shared(draft: Draft) -> Step:
    name, width = draft.fresh("shared"), draft.x.shape[-1]
    return Step(
        {name: f"nn.Linear({draft.number(width)}, {width})"}, [f"x = self.{name}(x)", f"x = self.{name}(F.relu(x))"]
    )


def norm_of_features(draft: Draft) -> Step:
    width = draft.number(draft.x.shape[-1])
    return _one(draft, "norm", _pick(draft, f"nn.BatchNorm1d({width})", f"nn.LayerNorm({width})"))


def to_image(draft: Draft) -> Step:
    width = draft.x.shape[1]
    side = next((side for side in (4, 3, 2) if width % (side * side) == 0), 1)
    channels = width // (side * side)
    return Step({}, [_pick(
        draft, f"x = x.view(-1, {draft.number(channels)}, {side}, {side})",
        f"x = x.reshape(x.size(0), {channels}, {side}, {side})", f"x = x.unflatten(1, ({channels}, {side}, {side}))",
    )])  # fmt: skip


def to_line(_: Draft) -> Step:
    return Step({}, ["x = x.unsqueeze(1)"])


def outer(_: Draft) -> Step:
    return Step({}, ["x = torch.einsum('bi,bj->bij', x, x)"])


# -- sequences ---------------------------------------------------------------------------------------------------


def recurrent(draft: Draft) -> Step:
    width, hidden = draft.x.shape[-1], draft.random.choice((4, 6, 8, 12))
    kind = _pick(draft, "LSTM", "GRU", "RNN")
    options = [
        _maybe(draft, 0.4, ", bidirectional=True"),
        _maybe(draft, 0.3, ", num_layers=2"),
        _maybe(draft, 0.3, f", proj_size={hidden // 2}") if kind == "LSTM" else "",
    ]
    name = draft.fresh("rnn")
    text = f"nn.{kind}({draft.number(width)}, {hidden}, batch_first=True{''.join(options)})"
    return Step({name: text}, [f"x, _ = self.{name}(x)"])


def attention(draft: Draft) -> Step:
    width = draft.x.shape[-1]
    heads = draft.random.choice([n for n in (1, 2, 3, 4) if width % n == 0])
    name = draft.fresh("attention")
    way = draft.random.random()
    if way < 0.4:
        text = f"nn.MultiheadAttention({draft.number(width)}, {heads}, batch_first=True)"
        return Step({name: text}, [f"x, _ = self.{name}(x, x, x)"])
    if way < 0.7:
        return Step({name: f"Attention({draft.number(width)}, {heads})"}, [f"x = x + self.{name}(x)"])
    text = f"nn.TransformerEncoderLayer({draft.number(width)}, {heads}, {2 * width}, batch_first=True)"
    return Step({name: text}, [f"x = self.{name}(x)"])


def scores(draft: Draft) -> Step:
    return Step({}, [_pick(
        draft, "x = torch.einsum('bld,bmd->blm', x, x)", "x = torch.bmm(x, x.transpose(1, 2))",
        "x = (x @ x.transpose(1, 2)).softmax(-1) @ x", "x = torch.matmul(x.softmax(1).transpose(1, 2), x)",
    )])  # fmt: skip


def one_of_words(draft: Draft) -> Step:
    return Step({}, [_pick(draft, "x = x[:, -1]", "x = x.mean(1)", "x = x[:, 0, :]", "x, _ = x.max(dim=1)")])


def turned(draft: Draft) -> Step:
    return Step({}, [_pick(draft, "x = x.transpose(1, 2)", "x = x.permute(0, 2, 1)")])


def normed_line(draft: Draft) -> Step:
    return _one(draft, "norm", f"nn.BatchNorm1d({draft.number(draft.x.shape[1])})")


def embedding(draft: Draft) -> Step:
    options = _maybe(draft, 0.3, ", padding_idx=0")
    return _one(draft, "embed", f"nn.Embedding(50, {draft.number(_width(draft))}{options})")


IMAGE: Sequence[Proposal] = (
    convolution(2), convolution(2), convolution(2), transposed(2), max_pool(2), max_pool(2), average_pool(2),
    adaptive_pool(2), norm(2), activation, resize, pad, shuffle, blocks, branches, halves, channels_last, keep, join,
    join, by_size, to_words, pooled, flatten,
)  # fmt: skip
FLAT: Sequence[Proposal] = (
    linear,
    linear,
    linear,
    norm_of_features,
    activation,
    loop,
    shared,
    to_image,
    to_line,
    outer,
)
SEQUENCE: Sequence[Proposal] = (
    linear, recurrent, recurrent, attention, attention, scores, one_of_words, turned, norm_of_features, activation,
    convolution(1), max_pool(1), average_pool(1), adaptive_pool(1), normed_line, transposed(1), flatten, loop,
)  # fmt: skip
VOLUME: Sequence[Proposal] = (
    convolution(3), convolution(3), transposed(3), max_pool(3), average_pool(3), adaptive_pool(3), norm(3), activation,
    flatten,
)  # fmt: skip


def proposals(draft: Draft) -> Sequence[Proposal]:
    """What may come next."""
    if draft.x.dtype == draft.x.long().dtype:
        return (embedding,)
    return {2: FLAT, 3: SEQUENCE, 4: IMAGE, 5: VOLUME}.get(draft.x.dim(), ())

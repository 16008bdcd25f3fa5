"""The edits that are offered: each was tried, so the model with it runs in torch."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from tracing import PREAMBLE, Linter, Shape, net, whole

from convlint.facts import TriedEdit
from convlint.inputspec import InputSpec
from convlint.worker.analysis.edits.text import edited

FLAT = ("B", 16)
IMAGE = ("B", 3, 32, 32)
WORDS = ("B", 50, 64)


@dataclass(frozen=True)
class Mended:
    """A net, what goes into it, and the edit that is offered with those that do as well."""

    name: str
    source: str
    given: Shape | InputSpec
    code: str
    others: tuple[str, ...] = ()


def row(name: str, init: str, forward: str, given: Shape | InputSpec, code: str, *others: str) -> Mended:
    return Mended(name, net(init, forward), given, code, others)


TWO_CONVS = (
    "def double_conv(a, b):\n    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), "
    "nn.Conv2d(b, b, 3, padding=1))\n\n\n"
)
DECODER = (
    PREAMBLE
    + """
class Up(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2)
        self.conv = nn.Conv2d(2 * width, width, 3, padding=1)

    def forward(self, x, skip):
        x = self.up(x)
        return self.conv(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inside = nn.Conv2d(3, 8, 3, padding=1)
        self.down = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.up = Up(8)

    def forward(self, x):
        x = self.inside(x)
        return self.up(self.down(x), x)
"""
)
POOLED = (
    PREAMBLE
    + """
class Block(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv = nn.Conv2d(a, b, 3)

    def forward(self, x):
        return self.conv(x).relu()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Block(3, 8)
        self.b = Block(8, 8)
        self.c = Block(16, 8)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x):
        x = self.a(x)
        return self.c(torch.cat([x, self.up(self.b(self.pool(x)))], 1))
"""
)
UNET = (
    PREAMBLE
    + TWO_CONVS
    + """class Net(nn.Module):
    def __init__(self, features=(8, 16, 32)):
        super().__init__()
        self.downs, self.ups, c = nn.ModuleList(), nn.ModuleList(), 3
        for f in features:
            self.downs.append(double_conv(c, f))
            c = f
        self.middle = double_conv(c, 2 * c)
        for f in reversed(features):
            self.ups.append(nn.ConvTranspose2d(2 * f, f, 2, stride=2))
            self.ups.append(double_conv(f, f))

    def forward(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.middle(x)
        for i in range(0, len(self.ups), 2):
            x = torch.cat([skips[-1 - i // 2], self.ups[i](x)], 1)
            x = self.ups[i + 1](x)
        return x
"""
)
FEED_FORWARD = (
    PREAMBLE
    + """

class FeedForward(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.up, self.down = nn.Linear(dim, hidden), nn.Linear(dim, dim)

    def forward(self, x):
        return self.down(self.up(x).relu())


class Net(nn.Module):
    def __init__(self, depth=2):
        super().__init__()
        self.layers = nn.ModuleList([FeedForward(dim=16, hidden=64) for _ in range(depth)])

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return x
"""
)
BLOCKS = (
    PREAMBLE
    + """

class Block(nn.Module):
    def __init__(self, inside, out, stride):
        super().__init__()
        self.conv = nn.Conv2d(inside, out, 3, stride=stride, padding=1)
        self.shortcut = nn.Conv2d(inside, out, 1)

    def forward(self, x):
        return self.conv(x) + self.shortcut(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Block(3, 8, 1), Block(8, 16, 2), Block(16, 32, 2))

    def forward(self, x):
        return self.body(x)
"""
)

ATTENTION = (
    PREAMBLE
    + """

class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q = q.view(b, n, self.heads, d // self.heads).transpose(1, 2)
        k = k.view(b, n, self.heads, d // self.heads).transpose(1, 2)
        v = v.view(b, n, self.heads, d // self.heads).transpose(1, 2)
        return self.out(((q @ k.mT).softmax(-1) @ v).transpose(1, 2).reshape(b, n, d))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Attention(24, 4) for _ in range(2)])

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return x
"""
)

MENDED = [
    row(
        "the_expression_of_the_layer_before",
        "hidden = 8\nself.a = nn.Linear(16, hidden * 4)\nself.b = nn.Linear(hidden, 2)",
        "return self.b(self.a(x))",
        FLAT,
        "nn.Linear(hidden * 4, 2)",
    ),
    row(
        "a_number_for_a_number",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(16, 4, 3)",
        "return self.b(self.a(x))",
        IMAGE,
        "nn.Conv2d(8, 4, 3)",
    ),
    row(
        "both_directions",
        "size = 8\nself.r = nn.LSTM(64, size, batch_first=True, bidirectional=True)\nself.fc = nn.Linear(size, 2)",
        "return self.fc(self.r(x)[0])",
        WORDS,
        "nn.Linear(2 * size, 2)",
    ),
    row(
        "the_layer_before_a_norm_that_others_follow",
        "self.a = nn.Conv2d(3, 8, 3)\nself.n = nn.BatchNorm2d(16)\nself.b = nn.Conv2d(16, 4, 3)",
        "return self.b(self.n(self.a(x)))",
        IMAGE,
        "nn.Conv2d(3, 16, 3)",
    ),
    row(
        "channels_last",
        "self.a = nn.Conv2d(3, 8, 3)",
        "return self.a(x)",
        ("B", 32, 32, 3),
        "x.permute(0, 3, 1, 2)",
        "nn.Conv2d(32, 8, 3)",
    ),
    row(
        "features_in_the_middle",
        "self.a = nn.Linear(12, 8)",
        "return self.a(x)",
        ("B", 12, 50),
        "x.transpose(1, 2)",
        "nn.Linear(50, 8)",
    ),
    row(
        "a_layer_norm_over_channels",
        "self.n = nn.LayerNorm(64)",
        "return self.n(x)",
        ("B", 64, 16, 16),
        "nn.GroupNorm(1, 64)",
        "self.n(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)",
    ),
    row(
        "a_batch_norm_over_a_sequence",
        "self.n = nn.BatchNorm1d(64)",
        "return self.n(x)",
        WORDS,
        "self.n(x.transpose(1, 2)).transpose(1, 2)",
        "nn.BatchNorm1d(50)",
    ),
    row(
        "no_channels",
        "self.a = nn.Conv2d(1, 8, 3)",
        "return self.a(x)",
        ("B", 28, 28),
        "x.unsqueeze(1)",
    ),
    row(
        "a_forgotten_flatten",
        "self.a = nn.Conv2d(3, 4, 3, padding=1)\nself.fc = nn.Linear(4096, 2)",
        "return self.fc(self.a(x))",
        IMAGE,
        "self.a(x).flatten(1)",
    ),
    row(
        "a_norm_of_another_rank",
        "self.a = nn.Linear(16, 8)\nself.n = nn.BatchNorm2d(8)",
        "return self.n(self.a(x))",
        FLAT,
        "nn.BatchNorm1d(8)",
    ),
    row(
        "keys_without_a_transpose",
        "self.q, self.k = nn.Linear(64, 32), nn.Linear(64, 32)",
        "q, k = self.q(x), self.k(x)\nreturn torch.softmax(q @ k, -1) @ x",
        WORDS,
        "k.transpose(-2, -1)",
    ),
    row(
        "heads_that_leave_a_rest",
        "self.heads = 6",
        "b, n, c = x.shape\nreturn x.reshape(b, n, self.heads, c // self.heads)",
        WORDS,
        "4",
        "8",
    ),
    row(
        "one_kernel_without_padding",
        "self.a = nn.Conv2d(3, 8, 3, padding=1)\nself.b = nn.Conv2d(3, 8, 5)",
        "return torch.cat([self.a(x), self.b(x)], 1)",
        IMAGE,
        "nn.Conv2d(3, 8, 5, padding=2)",
    ),
    row(
        "no_kernel_with_padding",
        "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(3, 8, 5)",
        "return torch.cat([self.a(x), self.b(x)], 1)",
        IMAGE,
        "padding=1` in `a` and `padding=2` in `b",
    ),
    row(
        "no_shortcut",
        "self.a = nn.Conv2d(3, 8, 3, stride=2, padding=1)",
        "return F.relu(self.a(x)) + x",
        IMAGE,
        "nn.Conv2d(3, 8, 1, stride=2)",
    ),
    row(
        "a_state_of_one_layer",
        "self.r = nn.LSTM(64, 8, num_layers=2, batch_first=True)",
        "h = torch.zeros(1, x.size(0), 8)\nc = torch.zeros(1, x.size(0), 8)\nreturn self.r(x, (h, c))[0]",
        WORDS,
        "torch.zeros(2, ...)",
    ),
    row(
        "another_dim_to_join",
        "self.a = nn.Linear(64, 8)",
        "return torch.cat([x, self.a(x)], 1)",
        WORDS,
        "torch.cat([x, self.a(x)], 2)",
    ),
    row(
        "indices_into_a_linear",
        "self.a = nn.Linear(16, 8)",
        "return self.a(x)",
        whole("B", 16),
        "x.float()",
    ),
    row(
        "a_view_for_other_images",
        "self.a = nn.Conv2d(3, 6, 5)\nself.fc = nn.Linear(6 * 5 * 5, 10)",
        "x = F.max_pool2d(self.a(x), 2).view(-1, 6 * 5 * 5)\nreturn self.fc(x)",
        IMAGE,
        "F.max_pool2d(self.a(x), 2).flatten(1)` and `nn.Linear(1176, 10)",
    ),
    row(
        "a_layer_that_nothing_calls",
        "self.a = nn.Linear(16, 8)\nself.b = nn.Linear(8, 12)\nself.c = nn.Linear(12, 4)",
        "return self.c(self.a(x))",
        FLAT,
        "self.b(self.a(x))",
        "nn.Linear(8, 4)",
    ),
    Mended(
        "a_skip_that_nothing_reads",
        DECODER,
        IMAGE,
        "torch.cat([skip, x], 1)",
        ("nn.Conv2d(width, width, 3, padding=1)",),
    ),
    Mended("a_padding_that_every_block_lacks", POOLED, IMAGE, "nn.Conv2d(a, b, 3, padding=1)"),
    Mended("a_share_that_is_too_small", ATTENTION, ("B", 20, 24), "nn.Linear(dim, 3 * dim)"),
    Mended("three_blocks_of_one_line", UNET, ("B", 3, 32, 32), "double_conv(2 * f, f)"),
    Mended("the_innermost_call", FEED_FORWARD, ("B", 16), "nn.Linear(hidden, dim)"),
    Mended("a_shortcut_without_a_stride", BLOCKS, IMAGE, "nn.Conv2d(inside, out, 1, stride=stride)"),
]


def offered(linter: Linter, mended: Mended) -> TriedEdit:
    edit = linter(mended.source, mended.given).the_finding.violation.edit
    assert edit is not None
    return edit


@pytest.mark.parametrize("mended", [pytest.param(one, id=one.name) for one in MENDED])
def test_the_edit_that_is_offered_runs(linter: Linter, mended: Mended) -> None:
    is_silent = "view(-1" in mended.source
    assert is_silent or linter.torch_refuses(mended.source, mended.given)
    edit = offered(linter, mended)
    assert (edit.code, edit.others) == (mended.code, mended.others)
    made = edited(mended.source, edit.changes)
    assert made is not None
    out = linter.torch_runs(made.text, mended.given)
    assert out.shape[0] == 5


def test_the_same_line_built_several_times_is_one_finding(linter: Linter) -> None:
    finding = linter(UNET, ("B", 3, 32, 32)).the_finding
    assert (finding.text, finding.violation.also) == ("f", ("ups.3.0", "ups.5.0"))


def test_the_place_is_the_innermost_call_that_may_be_changed(linter: Linter) -> None:
    finding = linter(FEED_FORWARD, ("B", 16)).the_finding
    assert finding.text == "dim"
    assert finding.source.splitlines()[finding.place.row - 1].strip().endswith("nn.Linear(dim, dim)")
    assert finding.violation.also == ("layers.1.down",)


def test_the_shortcut_is_to_blame_and_not_the_sum(linter: Linter) -> None:
    finding = linter(BLOCKS, IMAGE).the_finding
    assert finding.text == "nn.Conv2d(inside, out, 1)"
    assert finding.violation.operator == "+"


def test_what_may_be_meant_by_either_side_stays_at_the_operation(linter: Linter) -> None:
    source = net("self.a = nn.Linear(16, 8)\nself.b = nn.Linear(16, 4)", "return self.a(x) + self.b(x)")
    finding = linter(source, FLAT).the_finding
    assert finding.text == "self.a(x) + self.b(x)"
    assert finding.violation.edit is not None
    assert {finding.violation.edit.code, *finding.violation.edit.others} == {"nn.Linear(16, 8)", "nn.Linear(16, 4)"}


def test_nothing_is_offered_that_brings_another_mistake(linter: Linter) -> None:
    """16 for the norm would break the next layer, and 8 for the layer before breaks the sum."""
    init = "self.a = nn.Conv2d(3, 16, 1)\nself.n = nn.BatchNorm2d(8)\nself.b = nn.Conv2d(8, 16, 1)"
    source = net(init, "y = self.a(x)\nreturn self.b(self.n(y)) + y")
    assert linter.torch_refuses(source, IMAGE)
    assert linter(source, IMAGE).the_finding.violation.edit is None


def test_a_mistake_behind_another_one_keeps_its_own_edit(linter: Linter) -> None:
    source = net(
        "self.a = nn.Linear(16, 8)\nself.b = nn.Linear(9, 4)\nself.c = nn.Linear(5, 2)",
        "return self.c(self.b(self.a(x)))",
    )
    edits = [finding.violation.edit for finding in linter(source, FLAT).findings]
    assert [edit.code for edit in edits if edit] == ["nn.Linear(8, 4)", "nn.Linear(4, 2)"]
    made = edited(source, [change for edit in edits if edit for change in edit.changes])
    assert made is not None
    assert linter.torch_runs(made.text, FLAT).shape == (5, 2)


def test_an_edit_of_a_file_that_raises_the_second_time_is_none(linter: Linter) -> None:
    source = net("self.a = nn.Linear(16, 8)\nself.b = nn.Linear(9, 4)", "return self.b(self.a(x))")
    source = source.replace(
        "class Net", "assert not hasattr(torch, '_seen_once')\ntorch._seen_once = True\n\n\nclass Net"
    )
    try:
        finding = linter(source, FLAT).the_finding
    finally:
        if hasattr(torch, "_seen_once"):
            del torch._seen_once
    assert finding.short == ("in_features", 9, 8, "9")


@pytest.mark.parametrize("batch", [None, 4])
def test_modules_of_the_user_are_as_they_were(linter: Linter, batch: int | None) -> None:
    """The model that is reported on is the one that was imported first, whatever was tried."""
    checked = linter(FEED_FORWARD, ("B", 16) if batch is None else (batch, 16))
    span = checked.the_finding.place
    assert (span.filename, span.row) == (linter.files[-1].name, 9)

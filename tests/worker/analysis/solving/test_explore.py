"""Which input sizes a net takes, what no size can fix, and the ways through forward."""

from __future__ import annotations

import pytest
from tracing import PREAMBLE, Linter, net, tensors, whole

MNIST_INIT = """
self.conv1 = nn.Conv2d(1, 32, 3)
self.conv2 = nn.Conv2d(32, 64, 3)
self.fc1 = nn.Linear(9216, 128)
"""
MNIST_FORWARD = """
x = F.relu(self.conv2(F.relu(self.conv1(x))))
return self.fc1(torch.flatten(F.max_pool2d(x, 2), 1))
"""


def blocks(features: str) -> str:
    """Four pooled blocks that end in 128 channels."""
    return (
        "self.c = nn.ModuleList([nn.Conv2d(i, o, 5, padding=2) for i, o in [(1, 16), (16, 32), (32, 64), (64, 128)]])\n"
        f"self.f = nn.Linear({features}, 10)"
    )


BLOCKS_FORWARD = "for c in self.c:\n    x = F.max_pool2d(c(x), 2)\nreturn self.f(x.reshape(x.size(0), -1))"
UNET_INIT = """
self.d1 = nn.Conv2d(3, 8, 3, padding=1)
self.d2 = nn.Conv2d(8, 16, 3, padding=1)
self.d3 = nn.Conv2d(16, 32, 3, padding=1)
self.u2 = nn.ConvTranspose2d(32, 16, 2, 2)
self.c2 = nn.Conv2d(32, 16, 3, padding=1)
self.u1 = nn.ConvTranspose2d(16, 8, 2, 2)
self.c1 = nn.Conv2d(16, 8, 3, padding=1)
"""
UNET_FORWARD = """
a = self.d1(x)
b = self.d2(F.max_pool2d(a, 2))
c = self.d3(F.max_pool2d(b, 2))
b = self.c2(torch.cat([self.u2(c), b], 1))
return self.c1(torch.cat([self.u1(b), a], 1))
"""


# -- sizes ------------------------------------------------------------------------------------------------------


def test_mnist_takes_28_and_29(linter: Linter) -> None:
    source = net(MNIST_INIT, MNIST_FORWARD)
    checked = linter(source)
    assert checked.is_clean()
    assert checked.model.sizes == {"H": (28, 29), "W": (28, 29)}
    for size, refused in ((27, True), (28, False), (29, False), (30, True)):
        assert linter.torch_refuses(source, ("B", 1, size, size)) is refused


def test_mnist_with_another_number(linter: Linter) -> None:
    finding = linter(net(MNIST_INIT.replace("9216", "1600"), MNIST_FORWARD), ("B", 1, 28, 28)).the_finding
    assert finding.short == ("in_features", 1600, 9216, "1600")
    assert finding.violation.verdict == "contradicted"
    assert finding.violation.formula == "64*((H-4)//2)*((W-4)//2)"
    assert finding.violation.derivation == "64 * ((28-4)//2) * ((28-4)//2) = 64 * 12 * 12 = 9216"
    assert finding.violation.value == 9216


def test_four_pooled_blocks_never_give_1568(linter: Linter) -> None:
    finding = linter(net(blocks("7 * 7 * 32"), BLOCKS_FORWARD)).the_finding
    assert finding.short == ("in_features", 1568, "128*(H//16)*(W//16)", "7 * 7 * 32")
    assert finding.violation.verdict == "proved"


def test_four_pooled_blocks_give_128(linter: Linter) -> None:
    checked = linter(net(blocks("128"), BLOCKS_FORWARD))
    assert checked.is_clean()
    assert checked.model.sizes["H"] == tuple(range(16, 32))


def test_a_unet_takes_multiples_of_four(linter: Linter) -> None:
    source = net(UNET_INIT, UNET_FORWARD)
    checked = linter(source)
    assert checked.is_clean()
    assert checked.model.size_note == "H = W a multiple of 4"
    assert linter.torch_refuses(source, ("B", 3, 30, 30))


def test_a_unet_at_an_odd_size(linter: Linter) -> None:
    found = linter(net(UNET_INIT, UNET_FORWARD), ("B", 3, 101, 101)).findings
    assert {finding.text for finding in found} == {"torch.cat([self.u1(b), a], 1)"}
    assert (found[0].violation.expected, found[0].violation.actual) == (100, 101)
    assert found[0].violation.sizes == "a multiple of 4 for H and W"


def test_only_rectangles(linter: Linter) -> None:
    init = "self.c = nn.Conv2d(1, 8, 1)\nself.f = nn.Linear(8 * 10 * 20, 16)"
    checked = linter(net(init, "return self.f(self.c(x).flatten(1))"))
    assert [violation.name for violation in checked.model.violations] == ["never_square"]
    assert 10 in checked.model.sizes["H"]


@pytest.mark.xfail(strict=True, reason="a dim that must be 1 inside the net leaves the sizes undecided")
def test_only_one_rectangle(linter: Linter) -> None:
    init = "self.c = nn.Conv2d(1, 8, (21, 1))\nself.n = nn.LayerNorm([1, 50])"
    checked = linter(net(init, "return self.n(self.c(x))"))
    assert checked.is_clean()
    assert checked.model.sizes == {"H": (21,), "W": (50,)}


@pytest.mark.xfail(strict=True, reason="an assertion on a size makes inference give up instead of trying that size")
def test_the_user_asks_for_one_size(linter: Linter) -> None:
    forward = "assert x.shape[-1] == 224 and x.shape[-2] == 224, 'size'\nreturn self.c(x)"
    checked = linter(net("self.c = nn.Conv2d(3, 8, 3)", forward))
    assert not checked.findings
    assert checked.model.status == "checked"
    assert checked.model.sizes == {"H": (224,), "W": (224,)}


def test_the_user_refuses_a_declared_size(linter: Linter) -> None:
    """An assertion of the user's own refuses the input that is declared, whatever the layers would make of it."""
    forward = "assert x.shape[-1] == 224, 'size'\nreturn self.c(x)"
    model = linter(net("self.c = nn.Conv2d(3, 8, 3)", forward), ("B", 3, 32, 32)).model
    assert model.status == "partial"
    assert model.violations[0].detail == "AssertionError: size"
    assert model.stopped is not None
    assert model.stopped.row == 12


def test_a_branch_on_sizes_hides_nothing(linter: Linter) -> None:
    """The mistake stands only in the branch that images above 100 take."""
    forward = "x = self.a(x)\nif x.shape[-1] > 100:\n    return self.b(x)\nreturn x"
    source = net("self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(9, 4, 3)", forward)
    assert linter(source, ("B", 3, 32, 32)).is_clean()
    assert linter(source, ("B", 3, 128, 128)).the_finding.short == ("in_channels", 9, 8, "9")


def test_a_loop_over_a_size(linter: Linter) -> None:
    init = "self.c = nn.LSTMCell(16, 32)\nself.f = nn.Linear(<, 2)"
    forward = """
    h, c = torch.zeros(x.size(0), 32), torch.zeros(x.size(0), 32)
    for t in range(x.size(1)):
        h, c = self.c(x[:, t], (h, c))
    return self.f(h)
    """
    assert linter(net(init.replace("<", "32"), forward), ("B", 3, 16)).is_clean()
    assert linter(net(init.replace("<", "16"), forward), ("B", 3, 16)).the_finding.short[:3] == ("in_features", 16, 32)


def test_halving_until_small(linter: Linter) -> None:
    init = "self.c = nn.Conv2d(3, 3, 3, padding=1)\nself.f = nn.Linear(12, 2)"
    forward = "while x.shape[-1] > 3:\n    x = F.max_pool2d(self.c(x), 2)\nreturn self.f(x.flatten(1))"
    source = net(init, forward)
    assert not linter.torch_refuses(source, ("B", 3, 32, 32))
    assert linter(source, ("B", 3, 32, 32)).is_clean()
    assert not linter(source).findings


# -- branches on data -------------------------------------------------------------------------------------------

TWO_WAYS = """
x = self.a(x)
if x.{test}:
    x = {yes}
else:
    x = {no}
return x
"""
TWO_LAYERS = "self.a = nn.Conv2d(3, 8, 3)\nself.b = nn.Conv2d(9, 4, 3)"


@pytest.mark.parametrize("test", ["max() > 3", "mean().item() > 0", "sum() < 0"], ids=["max", "item", "sum"])
@pytest.mark.parametrize("ways", [("self.b(x)", "x"), ("x", "self.b(x)")], ids=["yes", "no"])
def test_a_mistake_in_one_branch(linter: Linter, test: str, ways: tuple[str, str]) -> None:
    forward = TWO_WAYS.format(test=test, yes=ways[0], no=ways[1])
    checked = linter(net(TWO_LAYERS, forward), ("B", 3, 24, 24))
    if ".item()" in test and checked.model.status == "partial":
        assert checked.model.stopped is not None
        assert checked.model.stopped.row == 14
        return
    assert checked.the_finding.short == ("in_channels", 9, 8, "9")


GUARDS = {
    "nan": "if torch.isnan(x).any():\n    raise ValueError('not a number')",
    "not_finite": "if not torch.isfinite(x).all():\n    raise RuntimeError('not finite')",
    "negative": "if x.min() < 0:\n    raise ValueError('negative')",
    "assert_not": "assert not torch.isnan(x).any()",
    "assert_finite": "assert torch.isfinite(x).all(), 'not finite'",
    "assert_both": "assert (x >= 0).all() and (x <= 1).all()",
}


@pytest.mark.parametrize("line", GUARDS.values(), ids=GUARDS)
def test_a_guard_on_data_is_no_mistake(linter: Linter, line: str) -> None:
    source = net("self.a = nn.Conv2d(3, 8, 3)", f"{line}\nreturn self.a(x)")
    assert linter(source, ("B", 3, 24, 24)).is_clean()


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_on_data_ends_no_inference(linter: Linter, name: str) -> None:
    assert linter(net("self.a = nn.Conv2d(3, 8, 3)", f"{GUARDS[name]}\nreturn self.a(x)")).is_clean()


def test_behind_a_guard_the_mistake_is_found(linter: Linter) -> None:
    forward = "if torch.isnan(x).any():\n    raise ValueError('not a number')\nreturn self.b(self.a(x))"
    assert linter(net(TWO_LAYERS, forward)).the_finding.short == ("in_channels", 9, 8, "9")


def test_a_loop_on_data_stops_the_trace(linter: Linter) -> None:
    forward = "x = self.a(x)\nwhile x.norm() > 1:\n    x = x / 2\nreturn x"
    model = linter(net("self.a = nn.Conv2d(3, 8, 3)", forward), ("B", 3, 24, 24)).model
    assert not [violation for node in model.nodes for violation in node.violations]
    assert model.status in ("checked", "partial")
    if model.status == "partial":
        assert model.stopped is not None
        assert model.stopped.row == 13


def test_a_number_read_from_data_stops_a_loop(linter: Linter) -> None:
    forward = "y = self.a(x)\nn = int(y.sum().item())\ny = y[:, :n]\nfor _ in range(n):\n    y = y + 1\nreturn y"
    model = linter(net("self.a = nn.Conv2d(3, 8, 3)", forward), ("B", 3, 24, 24)).model
    assert model.status == "partial"
    assert model.stopped is not None
    assert model.stopped.row == 15


def test_what_stands_on_a_way_that_cannot_be_followed_is_not_checked(linter: Linter) -> None:
    loop = "y = self.a(x)\nif y.sum() > 0:\n    for _ in range(y.argmax().item()):\n        y = y + 1\nreturn y"
    model = linter(net("self.a = nn.Conv2d(3, 8, 3)", loop), ("B", 3, 24, 24)).model
    assert (model.status, model.stopped and model.stopped.row) == ("partial", 14)
    assert model.reason is not None
    assert model.reason.kind == "other-way"


def test_a_way_on_which_the_user_raises_hides_nothing(linter: Linter) -> None:
    forward = "y = self.a(x)\nif y.sum() > 0:\n    y = self.a(x) * 2\n    raise ValueError('odd')\nreturn y"
    assert linter(net("self.a = nn.Conv2d(3, 8, 3)", forward), ("B", 3, 24, 24)).is_clean()


def test_sizes_are_told_only_where_all_are_known(linter: Linter) -> None:
    """A loop over a size is another path for each of them."""
    forward = "for _ in range(x.shape[2] // 9):\n    x = x + 1\nreturn self.a(x)"
    checked = linter(net("self.a = nn.Conv2d(3, 8, 3)", forward))
    assert checked.is_clean()
    assert (checked.model.sizes, checked.model.size_note) == ({}, None)


# -- modes, inputs and outputs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["self.training", "not self.training"], ids=["train", "eval"])
def test_a_mistake_in_one_mode(linter: Linter, mode: str) -> None:
    forward = f"x = self.a(x)\nif {mode}:\n    return self.b(x)\nreturn x"
    source = net(TWO_LAYERS, forward)
    assert linter.torch_refuses(source, ("B", 3, 24, 24))
    assert linter(source, ("B", 3, 24, 24)).the_finding.short == ("in_channels", 9, 8, "9")
    assert linter(source).the_finding.short == ("in_channels", 9, 8, "9")


def test_a_mistake_in_one_mode_of_a_block(linter: Linter) -> None:
    block = (
        "class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.b = nn.Conv2d(9, 4, 3)\n\n    def forward(self, x):\n"
        "        return x if self.training else self.b(x)\n\n\n"
    )
    source = net("self.a = nn.Conv2d(3, 8, 3)\nself.c = Block()", "return self.c(self.a(x))")
    source = source.replace("class Net", block + "class Net")
    assert linter(source).the_finding.short == ("in_channels", 9, 8, "9")


def test_another_output_in_eval_mode_is_fine(linter: Linter) -> None:
    init = "self.c = nn.Conv2d(3, 8, 3)\nself.f = nn.Linear(8, 2)\nself.g = nn.Linear(8, 3)"
    forward = "x = self.c(x).mean((2, 3))\nreturn (self.f(x), self.g(x)) if self.training else self.f(x)"
    assert linter(net(init, forward)).is_clean()


def test_two_inputs(linter: Linter) -> None:
    init = "self.f = nn.Linear({}, 1)"
    forward = "return self.f(torch.cat([s, a], 1))"
    good, bad = (net(init.format(number), forward, "s, a") for number in (6, 7))
    assert linter(good, ("B", 4), ("B", 2)).is_clean()
    assert linter(bad, ("B", 4), ("B", 2)).the_finding.short == ("in_features", 7, 6, "7")


def test_an_input_by_keyword(linter: Linter) -> None:
    source = net("self.f = nn.Linear(6, 1)", "return self.f(torch.cat([s, a], 1))", "s, *, a")
    (second,) = tensors(("B", 2))
    checked = linter(source, ("B", 4), second.model_copy(update={"name": "a"}))
    assert checked.is_clean()
    assert [item.name for item in checked.model.inputs] == ["s", "a"]


def test_an_optional_input_that_is_given(linter: Linter) -> None:
    source = net("self.f = nn.Linear(4, 3)", "y = self.f(x)\nreturn y if z is None else y + z", "x, z=None")
    assert linter(source, ("B", 4)).is_clean()
    assert linter(source, ("B", 4), ("B", 2)).the_finding.short[:3] == ("broadcast", 3, 2)


OUTPUTS = [
    ("tensor", "y", (("B", 8),)),
    ("tuple", "(y, x)", (("B", 8), ("B", 3))),
    ("list", "[y, y]", (("B", 8), ("B", 8))),
    ("dict", "{'y': y, 'n': {'x': x}}", (("B", 8), ("B", 3))),
    ("dataclass", "Out(y, None)", (("B", 8),)),
    ("named_tuple", "Pair(y, x)", (("B", 8), ("B", 3))),
    ("none", "None", ()),
    ("mixed", "(y, None, 3, 'text')", (("B", 8),)),
    ("scalar", "F.mse_loss(y, y)", ((),)),
]
TYPES = (
    "from dataclasses import dataclass\nfrom typing import Any, NamedTuple\n\n\n"
    "@dataclass\nclass Out:\n    y: Any\n    z: Any\n\n\nclass Pair(NamedTuple):\n    a: Any\n    b: Any\n\n\n"
)


@pytest.mark.parametrize(("value", "shapes"), [o[1:] for o in OUTPUTS], ids=[o[0] for o in OUTPUTS])
def test_outputs(linter: Linter, value: str, shapes: tuple[tuple[int | str, ...], ...]) -> None:
    source = net("self.f = nn.Linear(3, 8)", f"y = self.f(x)\nreturn {value}")
    source = source.replace(PREAMBLE, PREAMBLE + TYPES)
    checked = linter(source, ("B", 3))
    assert checked.is_clean()
    assert checked.model.outputs == shapes


def test_whole_numbers(linter: Linter) -> None:
    source = net("self.e = nn.Embedding(10, 4)\nself.f = nn.Linear(4, 2)", "return self.f(self.e(x).mean(1))")
    checked = linter(source, whole("B", 7))
    assert checked.is_clean()
    assert checked.model.outputs == (("B", 2),)


def test_sizes_have_names(linter: Linter) -> None:
    checked = linter(
        net("self.c = nn.Conv2d(3, 64, 3)\nself.d = nn.Conv2d(64, 64, 3)", "return F.max_pool2d(self.d(self.c(x)), 2)")
    )
    assert checked.model.outputs == (("B", 64, "(H-4)//2", "(W-4)//2"),)


def test_two_layers_that_want_other_sizes_are_named(linter: Linter) -> None:
    source = net(
        "self.c = nn.Conv2d(3, 8, 1)\nself.a = nn.Linear(8 * 14 * 14, 10)\nself.b = nn.Linear(8 * 16 * 16, 10)",
        "x = self.c(x).flatten(1)\nreturn self.a(x) + self.b(x)",
    )
    rival = linter(source).the_finding.violation.rival
    assert rival is not None
    assert (rival.title, rival.sizes, rival.alone) == ("a", "H = W in {14}", "H = W in {16}")


@pytest.mark.parametrize(("height", "width"), [(224, 224), (100, 224)])
def test_a_check_behind_another_one_speaks_of_another_size(linter: Linter, height: int, width: int) -> None:
    checks = f"torch._assert(x.shape[2] == {height}, 'height')\ntorch._assert(x.shape[3] == {width}, 'width')"
    source = net("self.conv = nn.Conv2d(3, 8, 3)", f"{checks}\nreturn self.conv(x)")
    assert not linter(source, ("B", 3, "H", "W")).findings
    assert linter(source, ("B", 3, height, width)).is_clean()
    assert linter(source, ("B", 3, height, width + 1)).the_finding.short[0] == "raises_always"

"""Exceptions that every forward raises, and those that something else than the model is to blame for."""

from __future__ import annotations

import pytest
from tracing import PREAMBLE, Linter, net

CERTAIN = {
    "name": ("self.f = nn.Linear(10, 4)", "return functional.relu(self.f(x))"),
    "attribute": ("self.f = nn.Linear(10, 4)", "return self.g(x)"),
    "function_of_torch": ("self.f = nn.Linear(10, 4)", "return torch.leaky(self.f(x))"),
    "list_of_layers": ("self.f = nn.ModuleList([nn.Linear(10, 4)])", "return self.f(x)"),
    "method_of_a_tensor": ("self.c = nn.Conv2d(3, 4, 1)", "return self.c(x).sofmax(1)"),
    "missing_argument": ("self.f = nn.Linear(10, 4)", "return self.f(x).softmax()"),
    "missing_argument_of_a_function": ("self.c = nn.Conv2d(3, 4, 1)", "return F.max_pool2d(self.c(x))"),
    "missing_input_of_a_layer": ("self.a = nn.MultiheadAttention(16, 4)", "return self.a(x)[0]"),
    "unknown_keyword": ("self.f = nn.Linear(10, 4)", "y = self.f(x)\nreturn torch.cat([y, y], axs=1)"),
    "keyword_of_another_library": ("self.f = nn.Linear(10, 4)", "y = self.f(x)\nreturn y.mean(keepdims=True)"),
    "bound_later": ("self.f = nn.Linear(10, 4)", "y = self.f(z)\nz = x.flatten(1)\nreturn y"),
    "behind_a_size": (
        "self.f = nn.Linear(4 * 8 * 8, 4)\nself.c = nn.Conv2d(3, 4, 1)",
        "return self.g(self.f(self.c(x).flatten(1)))",
    ),
}


@pytest.mark.parametrize(("init", "forward"), CERTAIN.values(), ids=CERTAIN)
def test_without_an_input(linter: Linter, init: str, forward: str) -> None:
    found = linter(net(init, forward)).findings
    assert [finding.violation.name for finding in found] in (["raises_always"], ["raises"])
    assert found[0].place is not None


DECLARED = {
    "unpacked": ("", "a, b, c = x.chunk(2, 1)\nreturn a", ("B", 10)),
    "assertion_of_torch": (
        "self.t = nn.Transformer(16, 2, 1, 1, batch_first=True)\nself.f = nn.Linear(16, 8)",
        "return self.t(self.f(x), x)",
        ("B", 5, 16),
    ),
    "own_check": ("self.f = nn.Linear(10, 4)", "assert x.shape[1] == 12\nreturn self.f(x)", ("B", 10)),
    "key": ("self.f = nn.Linear(10, 4)", "return {'a': self.f(x)}['b']", ("B", 10)),
}


@pytest.mark.parametrize(("init", "forward", "shape"), DECLARED.values(), ids=DECLARED)
def test_with_an_input(linter: Linter, init: str, forward: str, shape: tuple[int | str, ...]) -> None:
    source = net(init or "pass", forward)
    assert linter.torch_refuses(source, shape)
    assert linter(source, shape).the_finding.violation.name == "raises_always"


SILENT = {
    "abstract": "raise NotImplementedError",
    "method_of_an_array": "return self.f(torch.from_numpy(x.mean(keepdims=True)))",
    "operand_of_a_guess": "return self.f(torch.zeros(4, 10).fill_(x))",
    "bound_in_a_loop": "for i in range(2):\n    if i:\n        y = self.f(z)\n    z = x\nreturn y",
    "own_check_of_a_guess": "if x.dim() != 7:\n    raise ValueError('seven')\nreturn self.f(x)",
    "attribute_of_an_input": "return self.f(x[0].decoded)",
    "another_kind_of_input": "return self.f(x['image'])",
    "set_elsewhere": "return self.f(x) + self.scale",
    "global_of_a_script": "return self.f(x).to(device)",
    "one_branch_only": "if x.sum() > 0:\n    return self.f(x)\nreturn self.g(x)",
    "after_a_repair": "x = self.f(self.f(x))\na, b, c = x.chunk(2, 1)\nreturn a",
    "a_size_of_many": "b, c, h, w = x.shape\nassert h == 100\nreturn x",
}


@pytest.mark.parametrize("forward", SILENT.values(), ids=SILENT)
def test_nothing_is_said(linter: Linter, forward: str) -> None:
    script = "\n\ndef main():\n    global device\n    device = 'cpu'\n    model = Net()\n    model.scale = 2\n"
    checked = linter(net("self.f = nn.Linear(10, 4)", forward) + script)
    assert "raises_always" not in [finding.violation.name for finding in checked.findings]


def test_what_a_guard_refuses_is_not_of_the_user(linter: Linter) -> None:
    forward = (
        "try:\n    torch.save(x, '/cache.pt')\nexcept OSError as e:\n    raise RuntimeError('cache') from e\nreturn x"
    )
    assert not linter(net("self.f = nn.Linear(10, 4)", forward), ("B", 10)).findings


HANDLED = {
    "another_layer": "try:\n    return self.f(x)\nexcept RuntimeError:\n    return self.g(x)",
    "suppressed": "y = x\nwith contextlib.suppress(Exception):\n    y = self.f(x)\nreturn self.g(y)",
    "view": (
        "x = x.unsqueeze(1).expand(-1, 2, -1)\ntry:\n    x = x.view(-1, 16)\n"
        "except RuntimeError:\n    x = x.reshape(-1, 16)\nreturn x"
    ),
}


@pytest.mark.parametrize("forward", HANDLED.values(), ids=HANDLED)
def test_a_handler_is_followed(linter: Linter, forward: str) -> None:
    source = "import contextlib\n" + net("self.f = nn.Linear(10, 4)\nself.g = nn.Linear(8, 4)", forward)
    assert not linter.torch_refuses(source, ("B", 8))
    assert linter(source, ("B", 8)).is_clean()


def test_a_mistake_in_a_handler_is_found(linter: Linter) -> None:
    forward = "try:\n    return self.f(x)\nexcept RuntimeError:\n    return self.g(x)"
    source = net("self.f = nn.Linear(10, 4)\nself.g = nn.Linear(9, 4)", forward)
    assert linter.torch_refuses(source, ("B", 8))
    assert linter(source, ("B", 8)).the_finding.short[:3] == ("in_features", 9, 8)


KEPT = (
    PREAMBLE
    + """

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(8, 16, batch_first=True)
        self.state, self.seen = None, []

    def forward(self, x):
        if self.state is None:
            self.state = torch.zeros(1, x.size(0), 16)
        y, self.state = self.rnn(x, self.state)
        self.seen.append(y)
        return torch.cat(self.seen, 1)
"""
)


def test_state_that_is_kept_between_calls(linter: Linter) -> None:
    assert linter(KEPT, ("B", 7, 8)).is_clean()
    assert linter(KEPT, ("B", "L", 8)).is_clean()
    assert linter(KEPT).is_clean()

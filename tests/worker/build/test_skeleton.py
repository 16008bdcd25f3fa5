"""Models built without weights: constructors compute as they would, and nothing large is made."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tracing import PREAMBLE, Linter, Shape, net, whole

from convlint.inputspec import InputSpec

LARGE = """
import json
import resource
import sys

from convlint.inputspec import InputSpec
from convlint.jobs import Job, ModelJob
from convlint.worker.process.job import run
from convlint.worker.process.warmup import warm_up

warm_up()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = sys.argv[1]
job = Job(path=path, filename="large.py", module="large", search_path=(), user_roots=(),
          models=(ModelJob(target="Large", inputs=(InputSpec(shape=("B", 16), dtype="int64"),)),))
(model,) = run(job).models
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({
    "status": model.status, "reason": model.reason, "peak": (after - before) * 1024,
    "parameters": sum(layer.parameters for layer in model.layers.values()), "outputs": model.outputs,
    "findings": sum(len(node.violations) for node in model.nodes),
}))
"""
MODEL = """
class Block(nn.Module):
    def __init__(self, d, heads, kv, ff):
        super().__init__()
        self.heads, self.kv, self.size = heads, kv, d // heads
        self.norm1, self.norm2 = nn.RMSNorm(d), nn.RMSNorm(d)
        self.q = nn.Linear(d, d, bias=False)
        self.k = nn.Linear(d, kv * self.size, bias=False)
        self.v = nn.Linear(d, kv * self.size, bias=False)
        self.o = nn.Linear(d, d, bias=False)
        self.gate, self.up = nn.Linear(d, ff, bias=False), nn.Linear(d, ff, bias=False)
        self.down = nn.Linear(ff, d, bias=False)
        for layer in (self.q, self.k, self.v, self.o):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x):
        b, l, d = x.shape
        y = self.norm1(x)
        q = self.q(y).view(b, l, self.heads, self.size).transpose(1, 2)
        k = self.k(y).view(b, l, self.kv, self.size).transpose(1, 2)
        v = self.v(y).view(b, l, self.kv, self.size).transpose(1, 2)
        k, v = (t.repeat_interleave(self.heads // self.kv, 1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.o(y.transpose(1, 2).reshape(b, l, d))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Large(nn.Module):
    def __init__(self, layers=80, d=8192, heads=64, kv=8, ff=28672, words=32000):
        super().__init__()
        self.embed = nn.Embedding(words, d)
        self.blocks = nn.ModuleList([Block(d, heads, kv, ff) for _ in range(layers)])
        self.norm = nn.RMSNorm(d)
        self.head = nn.Linear(d, words, bias=False)

    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))
"""


def expected_parameters(layers: int, d: int, heads: int, kv: int, ff: int, words: int) -> int:
    block = 2 * d * d + 2 * d * (kv * d // heads) + 3 * d * ff + 2 * d
    return layers * block + 2 * words * d + d


def test_seventy_billion_parameters(tmp_path: Path) -> None:
    path = tmp_path / "large.py"
    path.write_text(PREAMBLE + MODEL)
    command = [sys.executable, "-c", textwrap.dedent(LARGE), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["status"], result["findings"]) == ("checked", 0), result["reason"]
    assert result["parameters"] == expected_parameters(80, 8192, 64, 8, 28672, 32000) > 68e9
    assert result["outputs"] == [["B", 16, 32000]]
    assert result["peak"] < 1 << 30


CONV = "self.c = nn.Conv2d(3, 8, 3)"
IMAGE = ("B", 3, 16, 16)
FLAT = ("B", 8)
PLAIN = "return self.c(x)"

CONSTRUCTORS: dict[str, tuple[str, str, Shape | InputSpec]] = {
    "linspace_tolist": (
        "rates = [r for r in torch.linspace(0, 0.5, 4).tolist()]\n"
        "self.c = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Dropout(r)) for r in rates])",
        PLAIN,
        FLAT,
    ),
    "linspace_item": (
        "self.c = nn.Sequential(*[nn.Dropout(r.item()) for r in torch.linspace(0, 0.5, 4)])",
        PLAIN,
        FLAT,
    ),
    "width_by_item": ("n = torch.tensor([8, 16]).sum().item()\nself.c = nn.Linear(n, 4)", PLAIN, ("B", 24)),
    "arange_buffer": (
        "self.register_buffer('ids', torch.arange(64).expand((1, -1)))\nself.c = nn.Embedding(64, 8)",
        "return x + self.c(self.ids[:, : x.size(1)])",
        ("B", 10, 8),
    ),
    "position_table": (
        "t = torch.zeros(64, 8)\np = torch.arange(64).unsqueeze(1).float()\n"
        "d = torch.exp(torch.arange(0, 8, 2).float() * -0.1)\nt[:, 0::2] = torch.sin(p * d)\n"
        "t[:, 1::2] = torch.cos(p * d)\nself.register_buffer('t', t.unsqueeze(0))",
        "return x + self.t[:, : x.size(1)]",
        ("B", 10, 8),
    ),
    "index_table": (
        "c = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing='ij')).flatten(1)\n"
        "r = (c[:, :, None] - c[:, None, :]).permute(1, 2, 0) + 3\n"
        "self.register_buffer('i', r[..., 0] * 7 + r[..., 1])\n"
        "self.b = nn.Parameter(torch.zeros(49, 2))",
        "bias = self.b[self.i.view(-1)].view(16, 16, -1).permute(2, 0, 1)\nreturn x + bias.unsqueeze(0)",
        ("B", 2, 16, 16),
    ),
    "large_mask": (
        "self.register_buffer('m', torch.tril(torch.ones(512, 512)).view(1, 1, 512, 512))",
        "t = x.size(-1)\nreturn x.masked_fill(self.m[:, :, :t, :t] == 0, float('-inf')).softmax(-1)",
        ("B", 2, 9, 9),
    ),
    "tied_weights": (
        "self.e = nn.Embedding(50, 8)\nself.f = nn.Linear(8, 50, bias=False)\nself.f.weight = self.e.weight",
        "assert self.f.weight is self.e.weight\nreturn self.f(self.e(x))",
        whole("B", 5),
    ),
    "spectral_norm": ("self.c = nn.utils.spectral_norm(nn.Conv2d(3, 8, 3))", PLAIN, IMAGE),
    "weight_norm": ("self.c = nn.utils.weight_norm(nn.Conv2d(3, 8, 3))", PLAIN, IMAGE),
    "spectral_parametrization": (
        "self.c = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 8, 3))",
        PLAIN,
        IMAGE,
    ),
    "weight_parametrization": (
        "self.c = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 8, 3))",
        PLAIN,
        IMAGE,
    ),
    "lazy_linear": ("self.c = nn.LazyLinear(4)\nself.d = nn.Linear(4, 2)", "return self.d(self.c(x))", FLAT),
    "lazy_conv": (
        "self.c = nn.LazyConv2d(4, 3)\nself.n = nn.LazyBatchNorm2d()\nself.d = nn.Conv2d(4, 2, 3)",
        "return self.d(self.n(self.c(x)))",
        IMAGE,
    ),
    "initialised": (
        "self.c = nn.Linear(8, 4)\nnn.init.kaiming_normal_(self.c.weight, nonlinearity='relu')\n"
        "nn.init.constant_(self.c.bias, 0)\nself.c.weight.data.normal_(0, 0.02)\nself.c.bias.data.zero_()",
        PLAIN,
        FLAT,
    ),
    "initialised_by_apply": (
        "def init(m):\n    if isinstance(m, nn.Linear):\n"
        "        torch.nn.init.orthogonal_(m.weight, gain=2 ** 0.5)\n"
        "        m.bias.data.fill_(0.01)\nself.c = nn.Sequential(nn.Linear(8, 4), nn.ReLU())\n"
        "self.c.apply(init)",
        PLAIN,
        FLAT,
    ),
    "initialised_without_gradient": (
        "self.c = nn.Linear(8, 4)\nwith torch.no_grad():\n    self.c.weight.uniform_(-1, 1)\n"
        "    self.c.bias.copy_(torch.zeros(4))\n    self.c.weight[0] = 1",
        PLAIN,
        FLAT,
    ),
    "imported_init": (
        "from torch.nn.init import xavier_uniform_, zeros_\nself.c = nn.Linear(8, 4)\n"
        "xavier_uniform_(self.c.weight)\nzeros_(self.c.bias)",
        PLAIN,
        FLAT,
    ),
    "load_state_dict": (
        "self.c = nn.Linear(8, 4)\nself.c.load_state_dict({'weight': torch.zeros(4, 8), 'bias': torch.zeros(4)})",
        PLAIN,
        FLAT,
    ),
    "parameter_list": (
        "self.w = nn.ParameterList([nn.Parameter(torch.zeros(8, 8)) for _ in range(3)])",
        "for w in self.w:\n    x = x @ w\nreturn x",
        FLAT,
    ),
    "parameter_dict": (
        "self.w = nn.ParameterDict({'a': nn.Parameter(torch.zeros(8, 4))})",
        "return x @ self.w['a']",
        FLAT,
    ),
    "plain_tensor": ("self.w = torch.zeros(8)\nself.m = torch.rand(8, 4)", "return (x + self.w) @ self.m", FLAT),
    "large_plain_tensor": ("self.w = torch.rand(8, 40_000)", "return x @ self.w", FLAT),
    "real_times_fake": (
        "self.w = nn.Parameter(torch.rand(8, 4) * 0.1 + torch.eye(8, 4))",
        "return x @ self.w",
        FLAT,
    ),
    "complex_numbers": (
        "f = 1.0 / (10000 ** (torch.arange(0, 8, 2).float() / 8))\n"
        "self.r = torch.polar(torch.ones(64, 4), torch.outer(torch.arange(64), f))",
        "y = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))\n"
        "return torch.view_as_real(y * self.r[: x.shape[1]]).flatten(2)",
        ("B", 10, 8),
    ),
    "numpy": (
        "import numpy as np\nself.c = nn.Linear(int(np.prod([2, 4])), 4)\n"
        "self.register_buffer('k', torch.from_numpy(np.ones((4, 4), dtype=np.float32)))",
        "return self.c(x) @ self.k",
        FLAT,
    ),
    "on_another_device": (
        "d = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\nself.c = nn.Linear(8, 4).to(d)\n"
        "self.z = torch.zeros(4, device=d)",
        "return self.c(x) + self.z",
        FLAT,
    ),
    "dry_run": (
        "self.c = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten())\nwith torch.no_grad():\n"
        "    n = self.c(torch.zeros(1, 3, 16, 16)).shape[1]\nself.f = nn.Linear(n, 2)",
        "return self.f(self.c(x))",
        IMAGE,
    ),
    "half": ("self.c = nn.Linear(8, 4).half().float()", PLAIN, FLAT),
    "frozen": (
        "self.c = nn.Linear(8, 4)\nfor p in self.parameters():\n    p.requires_grad = False",
        PLAIN,
        FLAT,
    ),
    "counted": (
        "self.c = nn.Linear(8, 4)\nassert sum(p.numel() for p in self.parameters()) == 36",
        PLAIN,
        FLAT,
    ),
    "deep_copies": (
        "import copy\nlayer = nn.Linear(8, 8)\nself.c = nn.Sequential(*[copy.deepcopy(layer) for _ in range(3)])",
        PLAIN,
        FLAT,
    ),
    "hooks": (
        "self.c = nn.Linear(8, 4)\nself.c.register_forward_hook(lambda m, i, o: o * 2)",
        PLAIN,
        FLAT,
    ),
}


@pytest.mark.parametrize(("init", "forward", "given"), CONSTRUCTORS.values(), ids=CONSTRUCTORS)
def test_constructors(linter: Linter, init: str, forward: str, given: Shape | InputSpec) -> None:
    source = net(init, forward)
    assert not linter.torch_refuses(source, given)
    checked = linter(source, given)
    assert not checked.file.build_failures
    assert checked.is_clean()


@pytest.mark.parametrize(
    ("init", "count"),
    [
        ("self.c = nn.Linear(8, 4)", 36),
        ("self.c = nn.Conv2d(8, 4, 3, groups=2)", 148),
        ("self.c = nn.LSTM(8, 4, 2, batch_first=True)", 384),
        ("self.c = nn.MultiheadAttention(8, 2)", 288),
        ("self.c = nn.LayerNorm(8)", 16),
    ],
    ids=["linear", "conv", "lstm", "attention", "norm"],
)
def test_parameters_are_counted(linter: Linter, init: str, count: int) -> None:
    calls = {"Multi": "return self.c(x, x, x)", "Conv": "return self.c(x.reshape(-1, 8, 5, 5))"}
    forward = next((call for key, call in calls.items() if key in init), PLAIN)
    shape = ("B", 8, 25) if "Conv" in init else ("B", 5, 8)
    model = linter(net(init, forward), shape).model
    assert sum(layer.parameters for layer in model.layers.values()) == count


def test_a_lazy_layer_takes_what_comes(linter: Linter) -> None:
    init = "self.c = nn.LazyLinear(4)\nself.d = nn.Linear(5, 2)"
    assert linter(net(init, "return self.d(self.c(x))"), FLAT).the_finding.short == ("in_features", 5, 4, "5")


def test_a_constructor_that_raises(linter: Linter) -> None:
    checked = linter(net("self.c = nn.Linear(8, 4)\nself.d = nn.Linear(self.widht, 2)", PLAIN))
    (failure,) = checked.file.build_failures
    assert "widht" in failure.message
    assert failure.at is not None
    assert failure.at.row == 10
    assert checked.model.status == "skipped"

"""One large net, traced by convlint or run by torch on the CPU: seconds and peak memory.

    python benchmarks/large.py trace resnet50
    python benchmarks/large.py run decoder_7b

`speed.py` calls this, once a line, since peak memory is a process's own. ResNet-50 and ViT-B need timm. The decoder has
7 billion parameters, which are zeros and held in bfloat16, or a run would not fit most machines.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from convlint.inputspec import InputSpec
from convlint.worker.analysis.examine import examine
from convlint.worker.analysis.session import TraceSession
from convlint.worker.build.skeleton import Sites, building, make_fake
from convlint.worker.process.warmup import warm_up
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.symbols import new_env
from convlint.worker.trace.input import declared
from convlint.worker.user_code.operators import define_missing


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = (y.view(batch, length, self.heads, -1).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        joined: torch.Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return joined


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.gate, self.up = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.before(x))
        y = self.between(x)
        more: torch.Tensor = self.down(F.silu(self.gate(y)) * self.up(y))
        return x + more


class Decoder(nn.Module):
    """The sizes of Llama 2 7B, without its rotary embedding."""

    def __init__(self, vocab: int = 32000, width: int = 4096, heads: int = 32, inner: int = 11008, layers: int = 32):
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.layers = nn.ModuleList(Layer(width, heads, inner) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x: torch.Tensor = self.embed(tokens)
        for layer in self.layers:
            x = layer(x)
        scores: torch.Tensor = self.head(self.norm(x))
        return scores


def _timm(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        try:
            from timm import create_model
        except RuntimeError as error:  # a torchvision whose operators do not load
            if not define_missing(error):
                raise
            from timm import create_model

        model: nn.Module = create_model(name, pretrained=False)
        return model

    return make


IMAGE = InputSpec(shape=("B", 3, 224, 224))
NETS: dict[str, tuple[Callable[[], nn.Module], InputSpec]] = {
    "resnet50": (_timm("resnet50"), IMAGE),
    "vit_base": (_timm("vit_base_patch16_224"), IMAGE),
    "decoder_7b": (Decoder, InputSpec(shape=("B", 128), dtype="int64")),
}


def trace(name: str) -> float:
    """Seconds that convlint takes to build and examine the net with a symbolic batch."""
    make, spec = NETS[name]
    warm_up()
    started = time.perf_counter()
    mode, sites = new_mode(new_env()), Sites()
    with building(mode, sites):
        model = make()
    make_fake(model, mode)
    examination = examine(TraceSession(model, mode, sites, lambda _: False), declared(model, (spec,), name))
    assert not examination.findings
    return time.perf_counter() - started


def run(name: str) -> float:
    """Seconds of torch's own forward with one sample."""
    make, spec = NETS[name]
    dtype = torch.get_default_dtype()
    if name == "decoder_7b":
        torch.set_default_dtype(torch.bfloat16)
        for each in ("kaiming_uniform_", "uniform_", "normal_"):  # pages that nobody wrote would take no memory
            setattr(nn.init, each, lambda tensor, *_, **__: tensor.data.zero_())
    model = make().eval()
    torch.set_default_dtype(dtype)
    shape = [1 if size == "B" else int(size) for size in spec.shape or ()]
    x = torch.zeros(shape, dtype=getattr(torch, spec.dtype))
    with torch.no_grad():
        started = time.perf_counter()
        model(x)
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("trace", "run"))
    parser.add_argument("net", choices=tuple(NETS))
    options = parser.parse_args()
    seconds = (trace if options.what == "trace" else run)(options.net)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()

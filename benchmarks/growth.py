"""How the cost of a run grows with the files, the layers and the symbols; plotted into docs/growth.svg.

    python benchmarks/growth.py                 # measures, prints the table and draws the plot (needs matplotlib)
    python benchmarks/growth.py --most 1000     # no more than so many layers and files

Layers and symbols are measured inside one warm worker, files through the command line without the cache.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from convlint.inputspec import InputSpec
from convlint.jobs import Job, ModelJob

PLOT = Path(__file__).parent.parent / "docs" / "growth.svg"
NET = """import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList({layer} for _ in range({count}))

    def forward(self, {parameters}):
{body}
        return x
"""
CHAIN = "        for layer in self.layers:\n            x = layer(x)"


@dataclass(frozen=True)
class Curve:
    """What is made larger, the sizes, and how one size is measured in seconds."""

    name: str
    sizes: tuple[int, ...]
    measure: Callable[[int, Path], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=10_000)
    options = parser.parse_args()
    found: dict[str, list[tuple[int, float]]] = {}
    print(f"{'what':42} {'size':>6} {'seconds':>9} {'exponent':>9}")
    for curve in CURVES:
        points = found.setdefault(curve.name, [])
        for size in (size for size in curve.sizes if size <= options.most):
            with tempfile.TemporaryDirectory() as folder:
                points.append((size, curve.measure(size, Path(folder))))
            print(f"{curve.name:42} {size:6} {points[-1][1]:8.2f}s {_exponent(points)}", flush=True)
    draw(found)


def _exponent(points: Sequence[tuple[int, float]]) -> str:
    """The power of the size that the last step grew with: 1 is linear."""
    if len(points) < 2:
        return ""
    (a, before), (b, after) = points[-2:]
    return f"{math.log(after / before) / math.log(b / a):9.2f}"


def _net(count: int, layer: str, folder: Path, body: str = CHAIN, parameters: str = "x") -> Path:
    path = folder / "net.py"
    path.write_text(NET.format(layer=layer, count=count, body=body, parameters=parameters))
    return path


def _seconds(path: Path, *inputs: InputSpec) -> float:
    from convlint.worker.process.job import run

    model = ModelJob(target="Net", row=5, inputs=inputs)
    folder = str(path.parent)
    job = Job(
        path=str(path), filename=path.name, module="net", search_path=(folder,), models=(model,), user_roots=(folder,),
        timeout=600,
    )  # fmt: skip
    sys.modules.pop("net", None)
    started = time.perf_counter()
    facts = run(job)
    seconds = time.perf_counter() - started
    (checked,) = facts.models
    assert checked.outputs, checked.reason
    return seconds


def linear(count: int, folder: Path) -> float:
    return _seconds(_net(count, "nn.Linear(8, 8)", folder), InputSpec(shape=("B", 8)))


def convolutions(count: int, folder: Path) -> float:
    """Sizes stay as they are: one formula for all layers."""
    return _seconds(_net(count, "nn.Conv2d(3, 3, 3, padding=1)", folder), InputSpec(shape=("B", 3, "H", "W")))


def shrinking(count: int, folder: Path) -> float:
    """Every layer has a formula of its own: H - 2, H - 4, ..."""
    return _seconds(_net(count, "nn.Conv2d(3, 3, 3)", folder), InputSpec(shape=("B", 3, "H", "W")))


def symbols(count: int, folder: Path) -> float:
    """So many inputs, each with a length of its own, put one after the other."""
    names = [f"x{number}" for number in range(count)]
    body = f"        x = torch.cat([{', '.join(names)}], 1)\n{CHAIN}"
    path = _net(4, "nn.Linear(8, 8)", folder, body, ", ".join(names))
    return _seconds(path, *(InputSpec(shape=("B", f"L{number}", 8)) for number in range(count)))


def files(count: int, folder: Path) -> float:
    """Different files with a model of four layers each, through the command line."""
    for number in range(count):
        text = NET.format(layer=f"nn.Linear({8 + number}, {8 + number})", count=4, body=CHAIN, parameters="x")
        (folder / f"net{number}.py").write_text(text)
    command = [sys.executable, "-m", "convlint", "--no-cache", "-q", str(folder)]
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


CURVES = (
    Curve("linear layers", (10, 100, 1000, 10_000), linear),
    Curve("convolutions of one size", (10, 100, 1000, 10_000), convolutions),
    Curve("convolutions that shrink", (10, 30, 100, 300), shrinking),
    Curve("symbols", (1, 4, 16, 64), symbols),
    Curve("files with a model", (1, 10, 100, 300), files),
)


def draw(found: dict[str, list[tuple[int, float]]]) -> None:
    """One panel a curve, both axes logarithmic, with a line of slope 1 to compare with."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "convlint", "font.size": 8})
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(found), figsize=(3 * len(found), 2.8), layout="constrained")
    for panel, (name, points) in zip(panels, found.items(), strict=True):
        sizes, seconds = [size for size, _ in points], [second for _, second in points]
        panel.loglog(sizes, [seconds[-1] * size / sizes[-1] for size in sizes], "--", color="0.7", label="linear")
        panel.loglog(sizes, seconds, "o-", color="tab:blue", label="measured")
        panel.set(title=name, xlabel="how many", ylabel="seconds")
        panel.legend(frameon=False)
    figure.savefig(PLOT, metadata={"Date": None})
    print(f"drawn into {PLOT}")


if __name__ == "__main__":
    from convlint.worker.process.warmup import warm_up

    warm_up()
    main()

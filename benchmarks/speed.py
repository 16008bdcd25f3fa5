"""How long convlint takes, as ratios to `python -c "import torch"` measured in the same run.

    python benchmarks/speed.py ../shared/cases            # 20 files
    python benchmarks/speed.py ../shared/cases --large    # large nets as well, with timm; takes minutes and 16 GB

Commands are run in turn, A B C A B C ..., so that a machine that slows down slows all of them; medians are compared.
torchtyc and torchinfo are measured on the same files where they are installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ONE = HERE.parent / "examples" / "correct" / "mnist.py"
CONVLINT = (sys.executable, "-m", "convlint")
_UNCOMPILED = "PYTHONDONTWRITEBYTECODE"  # pip compiles what it installs, as it has done with torch
NETS = ("resnet50", "vit_base", "decoder_7b")
FILES, WITH_MODELS = 1000, 20
# torchinfo needs a script and an input; this is the least one.
SUMMARY = """
import sys, importlib.util, torchinfo
for path, size in (line.split("=") for line in sys.argv[1:]):
    spec = importlib.util.spec_from_file_location("net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torchinfo.summary(module.Net(), tuple(map(int, size.split(","))), verbose=0)
"""


@dataclass(frozen=True)
class Case:
    """A command, what is done before each run of it, and the runs."""

    name: str
    command: tuple[str, ...]
    before: Callable[[], object] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)

    def run(self) -> float:
        """Wall seconds."""
        self.before()
        started = time.perf_counter()
        subprocess.run(
            self.command,
            env={name: value for name, value in os.environ.items() if name != _UNCOMPILED} | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE.parent / "examples")
    parser.add_argument("-n", type=int, default=5, help="runs of each command (5)")
    parser.add_argument("--large", action="store_true", help="ResNet-50, ViT-B and a decoder of 7 billion parameters")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cases = list(_cases(options.folder, Path(temporary)))
        seconds = measure(cases, options.n)
    unit = statistics.median(seconds["import torch"])
    print(f"{'command':44} {'median':>8} {'/ import torch':>15}")
    for name, runs in seconds.items():
        middle = statistics.median(runs)
        print(f"{name:44} {middle:7.2f}s {middle / unit:14.2f}")
    if options.large:
        large()


def _cases(folder: Path, temporary: Path) -> list[Case]:
    """All that is compared; each with a cache of its own."""
    count = len(list(folder.rglob("*.py")))
    copy, many = temporary / "copy", temporary / "many"
    shutil.copytree(folder, copy)
    _thousand(many, sorted(folder.rglob("*.py")))
    cache = {"CONVLINT_CACHE_DIR": str(temporary / "cache")}
    touched = next(iter(sorted(copy.rglob("*.py"))))

    def touch() -> None:
        touched.write_text(touched.read_text() + "\n")

    cases = [
        Case("import torch", (sys.executable, "-c", "import torch")),
        Case("convlint --help", (*CONVLINT, "--help")),
        Case("one file, cold", (*CONVLINT, "--no-cache", str(ONE))),
        Case(f"{folder} ({count} files), cold", (*CONVLINT, "--no-cache", str(folder))),
        Case(f"{folder} ({count} files), cached", (*CONVLINT, str(folder)), environment=cache),
        Case("the same with one file touched", (*CONVLINT, str(copy)), touch, cache),
        Case(f"{FILES} files, {WITH_MODELS} with models, cached", (*CONVLINT, str(many)), environment=cache),
    ]
    if shutil.which("torchtyc"):
        cases += [Case("torchtyc, one file", ("torchtyc", "check", str(ONE)))]
        cases += [Case(f"torchtyc, {count} files", ("torchtyc", "check", str(folder)))]
    if importlib.util.find_spec("torchinfo"):
        cases += [Case("torchinfo, one file", (sys.executable, "-c", SUMMARY, f"{ONE}=1,1,28,28"))]
    return cases


def _thousand(folder: Path, models: list[Path]) -> None:
    """Files as a project has them: most know nothing of torch, some import it, and a few hold a model."""
    folder.mkdir()
    for number in range(FILES):
        package = folder / f"part{number // 50}"
        package.mkdir(exist_ok=True)
        path = package / f"module{number}.py"
        if number % (FILES // WITH_MODELS) == 0:
            path.write_text(models[number // (FILES // WITH_MODELS) % len(models)].read_text())
        elif number % 10 == 0:
            path.write_text("import torch\n\n\ndef half(x: torch.Tensor) -> torch.Tensor:\n    return x / 2\n" * 8)
        else:
            path.write_text('"""Nothing to see here."""\n\n\ndef double(x):\n    return 2 * x\n' * 20)


def measure(cases: list[Case], runs: int) -> dict[str, list[float]]:
    """Wall seconds of each run of each command, after one round that does not count."""
    seconds: dict[str, list[float]] = {case.name: [] for case in cases}
    for turn in range(runs + 1):
        for case in cases:
            taken = case.run()
            if turn:
                seconds[case.name].append(taken)
    return seconds


def large() -> None:
    """convlint's trace of large nets against torch's own forward on this CPU, each in a process of its own."""
    print(f"\n{'net':14} {'trace':>8} {'forward':>8} {'ratio':>7} {'peak of trace':>14} {'peak of forward':>16}")
    for net in NETS:
        done = [
            subprocess.run(
                [sys.executable, str(HERE / "large.py"), what, net], capture_output=True, text=True, check=False
            )
            for what in ("trace", "run")
        ]
        if any(each.returncode for each in done):
            print(f"{net:14} " + next(each.stderr for each in done if each.returncode).strip().splitlines()[-1][:90])
            continue
        trace, forward = (json.loads(each.stdout.splitlines()[-1]) for each in done)
        ratio = trace["seconds"] / forward["seconds"]
        print(
            f"{net:14} {trace['seconds']:7.2f}s {forward['seconds']:7.2f}s {ratio:7.2f}"
            f" {trace['peak_mb']:11.0f} MB {forward['peak_mb']:13.0f} MB"
        )


if __name__ == "__main__":
    main()

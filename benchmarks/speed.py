"""How long convlint takes, as ratios to `python -c "import torch"` measured in the same run.

    python benchmarks/speed.py                      # the files in examples/
    python benchmarks/speed.py ../shared/cases      # a folder of your own as well

Commands are run in turn, A B C A B C ..., so that a machine that slows down slows all of them; medians are compared.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("-n", type=int, default=5, help="runs of each command (5)")
    options = parser.parse_args()
    convlint = [sys.executable, "-m", "convlint"]
    commands = {
        "import torch": [sys.executable, "-c", "import torch"],
        "convlint --help": [*convlint, "--help"],
        "one file, cold": [*convlint, str(EXAMPLES / "correct" / "mnist.py")],
        "examples/": [*convlint, str(EXAMPLES)],
    }
    for folder in options.folders:
        count = len(list(folder.rglob("*.py")))
        commands[f"{folder} ({count} files)"] = [*convlint, str(folder)]
    seconds = measure(commands, options.n)
    unit = statistics.median(seconds["import torch"])
    print(f"{'command':40} {'median':>8} {'/ import torch':>15}")
    for name, runs in seconds.items():
        middle = statistics.median(runs)
        print(f"{name:40} {middle:7.2f}s {middle / unit:14.2f}")


def measure(commands: dict[str, list[str]], runs: int) -> dict[str, list[float]]:
    """Wall seconds of each run of each command, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()

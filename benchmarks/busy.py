"""Whether a report is the same, byte for byte, on an idle machine and beside busy loops.

    python benchmarks/busy.py ../shared/cases benchmarks/deep_nets
    python benchmarks/busy.py ../shared/cases --loops 8 --runs 2

Each folder is linted alone, then so many times beside processes that do nothing but count. Prints the wall seconds of
each run, and where two reports differ the first line in which they do. Exits with 1 where one differs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOP = "while True: pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--loops", type=int, default=8)
    parser.add_argument("--runs", type=int, default=1, help="runs beside the loops (1)")
    options = parser.parse_args()
    differing = 0
    for folder in options.folders:
        alone = _report(folder, "alone")
        with _busy(options.loops):
            others = [_report(folder, f"beside {options.loops} loops") for _ in range(options.runs)]
        for other in others:
            differing += other != alone
            print(f"{folder}: {_difference(alone, other) or 'the same'}", flush=True)
    sys.exit(1 if differing else 0)


def _report(folder: Path, how: str) -> str:
    started = time.perf_counter()
    command = [sys.executable, "-m", "convlint", "check", "--no-cache", "--output-format", "json", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode not in (0, 1):
        sys.exit(result.stderr)
    print(f"{folder}: {time.perf_counter() - started:.1f} s {how}", flush=True)
    return result.stdout


@contextmanager
def _busy(loops: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(loops)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def _difference(one: str, other: str) -> str | None:
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    first = next((f"{a.strip()} / {b.strip()}" for a, b in pairs if a != b), None)
    return first or (None if one == other else "one report is longer")


if __name__ == "__main__":
    main()

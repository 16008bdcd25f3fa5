"""Verify the classification models of torchvision and timm, each at its own input size: `convlint verify --budget`.

    python -m benchmarks.verify_zoo torchvision
    python -m benchmarks.verify_zoo timm --count 200 --device cuda
    python -m benchmarks.verify_zoo timm --verdicts # without --budget: a third of the time
    python -m benchmarks.verify_zoo --report        # tables, and docs/verify_memory.svg (needs matplotlib)

Small models come first, and those with more parameters than --most are left out. Results are kept in --out as they
come, and are not made again. Needs timm and torchvision beside convlint; torchvision's C++ operators may fail to load.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.oracle.journal import keep, known
from convlint.worker.build.skeleton import Sites, building
from convlint.worker.process.warmup import skip_initialisation
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.user_code.operators import define_missing

PLOT = Path(__file__).parent.parent / "docs" / "verify_memory.svg"
LIBRARIES = {"torchvision": "torchvision.models", "timm": "timm"}
MAKE = {
    "torchvision": "torchvision.models.get_model({name!r}, weights=None)",
    "timm": "timm.create_model({name!r}, pretrained=False)",
}
FILE = """import {library}
from torch import nn


class Net(nn.Module):
    # convlint: input={shape}
    def __init__(self):
        super().__init__()
        self.body = {make}

    def forward(self, x):
        return self.body(x)
"""
LEFT_OUT = "left out"
NEAR = 0.1
"""A prediction that differs by no more than this share counts as right."""


@dataclass(frozen=True)
class Result:
    """What became of one model. Memory in bytes, for a batch of 2."""

    library: str
    name: str
    device: str
    status: str
    parameters: int = 0
    reason: str | None = None
    findings: tuple[str, ...] = ()
    seconds: float = 0.0  # of all runs
    need_forward: int | None = None
    used_forward: int | None = None
    need_step: int | None = None
    used_step: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.library, self.name, self.device

    def ratio(self, what: str) -> float | None:
        """Predicted memory against measured."""
        need, used = getattr(self, f"need_{what}"), getattr(self, f"used_{what}")
        return need / used if need and used else None


@dataclass(frozen=True)
class Subject:
    name: str
    size: tuple[int, ...]
    parameters: int


def main() -> None:
    options = _options()
    if options.library is not None:
        _load(options.library)
        _run(options, {one.key for one in _results(options.out) if one.status != LEFT_OUT})
    results = _results(options.out)
    print(table(results))
    for one in results:
        if one.status == "refuted":
            print(f"\n{one.library} {one.name}: {' '.join(one.findings)}")
    if options.library is None:
        draw(results)


def _results(path: Path) -> list[Result]:
    """The last one of each model: with a larger --most it may be run later."""
    return list({one.key: one for one in known(path, Result)}.values())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=tuple(LIBRARIES), nargs="?")
    parser.add_argument("names", nargs="*", help="only these models")
    parser.add_argument("--count", type=int, help="so many names, drawn with a fixed seed")
    parser.add_argument("--most", type=float, default=100, help="millions of parameters of a model that is run")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for the trace, and for the runs of a model")
    parser.add_argument("--together", type=int, default=8, help="models in one call of convlint")
    parser.add_argument("--out", type=Path, default=Path("verify_zoo.jsonl"))
    parser.add_argument("--verdicts", action="store_true", help="measure neither memory nor time")
    parser.add_argument("--report", action="store_true", help="only tables and the plot of what --out holds")
    options = parser.parse_args()
    if (options.library is None) != options.report:
        parser.error("name a library, or ask for the --report")
    return options


def _load(library: str) -> Any:
    try:
        return importlib.import_module(LIBRARIES[library])
    except RuntimeError as error:  # the C++ operators of another build of torch: their schemas are enough
        if not define_missing(error):
            raise
        return importlib.import_module(LIBRARIES[library])


def _run(options: argparse.Namespace, done: set[tuple[str, str, str]]) -> None:
    library, device = options.library, options.device
    skip_initialisation()
    names = [name for name in _names(options) if (library, name, device) not in done]
    subjects = sorted((_subject(library, name) for name in names), key=lambda one: one.parameters)
    small = [one for one in subjects if one.parameters <= options.most * 1e6]
    large = [one for one in subjects if one.parameters > options.most * 1e6]
    reason = f"more than {options.most:g} million parameters"
    keep(options.out, (Result(library, one.name, device, LEFT_OUT, one.parameters, reason) for one in large))
    for start in range(0, len(small), options.together):
        results = list(_verified(options, small[start : start + options.together]))
        keep(options.out, results)
        for one in results:
            print(f"{one.library} {one.name}: {one.status} {one.reason or ''} {' '.join(one.findings)}", flush=True)
        print(f"{start + len(results)} of {len(small)}", flush=True)


def _names(options: argparse.Namespace) -> list[str]:
    if options.names:
        return list(options.names)
    library = importlib.import_module(LIBRARIES[options.library])
    names = library.list_models(module=library) if options.library == "torchvision" else library.list_models()
    if options.count and options.count < len(names):
        names = random.Random(0).sample(names, options.count)
    return sorted(names)


def _subject(library: str, name: str) -> Subject:
    """Its input and its parameters, from a model without memory."""
    size: tuple[int, ...] = (3, 299, 299) if name == "inception_v3" else (3, 224, 224)
    make = {"torchvision": "get_model", "timm": "create_model"}[library]
    with building(new_mode(None), Sites()):
        model = getattr(importlib.import_module(LIBRARIES[library]), make)(name)
    if library == "timm":
        size = tuple(model.pretrained_cfg.get("input_size", size))
    return Subject(name, size, sum(p.numel() for p in model.parameters()))


def _verified(options: argparse.Namespace, group: Sequence[Subject]) -> Iterator[Result]:
    """One call of convlint for some models, a file for each."""
    library = options.library
    with tempfile.TemporaryDirectory() as place:
        files = {f"{one.name.replace('.', '_')}.py": one for one in group}
        for filename, one in files.items():
            shape = json.dumps(["B", *one.size]).replace('"', "")
            text = FILE.format(library=LIBRARIES[library], shape=shape, make=MAKE[library].format(name=one.name))
            Path(place, filename).write_text(text)
        Path(place, "pyproject.toml").write_text(f"[tool.convlint]\ntimeout = {options.timeout}\nmemory-limit = 8192\n")
        command = [sys.executable, "-m", "convlint", "verify", ".", "--device", options.device]
        command += [] if options.verdicts else ["--budget"]
        command += ["--timeout", str(options.timeout), "--output-format", "json", "--no-cache"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    report = json.loads(done.stdout)
    models = {one["filename"]: one for one in report["models"]}
    for filename, subject in files.items():
        found = [one for one in report["diagnostics"] if one["filename"] == filename]
        said = tuple(f"{one['code']}: {one['message']}" for one in found)
        bare = Result(library, subject.name, options.device, "", subject.parameters, findings=said)
        yield _result(bare, models.get(filename))


def _result(bare: Result, model: dict[str, Any] | None) -> Result:
    if model is None:  # the file as a whole failed
        return replace(bare, status="not verified", reason=bare.findings[0] if bare.findings else "no answer")
    verification = model["verification"]
    budget = verification["budget"] or {}
    need, used = budget.get("need") or {}, budget.get("used") or {}
    return replace(
        bare,
        status=verification["status"],
        reason=verification["reason"] or budget.get("note"),
        seconds=round(sum(run["seconds"] for run in verification["runs"]), 3),
        need_forward=_needed(need, "forward"),
        used_forward=used.get("forward"),
        need_step=_needed(need, "step"),
        used_step=used.get("step"),
    )


def _needed(need: dict[str, Any], what: str) -> int | None:
    return need[what] + need["workspace"] if need.get(what) is not None else None


def table(results: Sequence[Result]) -> str:
    """Verdicts, reasons and memory of each library on each device, as Markdown."""
    groups = collections.defaultdict(list)
    for one in results:
        groups[one.library, one.device].append(one)
    heads = ("", "models", "confirmed", "refuted", "not verified", "left out", "seconds, median", "forward", "step")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (library, device), found in sorted(groups.items()):
        counts = collections.Counter(one.status for one in found)
        seconds = [one.seconds for one in found if one.seconds]
        lines.append(
            f"| {library}, {device} | {len(found)} | {counts['confirmed']} | {counts['refuted']} |"
            f" {counts['not verified']} | {counts[LEFT_OUT]} | {statistics.median(seconds) if seconds else 0:.1f} |"
            f" {_near(found, 'forward')} | {_near(found, 'step')} |"
        )
    reasons = collections.Counter(one.reason for one in results if one.reason is not None)
    lines += ["", *(f"- {count}: {reason}" for reason, count in reasons.most_common())]
    return "\n".join(lines)


def _near(found: Sequence[Result], what: str) -> str:
    ratios = [ratio for one in found if (ratio := one.ratio(what)) is not None]
    near = sum(abs(ratio - 1) <= NEAR for ratio in ratios)
    return f"{near} of {len(ratios)}"


def draw(results: Sequence[Result]) -> None:
    """Predicted against measured memory, for a forward and for a step of training."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "convlint", "font.size": 8})
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
    for panel, (what, title) in zip(panels, {"forward": "forward", "step": "step of training"}.items(), strict=True):
        for library in LIBRARIES:
            points = [one for one in results if one.library == library and one.ratio(what) is not None]
            used = [getattr(one, f"used_{what}") / 2**20 for one in points]
            need = [getattr(one, f"need_{what}") / 2**20 for one in points]
            panel.loglog(used, need, ".", label=library, markersize=4)
        ends = panel.get_xlim()
        panel.loglog(ends, ends, "-", color="0.7", linewidth=0.8)
        panel.loglog(ends, [end * (1 + NEAR) for end in ends], ":", color="0.7", linewidth=0.8)
        panel.loglog(ends, [end * (1 - NEAR) for end in ends], ":", color="0.7", linewidth=0.8)
        panel.set(title=title, xlabel="measured, MB", ylabel="predicted, MB", xlim=ends)
        panel.legend(frameon=False)
    figure.savefig(PLOT, metadata={"Date": None})
    print(f"drawn into {PLOT}")


if __name__ == "__main__":
    main()

"""What convlint makes of code that nobody wrote for it: a table over a folder of cloned repositories.

    python benchmarks/wild.py FOLDER [--only NAME] [--json FILE] [--report FILE] [--verify] [--imports 150]

Each folder below FOLDER is linted as it is, with no configuration. The table says how many of its models get
through forward, why the others do not, and every finding, to be opened and judged. `--verify` runs the models
of each finding in real torch, as convlint built and fed them, and shows what torch raised beside the finding; it is a
help for the judgement, not the judgement. `--imports` draws so many files with a model and imports each as it is, in a
process of its own, to compare with convlint's way.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convlint.facts import REASON_KINDS, ReasonKind

# Why a model did not get through forward: the first row with the kind of its reason, or of what that wraps.
REASONS: dict[str, set[ReasonKind]] = {
    "package not installed": {"package-absent", "package-broken", "package-lacks-name"},
    "only set when the script runs": {
        *("set-by-script", "attribute-set-by-script", "trainer-only", "parameter-unknown", "not-computed"),
        *("pretrained-absent", "repository-absent"),
    },
    "constructor arguments not found": {"arguments-missing", "arguments-refused"},
    "constructor raises": {"constructor-raises", "constructor-stops", "declared-arguments-misfit"},
    "definition missing": {"target-absent", "not-a-module"},
    "no input found": {"no-input", "layers-refuse", "shapes-untried", "holds-no-layers"},
    "depends on data": {"data-dependent", "value-from-data", "loop-on-data", "size-from-data"},
    "took too long": {"time-limit", "work-limit", "symbolic-time-limit", "symbolic-work-limit", "too-many-calls"},
    "forward stops": set(REASON_KINDS),
}


_IMPORT = """
import importlib.util, sys
path = sys.argv.pop()
sys.path.insert(0, ".")
spec = importlib.util.spec_from_file_location("m", path)
module = sys.modules["m"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
"""


@dataclass
class Tally:
    """What became of the models of one repository."""

    name: str
    files: int = 0
    models: int = 0
    through: int = 0
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    basis: collections.Counter[str] = field(default_factory=collections.Counter)  # what the verdicts rest on
    ran: dict[tuple[str, str], str] = field(default_factory=dict)  # by file and model: what a real run of it showed
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", default=[], help="only repositories whose name contains this")
    parser.add_argument("--json", type=Path, help="write every model and finding to this file")
    parser.add_argument("--report", type=Path, help="write the table and every finding to this Markdown file")
    parser.add_argument("--verify", action="store_true", help="run the models of each finding in torch")
    parser.add_argument(
        "--imports", type=int, default=0, help="compare the import of so many files, drawn by a fixed seed"
    )
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for one file")
    options = parser.parse_args()
    folders = sorted(path for path in options.folder.iterdir() if path.is_dir())
    tallies, reports = [], {}
    for folder in folders:
        if options.only and not any(word in folder.name for word in options.only):
            continue
        tally, report = lint(folder, options.timeout)
        if options.verify:
            tally.ran = verified(folder, tally.findings, options.timeout)
        tallies.append(tally)
        reports[folder.name] = report
        if options.json:
            options.json.write_text(json.dumps(reports, indent=1), encoding="utf-8")
        if options.report:
            options.report.write_text(markdown(tallies), encoding="utf-8")
        print(f"{tally.name:45} {tally.through:4} of {tally.models:4}  {tally.seconds:6.1f} s", flush=True)
    summary(tallies)
    if options.imports:
        imports(reports, options.folder, options.imports)


def lint(folder: Path, timeout: float) -> tuple[Tally, dict[str, Any]]:
    """One repository through the command line, as a user would run it."""
    started = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "convlint",
        "--no-cache",
        ".",
        "--output-format",
        "json",
        "--timeout",
        str(timeout),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    tally = Tally(folder.name, seconds=time.perf_counter() - started)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        print(f"{folder.name}: no report:\n{done.stderr[-2000:]}")
        return tally, {}
    tally.findings = report["diagnostics"]
    tally.files = len({model["filename"] for model in report["models"]})
    for model in report["models"]:
        tally.models += 1
        tally.basis[model.get("basis") or "?"] += 1
        if model["status"] == "checked" or model["outputs"]:
            tally.through += 1
            continue
        reason, found = model["reason"] or "?", {model["reason_kind"], model["reason_cause"]}
        tally.reasons[next((name for name, kinds in REASONS.items() if kinds & found), "?")] += 1
        tally.left.append(f"{model['filename']}:{model['row']}: {model['name']}: {reason}")
    return tally, report


def verified(folder: Path, findings: list[dict[str, Any]], timeout: float) -> dict[tuple[str, str], str]:
    """What real runs of the models with a finding showed: the outcomes, and the first words that torch raised."""
    shown: dict[tuple[str, str], str] = {}
    for file in sorted({one["filename"] for one in findings if one["severity"] != "info"}):
        command = [sys.executable, "-m", "convlint", "verify", "--no-cache", "--device", "cpu", file]
        command += ["--output-format", "json", "--timeout", str(timeout)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        try:
            models = json.loads(done.stdout)["models"]
        except ValueError:
            models = []
        shown |= {(file, one["name"]): _outcome(one["verification"]) for one in models}
    return shown


def _outcome(verification: dict[str, Any] | None) -> str:
    if verification is None:
        return "not run"
    runs = verification.get("runs") or []
    outcomes = collections.Counter(run["outcome"] for run in runs)
    words = "; ".join(str(one["said"])[:160] for one in verification.get("troubles") or [])
    counted = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"{verification['status']} ({counted or verification.get('reason')}) {words}".strip()


def markdown(tallies: list[Tally]) -> str:
    """The table, every finding with what torch said of its model, and why the other models were not followed."""
    lines = ["| repository | through | of | errors | warnings | seconds |", "|---|---|---|---|---|---|"]
    for tally in tallies:
        severities = collections.Counter(one["severity"] for one in tally.findings)
        counts = f"{severities['error']} | {severities['warning']} | {tally.seconds:.0f}"
        lines.append(f"| {tally.name} | {tally.through} | {tally.models} | {counts} |")
    basis = sum((tally.basis for tally in tallies), collections.Counter())
    lines += [
        "",
        "Basis: " + ", ".join(f"{count} {name}" for name, count in basis.most_common()),
        "",
        "## Findings",
        "",
    ]
    for tally in tallies:
        for one in tally.findings:
            place = f"{tally.name}/{one['filename']}:{one['location']['row']}"
            ran = tally.ran.get((one["filename"], one["model"] or ""), "")
            lines.append(f"- {one['severity']} {one['code']} {place} `{one['model']}`: {one['message']}")
            lines += [f"  - torch: {ran}"] if ran else []
    lines += ["", "## Not followed to the end", ""]
    lines += [f"- {tally.name}/{left}" for tally in tallies for left in tally.left]
    return "\n".join(lines) + "\n"


def summary(tallies: list[Tally]) -> None:
    models, through = sum(t.models for t in tallies), sum(t.through for t in tallies)
    reasons = sum((t.reasons for t in tallies), collections.Counter())
    print(
        f"\n{through} of {models} models through forward ({through / max(models, 1):.1%}), {len(tallies)} repositories"
    )
    for reason, count in reasons.most_common():
        print(f"  {count:5}  {count / max(models, 1):6.1%}  {reason}")
    print("\nFindings:")
    for tally in tallies:
        for one in tally.findings:
            place = f"{one['filename']}:{one['location']['row']}"
            print(f"  {tally.name}/{place}: {one['code']} {one['message']}")


def imports(reports: dict[str, dict[str, Any]], folder: Path, count: int) -> None:
    """The share of files with a model that import as they are, and the share that convlint imports."""
    files = sorted(
        {folder / name / model["filename"] for name, report in reports.items() for model in report.get("models", ())}
    )
    files = [file for file in files if file.suffix == ".py"]
    drawn = random.Random(0).sample(files, min(count, len(files)))
    failed = {
        folder / name / one["filename"]
        for name, report in reports.items()
        for one in report.get("diagnostics", ())
        if one["code"] in ("CL003", "CL004", "CL005")
    }
    with ThreadPoolExecutor(2) as pool:
        plain = sum(pool.map(imports_as_it_is, drawn))
    own = sum(file not in failed for file in drawn)
    print(f"\nOf {len(drawn)} files with a model, {plain} import as they are ({plain / len(drawn):.0%}),")
    print(f"and {own} the way convlint imports them ({own / len(drawn):.0%}).")


def imports_as_it_is(file: Path) -> bool:
    """Whether Python imports the file within a minute, from its own folder, with no terminal and no arguments."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT, str(file)],
            cwd=file.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    main()

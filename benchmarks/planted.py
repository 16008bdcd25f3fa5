"""One mistake at a time, planted in the models of cloned repositories: is it found, at its line, and nothing else?

    python benchmarks/planted.py FOLDER --out planted.jsonl [--only NAME] [--seed 0] [--each 2] [--most 6]
    python benchmarks/planted.py --table planted.jsonl

Each folder below FOLDER is linted as it is. Of the models that come out checked and without a finding, those are taken
that real torch runs, built and fed as the report says. Then one spot of their file is changed (a number, swapped
arguments, a stride, padding, flatten or permute left out, another dim), so that torch, in a process of its own, raises
where it ran before, and at every other input tried (a mutant that other data fit is another model, not a mistake), and
the changed file is linted bare. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import collections
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.left_out import left_out
from benchmarks.oracle.mutants import Mutant, mutants

DEEP = 40  # modules of a model that counts as deep
TRIES = 12  # mutants of a model that are run in torch at most
# What is not a mistake of a shape, or what convlint cannot be blamed for.
_OTHER_ERRORS = (
    "NameError",
    "UnboundLocalError",
    "ImportError",
    "ModuleNotFoundError",
    "SyntaxError",
    "MemoryError",
    "Timeout",
    "KeyError",
)
_GONE = ("dropped call", "dropped layer")
_RECIPES: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "planted.toml").read_text("utf-8"))
_CHILD = Path(__file__).resolve().parent / "planted_run.py"


@dataclass(frozen=True)
class Subject:
    """A model that convlint follows and real torch runs."""

    repository: str
    file: str
    target: str
    construction: str | None  # the call that the report names, or the recipe
    arguments: dict[str, str]  # as Python, where they were guessed
    inputs: list[dict[str, Any]]
    sizes: dict[str, int]
    classes: list[str]
    modules: int
    basis: str | None


@dataclass(frozen=True)
class Planted:
    """A mistake that torch refuses, and what convlint said of it."""

    repository: str
    file: str
    target: str
    modules: int
    kind: str
    row: int
    name: str
    before: str
    after: str
    error: str  # torch's
    raised: list[int]  # the rows of the file that torch's error came through
    status: str
    reason: str | None
    findings: list[dict[str, Any]]
    new_elsewhere: list[dict[str, Any]]  # findings on models that are not made of the changed classes

    @property
    def edit(self) -> str:
        return " -> ".join(" ".join(text.split()) for text in (self.before, self.after))

    @property
    def is_found(self) -> bool:
        return bool(self.findings)

    @property
    def is_at_line(self) -> bool:
        """A line that is gone cannot be named: the one before or after it is as good."""
        reach = 1 if self.kind in _GONE else 0
        return any(abs(one["row"] - self.row) <= reach and one["file"] == self.file for one in self.findings)

    @property
    def is_named(self) -> bool:
        """At the line, or with the line among the related places."""
        return self.is_at_line or any(self.row in one["related"] for one in self.findings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=Path("planted.jsonl"))
    parser.add_argument("--table", type=Path, help="only show what is in this file")
    parser.add_argument("--only", action="append", default=[], help="only repositories whose name contains this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=2, help="mistakes in each model [default: 2]")
    parser.add_argument("--most", type=int, default=6, help="mistakes in each repository [default: 6]")
    parser.add_argument("--reports", type=Path, help="the file of wild.py --json, so that nothing is linted twice")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one run of convlint a file")
    options = parser.parse_args()
    if options.table or options.folder is None:
        print(table(_read(options.table or options.out)))
        return
    done = {one.repository for one in _read(options.out)}
    for folder in sorted(path for path in options.folder.iterdir() if path.is_dir()):
        if folder.name in done or (options.only and not any(word in folder.name for word in options.only)):
            continue
        for one in planted(folder, options):
            with options.out.open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(one)) + "\n")
            word = "line" if one.is_at_line else "named" if one.is_named else "found" if one.is_found else "MISSED"
            print(f"{word:7} {one.repository}/{one.file}:{one.row} {one.kind}: {one.edit}", flush=True)
    print(table(_read(options.out)))


def planted(folder: Path, options: argparse.Namespace) -> Iterator[Planted]:
    """The mistakes in one repository, model by model in an order drawn by the seed."""
    random = Random(f"{options.seed} {folder.name}")
    known = json.loads(options.reports.read_text(encoding="utf-8")) if options.reports else {}
    report = known.get(folder.name) or lint(folder, ".", options.timeout)
    subjects = [model for model in report["models"] if _is_fit(model, report)]
    random.shuffle(subjects)
    count = 0
    for model in subjects:
        if count >= options.most:
            return
        subject = _running(folder, model)
        if subject is None:
            continue
        for one in _of_model(folder, subject, report, random, options):
            count += 1
            yield one
            if count >= options.most:
                return


def _is_fit(model: dict[str, Any], report: dict[str, Any]) -> bool:
    found = {one["filename"] for one in report["diagnostics"]}
    return model["status"] == "checked" and model["filename"].endswith(".py") and model["filename"] not in found


def _running(folder: Path, model: dict[str, Any]) -> Subject | None:
    """The model with the sizes at which torch runs it, if it does."""
    asked = _asked(folder.name, model)
    told = run(folder, asked)
    if "sizes" not in told:
        print(f"not run: {folder.name}/{asked['file']}:{asked['target']}: {told['error']}", flush=True)
        return None
    return Subject(
        folder.name,
        asked["file"],
        asked["target"],
        asked["construction"],
        asked["arguments"],
        asked["inputs"],
        told["sizes"],
        told["classes"],
        told["modules"],
        model.get("basis"),
    )


def _asked(repository: str, model: dict[str, Any]) -> dict[str, Any]:
    """What the child needs, by the recipe or as the report says; it finds the sizes itself."""
    inputs = [{"name": one["name"], "shape": one["shape"], "dtype": one["dtype"]} for one in model["inputs"]]
    target = model["name"].rpartition(".")[2]
    return {
        "file": model["filename"],
        "target": target,
        "construction": model["construction_call"],
        "arguments": model["guessed_arguments"],
        "inputs": inputs,
        "sizes": None,
    } | _RECIPES.get(f"{repository}/{model['filename']}:{target}", {})


def _of_model(
    folder: Path, subject: Subject, report: dict[str, Any], random: Random, options: argparse.Namespace
) -> Iterator[Planted]:
    """Mistakes of as many kinds as there are, one of each kind in turn."""
    source = (folder / subject.file).read_text(encoding="utf-8")
    count = 0
    with tempfile.TemporaryDirectory(prefix="planted-") as place:
        copy = Path(place) / folder.name
        shutil.copytree(folder, copy, symlinks=True)
        for tried, mutant in enumerate(_drawn(source, subject, random)):
            if count >= options.each or tried >= TRIES:
                return
            (copy / subject.file).write_text(mutant.source, encoding="utf-8")
            keys = ("file", "target", "construction", "arguments", "inputs", "sizes")
            asked = {key: getattr(subject, key) for key in keys}
            told = run(copy, asked)
            if "error" in told and not told["error"].startswith(_OTHER_ERRORS) and told.get("other") is None:
                count += 1
                yield _judged(copy, subject, mutant, told, report, options.timeout)


def _drawn(source: str, subject: Subject, random: Random) -> Iterator[Mutant]:
    by_kind: dict[str, list[Mutant]] = collections.defaultdict(list)
    for mutant in [*mutants(source, subject.classes), *left_out(source, subject.classes)]:
        by_kind[mutant.kind].append(mutant)
    kinds = sorted(by_kind)
    random.shuffle(kinds)
    for kind in kinds:
        random.shuffle(by_kind[kind])
    while any(by_kind.values()):
        for kind in kinds:
            if by_kind[kind]:
                yield by_kind[kind].pop()


def _judged(
    copy: Path, subject: Subject, mutant: Mutant, told: dict[str, Any], before: dict[str, Any], timeout: float
) -> Planted:
    report = lint(copy, subject.file, timeout)
    models = [one for one in report["models"] if one["name"].rpartition(".")[2] == subject.target]
    status, reason = (models[0]["status"], models[0]["reason"]) if models else ("missing", None)
    known = {(one["code"], one["location"]["row"], one["message"]) for one in before["diagnostics"]}
    found = [
        {
            "code": one["code"],
            "severity": one["severity"],
            "message": one["message"],
            "file": one["filename"],
            "row": one["location"]["row"],
            "related": sorted({other["location"]["row"] for other in one["related"]}),
            "model": one["model"],
            "hint": one["hint"],
        }
        for one in report["diagnostics"]
        if (one["code"], one["location"]["row"], one["message"]) not in known and one["severity"] != "info"
    ]
    elsewhere = [one for one in found if not _is_about(one["model"] or "", copy, subject, before)]
    return Planted(
        repository=subject.repository,
        file=subject.file,
        target=subject.target,
        modules=subject.modules,
        kind=mutant.kind,
        row=mutant.row,
        name=mutant.name,
        before=mutant.before,
        after=mutant.after,
        error=told["error"],
        raised=told.get("rows", []),
        status=status,
        reason=reason,
        findings=[one for one in found if one not in elsewhere],
        new_elsewhere=elsewhere,
    )


def _is_about(name: str, copy: Path, subject: Subject, before: dict[str, Any]) -> bool:
    """Whether a finding is about the planted mistake: on a model that it breaks, of which there may be several."""
    target = name.rpartition(".")[2]
    if target in (subject.target, *subject.classes):
        return True
    models = [one for one in before["models"] if one["name"] == name]
    return bool(models) and "error" in run(copy, _asked(subject.repository, models[0]))


def lint(folder: Path, path: str, timeout: float) -> dict[str, Any]:
    """What the command line reports, bare."""
    command = [
        sys.executable,
        "-m",
        "convlint",
        "--no-cache",
        path,
        "--output-format",
        "json",
        "--timeout",
        str(timeout),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        print(f"{folder.name}: no report:\n{done.stderr[-2000:]}")
        return {"models": [], "diagnostics": []}
    return report


def run(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """What torch makes of the model, in a process of its own."""
    command = [sys.executable, str(_CHILD), json.dumps(asked)]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=180)
    except subprocess.TimeoutExpired:
        return {"error": "Timeout"}
    try:
        told: dict[str, Any] = json.loads(done.stdout.rpartition("\n>>>")[2])
    except ValueError:
        return {"error": f"ImportError: the process died: {done.stderr[-300:]}"}
    return told


def _read(path: Path) -> list[Planted]:
    if not path.exists():
        return []
    return [Planted(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def table(all_planted: list[Planted]) -> str:
    """Per repository, of all, of the deep ones, and each miss."""
    by_repository = collections.defaultdict(list)
    for one in all_planted:
        by_repository[one.repository].append(one)
    lines = [
        "| repository | mistakes | found | at the line | line named | alarms elsewhere |",
        "|---|---|---|---|---|---|",
    ]
    rows = {**by_repository, "**all**": all_planted, "**deep**": [one for one in all_planted if one.modules >= DEEP]}
    for name, chosen in rows.items():
        counts = [sum(getattr(one, what) for one in chosen) for what in ("is_found", "is_at_line", "is_named")]
        alarms = sum(len(one.new_elsewhere) for one in chosen)
        lines.append(f"| {name} | {len(chosen)} | {' | '.join(map(str, counts))} | {alarms} |")
    lines += ["", "Not found, or not at the line:", ""]
    for one in all_planted:
        if not one.is_at_line:
            lines.append(
                f"- {one.repository}/{one.file}:{one.row} `{one.target}` ({one.modules} modules) {one.kind}: "
                f"`{one.edit}`; torch: {one.error[:160]} (rows {one.raised}); {one.status}"
                + (f" ({one.reason})" if one.reason else "")
            )
            lines += [f"  - {found['code']} row {found['row']}: {found['message']}" for found in one.findings]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

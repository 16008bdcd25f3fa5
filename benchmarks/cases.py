"""Hold convlint's findings against a folder of cases with their truth in expected.csv.

    python benchmarks/cases.py ../shared/cases
    python benchmarks/cases.py ../shared/cases --verify            # and run them on the CPU
    python benchmarks/cases.py ../shared/cases --verify cuda

Each file is linted twice by the command line: with its input declared, and bare. A wrong file counts as found when a
finding stands at the declared line (the line of forward where none is declared) with the right number; a correct file
must come out without an error in both. With --verify each file is run in both ways as well: what is found must
be refused by torch at that very call, and a correct file must run.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Finding = dict[str, Any]
Report = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One row of expected.csv. A file with two mistakes has two lines and two numbers."""

    file: str
    is_correct: bool
    target: str
    args: list[Any]
    shape: list[int]
    dtype: str
    lines: tuple[int, ...]
    numbers: tuple[str, ...]
    is_bare: tuple[bool, ...]  # for each mistake: it needs no input size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verify", nargs="?", const="cpu", metavar="DEVICE", help="run the models for real (cpu)")
    options = parser.parse_args()
    folder = options.folder.resolve()
    cases = [_case(row) for row in csv.DictReader((folder / "expected.csv").open())]
    ways = {"declared": _configuration(cases), "bare": "[tool.convlint]\n"}
    declared, bare = (_findings(_report(folder, configuration)) for configuration in ways.values())
    missed = 0
    for case in cases:
        verdicts = [_verdict(case, declared.get(case.file, [])), _verdict(case, bare.get(case.file, []))]
        missed += verdicts[0].startswith(("MISSED", "FALSE"))
        missed += verdicts[1].startswith("FALSE")
        print(f"{case.file:36} declared: {verdicts[0]:34} bare: {verdicts[1]}")
    _totals(cases, declared, bare)
    if options.verify is not None:
        reports = {way: _report(folder, text, "verify", "--device", options.verify) for way, text in ways.items()}
        doubts = {way: _verified(way, cases, report) for way, report in reports.items()}
        missed += doubts["declared"]  # bare, the arguments of a constructor may be no more than guessed
    sys.exit(1 if missed else 0)


def _case(row: dict[str, str]) -> Case:
    lines = row["decl_line"] or row["forward_line"]
    needs = [part.strip() for part in row["needs_input_size"].split(";")]
    count = len(lines.split("+")) if lines else 0
    return Case(
        file=row["file"],
        is_correct=row["correct"] == "yes",
        target=row["class"],
        args=[json.loads(row["ctor_args"])] if row["ctor_args"] else [],
        shape=[int(size) for size in row["input_shape"].split("x")],
        dtype=row["input_dtype"],
        lines=tuple(int(line) for line in lines.split("+")) if lines else (),
        numbers=tuple(part.strip() for part in row["expected"].split("+")) if count > 1 else (row["expected"],),
        is_bare=tuple("no" in requirement.split()[:2] for requirement in needs)
        if count > 1
        else (needs[0].startswith("no"),),
    )


def _configuration(cases: list[Case]) -> str:
    """A pyproject.toml that declares every input. JSON's lists and numbers are TOML's as well."""
    stanzas = []
    for case in cases:
        args = json.dumps(case.args).replace(": ", " = ")
        stanzas.append(
            f'[[tool.convlint.model]]\nname = "{case.file}:{case.target}"\nargs = {args}\n'
            f'inputs = [{{ shape = {case.shape}, dtype = "{case.dtype}" }}]\n'
        )
    return "\n".join(stanzas)


def _report(folder: Path, configuration: str, *command: str) -> Report:
    """What convlint says of a copy of the folder with this configuration."""
    with tempfile.TemporaryDirectory() as place:
        for path in folder.glob("*.py"):
            (Path(place) / path.name).write_bytes(path.read_bytes())
        (Path(place) / "pyproject.toml").write_text(configuration)
        line = [
            sys.executable,
            "-m",
            "convlint",
            *(command or ("check",)),
            "--no-cache",
            ".",
            "--output-format",
            "json",
        ]
        result = subprocess.run(line, cwd=place, capture_output=True, text=True, check=False)
    if result.returncode not in (0, 1):
        sys.exit(result.stderr)
    return dict(json.loads(result.stdout))


def _findings(report: Report) -> dict[str, list[Finding]]:
    """Those of each file."""
    findings: dict[str, list[Finding]] = {}
    for diagnostic in report["diagnostics"]:
        findings.setdefault(diagnostic["filename"], []).append(diagnostic)
    return findings


def _verified(way: str, cases: list[Case], report: Report) -> int:
    """How many files real runs do not bear out, printed with the reason."""
    targets = {(case.file, case.target) for case in cases}
    found_models = ((one["filename"], one["name"].rpartition(".")[2], one["verification"]) for one in report["models"])
    models = {file: verification for file, name, verification in found_models if (file, name) in targets}
    found, doubts = _findings(report), 0
    for case in cases:
        doubt = _doubt(case, models.get(case.file), found.get(case.file, []))
        doubts += doubt is not None
        if doubt is not None:
            print(f"{case.file:36} {way}, run for real: {doubt}")
    wrong = [case for case in cases if not case.is_correct]
    refused = sum(models[case.file]["requirements"] for case in wrong if case.file in models)
    edits = [models[case.file]["edits"] for case in wrong if case.file in models]
    print(
        f"{way}, run for real: {len(cases) - doubts} of {len(cases)} files as predicted; "
        f"{refused} mistakes refused by torch, {sum(edit is True for edit in edits)} wrong files run with the edits"
    )
    return doubts


def _doubt(case: Case, verification: dict[str, Any] | None, findings: list[Finding]) -> str | None:
    if verification is None:
        return "no model was found"
    if verification["status"] != "confirmed":
        return (
            f"{verification['status']}: {verification['reason'] or [one['said'] for one in verification['troubles']]}"
        )
    outcomes = {run["outcome"] for run in verification["runs"]}
    if case.is_correct:
        return None if outcomes == {"agrees"} and not findings else f"its runs: {', '.join(sorted(outcomes))}"
    mistakes = sum(finding["code"].startswith("CL1") for finding in findings)
    return None if mistakes == verification["requirements"] else f"{verification['requirements']} of {mistakes} refused"


def _verdict(case: Case, findings: list[Finding]) -> str:
    if case.is_correct:
        return "FALSE ALARM" if findings else "clean"
    hits = sum(_is_found(case, i, findings) for i in range(len(case.lines)))
    extra = len(findings) - hits
    text = f"{hits} of {len(case.lines)}" + (f", {extra} more" if extra > 0 else "")
    return text if hits == len(case.lines) else f"MISSED {text}"


def _is_found(case: Case, index: int, findings: list[Finding]) -> bool:
    """A finding at the line, with the number where the truth has just one."""
    number = re.match(r"\d+", case.numbers[index]) if index < len(case.numbers) else None
    for finding in findings:
        if finding["location"]["row"] != case.lines[index]:
            continue
        known = {finding.get("expected"), finding.get("actual")}
        if number is None or int(number.group()) in known or not _is_number(finding):
            return True
    return False


def _is_number(finding: Finding) -> bool:
    return isinstance(finding.get("actual"), int)


def _totals(cases: list[Case], declared: dict[str, list[Finding]], bare: dict[str, list[Finding]]) -> None:
    wrong = [case for case in cases if not case.is_correct]
    for name, found in (("declared", declared), ("bare", bare)):
        files = sum(not _verdict(case, found.get(case.file, [])).startswith("MISSED") for case in wrong)
        mistakes = [(case, i) for case in wrong for i in range(len(case.lines))]
        hits = sum(_is_found(case, i, found.get(case.file, [])) for case, i in mistakes)
        provable = [(case, i) for case, i in mistakes if case.is_bare[min(i, len(case.is_bare) - 1)]]
        proved = sum(_is_found(case, i, found.get(case.file, [])) for case, i in provable)
        false = sum(bool(found.get(case.file)) for case in cases if case.is_correct)
        print(
            f"{name}: {files} of {len(wrong)} wrong files, {hits} of {len(mistakes)} mistakes "
            f"({proved} of the {len(provable)} that need no size), {false} correct files with a finding"
        )


if __name__ == "__main__":
    main()

"""Sweep whole packages of models: convlint's trace of each against a real run of the same model.

    python -m benchmarks.oracle.sweep torchvision --out /tmp/sweep.jsonl
    python -m benchmarks.oracle.sweep timm --count 150 --out /tmp/sweep.jsonl
    python -m benchmarks.oracle.sweep --out /tmp/sweep.jsonl    # only the tables of what is there

Each model is built and run for real (batch 2, weights of any value, training mode where it runs in it), and traced by
convlint with the same inputs, each in a process of its own. It agrees when forward is traced to its end without a
finding, and all calls have the shapes and dtypes of the real run. A model that does not run for real counts nothing.
Results are appended to the file, and names that stand there are not run again.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.oracle.sweep_child import Lost, in_child
from benchmarks.oracle.sweep_compare import compare
from benchmarks.oracle.sweep_real import real_run
from benchmarks.oracle.sweep_sources import FAMILIES, family
from benchmarks.oracle.sweep_subject import Real, Subject, Traced
from benchmarks.oracle.sweep_traced import NOT_BUILT, traced

SECONDS = 60.0
VERDICTS = ("agrees", "differs", "finding", "not traced", "not compared", "real run fails", "cannot be built")


@dataclass(frozen=True)
class Result:
    """What became of one model."""

    family: str
    name: str
    verdict: str  # one of VERDICTS
    reason: str = ""
    variant: str = ""
    training: bool = True
    inputs: str = ""
    modules: int = 0  # calls of layers that were compared
    functions: int = 0
    unknown: int = 0
    notes: tuple[str, ...] = ()
    seconds_real: float = 0.0
    seconds_trace: float = 0.0


def main() -> None:
    warnings.simplefilter("ignore")
    options = _options()
    out = Path(options.out)
    if options.family:
        known = {result.name for result in read(out) if result.family == options.family}
        subjects = [subject for subject in _drawn(options) if subject.name not in known]
        for i, subject in enumerate(subjects):
            result = swept(options.family, subject, options.seconds)
            with out.open("a") as file:
                file.write(json.dumps(asdict(result)) + "\n")
            if result.verdict != "agrees" or options.verbose:
                print(f"{i + 1}/{len(subjects)} {result.name}: {result.verdict}: {result.reason[:200]}", flush=True)
    print(tables(read(out)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", nargs="?", choices=FAMILIES)
    parser.add_argument("names", nargs="*", help="only these models")
    parser.add_argument("--count", type=int, help="so many names, drawn with a fixed seed")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="the limit of a real run, and of a trace")
    parser.add_argument("--out", required=True, help="the file of results, one JSON object a line")
    parser.add_argument("--verbose", action="store_true", help="print the models that agree as well")
    return parser.parse_args()


def _drawn(options: argparse.Namespace) -> list[Subject]:
    subjects = family(options.family)
    if options.names:
        return [subject for subject in subjects if subject.name in options.names]
    if options.count and options.count < len(subjects):
        subjects = random.Random(0).sample(subjects, options.count)
    return sorted(subjects, key=lambda subject: subject.name)


def swept(kind: str, subject: Subject, seconds: float = SECONDS) -> Result:
    """Run one model for real and in convlint, and hold the one against the other."""
    started = time.perf_counter()
    real = in_child(lambda: real_run(subject), seconds)
    ended = time.perf_counter()
    if isinstance(real, Lost):
        return Result(kind, subject.name, "real run fails", real.reason, seconds_real=ended - started)
    if real.choice is None:
        return Result(kind, subject.name, real.failure, real.reason, seconds_real=ended - started)
    trace = in_child(lambda: traced(subject, real), seconds)
    took = time.perf_counter() - ended
    if isinstance(trace, Lost):
        trace = Traced(trace.reason)
    return judged(kind, subject.name, real, trace, ended - started, took)


def judged(kind: str, name: str, real: Real, trace: Traced, seconds_real: float, seconds_trace: float) -> Result:
    """The verdict, and what it rests on."""
    verdict, reason, compared = "agrees", "", None
    if real.failure:  # nobody knows whether these inputs are right
        end = "; ".join(trace.findings) or trace.reason or "traced to its end"
        verdict = "cannot be built" if trace.reason.startswith(NOT_BUILT) else "not compared"
        reason = f"{real.reason}: {end}"
    elif trace.findings:
        verdict, reason = "finding", "; ".join(trace.findings)
    elif trace.reason:
        verdict, reason = "not traced", trace.reason
    else:
        compared = compare(real, trace)
        if compared.difference:
            verdict, reason = "differs", compared.difference
    assert real.choice is not None
    inputs = ", ".join(f"{spec.name or ''}{list(spec.shape or ())}" for spec in real.choice.feed or ())
    return Result(
        family=kind,
        name=name,
        verdict=verdict,
        reason=reason,
        variant=real.choice.label,
        training=real.choice.training,
        inputs=inputs,
        modules=compared.modules if compared else 0,
        functions=compared.functions if compared else 0,
        unknown=compared.unknown if compared else 0,
        notes=trace.notes,
        seconds_real=round(seconds_real, 2),
        seconds_trace=round(seconds_trace, 2),
    )


def read(out: Path) -> list[Result]:
    """The results that stand in the file; of several for one model the last."""
    if not out.exists():
        return []
    rows = (json.loads(line) for line in out.read_text().splitlines())
    found = (Result(**{**row, "notes": tuple(row["notes"])}) for row in rows)
    return list({(result.family, result.name): result for result in found}.values())


def tables(results: list[Result]) -> str:
    """How many of each family agree, and what is not checked, by reason."""
    return "\n".join([*_counts(results), "", *_reasons(results)])


def _counts(results: list[Result]) -> Iterator[str]:
    yield f"{'family':16}{'models':>8}" + "".join(f"{verdict:>16}" for verdict in VERDICTS) + f"{'calls':>10}"
    for kind in FAMILIES:
        own = [result for result in results if result.family == kind]
        counts = collections.Counter(result.verdict for result in own)
        calls = sum(result.modules + result.functions for result in own)
        if own:
            yield f"{kind:16}{len(own):8}" + "".join(f"{counts[verdict]:16}" for verdict in VERDICTS) + f"{calls:10}"


def _reasons(results: Iterable[Result]) -> Iterator[str]:
    """The reasons without their numbers and names, counted; an example of each."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        if result.verdict != "agrees":
            found.setdefault((result.family, result.verdict, _kind_of(result.reason)), []).append(result.name)
    order = {verdict: i for i, verdict in enumerate(VERDICTS)}
    for (kind, verdict, reason), names in sorted(found.items(), key=lambda item: (order[item[0][1]], -len(item[1]))):
        yield f"{len(names):5} {kind}: {verdict}: {reason} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _kind_of(reason: str) -> str:
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'", "'...'", reason))[:140]


if __name__ == "__main__":
    main()

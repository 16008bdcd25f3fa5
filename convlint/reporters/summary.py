"""What was checked and what was not: the closing line, and the list of models that `-v` shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from convlint.facts import VERDICTS, Basis, ConstructionFact, Dim, ModelFacts, Reason, Span
from convlint.remedies import Remedy
from convlint.report import Report
from convlint.reporters.source import beside, spot
from convlint.reporters.text import count, one_line, visible
from convlint.sentences import arguments_text, construction_text, sentence, source_text
from convlint.severity import Severity

_WIDTH: Final = 100  # characters of a construction that are shown
_BASES: Final[dict[Basis, str]] = {
    "evidence": "with their real inputs",
    "layers": "with inputs that their layers ask for",
    "guess": "with guesses",
}
_MOST_SIZES: Final = 10  # models whose sizes are listed where nobody asks for them
_NOUNS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "remark"}


def closing(report: Report, *, verbose: bool) -> str:
    """The last line of a report."""
    if report.is_verified:
        return _verified(report)
    if not report.models and not report.diagnostics:
        return f"No models in {count(report.file_count, 'file')}: nothing to check."
    checked, partial, skipped = (report.count_models(status) for status in ("checked", "partial", "skipped"))
    left_out = partial + skipped > 0
    more = f" (-v says {_more(report)})" if left_out and not verbose else ""
    counts = f"{count(checked, 'model')} checked{_bases(report)}, {partial} partial, {skipped} skipped"
    return f"{counts}: {_outcome(report, checked + partial > 0, left_out)}{_verdict(report.lacking)}{more}."


def _bases(report: Report) -> str:
    """What the verdicts rest on: ` (3 with their real inputs, 1 with guesses)`."""
    parts = [f"{number} {_BASES[basis]}" for basis, number in report.bases.items()]
    return f" ({', '.join(parts)})" if parts else ""


def _verified(report: Report) -> str:
    """That of real runs."""
    statuses = Counter(model.verification.status for _, model in report.models if model.verification is not None)
    counts = ", ".join(f"{statuses[status]} {status}" for status in VERDICTS)
    found = _found(report) or ["nothing found"]
    return f"{count(statuses.total(), 'model')} run for real, {counts}: {', '.join(found)}{_verdict(report.lacking)}."


def _more(report: Report) -> str:
    return "how to mend it" if report.lacking else "what was left out, and why"


def _verdict(lacking: int) -> str:
    if not lacking:
        return ""
    fails = "model fails" if lacking == 1 else "models fail"
    return f"; {lacking} skipped {fails} the run, for require-checked is set"


def _outcome(report: Report, anything: bool, left_out: bool) -> str:
    found = _found(report)
    if found:
        return ", ".join(found)
    if not anything:
        return "nothing was checked"
    return "nothing found in what was checked" if left_out else "all clear"


def _found(report: Report) -> list[str]:
    return [count(report.count(severity), noun) for severity, noun in _NOUNS.items() if report.count(severity)]


def listing(report: Report, *, verbose: bool) -> list[str]:
    """Every model with its status, its shapes, what kept it from being checked, and what would fix that; the guards.

    Without `verbose` only those that fail the run, and why.
    """
    lines: list[str] = []
    for filename, model, remedy in report.listed:
        if verbose or (report.lacking and model.status == "skipped"):
            lines += [one_line(f"{spot(filename, model.row)}: {model.target} {_status(filename, model)}")]
        if verbose:
            lines += ["    " + one_line(line) for line in _details(model)]
            lines += ["    " + line for line in _help(remedy)]
    if verbose:
        lines += [*_scripts(report), *_guards(report)]
    elif not report.is_verified:
        lines += _few_sizes(report)
    return [*lines, ""] if lines else []


def _few_sizes(report: Report) -> Iterator[str]:
    """The sizes that a model accepts, where they are few and nothing was found in it."""
    few = [
        f"{spot(filename, model.row)}: {model.target} accepts {model.size_note or _all_sizes(model)}"
        for filename, model in report.models
        if model.status == "checked" and model.sizes and not report.findings_of(filename, model)
    ]
    yield from map(one_line, few[:_MOST_SIZES])
    if len(few) > _MOST_SIZES:
        yield f"and {len(few) - _MOST_SIZES} more models accept few sizes (-v lists them)"


def _scripts(report: Report) -> Iterator[str]:
    """Where dry runs could not be followed to their end, and why."""
    for file in report.files:
        if file.script is not None and file.script.stopped is not None:

            def where(at: Span, filename: str = file.filename) -> str:
                return beside(at.filename, at.row, filename)

            at = file.script.at
            place = spot(at.filename, at.row) if at is not None else file.filename
            yield one_line(f"{place}: the dry run cannot follow this: {sentence(file.script.stopped, where)}")


def _guards(report: Report) -> Iterator[str]:
    """What was put up around the files, on a line for all that had the same."""
    for guards in dict.fromkeys(file.guards for file in report.files if file.guards):
        yield f"guards: {one_line(', '.join(guards))}"


def reason(filename: str, model: ModelFacts) -> str | None:
    """Why a model was not checked, or only in part, with the line where it stopped."""
    if model.reason is None:
        return None

    def where(at: Span) -> str:
        return beside(at.filename, at.row, filename)

    said = sentence(model.reason, where)
    return said if model.stopped is None or _names(model.reason, model.stopped) else f"{said} ({where(model.stopped)})"


def _names(reason: Reason, place: Span) -> bool:
    """Whether the sentence has the line already."""
    return any(
        one.at is not None and (one.at.filename, one.at.row) == (place.filename, place.row) for one in reason.chain
    )


def _status(filename: str, model: ModelFacts) -> str:
    said = reason(filename, model)
    return f"{model.status}: {said}" if said is not None else model.status


def _details(model: ModelFacts) -> Iterator[str]:
    if model.construction is not None and model.construction.origin not in ("defaults", "instance"):
        yield f"built as: {_construction(model.target, model.construction)}"
    for one in model.inputs:
        shape = "not a tensor" if one.shape is None else _shape(one.shape)
        dtype = f" {one.dtype}" if one.dtype is not None else ""
        yield f"input {one.name}: {shape}{dtype}, from {source_text(one)}"
    for output in model.outputs:
        yield f"output: {_shape(output)}"
    if model.size_note is not None:
        yield f"sizes that work: {model.size_note}"
    elif model.sizes:
        yield f"sizes that work: {_all_sizes(model)}"


def _construction(target: str, construction: ConstructionFact) -> str:
    """How a model was built, on a short line."""
    text = construction_text(construction)
    if construction.origin == "guessed":
        text = f"{target}({arguments_text(construction)}), guessed"
    elif construction.origin == "configuration":
        text = "declared in pyproject.toml"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def _help(remedy: Remedy | None) -> Iterator[str]:
    """A way out, ready to be pasted."""
    if remedy is None:
        return
    yield f"help: {one_line(remedy.sentence)}{':' if remedy.toml is not None else ''}"
    yield from ("    " + visible(line) for line in (remedy.toml or "").splitlines())


def _shape(shape: Sequence[Dim]) -> str:
    return "[" + ", ".join(str(dim) for dim in shape) + "]"


def _all_sizes(model: ModelFacts) -> str:
    return ", ".join(_sizes(*item) for item in model.sizes.items())


def _sizes(symbol: str, sizes: Sequence[int]) -> str:
    return f"{symbol} in {{{', '.join(str(size) for size in sizes)}}}"

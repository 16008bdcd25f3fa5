"""What compiling and exporting a model showed that is worth a word."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.facts import Compilation, Export, TrialFacts, Trouble
from convlint.facts.wording import scenario_text

COMPILED, EXPORTED = "torch.compile", "torch.export"


def troubles_of(trial: TrialFacts) -> Iterator[Trouble]:
    if trial.compilation is not None:
        yield from _compilation(trial.compilation)
    if trial.export is not None:
        yield from _export(trial.export)


def _compilation(found: Compilation) -> Iterator[Trouble]:
    if found.status == "failed":
        scenario = scenario_text(found.scenario) if found.scenario is not None else ""
        yield Trouble(kind="not-compiled", said=found.reason or "", call=found.backend, scenario=scenario, at=found.at)
    for broken in found.breaks:
        yield Trouble(kind="graph-break", said=broken.reason, call=COMPILED, at=broken.at)
    for again in found.recompilations:
        if not again.is_expected:
            yield Trouble(
                kind="recompilation" if again.repeats else "resize-recompilation",
                said=again.reason,
                call=COMPILED,
                scenario=scenario_text(again.scenario),
                at=again.at,
            )
    for one in found.differences[:1]:  # the others mostly have the same cause
        call = f"{COMPILED} ({found.backend})"
        yield Trouble(kind="compiled-differs", said=one.said, call=call, scenario=scenario_text(one.scenario))


def _export(found: Export) -> Iterator[Trouble]:
    if found.status == "failed":
        yield Trouble(kind="not-exported", said=found.reason or "", call=EXPORTED, at=found.at)
    elif found.reason is not None and found.status == "exported":
        yield Trouble(
            kind="export-fixed", said=found.reason, call=EXPORTED, scenario="open batch and sizes", at=found.at
        )
    for refusal in [one for one in found.refusals if not one.is_expected][:1]:
        scenario = scenario_text(refusal.scenario, mode=False)
        yield Trouble(kind="export-fixed", said=refusal.said, call=EXPORTED, scenario=scenario)
    for one in found.differences[:1]:
        yield Trouble(kind="compiled-differs", said=one.said, call=EXPORTED, scenario=scenario_text(one.scenario))

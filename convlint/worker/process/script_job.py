"""The work on one script: run it dry, and bring back the facts of the models that it feeds."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from convlint.facts import ConstructionFact, FileFacts, ModelFacts, Reached, ScriptFacts, Way
from convlint.inputspec import InputSpec
from convlint.jobs import Job, ModelJob, PlannedModel
from convlint.notebook import line_of
from convlint.protocol.clock import had
from convlint.worker.analysis.basis import basis_of
from convlint.worker.analysis.bounded import LEAST_STEPS, MOST_STEPS, PER_SECOND, bounded
from convlint.worker.analysis.edits.search import EDIT_STEPS, with_edits
from convlint.worker.analysis.inference import hints
from convlint.worker.analysis.inference.evidence import Evidence
from convlint.worker.analysis.model_facts import model_facts
from convlint.worker.analysis.session import TraceSession
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.build.builder import BuiltModel
from convlint.worker.build.constructions import Construction
from convlint.worker.build.skeleton import make_fake
from convlint.worker.dry_run import twin
from convlint.worker.dry_run.built import BuiltSites
from convlint.worker.dry_run.constructions import FedInputs, FedModel, agreed, constructions, has_free_sizes
from convlint.worker.dry_run.record import ModelCall, ProgramCall
from convlint.worker.dry_run.script import MAX_SECONDS, Script
from convlint.worker.dry_run.twin import TwinCall
from convlint.worker.dry_run.variants import with_others
from convlint.worker.dry_run.world import DryRun
from convlint.worker.process.disproved import held_to_the_run
from convlint.worker.process.identity import identified
from convlint.worker.process.program_lines import LineChecker
from convlint.worker.process.script_recipe import ScriptRecipe
from convlint.worker.sandbox import uncacheable
from convlint.worker.sandbox.watch import attending
from convlint.worker.stack.parsed_file import call_at
from convlint.worker.stack.places import span_of
from convlint.worker.stack.users import IsUser, user_test
from convlint.worker.torch_private.fake import FakeTensorMode, new_mode, set_env
from convlint.worker.torch_private.symbols import new_env
from convlint.worker.trace.input import declared
from convlint.worker.trace.work import WorkBudget, WorkSpent, limited
from convlint.worker.user_code.relative import relative
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit

MOST_CONSTRUCTIONS = 8
"""Of one class, that are checked."""
EDIT_SECONDS = 15.0
MOST_SECONDS_TO_REPEAT = 2.0
"""Of a script that is run again for each edit."""
MOST_LINES = 40
"""Calls outside of models, of one script, that are checked."""


def run(job: Job) -> FileFacts:
    """Run the script of a job dry. Raises nothing that the script raises."""
    is_user, here = user_test(job.path, job.user_roots), os.getcwd()
    with attending(is_user) as attendance:
        mode, sites = new_mode(new_env()), BuiltSites(is_user=is_user)
        set_env(mode, None)
        script = Script(job, is_user, mode, sites, attendance.watch)
        seconds = min(MAX_SECONDS, job.timeout / 3)
        worlds, seen, took = _run(script, job, seconds)
        calls = [call for world in worlds for call in world.calls]
        losses = [call for world in worlds for call in world.losses]
        work = _Work(job, is_user, mode, sites, calls, took)
        models = tuple(work.models(constructions(calls, None if seen is None else seen[0])))
        lines = tuple(work.lines(agreed(losses, None if seen is None else seen[1])))
        built = tuple(work.unfed({id(call.module) for call in calls}))
        depends = attendance.dependencies()
    lacking = (one for one in worlds[0].troubles if one.reason is not None and one.reason.kind != "not-computed")
    stopped = next(lacking, None)
    facts = FileFacts(
        filename=job.filename,
        models=models,
        calls=lines,
        built=built,
        script=ScriptFacts(
            reached=tuple(work.reached),
            stopped=stopped.reason if stopped is not None else None,
            at=stopped.at if stopped is not None else None,
        ),
    )
    return relative(facts, job, here).model_copy(update={"depends": depends})


def _run(
    script: Script, job: Job, seconds: float
) -> tuple[list[DryRun], tuple[list[TwinCall], list[TwinCall]] | None, float]:
    """What the script does, what it does in the other world where anything is made up, and the seconds that it took."""
    end = had() + seconds

    def runs(number: int) -> Iterator[DryRun]:
        return with_others(lambda world: script.run(world, max(0.5, min(seconds, end - had()))), job, number)

    other = twin.start(lambda: runs(1))
    try:
        begun = had()
        worlds = list(runs(0))
        took = had() - begun
        if not any(world.inventions for world in worlds):
            return worlds, None, took
        return worlds, other.seen(seconds + 2) if other is not None else ([], []), took
    finally:
        if other is not None:
            other.end()


@dataclass
class _Work:
    """What the examinations of the models of one script share."""

    job: Job
    is_user: IsUser
    mode: FakeTensorMode
    sites: BuiltSites
    calls: list[ModelCall]
    script_seconds: float
    reached: list[Reached] = field(default_factory=list)
    started: float = field(default_factory=had)
    spent: int = 0

    def models(self, found: list[FedModel]) -> Iterator[ModelFacts]:
        counts: dict[tuple[str, str], int] = {}
        seen: set[str] = set()
        for one in found:
            known = self._known(one)
            if known is None or not one.fed:
                continue
            path, planned = known
            key = path, planned.target
            if counts.get(key, 0) >= MOST_CONSTRUCTIONS:
                continue
            # One class with the same arguments and the same inputs is the same model once more.
            same = repr((key, _structure(one.module), [(fed.inputs, fed.is_clean) for fed in one.fed]))
            if same in seen:
                self._reach(one, path, planned)
                continue
            seen.add(same)
            facts = self._facts(one, path, planned)
            if facts is not None:
                counts[key] = counts.get(key, 0) + 1
                self._reach(one, path, planned)
                yield facts

    def unfed(self, fed: set[int]) -> Iterator[ModelFacts]:
        """The models that the script builds and does not feed, on what their layers ask for."""
        seen: set[str] = set()
        for module in self.sites.roots():
            one = FedModel(module, None)
            known = self._known(one) if id(module) not in fed else None
            if known is None or not self._is_planned(*known) or len(seen) >= MOST_CONSTRUCTIONS:
                continue
            same = repr((known, _structure(module)))
            if same not in seen:
                seen.add(same)
                make_fake(module, self.mode)
                facts = self._facts(one, *known)
                if facts is not None and facts.status != "skipped":
                    yield facts

    def _is_planned(self, path: str, planned: PlannedModel) -> bool:
        return self.job.script is not None and planned in self.job.script.models.get(path, ())

    def lines(self, calls: list[ProgramCall]) -> Iterator[ModelFacts]:
        """What is wrong with calls outside of models."""
        set_env(self.mode, None)
        checker = LineChecker(Path(self.job.path).stem, self.job.shown, self.mode, self.is_user)
        known: set[tuple[str, int, int]] = set()
        for call in calls[:MOST_LINES]:
            place = call.at.filename, call.at.row, call.at.column
            facts = None if place in known else checker.facts(call)
            if facts is not None:
                known.add(place)
                yield facts

    def _reach(self, one: FedModel, path: str, planned: PlannedModel) -> None:
        places = (place for place in self.sites.chain(one.module) if self.is_user(place.code.co_filename))
        for place in places:
            at = span_of(place)
            if at is not None:
                self.reached.append(Reached(filename=self.job.shown(path), target=planned.target, at=at))

    def _known(self, one: FedModel) -> tuple[str, PlannedModel] | None:
        """The model of the run that a module is one of, and its file."""
        planned = self.job.script.models if self.job.script is not None else {}
        chain = [place for place in self.sites.chain(one.module) if self.is_user(place.code.co_filename)]
        return identified(one, chain, planned, self.job.path, self.is_user)

    def _facts(self, one: FedModel, path: str, planned: PlannedModel) -> ModelFacts | None:
        session = TraceSession(one.module, self.mode, self.sites, self.is_user)
        left = PER_SECOND * self.job.timeout - self.spent
        budget = WorkBudget(int(max(LEAST_STEPS, min(MOST_STEPS, left / 3))))
        seconds = max(1.0, (0.9 * self.job.timeout - (had() - self.started)) / 2)
        set_env(self.mode, None)
        self.mode.cache_enabled = False
        found = list(self._evidence(one))
        try:
            examination = bounded(session, None, found, (), budget, seconds)
        except (WorkSpent, TimeLimitExceeded, MemoryError):
            uncacheable.count("time")
            return None
        finally:
            self.spent += budget.spent
        examination = held_to_the_run(one, examination)
        if examination.doubt is not None:
            return None
        wanted = ModelJob(target=planned.target, kind=planned.kind, row=planned.row)
        examination = self._with_edits(one, examination, session, wanted)
        name = f"{Path(path).stem}.{planned.target}"
        facts = model_facts(name, wanted, examination, self.sites, one.module, self.is_user)
        built = BuiltModel(one.module, Construction(fact=self._construction(one)))
        return facts.model_copy(
            update={
                "home": None if path == self.job.path else self.job.shown(path),
                "basis": basis_of(built, examination),
                "construction": built.construction.fact,
            }
        )

    def _with_edits(
        self, one: FedModel, examination: Examination, session: TraceSession, wanted: ModelJob
    ) -> Examination:
        """What is found, with the edits that fix it; without them where the script takes long to get so far."""
        if not examination.findings or not one.calls or self.script_seconds > MOST_SECONDS_TO_REPEAT:
            return examination
        first = one.calls[0]
        upto = self.calls[: next(n for n, call in enumerate(self.calls) if call is first) + 1]
        before = tuple(call for call in upto if call.options == first.options)
        recipe = ScriptRecipe(self.job, wanted, Way(), self.mode, self.is_user, calls=before)
        try:
            with time_limit(EDIT_SECONDS), limited(WorkBudget(EDIT_STEPS)):
                return with_edits(examination, session, recipe)
        except (WorkSpent, TimeLimitExceeded):
            uncacheable.count("time")
            return examination
        except (Exception, SystemExit):  # the script cannot be run twice
            return examination

    def _construction(self, one: FedModel) -> ConstructionFact:
        chain = [place for place in self.sites.chain(one.module) if self.is_user(place.code.co_filename)]
        call = call_at(chain[0]) if chain else None
        at = span_of(chain[0]) if chain else None
        if call is None or at is None:
            return ConstructionFact(origin="code")
        text = ast.unparse(call)
        place = f"{self.job.shown(at.filename)}, {line_of(at.filename, at.row)}"
        return ConstructionFact(origin="code", call=text if len(text) <= 60 else text[:57] + "...", place=place)

    def _evidence(self, one: FedModel) -> Iterator[Evidence]:
        """What the script feeds, what raised first."""
        for fed in sorted(one.fed, key=lambda fed: not (fed.is_clean and fed.exact_raised)):
            source = f"{self.job.shown(fed.at.filename)}, {line_of(fed.at.filename, fed.at.row)}"
            raising = [specs for specs, _ in fed.exact_raised]
            if fed.raised is None and raising:
                # Some batches run and others do not.
                for specs in raising[:2]:
                    refused = declared(one.module, specs, source, fed.at)
                    yield Evidence(source, fed.is_clean, refused, {}, is_certain=fed.is_clean)
            inputs, exact = _with_batch(fed)
            is_certain = fed.is_clean and not has_free_sizes(inputs)
            yield Evidence(
                source,
                fed.is_clean,
                declared(one.module, inputs, source, fed.at),
                {},
                is_certain=is_certain,
                exact=declared(one.module, exact, source, fed.at) if exact != inputs else None,
            )


def _with_batch(fed: FedInputs) -> tuple[tuple[InputSpec, ...], tuple[InputSpec, ...]]:
    """The inputs with the batch as a symbol, where it can be told from other sizes."""
    if any(isinstance(size, str) for size in _sizes(fed.inputs)):
        return fed.inputs, fed.exact
    told = hints.fed(fed.inputs)
    return (told.inputs, told.exact) if told is not None else (fed.inputs, fed.exact)


def _sizes(specs: tuple[InputSpec, ...]) -> Iterator[int | str]:
    for spec in specs:
        yield from spec.shape or ()
        yield from _sizes((*(spec.list or ()), *(spec.dict or {}).values()))


def _structure(module: nn.Module) -> str:
    """What tells models of one class apart: their layers and weights."""
    weights = [(name, tuple(p.shape)) for name, p in module.named_parameters()]
    return repr((type(module).__qualname__, str(module) if len(weights) < 400 else "", weights))

"""The whole work on one file: import it, and bring back the facts of each of its models."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType

from convlint.facts import BuildFailure, Failure, FileFacts, ModelFacts, Reason, Way
from convlint.jobs import Job, ModelJob
from convlint.notebook import line_of
from convlint.protocol.clock import had
from convlint.readme import is_readme
from convlint.worker.analysis.basis import basis_of
from convlint.worker.analysis.bounded import LEAST_STEPS, MOST_STEPS, PER_SECOND, bounded
from convlint.worker.analysis.edits.rebuild import Recipe
from convlint.worker.analysis.edits.search import EDIT_STEPS, with_edits
from convlint.worker.analysis.inference.evidence import Evidence, evidence, squares
from convlint.worker.analysis.model_facts import model_facts
from convlint.worker.analysis.session import TraceSession
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.build.builder import Builder, BuiltModel, NotBuilt
from convlint.worker.build.importing import ImportedProject, importing, place_in, stuck_at, wording
from convlint.worker.build.resolve import Resolver
from convlint.worker.build.skeleton import Sites, building
from convlint.worker.build.styles import STYLES
from convlint.worker.process import script_job
from convlint.worker.process.fillings import Examined, Fillings
from convlint.worker.sandbox import limits, uncacheable
from convlint.worker.sandbox.watch import attending
from convlint.worker.stack.users import IsUser, user_test
from convlint.worker.torch_private.fake import FakeTensorMode, new_mode
from convlint.worker.torch_private.symbols import new_env
from convlint.worker.trace.input import declared
from convlint.worker.trace.work import WorkBudget, WorkSpent, limited
from convlint.worker.user_code.casts import cast_in
from convlint.worker.user_code.relative import relative
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit
from convlint.worker.user_code.wording import said
from convlint.worker.verify.predicting.predict import feed_of, predictions

MAX_SECONDS = 30.0


def run(job: Job) -> FileFacts:
    """Check every model that the job names, or run its script. Raises nothing that the user's code raised."""
    if job.script is not None:
        return script_job.run(job)
    is_user, here = user_test(job.path, job.user_roots), os.getcwd()
    with attending(is_user) as attendance, importing(job, is_user, attendance.watch) as project:
        work = _Work(job, project, is_user, new_mode(new_env()), Sites())
        models = tuple(work.models())
        depends = attendance.dependencies()
    facts = FileFacts(
        filename=job.filename,
        models=models,
        failures=tuple(work.failures),
        build_failures=tuple(dict.fromkeys(work.broken)),
    )
    return relative(facts, job, here).model_copy(update={"depends": depends})


@dataclass
class _Work:
    """What the models of one file share, and what went wrong besides their facts."""

    job: Job
    project: ImportedProject
    is_user: IsUser
    mode: FakeTensorMode
    sites: Sites
    failures: list[Failure] = field(default_factory=list)
    broken: list[BuildFailure] = field(default_factory=list)
    started: float = field(default_factory=had)
    spent: int = 0  # steps of work

    def _left(self) -> float:
        """Seconds until the file's own limit ends this process, less some to report in."""
        return 0.9 * self.job.timeout - (had() - self.started)

    def _share(self) -> float:
        """Seconds after which one look at one model is taken to hang, so that the others keep their time."""
        return max(1.0, min(MAX_SECONDS, self._left() / 2))

    def _budget(self) -> WorkBudget:
        """What one look at one model may cost, so that a deep one leaves the others their part."""
        left = PER_SECOND * self.job.timeout - self.spent
        return WorkBudget(int(max(LEAST_STEPS, min(MOST_STEPS, left / 3))))

    def models(self) -> Iterator[ModelFacts]:
        module = self._load()
        if module is None:
            return
        resolver = Resolver(self.project, self.job.files)
        for wanted in self.job.models:
            builder = Builder(module, wanted, self.mode, self.is_user, resolver, self._context)
            try:
                if self._left() < 1:
                    raise TimeLimitExceeded
                yield from self._facts(builder)
            except MemoryError as error:
                limits.lift()
                uncacheable.count("memory")
                self.failures.append(Failure(kind="memory", message=f"checking `{wanted.target}`: {said(error)}"))
                yield self._skipped(builder, NotBuilt(Reason(kind="memory-limit", detail=said(error))))
            except Exception as error:
                uncacheable.count("a fault of convlint's own")
                yield self._skipped(builder, NotBuilt(Reason(kind="convlint-failed", detail=said(error))))
            except WorkSpent:
                yield self._skipped(builder, NotBuilt(Reason(kind="work-limit")))
            except TimeLimitExceeded as error:
                uncacheable.count("time")
                self.failures.extend(self._stuck(error, wanted))
                yield self._skipped(builder, NotBuilt(Reason(kind="time-limit", limit=self.job.timeout)))

    @contextmanager
    def _context(self) -> Iterator[None]:
        with building(self.mode, self.sites):
            yield

    def _stuck(self, error: TimeLimitExceeded, wanted: ModelJob) -> Iterator[Failure]:
        """A forward that was in the user's own code at the end of both looks, and not in torch or convlint."""
        first = error.__context__
        if (
            isinstance(first, TimeLimitExceeded)
            and stuck_at(first, self.is_user)
            and (at := stuck_at(error, self.is_user))
        ):
            message = f"forward of `{wanted.target}` does not come to an end in the time that it has"
            yield Failure(kind="timeout", message=message, at=at)

    def _load(self) -> ModuleType | None:
        """The file as a module; a statement of it that raises is a failure, and the others count all the same."""
        try:
            with self._context():
                module = self.project.load()
        except BaseException as error:
            self.failures.append(Failure(kind="import", message=wording(error), at=place_in(error, self.is_user)))
            return None
        self.failures.extend(self.project.own_failures())
        return module

    def _facts(self, builder: Builder) -> Iterator[ModelFacts]:
        refusals: list[NotBuilt] = []
        built_any = False
        for number, built in enumerate(self._known(builder)):
            if isinstance(built, NotBuilt):
                refusals.append(built)
                continue
            built_any = True
            session, examination = self._examination(builder, built)
            way = Way(model=self._number(builder), construction=number)
            examination = self._with_edits(builder, session, examination, way)
            yield self._model_facts(builder, built, session, examination, way)
        if built_any or any(refusal.failure for refusal in refusals):
            found = [refusal.failure for refusal in refusals if refusal.failure]
            self.broken.extend(one for one in found if isinstance(one, BuildFailure))
            self.failures.extend(one for one in found if isinstance(one, Failure))
            if not built_any:
                yield self._skipped(builder, refusals[0])
            return
        yield self._guessed(builder, refusals)

    def _known(self, builder: Builder) -> Iterator[BuiltModel | NotBuilt]:
        try:
            yield from builder.all_known()
        except NotBuilt as error:
            yield error

    def _examination(self, builder: Builder, built: BuiltModel) -> tuple[TraceSession, Examination]:
        wanted = builder.job
        session = TraceSession(built.model, self.mode, self.sites, self.is_user, self._cast)
        inputs, found = None, list[Evidence]()
        if wanted.inputs is not None:
            inputs = declared(built.model, wanted.inputs, wanted.source, origin=wanted.origin)
        else:
            with self._context():
                is_about = partial(builder.is_of, given=built.construction)
                found = list(evidence(built.model, wanted.hints, is_about, builder.resolver))
        sizes = squares(built.model, builder.bound(built.construction))
        budget = self._budget()
        try:
            return session, bounded(session, inputs, found, sizes, budget, self._share())
        finally:
            self.spent += budget.spent

    @cached_property
    def _cast(self) -> str | None:
        """Where code outside of forward may change the dtype of a model: the same for all models of the file."""
        found = cast_in(path for path in (self.job.path, *self.job.files) if not is_readme(path))
        return None if found is None else f"{self.job.shown(found[0])}, {line_of(*found)}"

    def _model_facts(
        self, builder: Builder, built: BuiltModel, session: TraceSession, examination: Examination, way: Way
    ) -> ModelFacts:
        facts = model_facts(self._name(builder.job), builder.job, examination, self.sites, built.model, self.is_user)
        guessed = () if built.construction.is_known else builder.required()
        wanted = self.job.verify
        feed = () if wanted is None else feed_of(examination)
        predicted = (
            tuple(predictions(session, examination, wanted, self._share())) if wanted is not None and feed else ()
        )
        return facts.model_copy(
            update={
                "basis": basis_of(built, examination),
                "construction": built.construction.fact,
                "required": guessed,
                "takes": builder.takes(),
                "way": way if wanted is not None else None,
                "feed": feed,
                "predictions": predicted,
            }
        )

    def _guessed(self, builder: Builder, refusals: list[NotBuilt]) -> ModelFacts:
        """One check for all fillings."""
        fillings: Fillings | None = None
        seen: set[str] = set()
        for style in STYLES:
            try:
                built = builder.guess(style)
            except NotBuilt as error:
                if fillings is None:
                    return self._skipped(builder, refusals[0] if refusals and not refusals[0].is_bare else error)
                continue
            if built.construction.key in seen:
                continue  # it is the same model
            seen.add(built.construction.key)
            way = Way(model=self._number(builder), style=style.name)
            examined = Examined(built, *self._examination(builder, built), way)
            fillings = Fillings.begun(examined) if fillings is None else fillings.narrowed(examined)
            if fillings.is_empty:
                break
        assert fillings is not None
        first = fillings.first
        examination = self._with_edits(builder, first.session, fillings.examination(), first.way, fillings.made_up())
        return self._model_facts(builder, first.built, first.session, examination, first.way)

    def _with_edits(
        self,
        builder: Builder,
        session: TraceSession,
        examination: Examination,
        way: Way,
        made_up: frozenset[str] = frozenset(),
    ) -> Examination:
        """What is found, with the edits that fix it; without them where the time does not allow to try any."""
        recipe = Recipe(self.job, builder.job, way, self.mode, self.is_user, made_up)
        try:
            with time_limit(self._share()), limited(WorkBudget(EDIT_STEPS)):
                return with_edits(examination, session, recipe)
        except WorkSpent:
            return examination
        except TimeLimitExceeded:
            uncacheable.count("time")
            return examination
        except (Exception, SystemExit):  # the user's file cannot be executed twice
            return examination

    def _skipped(self, builder: Builder, error: NotBuilt) -> ModelFacts:
        wanted = builder.job
        return ModelFacts(
            name=self._name(wanted),
            target=wanted.target,
            row=wanted.row,
            status="skipped",
            reason=error.reason,
            stopped=error.at,
            required=builder.required(),
            takes=builder.takes(),
        )

    def _number(self, builder: Builder) -> int:
        return self.job.models.index(builder.job)

    def _name(self, wanted: ModelJob) -> str:
        return f"{Path(self.job.path).stem}.{wanted.target}"

"""One root model, constructed as a skeleton."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from convlint.facts import BuildFailure, Failure, Reason, Span
from convlint.jobs import Expression, ModelJob
from convlint.tracebacks import steps_of
from convlint.worker.build.attempts import NothingAccepted, fill
from convlint.worker.build.constructions import Construction, is_of, known
from convlint.worker.build.filling import Names
from convlint.worker.build.importing import place_in, stuck_at
from convlint.worker.build.resolve import Resolver
from convlint.worker.build.skeleton import make_fake
from convlint.worker.build.styles import Style
from convlint.worker.build.texts import texts_of
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import FakeTensorMode
from convlint.worker.user_code import standins
from convlint.worker.user_code.folders import started_in
from convlint.worker.user_code.parameters import required
from convlint.worker.user_code.standins import StandIn, lacks
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit
from convlint.worker.user_code.unavailable import Unavailable
from convlint.worker.user_code.wording import is_hungry, said

MAX_SECONDS = 20.0

# Faults of the surroundings, not of the model: files, packages, network, hardware.
_SURROUNDINGS = (OSError, ImportError, MemoryError, RecursionError, KeyboardInterrupt, SystemExit, TimeLimitExceeded)


class NotBuilt(Exception):
    """The model cannot be constructed; `failure` is set where that is the user's mistake."""

    def __init__(self, reason: Reason, failure: BuildFailure | Failure | None = None, at: Span | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.failure = failure
        self.at = at

    @property
    def is_bare(self) -> bool:
        """Whether it was only not built because its constructor was called without arguments."""
        return self.reason.kind == "arguments-missing"


@dataclass(frozen=True)
class BuiltModel:
    """A model, and how it came to its arguments."""

    model: nn.Module
    construction: Construction


@dataclass(frozen=True)
class Builder:
    """Constructs what one job names in a module. `context` surrounds whatever runs the user's code."""

    module: ModuleType
    job: ModelJob
    mode: FakeTensorMode | None  # None: the tensors stay real
    is_user: IsUser
    resolver: Resolver
    context: Callable[[], AbstractContextManager[None]]
    seconds: float = MAX_SECONDS

    def all_known(self) -> Iterator[BuiltModel | NotBuilt]:
        """Each distinct construction that the user wrote down, built or not."""
        with self.context():
            target = self.target()
            constructions, _ = known(self.job, target, self.resolver)
        for construction in constructions:
            try:
                yield self.build(construction)
            except NotBuilt as error:
                yield error

    def nth(self, number: int) -> BuiltModel:
        """One of the constructions that `all_known` goes through, by its place among them. Raises NotBuilt."""
        with self.context():
            constructions, _ = known(self.job, self.target(), self.resolver)
        if number >= len(constructions):
            raise NotBuilt(Reason(kind="construction-lost", limit=len(constructions)))
        return self.build(constructions[number])

    def build(self, construction: Construction) -> BuiltModel:
        """Raises NotBuilt."""
        standins.touched.clear()
        with self.context():
            target = self.target()
            if isinstance(target, nn.Module):
                model = target
            else:
                call = _maker(target, construction)
                self._check_arguments(call, construction)
                model = self._construct(call, construction)
        return self._built(model, construction)

    def guess(self, style: Style) -> BuiltModel:
        """A construction with plausible arguments in place of those that nobody gives. Raises NotBuilt."""
        standins.touched.clear()
        with self.context():
            target = self.target()
            _, parts = known(self.job, target, self.resolver)
            part = max(parts, key=lambda part: len(part.given), default=None)
            fixed: Mapping[str, Any] = part.given if part is not None else {}
            names = Names(dict(self.module.__dict__), texts_of(str(self.module.__file__)))
            try:
                with time_limit(self.seconds):
                    folders = list(self._folders(part.site if part is not None else None))
                    construction, model = fill(
                        target,
                        names,
                        style,
                        fixed,
                        lambda given: started_in(folders, lambda: self._checked(target(**given))),
                    )
            except Unavailable as error:
                raise NotBuilt(error.reason, at=place_in(error, self.is_user)) from None
            except NothingAccepted as error:
                raise self._refused(target, error) from None
            except _SURROUNDINGS as error:
                raise NotBuilt(_stops(error), at=place_in(error, self.is_user)) from None
        return self._built(model, replace(construction, site=part.site if part is not None else None))

    def _built(self, model: nn.Module, construction: Construction) -> BuiltModel:
        if self.mode is not None:
            make_fake(model, self.mode)
        return BuiltModel(model, construction)

    def _refused(self, target: Any, error: NothingAccepted) -> NotBuilt:
        cause = error.__cause__
        if standins.touched:
            return NotBuilt(standins.touched[-1], at=place_in(cause, self.is_user) if cause is not None else None)
        detail = said(cause) if cause is not None else None
        at = place_in(cause, self.is_user) if cause is not None else None
        return NotBuilt(Reason(kind="arguments-refused", names=_required(target), detail=detail), at=at)

    def target(self) -> Any:
        """What the job names. Raises NotBuilt."""
        found: Any = self.module
        for name in self.job.target.split("."):
            try:
                found = getattr(found, name)
            except AttributeError:
                raise NotBuilt(Reason(kind="target-absent", name=self.job.target)) from None
            except Unavailable as error:
                raise NotBuilt(error.reason) from None
        reason = lacks(found)
        if reason is not None:
            is_standin = isinstance(found, StandIn)
            raise NotBuilt(reason if is_standin else Reason(kind="class-needs-package", inner=reason))
        return found

    def is_of(self, site: Expression, given: Construction) -> bool:
        """Whether a construction in the code is this one."""
        with suppress(NotBuilt):
            return is_of(site, given, self.target(), self.resolver)
        return False

    def bound(self, given: Construction) -> dict[str, Any]:
        """The arguments of a construction by their names, with the defaults of those that are left out."""
        with suppress(Exception):
            bound = inspect.signature(_maker(self.target(), given)).bind(*given.args, **given.kwargs)
            bound.apply_defaults()
            return dict(bound.arguments)
        return {}

    def required(self) -> tuple[str, ...]:
        """The constructor's arguments without a default."""
        with suppress(Exception):
            return _required(self.target())
        return ()

    def takes(self) -> tuple[str, ...]:
        """The parameters that forward must be given, read from the class."""
        with suppress(Exception):
            target = self.target()
            left = required(target.forward)
            return tuple(p.name for p in (left if isinstance(target, nn.Module) else left[1:]))
        return ()

    def _check_arguments(self, target: Callable[..., Any], given: Construction) -> None:
        """Say which arguments are missing, before the constructor does so in its own words."""
        try:
            inspect.signature(target).bind(*given.args, **given.kwargs)
        except TypeError as error:
            if self.job.declared:
                misfit = Reason(kind="declared-arguments-misfit", name=self.job.target, detail=str(error))
                raise NotBuilt(misfit) from None
            raise NotBuilt(Reason(kind="arguments-missing", names=_required(target))) from None
        except ValueError:
            return

    def _construct(self, target: Callable[..., Any], given: Construction) -> nn.Module:
        try:
            with time_limit(self.seconds):
                made = started_in(self._folders(given.site), lambda: target(*given.args, **given.kwargs))
                return self._checked(made)
        except NotBuilt:
            raise
        except Unavailable as error:
            raise NotBuilt(error.reason, at=place_in(error, self.is_user)) from None
        except _SURROUNDINGS as error:
            at = place_in(error, self.is_user)
            raise NotBuilt(_stops(error), self._excess(error, at), at) from None
        except Exception as error:
            at = place_in(error, self.is_user)
            if _is_of_the_machine(error):
                raise NotBuilt(_stops(error), at=at) from None
            if standins.touched:
                after = Reason(kind="raises-after", inner=standins.touched[-1], detail=said(error))
                raise NotBuilt(after, at=at) from None
            is_own = (given.is_plain or self.job.declared) and not self._awaits_arguments(target, given)
            failure = BuildFailure(target=self.job.target, message=said(error), at=at) if is_own else None
            raise NotBuilt(Reason(kind="constructor-raises", detail=said(error)), failure, at) from None

    def _excess(self, error: BaseException, at: Span | None) -> BuildFailure | Failure | None:
        """What is known of a constructor that takes more memory or calls than there are."""
        if is_hungry(error):
            return Failure(kind="memory", message=f"building `{self.job.target}`: {said(error)}", at=at)
        if isinstance(error, TimeLimitExceeded) and (stuck := stuck_at(error, self.is_user)):
            message = f"building `{self.job.target}` takes longer than {self.seconds:g} s"
            return Failure(kind="timeout", message=message, at=stuck)
        if isinstance(error, RecursionError) and at is not None:
            return BuildFailure(target=self.job.target, message=said(error), at=at)
        return None

    def _folders(self, site: Expression | None) -> Iterator[str]:
        """Where a script that makes a construction may be started."""
        if site is not None and site.path in self.resolver.files:
            yield from self.resolver.folders(site.path)
        yield from self.resolver.folders(str(self.module.__file__))

    def _checked(self, model: Any) -> nn.Module:
        if isinstance(model, nn.Module):
            return model
        reason = lacks(model)
        raise NotBuilt(reason or Reason(kind="not-a-module", name=self.job.target, detail=type(model).__name__))

    def _awaits_arguments(self, target: Callable[..., Any], given: Construction) -> bool:
        """Whether a default of None, or `**kwargs`, stands for an argument that every real caller gives."""
        if self.job.declared:
            return False
        try:
            signature = inspect.signature(target)
            bound = signature.bind(*given.args, **given.kwargs).arguments
        except (TypeError, ValueError):
            return False
        left = [parameter for name, parameter in signature.parameters.items() if name not in bound]
        return any(_is_empty(p.default) or p.kind is p.VAR_KEYWORD for p in left)


def _maker(target: Any, construction: Construction) -> Callable[..., Any]:
    """What the arguments are for: the class or function, or a method of the class that constructs it."""
    maker: Callable[..., Any] = getattr(target, construction.method) if construction.method else target
    return maker


def _is_of_the_machine(error: BaseException) -> bool:
    """Whether torch misses processes or hardware: that is not a fault of the model."""
    names = (step.tb_frame.f_code.co_filename for step in steps_of(error)[:1])
    return any(part in Path(name).parts for name in names for part in ("distributed", "cuda"))


def _is_empty(default: Any) -> bool:
    return default is None or default in ([], {}, (), "")


def _stops(error: BaseException) -> Reason:
    return Reason(kind="constructor-stops", detail=said(error))


def _required(target: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(parameter.name for parameter in required(target))
    except (TypeError, ValueError):
        return ()

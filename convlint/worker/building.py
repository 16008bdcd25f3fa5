"""One root model, constructed as a skeleton."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torch import nn

from convlint.facts import BuildFailure, Span
from convlint.jobs import ModelJob
from convlint.worker.confirm import first_line
from convlint.worker.importing import place_in
from convlint.worker.skeleton import Sites, make_fake
from convlint.worker.torch_private import FakeTensorMode
from convlint.worker.users import IsUser

# Faults of the surroundings, not of the model: files, packages, network, hardware.
_SURROUNDINGS = (OSError, ImportError, MemoryError, RecursionError, KeyboardInterrupt, SystemExit)


class NotBuilt(Exception):
    """The model cannot be constructed; `failure` is set where that is the user's mistake."""

    def __init__(self, reason: str, failure: BuildFailure | None = None, at: Span | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.failure = failure
        self.at = at


@dataclass(frozen=True)
class Built:
    """A model whose tensors are fake, and where its modules were constructed."""

    model: nn.Module
    sites: Sites


def build(module: ModuleType, job: ModelJob, mode: FakeTensorMode, sites: Sites, is_user: IsUser) -> Built:
    """Construct what the job names. Raises NotBuilt."""
    target = _lookup(module, job.target)
    if isinstance(target, nn.Module):
        model = target
    else:
        _check_arguments(target, job)
        model = _construct(target, job, is_user)
    make_fake(model, mode)
    return Built(model, sites)


def _lookup(module: ModuleType, target: str) -> Any:
    found: Any = module
    for name in target.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise NotBuilt(f"the file defines no {target} once it is imported") from None
    return found


def _check_arguments(target: Callable[..., Any], job: ModelJob) -> None:
    """Say which arguments are missing, before the constructor does so in its own words."""
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*job.args, **job.kwargs)
    except TypeError as error:
        if job.declared:
            raise NotBuilt(f"the arguments declared for {job.target} do not fit: {error}") from None
        missing = [
            name
            for name, parameter in signature.parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
        raise NotBuilt(f"its constructor needs {', '.join(missing)}") from None


def _awaits_arguments(target: Callable[..., Any], job: ModelJob) -> bool:
    """Whether a default of None stands for an argument that every real caller gives."""
    if job.declared:
        return False
    try:
        signature = inspect.signature(target)
        given = signature.bind(*job.args, **job.kwargs).arguments
    except (TypeError, ValueError):
        return False
    return any(p.default is None and name not in given for name, p in signature.parameters.items())


def _construct(target: Callable[..., Any], job: ModelJob, is_user: IsUser) -> nn.Module:
    try:
        model = target(*job.args, **job.kwargs)
    except _SURROUNDINGS as error:
        raise NotBuilt(
            f"its constructor stops: {type(error).__name__}: {first_line(error)}", at=place_in(error, is_user)
        ) from None
    except Exception as error:
        at = place_in(error, is_user)
        message = f"{type(error).__name__}: {first_line(error)}"
        failure = None if _awaits_arguments(target, job) else BuildFailure(target=job.target, message=message, at=at)
        raise NotBuilt(f"its constructor raises {message}", failure, at) from None
    if not isinstance(model, nn.Module):
        raise NotBuilt(f"{job.target} gives a {type(model).__name__}, not a module")
    return model

"""What is known of one file: the facts of its models, and what went wrong besides them."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import Field

from convlint.dependencies import Dependencies
from convlint.facts.model import ModelFacts
from convlint.facts.reason import Reason
from convlint.facts.trial import TrialFacts
from convlint.facts.values import Fact, Span

T = TypeVar("T")
MOST_EFFECTS = 20
"""How many of the things that a file was refused are kept."""


class Failure(Fact):
    """Why a whole file gave no facts, or only some."""

    kind: Literal["unreadable", "syntax", "import", "timeout", "memory", "crash"]
    message: str
    at: Span | None = None


class BuildFailure(Fact):
    """A constructor that raises although its arguments are known."""

    target: str
    message: str
    at: Span | None = None


class Effect(Fact):
    """What a line of the user's code was about to do outside of its process, and was refused."""

    kind: Literal["writes", "network", "program"]
    what: str  # behind "this file": "writes runs/log.txt", "connects to 127.0.0.1:80", "starts git"
    at: Span | None = None


class Reached(Fact):
    """A call in the user's code that constructs a model, and the model of the run that it is one of."""

    filename: str  # of the model
    target: str
    at: Span


class ScriptFacts(Fact):
    """What came of the dry run of a script."""

    reached: tuple[Reached, ...] = ()  # the constructions whose models it feeds
    stopped: Reason | None = None  # why not all of it could be followed
    at: Span | None = None


class FileFacts(Fact):
    filename: str  # as the user would write it, relative to the working directory where it lies below it
    models: tuple[ModelFacts, ...] = ()
    failures: tuple[Failure, ...] = ()
    build_failures: tuple[BuildFailure, ...] = ()
    calls: tuple[ModelFacts, ...] = ()  # of layers and functions outside of models, each as one of a model of its own
    built: tuple[ModelFacts, ...] = ()  # models that a script builds and does not feed
    script: ScriptFacts | None = None
    effects: tuple[Effect, ...] = Field(default=(), max_length=MOST_EFFECTS)
    guards: tuple[str, ...] = Field(default=(), max_length=20)  # in words: the active ones, and those missing
    trials: tuple[TrialFacts, ...] = ()  # real runs, where these were asked for
    depends: Dependencies | None = None  # None: on time or chance as well, so that these facts hold for one run only


def together(first: FileFacts, second: FileFacts) -> FileFacts:
    """What two jobs on one file say of it. The models of the second job are numbered after those of the first."""
    return first.model_copy(
        update={
            "models": (*first.models, *second.models),
            "calls": (*first.calls, *second.calls),
            "built": (*first.built, *second.built),
            "script": first.script or second.script,
            "failures": _each_once(first.failures, second.failures),
            "build_failures": _each_once(first.build_failures, second.build_failures),
            "effects": _each_once(first.effects, second.effects)[:MOST_EFFECTS],
            "guards": _each_once(first.guards, second.guards),
            "depends": None,
        }
    )


def _each_once(first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))

"""Runs of forward on plain numbers: what convlint says of one beforehand, and what a device showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from convlint.facts.reason import Reason
from convlint.facts.values import Fact, Span
from convlint.inputspec import InputSpec


class Way(Fact):
    """How the worker came to build a model: what it tries is in a fixed order."""

    model: int = 0  # the number of the model among those of the job
    construction: int | None = None  # the number among those that the user wrote down
    style: str | None = None  # else the style in which arguments were guessed


class Scenario(Fact):
    """Under what a run is made."""

    training: bool
    sizes: dict[str, int] = Field(default_factory=dict)  # by symbol, the batch among them
    title: str = "usual"  # why these sizes: "smallest", "usual", "largest"

    @property
    def batch(self) -> int | None:
        """None where no input has a batch of its own choice."""
        return self.sizes.get("B")


class RunInput(Fact):
    """One input of forward, in symbols or on plain numbers."""

    name: str
    spec: InputSpec
    keyword: bool = False
    within: tuple[str, str | int] | None = None  # the dict or list parameter that this is a part of, and its key
    filled: int | None = None  # what each of its elements is
    numbers: tuple[float, ...] | None = None  # its elements, row by row, where the user gives them

    def at(self, sizes: Mapping[str, int]) -> RunInput:
        """With numbers for the symbols that have one."""
        return self.model_copy(update={"spec": self.spec.at(sizes)})


class Array(Fact):
    """A tensor of a run. None: convlint does not say."""

    shape: tuple[int | None, ...]
    dtype: str | None
    device: str | None = None  # its type: "cuda"
    contiguous: bool | None = None
    channels_last: bool | None = None


class RunCall(Fact):
    """One call in forward that gave a tensor: of a layer, a function or a method."""

    target: str  # "torch.nn.Linear", "torch.cat"
    layer: str | None = None  # the path of the layer
    block: str = ""  # the path of the module whose forward makes the call
    at: Span | None = None
    outputs: tuple[Array, ...] = ()

    @property
    def key(self) -> tuple[str, str | None, str, int | None]:
        """What is called on which line: in a loop, and where a layer is shared, several calls have the same."""
        return self.target, self.layer, self.block, self.at.row if self.at is not None else None


class RefusedCallFact(Fact):
    """A call that raises, or is expected to."""

    call: int  # its number among the calls of the run
    what: str  # the requirement: "in_features"; of a real run the error
    type: str | None = None  # of a real run the class of the error: "RuntimeError"


class Prediction(Fact):
    """What convlint says of one run: its calls in their order, those that are refused handing on what they declare."""

    scenario: Scenario
    calls: tuple[RunCall, ...] = ()
    outputs: tuple[Array, ...] = ()
    refused: tuple[RefusedCallFact, ...] = ()
    end: Reason | None = None  # why nothing is said of what follows the last call
    is_one_of_several: bool = False  # data decides which way forward goes


class RunError(Fact):
    """What ended a real run before its time."""

    kind: Literal["raised", "memory", "device"]  # device: a fault on the device, after which nothing runs there
    type: str  # the class of the error: "RuntimeError"
    message: str
    at: Span | None = None
    layer: str | None = None  # the layer or block that was running
    call: int | None = None  # how many calls had been made


class Unfit(Fact):
    """Where numbers that are not finite come from."""

    kind: Literal["nan", "inf"]
    where: str  # "the output", "the loss", "the gradient of fc.weight"
    call: int | None = None  # the first call that makes such numbers of others


class Weight(Fact):
    """A parameter or buffer of a model."""

    name: str  # "fc2.weight"
    layer: str | None = None  # the type of the layer that it is of: "torch.nn.Linear"
    at: Span | None = None  # where the user's code makes it


class Observation(Fact):
    """What one real run did."""

    scenario: Scenario
    calls: tuple[RunCall, ...] = ()
    outputs: tuple[Array, ...] = ()
    refused: tuple[RefusedCallFact, ...] = ()  # after each the run went on with what the layer declares
    error: RunError | None = None
    unfit: tuple[Unfit, ...] = ()
    without_gradient: tuple[Weight, ...] = ()  # parameters that the backward pass of a run in training mode misses
    note: str | None = None  # why there was no backward pass
    seconds: float = 0.0

"""What a model takes of a device: memory predicted and measured, the largest batch, and the time of each call."""

from __future__ import annotations

from convlint.facts.runs import Scenario
from convlint.facts.values import Fact, Span


class MemoryNeed(Fact):
    """Bytes that a run takes, worked out on tensors without contents."""

    parameters: int
    buffers: int
    inputs: int
    gradients: int  # one for each trainable parameter
    optimizer: int  # the state that AdamW keeps
    activations: int  # what forward leaves for the way back, beside parameters and inputs
    forward: int  # the most at any time of a forward in eval mode
    step: int | None  # the most at any time of a training step; None where nothing is trained
    workspace: int = 0  # what the libraries of the device take for themselves, as far as it is known


class MemoryUse(Fact):
    """Bytes that a run took, measured by the device's allocator."""

    forward: int | None = None
    step: int | None = None
    reserved: int | None = None  # of the device by the allocator, at most


class Capacity(Fact):
    """The largest batch of a training step that fits."""

    memory: int  # bytes to fit into
    predicted: int | None = None
    found: int | None = None  # by running it; None where it was not run
    is_bounded: bool = True  # False: no batch that was tried is too large
    note: str | None = None


class CallTime(Fact):
    """All calls of one layer, or of one function on a line."""

    target: str
    layer: str | None = None
    at: Span | None = None
    calls: int = 1
    seconds: float = 0.0  # of one forward, the median of several
    flops: int | None = None
    bytes: int = 0  # of what goes in and out, weights among it


class Limits(Fact):
    """What the device reaches at best, measured with a large matrix product and a large copy."""

    flops: float  # a second
    bytes: float  # a second


class ModelBudget(Fact):
    """What one model takes."""

    scenario: Scenario
    requirement: MemoryNeed | None = None
    used: MemoryUse | None = None
    capacity: Capacity | None = None
    seconds: float | None = None  # of one forward in eval mode, the median of several
    times: tuple[CallTime, ...] = ()  # the slowest first
    limits: Limits | None = None
    note: str | None = None  # why something of it is missing

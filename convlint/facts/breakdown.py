"""One number of a layer's output in a real run, and what it is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from convlint.facts.values import Fact

BreakdownWay = Literal[
    "products",  # the sum of products of inputs and weights, and the bias: convolutions, linear layers
    "largest",  # of a window
    "mean",  # of a window
    "normalised",  # (x - mean)/sqrt(variance + eps)*weight + bias
    "row",  # of a table
]


class _Numbers(Fact):
    # A number of a real run may be inf or nan, for which JSON has no number.
    model_config = ConfigDict(ser_json_inf_nan="strings")


class WindowAxis(Fact):
    """What a window takes of one size of the input, in its order."""

    name: str  # "row"
    input: tuple[int | None, ...]  # None is in the padding
    kernel: tuple[int, ...] = ()  # of a transposed convolution: which weights are multiplied with them


class Share(_Numbers):
    """What one input channel gives to the number. Of a large window only a corner is kept."""

    title: str  # "input channel 0"
    sizes: tuple[int, ...]  # of the window
    shown: tuple[int, ...]  # of the corner
    numbers: tuple[float, ...]  # those of the corner, row by row
    padding: tuple[int, ...] = ()  # the places among `numbers` that are in the padding
    weights: tuple[float, ...] | None = None  # as many as `numbers`; None where nothing is multiplied
    total: float  # over the whole window: the sum of the products or numbers, the largest, the number of a row


class Breakdown(_Numbers):
    """`total` is worked out from the input and the weights in double precision; `given` is what torch gave."""

    way: BreakdownWay
    at: tuple[int, ...]  # the place in the output, after the batch
    sizes: tuple[int, ...]  # those of the output, after the batch
    axes: tuple[str, ...]  # what they are called: "channel", "row", "column"
    has_batch: bool = True  # the number is then one of the first sample
    window: tuple[WindowAxis, ...] = ()
    shares: tuple[Share, ...] = ()
    more: int = 0  # shares that are not kept
    rest: float = 0.0  # their sum
    bias: float | None = None
    divisor: int | None = None  # of a mean
    named: dict[str, float] = Field(default_factory=dict)  # of a normalisation: x, mean, variance, eps, weight, bias
    over: str | None = None  # what mean and variance are of
    total: float
    given: float
    dtype: str  # of the output: "float32"
    terms: int = 1  # how many numbers are added up
    scale: float = 0.0  # the sum of their absolute values

"""What a trace found out about one model."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from convlint.facts.construction import ConstructionFact
from convlint.facts.edit import Split, TriedEdit
from convlint.facts.reason import Reason
from convlint.facts.runs import Prediction, RunInput, Way
from convlint.facts.values import Attribute, Dim, Fact, Span, TensorFact
from convlint.facts.verification import Verification

Status = Literal["checked", "partial", "skipped"]
Verdict = Literal["proved", "contradicted"]
Basis = Literal["evidence", "layers", "guess"]
"""What a verdict rests on: inputs that the project shows, inputs that the layers ask for, or a guess."""
InputOrigin = Literal[
    "configuration",  # an entry in pyproject.toml
    "command-line",  # --input
    "evidence",  # the project shows it
    "layer",  # a layer asks for it
    "annotation",  # of forward's parameter
    "name",  # only the parameter's name suggests it
    "tried",  # what was tried after the first guess
    "guessed",
]
UNCONFIRMED: Final[frozenset[InputOrigin]] = frozenset({"name", "tried", "guessed"})
"""The origins of an input that no layer and nothing in the project confirms."""


class Layer(Fact):
    """A leaf module, and where the user's code made it."""

    path: str  # "features.4", as in named_modules()
    type: str  # its public name, "torch.nn.Linear"
    base: str | None = None  # the layer of torch that it derives from, where its class is not torch's own
    attributes: dict[str, Attribute] = Field(default_factory=dict)  # its scalar attributes, `in_features` and the like
    parameters: int = 0
    weights: dict[str, tuple[int, ...]] = Field(default_factory=dict)  # the shapes of its parameters, by name
    site: Span | None = None  # the constructor call in the user's code
    arguments: dict[str, Span] = Field(default_factory=dict)  # by name: the expression that gave it
    reckoned: tuple[str, ...] = ()  # those of which the user's code makes other numbers as well: `width + 16`


class Rival(Fact):
    """Another requirement that wants other input sizes, so that no size meets both."""

    title: str  # the layer or operation: "small"
    sizes: str  # those that it wants: "H = W in {14}"
    alone: str  # those that the violation itself wants: "H = W in {16}"
    at: Span | None = None


class Violation(Fact):
    """A requirement of a node that its inputs do not meet, for every input size that counts.

    A requirement that some input size meets is not a violation: it only narrows `ModelFacts.sizes`.
    """

    name: str  # the requirement: "in_features", "channels", "elements", "broadcast", ...
    operand: str  # a path into the node's facts: "input.shape[-1]", "inputs[1].shape[0]"
    expected: Dim | str | None = None  # what the layer declares or the operation demands
    actual: Dim | str | None = None  # what reaches it
    formula: str | None = None  # `came` in symbols, where it is not just a number: "64*((H-4)//2)*((W-4)//2)"
    derivation: str | None = None  # the formula with its numbers put in: "64 * ((28-4)//2) * ((28-4)//2) = 9216"
    verdict: Verdict = "proved"
    detail: str | None = None  # what a reader must know besides: torch's own reason, the operand's names
    argument: str | None = None  # the constructor argument at fault, by name
    layer: str | None = None  # the path of the layer or block at fault, where it is not the node's own
    value: int | None = None  # the number that belongs there, where one is known
    at: Span | None = None  # the expression at fault in the user's code; else the call in forward
    sizes: str | None = None  # the input sizes that would meet it: "H = W in {32..35}"
    rival: Rival | None = None  # what it cannot be met together with
    evidence: str | None = None  # where the input size that contradicts it comes from: "pyproject.toml"
    edit: TriedEdit | None = None  # what meets it
    also: tuple[str, ...] = ()  # the other layers or calls that the same mistake breaks
    split: Split | None = None  # of a reshape: the division that leaves a rest
    operator: str | None = None  # of a binary operation, as the user writes it: "+"


class Node(Fact):
    """One call in forward: a layer, a function or a method."""

    id: int
    name: str  # the fx node's name
    op: Literal["input", "module", "function"]
    target: str  # "torch.nn.Linear", "torch.cat", "torch.Tensor.view"; the parameter's name for an input
    layer: str | None = None  # the path of the layer, a key of ModelFacts.layers
    block: str = ""  # the path of the module whose forward makes the call; "" is the model itself
    call: Span | None = None  # the user's line
    arguments: dict[str, Attribute] = Field(default_factory=dict)  # plain ones: by name, or by place as in {"1": 2}
    inputs: tuple[TensorFact, ...] = ()
    outputs: tuple[TensorFact, ...] = ()
    producers: tuple[int, ...] = ()
    consumers: tuple[int, ...] = ()
    violations: tuple[Violation, ...] = ()


class InputFact(Fact):
    name: str
    shape: tuple[Dim, ...] | None  # None for a value that is not a tensor
    dtype: str | None
    origin: InputOrigin = "evidence"
    source: str | None = None  # where that is: "train.py, line 31", "--input", "conv1 (Conv2d)"
    within: tuple[str, str | int] | None = None  # the dict or list parameter that this is a part of, and its key
    is_attribute: bool = False  # it is an attribute of that parameter: `batch.image`
    is_numbered: bool = False  # forward has no parameter of this name: it is given by its place
    fed: Span | None = None  # the call that feeds it, where the evidence is one


class ModelFacts(Fact):
    name: str  # "net.Net"
    target: str  # "Net", as a configuration would name it after the colon
    row: int  # of the class or factory
    home: str | None = None  # the file that it is defined in, where that is another than the one the facts are about
    status: Status
    reason: Reason | None = None  # why it is not checked, or only in part
    stopped: Span | None = None  # the line where a partial trace stopped
    basis: Basis | None = None  # None where nothing was followed
    construction: ConstructionFact | None = None  # how it was built; None where it was not
    required: tuple[str, ...] = ()  # constructor arguments that nobody gives; guessed, or the model was not built
    takes: tuple[str, ...] = ()  # the parameters that forward must be given
    inputs: tuple[InputFact, ...] = ()
    outputs: tuple[tuple[Dim, ...], ...] = ()
    sizes: dict[str, tuple[int, ...]] = Field(default_factory=dict)  # by symbol: every size that works, if few
    size_note: str | None = None  # the sizes that work, in words, where they are many
    parameters: int = 0  # of the whole model, those that layers share counted once
    other_weights: dict[str, tuple[int, ...]] = Field(default_factory=dict)  # of parameters in none of `layers`
    layers: dict[str, Layer] = Field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    violations: tuple[Violation, ...] = ()  # requirements that fail while the model is built
    way: Way | None = None  # how to build it once more
    feed: tuple[RunInput, ...] = ()  # what goes into forward, where predictions were asked for
    predictions: tuple[Prediction, ...] = ()
    verification: Verification | None = None  # what real runs made of them

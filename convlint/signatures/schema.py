"""The form of a signature file. `python -m convlint.signatures.schema` writes it out as JSON Schema."""

from __future__ import annotations

import keyword
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from convlint.signatures.arguments import parse_arguments
from convlint.signatures.parse import parse_expression, parse_shape

KINDS: Final = ("float", "integer", "bool", "complex")
"""Dtypes by what they hold."""
DTYPES: Final = (
    *("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128"),
    *("int64", "int32", "int16", "int8", "uint8"),
)


def _shape(text: str) -> str:
    parse_shape(text)
    return text


def _expression(text: str) -> str:
    parse_expression(text)
    return text


def _arguments(text: str) -> str:
    parse_arguments(text)
    return text


def _dotted(name: str) -> str:
    parts = name.split(".")
    if len(parts) < 2 or not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        raise ValueError(f'"{name}" must name an object and its module, as in "torch_scatter.scatter"')
    return name


def _of_shape(value: object) -> object:
    return {"shape": value} if isinstance(value, str) else value


def _by_place(value: object) -> object:
    return {str(i): item for i, item in enumerate(value)} if isinstance(value, list | tuple) else value


def _of_one(value: object) -> object:
    return (value,) if isinstance(value, str | dict) else value


def _dtypes(text: str) -> str:
    for name in text.split("|"):
        if name.strip() not in (*KINDS, *DTYPES):
            raise ValueError(f'"{name.strip()}" is not a dtype; valid are {", ".join((*KINDS, *DTYPES))}')
    return text


ShapeText = Annotated[str, AfterValidator(_shape)]
ExpressionText = Annotated[str, AfterValidator(_expression)]
ArgumentsText = Annotated[str, AfterValidator(_arguments)]
DottedName = Annotated[str, AfterValidator(_dotted)]


class SignatureValue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class InputForm(SignatureValue):
    """An argument that is a tensor, or a list of tensors: exactly one of `shape` and `list`."""

    shape: ShapeText | None = None
    parts: ShapeText | None = Field(default=None, alias="list")  # of each; names that only stand here are summed up
    dtype: Annotated[str, AfterValidator(_dtypes)] | None = None  # "float | int32"

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.shape is None) == (self.parts is None):
            raise ValueError("an input has exactly one of shape and list")
        return self

    @property
    def text(self) -> str:
        return str(self.parts if self.shape is None else self.shape)


class OutputForm(SignatureValue):
    """A tensor that comes out."""

    shape: ShapeText
    dtype: str | None = None  # of torch, or the name of an input that has it; without: that of the first input
    name: str | None = None  # where the outputs are a named tuple
    when: ExpressionText | None = None  # else None is in its place


class WeightForm(SignatureValue):
    """A parameter of a layer. Exactly one of `shape` and `from`."""

    shape: ShapeText | None = None
    argument: str | None = Field(default=None, alias="from")  # that holds the shape as text; None: no parameter
    when: ExpressionText | None = None  # else there is none

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.shape is None) == (self.argument is None):
            raise ValueError("a parameter has exactly one of shape and from")
        return self


Input = Annotated[InputForm, BeforeValidator(_of_shape, json_schema_input_type=str | InputForm)]
Output = Annotated[OutputForm, BeforeValidator(_of_shape, json_schema_input_type=str | OutputForm)]
Weight = Annotated[WeightForm, BeforeValidator(_of_shape, json_schema_input_type=str | WeightForm)]
Inputs = Annotated[
    dict[str, Input],
    BeforeValidator(_by_place, json_schema_input_type=dict[str, str | InputForm] | tuple[str | InputForm, ...]),
]
Conditions = Annotated[tuple[ExpressionText, ...], BeforeValidator(_of_one)]


class SignatureEntry(SignatureValue):
    """`[[signature]]`: one way to call a function or layer. Several of one name are tried in their order."""

    name: DottedName | None = None  # of a function
    layer: DottedName | None = None  # of a class that derives from nn.Module
    also: tuple[DottedName, ...] = ()  # other names of the same
    source: str | None = None  # where this is documented
    compiled: StrictBool = False  # it stands in for the real one too, which cannot run on fake tensors
    constructor: ArgumentsText = ""  # the parameters of a layer's constructor
    arguments: ArgumentsText | None = None  # the parameters of a function, or of a layer's forward
    when: Conditions = ()  # which calls this is about
    inputs: Inputs = {}  # by parameter; an array: of the first ones
    pattern: str | None = None  # the parameter that holds the shapes themselves, as those of einops
    let: dict[str, ExpressionText] = {}  # names for what several sizes are made of
    where: Conditions = ()  # what must hold
    data: dict[str, ExpressionText] = {}  # sizes that the values of tensors decide, and how large they get at most
    output: Annotated[tuple[Output, ...], BeforeValidator(_of_one)] = ()
    is_tuple: StrictBool = Field(default=False, alias="tuple")  # one output comes as a tuple as well
    parameters: dict[str, Weight] = {}  # of a layer, by name: "weight", "proj.bias"

    @property
    def title(self) -> str:
        return str(self.layer if self.name is None else self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that it is imported under."""
        return (self.title, *self.also)

    @property
    def by_name(self) -> dict[str, InputForm]:
        """The inputs by the names of their parameters."""
        known = [] if self.arguments is None else list(parse_arguments(self.arguments).parameters)

        def parameter(key: str) -> str:
            if not key.isdigit():
                return key
            return known[int(key)] if int(key) < len(known) else f"input {key}"

        return {parameter(key): form for key, form in self.inputs.items()}

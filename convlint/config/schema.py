"""The keys of `[tool.convlint]`, their types and their defaults."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from convlint.complaint import suggestion
from convlint.hardware import AUTO, Precision, check_device
from convlint.inputspec import InputSpec
from convlint.output_format import OutputFormat
from convlint.severity import Severity

DTYPES = (
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
    "complex64",
    "complex128",
)

_SYMBOL = re.compile(r"[A-Za-z_]\w*")


def _check_dim(dim: object) -> object:
    if isinstance(dim, int) and not isinstance(dim, bool) and dim >= 0:
        return dim
    if isinstance(dim, str) and _SYMBOL.fullmatch(dim):
        return dim
    raise ValueError(f'a size is a whole number from 0, or a symbol such as "B", but not {dim!r}')


def _check_dtype(dtype: str) -> str:
    name = dtype.removeprefix("torch.")
    if name not in DTYPES:
        raise ValueError(f'unknown dtype "{dtype}"{suggestion(name, DTYPES)}')
    return name


def _check_target(name: str) -> str:
    path, colon, target = name.rpartition(":")
    if not colon or not path or not target:
        raise ValueError(f'"{name}" must name a file and a model in it: "models/net.py:Net"')
    return name


Dim = Annotated[int | str, BeforeValidator(_check_dim)]
Dtype = Annotated[StrictStr, AfterValidator(_check_dtype)]


class Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
    )


class InputEntry(Section):
    """One input of forward: exactly one of `shape`, `value`, `list` and `dict`."""

    name: StrictStr | None = None
    shape: tuple[Dim, ...] | None = None
    dtype: Dtype = "float32"
    high: StrictInt | None = Field(default=None, ge=1)
    value: Any = None
    items: tuple[InputEntry, ...] | None = Field(default=None, alias="list")
    members: dict[str, InputEntry] | None = Field(default=None, alias="dict")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        keys = {"shape": "shape", "value": "value", "items": "list", "members": "dict"}
        given = [key for name, key in keys.items() if name in self.model_fields_set]
        if len(given) != 1:
            found = " and ".join(given) if given else "none of them"
            raise ValueError(f"an input has exactly one of shape, value, list and dict; this one has {found}")
        if given != ["shape"]:
            for key in ("dtype", "high"):
                if key in self.model_fields_set:
                    raise ValueError(f"{key} belongs to a shape, and this input is a {given[0]}")
        return self

    def spec(self) -> InputSpec:
        members = self.members or {}
        return InputSpec(
            name=self.name,
            shape=self.shape,
            dtype=self.dtype,
            high=self.high,
            value=self.value,
            list=None if self.items is None else tuple(entry.spec() for entry in self.items),
            dict=None if self.members is None else {key: entry.spec() for key, entry in members.items()},
        )


class ModelEntry(Section):
    """`[[tool.convlint.model]]`: how to build a model, or all that a pattern matches, and what to feed it."""

    name: Annotated[StrictStr, AfterValidator(_check_target)]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    inputs: tuple[InputEntry, ...] | None = None

    @property
    def path(self) -> str:
        """Relative to the folder of the pyproject.toml; may hold `*`, `?`, `[...]` and `**`."""
        return self.name.rpartition(":")[0]

    @property
    def target(self) -> str:
        return self.name.rpartition(":")[2]


class VerifySettings(Section):
    """`[tool.convlint.verify]`: how `convlint verify` runs models."""

    device: Annotated[StrictStr, AfterValidator(check_device)] = AUTO
    dtype: Precision = "fp32"
    batch: StrictInt | None = Field(default=None, ge=1)
    timeout: StrictFloat = Field(default=600.0, gt=0)  # seconds for one model
    memory_limit: StrictInt = Field(default=16384, ge=64)  # megabytes on the host
    require_device: StrictBool = False
    compile: StrictBool = False
    export: StrictBool = False


class Settings(Section):
    """`[tool.convlint]`."""

    exclude: tuple[StrictStr, ...] = ()
    select: tuple[StrictStr, ...] = ()
    ignore: tuple[StrictStr, ...] = ()
    fail_on: Severity = "warning"
    require_checked: StrictBool = False
    dry_run: StrictBool = True  # run the project's scripts once, without contents
    timeout: StrictFloat = Field(default=60.0, gt=0)
    memory_limit: StrictInt = Field(default=4096, ge=64)  # megabytes
    output_format: OutputFormat = "full"
    signatures: tuple[StrictStr, ...] = ()  # files or folders, relative to the folder of the configuration
    cache_dir: StrictStr | None = Field(default=None, min_length=1)
    verify: VerifySettings = VerifySettings()
    model: tuple[ModelEntry, ...] = ()

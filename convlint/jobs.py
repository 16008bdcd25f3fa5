"""What the worker is asked to do: one job a file. Written by discovery and plan, read by the worker."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class JobValue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


with warnings.catch_warnings():
    # A field called `dict` hides BaseModel's old method of that name, which is as it should be.
    warnings.simplefilter("ignore", UserWarning)

    class InputSpec(JobValue):
        """One input of forward: a tensor (`shape`), or a plain value, or a list or dict of inputs."""

        name: str | None = None  # given by keyword
        shape: tuple[int | str, ...] | None = None
        dtype: str = "float32"
        high: int | None = None  # bound of integers
        value: Any = None
        list: tuple[InputSpec, ...] | None = None
        dict: Mapping[str, InputSpec] | None = None  # type: ignore[assignment]


class ModelJob(JobValue):
    target: str  # "Net": a class, a factory function or an instance of the file
    kind: Literal["class", "factory", "instance"] = "class"
    row: int = 1
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    inputs: tuple[InputSpec, ...] | None = None  # None: found out from the layers
    source: str | None = None  # where `inputs` come from: "pyproject.toml", "--input"
    declared: bool = False  # named in the configuration, so that its constructor's arguments are known


class Job(JobValue):
    path: str  # absolute
    filename: str  # as reports print it
    module: str  # dotted name it is imported under: "models.net"
    search_path: tuple[str, ...]  # put before sys.path
    models: tuple[ModelJob, ...]
    user_roots: tuple[str, ...]  # absolute folders whose files count as the user's own code
    timeout: float = 60.0  # seconds of wall time for the whole file


InputSpec.model_rebuild()

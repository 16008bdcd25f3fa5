"""What one input of forward is: said by the user, by evidence or by a worker."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

with warnings.catch_warnings():
    # A field called `dict` hides BaseModel's old method of that name, which is as it should be.
    warnings.simplefilter("ignore", UserWarning)

    class InputSpec(BaseModel):
        """One input of forward: a tensor (`shape`), or a plain value, or a list or dict of inputs."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        name: str | None = None  # given by keyword
        shape: tuple[int | str, ...] | None = None
        dtype: str = "float32"
        high: int | None = None  # bound of integers
        value: Any = None
        list: tuple[InputSpec, ...] | None = None
        dict: Mapping[str, InputSpec] | None = None  # type: ignore[assignment]

        def at(self, sizes: Mapping[str, int]) -> InputSpec:
            """With numbers for the symbols that have one."""
            shape = None if self.shape is None else tuple(sizes.get(str(size), size) for size in self.shape)
            items = None if self.list is None else tuple(item.at(sizes) for item in self.list)
            members = None if self.dict is None else {key: item.at(sizes) for key, item in self.dict.items()}
            return self.model_copy(update={"shape": shape, "list": items, "dict": members})


InputSpec.model_rebuild()

"""Everything convlint touches of torch that torch calls private, with the reason and a fallback.

torch 2.11 to 2.13 are supported. No other module of convlint imports an underscored module of torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convlint.worker.torch_private.deferral import defer, take_back

# What the first fake operation needs of torch._dynamo; each loads without the rest of that package.
_LIGHT = frozenset({"config", "exc", "utils", "source", "metrics_context", "graph_utils", "bytecode_transformation",
                    "bytecode_analysis", "bytecode_debugger"})  # fmt: skip


def _run_as_is(function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Any:
    """`torch._dynamo.disable` while nothing compiles: the function itself."""
    return function if function is not None else _run_as_is


# FakeTensorMode imports `torch._dynamo.config`, and with it 0.8 s of compiler that a trace never uses.
defer("torch._dynamo", light=_LIGHT, given={"disable": _run_as_is})

# torch's C++ asks once for the class DTensor, to know one when it meets it, and with it for 0.4 s of sharding rules.
defer("torch.distributed.tensor", given={"DTensor": type("DTensor", (), {})})


def settle() -> None:
    """After the first fake operation: who asks for DTensor now is no longer torch's C++."""
    take_back("torch.distributed.tensor", "DTensor")

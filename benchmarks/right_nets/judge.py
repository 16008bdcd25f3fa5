"""Real torch as the judge: a net is right if it runs, twice, in training and in evaluation."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

import torch

from benchmarks.right_nets.net import RightNet


def judge(nets: Sequence[RightNet]) -> dict[str, str]:
    """What torch raises for the nets that it refuses."""
    torch.set_num_threads(1)
    refused: dict[str, str] = {}
    for net in nets:
        for is_training in (True, False):
            try:
                _run(net, is_training=is_training)
            except Exception as error:
                refused[net.name] = f"{'train' if is_training else 'eval'}: {type(error).__name__}: {error}"
    return refused


def _run(net: RightNet, *, is_training: bool) -> None:
    default = torch.get_default_dtype()
    module = ModuleType(net.name)
    sys.modules[net.name] = module  # as dataclasses look it up
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            exec(compile(net.source, f"{net.name}.py", "exec"), module.__dict__)  # noqa: S102
            model = module.Net().train(is_training)
            for _ in range(2):
                args, kwargs = eval(f"_both({', '.join(net.inputs)})", {**module.__dict__, "_both": _both})  # noqa: S307
                model(*args, **kwargs)
    finally:
        del sys.modules[net.name]
        torch.set_default_dtype(default)


def _both(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwargs

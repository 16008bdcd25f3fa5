"""Run models in torch: which raise, or make a table of pairs out of a prediction and its target. Prints JSON.

A process of its own, since a warm worker leaves weights as they are in memory.
"""

from __future__ import annotations

import json
import math
import runpy
import sys
import warnings
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode


class Pairs(TorchFunctionMode):
    """Notes whether a function of two tensors broadcasts both of them."""

    def __init__(self) -> None:
        super().__init__()
        self.met = False

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        shapes = [x.shape for x in args if isinstance(x, torch.Tensor)]
        if len(shapes) == 2 and len(shapes[0]) != len(shapes[1]):
            with suppress(ValueError):
                both = math.prod(np.broadcast_shapes(*shapes))
                self.met |= both > max(shape.numel() for shape in shapes)
        return function(*args, **(kwargs or {}))


def is_wrong(path: str) -> bool:
    pairs = Pairs()
    with warnings.catch_warnings(), pairs:
        warnings.simplefilter("ignore")
        try:
            runpy.run_path(path, run_name="__main__")
        except (RuntimeError, ValueError):
            return True
    return pairs.met


if __name__ == "__main__":
    print(json.dumps({path: is_wrong(path) for path in sys.argv[1:]}))

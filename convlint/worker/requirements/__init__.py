"""What each layer and each function needs of its inputs, and how a broken need is repaired.

A check looks at a `Call` before it runs: it states needs, and where one does not hold it hands on what the layer
declares, so that the trace can go on. Layers are found by the class whose `forward` they run, functions by the
public name that torch gives them.
"""

from __future__ import annotations

import torch

from convlint.worker.call import Check
from convlint.worker.requirements import (
    attention,
    conv,
    dtype,
    embedding,
    joining,
    lazy,
    linear,
    norm,
    output_size,
    padding,
    pool,
    products,
    recurrent,
    resample,
    reshape,
    shuffle,
)

_LAYERS: dict[type[torch.nn.Module], Check] = {
    **attention.LAYERS,
    **conv.LAYERS,
    **embedding.LAYERS,
    **lazy.LAYERS,
    **linear.LAYERS,
    **norm.LAYERS,
    **output_size.LAYERS,
    **padding.LAYERS,
    **pool.LAYERS,
    **recurrent.LAYERS,
    **resample.LAYERS,
    **reshape.LAYERS,
    **shuffle.LAYERS,
}
_LAYERS |= {kind: dtype.on_floats(_LAYERS[kind]) for kind in dtype.LAYERS}

_FUNCTIONS: dict[str, Check] = {
    **conv.FUNCTIONS,
    **embedding.FUNCTIONS,
    **joining.FUNCTIONS,
    **linear.FUNCTIONS,
    **norm.FUNCTIONS,
    **output_size.FUNCTIONS,
    **padding.FUNCTIONS,
    **pool.FUNCTIONS,
    **products.FUNCTIONS,
    **recurrent.FUNCTIONS,
    **resample.FUNCTIONS,
    **reshape.FUNCTIONS,
    **shuffle.FUNCTIONS,
}


def layer_check(layer: torch.nn.Module) -> Check | None:
    """The check of the class in whose `forward` this layer runs; None for a forward of the user's own."""
    kind = type(layer)
    check = _LAYERS.get(kind)
    if check is not None:
        return check
    for base in kind.__mro__[1:]:
        if base in _LAYERS and kind.forward is base.forward:
            return _LAYERS[base]
    return None


def function_check(target: str) -> Check | None:
    return _FUNCTIONS.get(target)

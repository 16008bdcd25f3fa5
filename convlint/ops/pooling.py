"""Pools: the largest number or the mean of each window."""

from __future__ import annotations

from convlint.ops.argument import LayerArgument
from convlint.ops.convolution import windowed
from convlint.ops.kind import OperationKind
from convlint.ops.operation import Operation
from convlint.ops.words import kernel_text


def _pool(operation: Operation) -> str | None:
    kernel = operation.numbers("kernel_size")
    if kernel is None:
        return None
    what = {"max_pool": "the largest number", "avg_pool": "the mean"}.get(operation.kind, "the norm")
    return f"keeps {what} of each window of {kernel_text(kernel)}, in each channel for itself"


def _adaptive(operation: Operation) -> str | None:
    sizes = operation.outputs[0][-operation.spatial :] if operation.outputs else ()
    return f"gives {'x'.join(map(str, sizes))} for every size that comes in" if sizes else None


KINDS = (
    OperationKind(
        "max_pool",
        layers=("MaxPool",),
        functions=("max_pool",),
        arguments=(None, "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
        spatial=True,
        law=windowed,
        of_pixels=True,
        meaning=_pool,
        declares=(LayerArgument("ceil_mode", "whether a window that hangs over the edge counts", usual=False),),
    ),
    OperationKind(
        "avg_pool",
        layers=("AvgPool",),
        functions=("avg_pool",),
        arguments=(None, "kernel_size", "stride", "padding", "ceil_mode"),
        spatial=True,
        law=windowed,
        of_pixels=True,
        meaning=_pool,
    ),
    OperationKind(
        "lp_pool",
        layers=("LPPool",),
        functions=("lp_pool",),
        arguments=(None, "norm_type", "kernel_size", "stride", "ceil_mode"),
        spatial=True,
        law=windowed,
        of_pixels=True,
        meaning=_pool,
    ),
    OperationKind(
        "adaptive_pool",
        layers=("AdaptiveAvgPool", "AdaptiveMaxPool"),
        functions=("adaptive_avg_pool", "adaptive_max_pool"),
        arguments=(None, "output_size"),
        spatial=True,
        meaning=_adaptive,
        declares=(LayerArgument("output_size", "the size that goes out, whatever comes in"),),
    ),
)

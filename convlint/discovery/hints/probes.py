"""The tools that run a model once: summaries, exporters and counters, and how each takes the inputs."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from convlint.discovery.hints.scopes import SyntaxPlace
from convlint.discovery.hints.view import View


@dataclass(frozen=True, slots=True)
class ProbeArgument:
    node: ast.expr
    is_sizes: bool
    has_batch: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """Where a tool takes the inputs: by position, or by one of the keywords."""

    sizes: tuple[str, ...] = ()
    tensors: tuple[str, ...] = ()
    position: Literal["sizes", "tensors", "either", "none"] = "tensors"
    has_batch: bool = True
    place: int = 1

    def model_of(self, call: ast.Call) -> ast.expr | None:
        if call.args:
            return call.args[0]
        return next((keyword.value for keyword in call.keywords if keyword.arg in ("model", "mod", "net")), None)

    def argument_of(self, call: ast.Call) -> ProbeArgument | None:
        has_batch = self.has_batch and not any(keyword.arg == "batch_dim" for keyword in call.keywords)
        for keyword in call.keywords:
            if keyword.arg in self.sizes:
                return _sizes(keyword.value, has_batch)
            if keyword.arg in self.tensors:
                return ProbeArgument(keyword.value, is_sizes=False)
        if len(call.args) <= self.place or self.position == "none":
            return None
        node = call.args[self.place]
        if self.position == "sizes" or (self.position == "either" and _looks_like_sizes(node)):
            return _sizes(node, has_batch)
        return ProbeArgument(node, is_sizes=False)


_TRACE = Probe(tensors=("args", "example_inputs", "inputs", "input_to_model", "input", "example_kwarg_inputs"))
_PROBES = {
    "torchsummary.summary": Probe(("input_size",), position="sizes", has_batch=False),
    "torchsummary.torchsummary.summary": Probe(("input_size",), position="sizes", has_batch=False),
    "torchsummaryX.summary": _TRACE,
    "pytorch_model_summary.summary": _TRACE,
    "torchinfo.summary": Probe(("input_size",), ("input_data",), position="either"),
    "torchview.draw_graph": Probe(("input_size",), ("input_data",), position="either"),
    "calflops.calculate_flops": Probe(("input_shape",), position="sizes"),
    "ptflops.get_model_complexity_info": Probe(("input_res",), position="sizes", has_batch=False),
    "thop.profile": _TRACE,
    "fvcore.nn.FlopCountAnalysis": _TRACE,
    "fvcore.nn.flop_count": _TRACE,
    "fvcore.nn.flop_count_table": _TRACE,
    "hiddenlayer.build_graph": _TRACE,
    "torch.onnx.export": _TRACE,
    "torch.onnx.dynamo_export": _TRACE,
    "torch.export.export": _TRACE,
    "torch.jit.trace": _TRACE,
}


def probe_of(call: ast.Call, spot: SyntaxPlace, view: View) -> Probe | None:
    """The tool that a call is of."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "add_graph":
        return _TRACE
    meaning = view.meaning_of(call.func, spot)
    return _PROBES.get(meaning) if isinstance(meaning, str) else None


def _sizes(node: ast.expr, has_batch: bool) -> ProbeArgument:
    return ProbeArgument(node, is_sizes=True, has_batch=has_batch)


def _looks_like_sizes(node: ast.expr) -> bool:
    """`(1, 3, 224, 224)` or a list of such tuples, and no tensor."""
    if isinstance(node, ast.Tuple | ast.List):
        return bool(node.elts) and not any(isinstance(item, ast.Call) for item in node.elts)
    return isinstance(node, ast.BinOp)

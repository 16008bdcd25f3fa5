"""What to call a layer or a function in a sentence."""

from __future__ import annotations

from typing import Final

from convlint.facts import Layer, Node

_SHORT_NAMES: Final = (
    ("torch.nn.functional.", "F."),
    ("torch.nn.", "nn."),
    ("torch.Tensor.", ""),
    ("torch.functional.", "torch."),
    ("torch.", "torch."),
)


def short_type(type_name: str) -> str:
    """How people write a layer's type: `nn.Linear` for `torch.nn.Linear`."""
    return "nn." + type_name.removeprefix("torch.nn.") if type_name.startswith("torch.nn.") else type_name


def title(node: Node, layer: Layer | None) -> str:
    """What to call a node in a sentence: the layer's path, or the function as people write it."""
    if layer is not None:
        # A number alone, as nn.Sequential gives it, says nothing to a reader.
        numbered = layer.path.rpartition(".")[2].isdigit()
        kind = short_type(layer.type)
        return f"{layer.path} ({kind})" if numbered else layer.path or kind
    for prefix, shown in _SHORT_NAMES:
        if node.target.startswith(prefix):
            return shown + node.target.removeprefix(prefix)
    return node.target.rpartition(".")[2]

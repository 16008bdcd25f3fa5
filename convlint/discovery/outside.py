"""What is known of classes that other packages define, by their dotted name alone."""

from __future__ import annotations

import re

_CAMEL = re.compile(r"_?[A-Z]\w*$")
_NO_MODULES = frozenset({"Parameter", "Buffer", "UninitializedParameter", "UninitializedBuffer", "Mixin"})
_NO_MODULE_FOLDERS = ("torch.nn.utils.", "torch.nn.init.", "torch.nn.grad.", "torch.nn.attention.")
_CONTAINERS = frozenset({"Module", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})
_LIGHTNING = ("lightning", "pytorch_lightning", "lightning_fabric")

PACKAGES = frozenset({"torch", "torchvision", "timm", "transformers", *_LIGHTNING})
"""Known by their names, so their own files are never looked into, wherever they are installed."""

# A class of these that looks like a model or layer is taken for one: CamelCase, and none of the suffixes.
_THIRD_PARTIES = ("torchvision.models.", "torchvision.ops.", "timm.models.", "timm.layers.", "transformers.")
_THIRD_PARTY_SUFFIXES = (
    "Arguments",
    "Callback",
    "Config",
    "Dataset",
    "Extractor",
    "Mixin",
    "Optimizer",
    "Output",
    "Pipeline",
    "Processor",
    "Scheduler",
    "Tokenizer",
    "TokenizerFast",
    "Trainer",
    "Weights",
)
_BARE_CONSTRUCTORS = frozenset({*_CONTAINERS, "Sequential", "LightningModule", "ReLU", "GELU", "SiLU", "Identity"})


def is_module(name: str) -> bool:
    """Whether the dotted name of another package is, as far as its looks go, a subclass of nn.Module."""
    last = name.rpartition(".")[2]
    if name.startswith("torch.nn."):
        return bool(_CAMEL.match(last)) and last not in _NO_MODULES and not name.startswith(_NO_MODULE_FOLDERS)
    if name == "torch.jit.ScriptModule":
        return True
    if last == "LightningModule":
        return name.partition(".")[0] in _LIGHTNING
    if name.startswith(_THIRD_PARTIES):
        return bool(_CAMEL.match(last)) and not last.endswith(_THIRD_PARTY_SUFFIXES)
    return False


def has_forward(name: str) -> bool:
    """Whether a subclass of it can do without a forward of its own."""
    last = name.rpartition(".")[2]
    return (
        is_module(name)
        and last not in _CONTAINERS
        and last not in ("LightningModule", "PreTrainedModel", "ScriptModule")
    )


def is_bare(name: str) -> bool:
    """Whether its constructor is known to take no argument."""
    return is_module(name) and name.rpartition(".")[2] in _BARE_CONSTRUCTORS


def makes_module(name: str) -> bool:
    """Whether calling it gives a module: a class, or a factory such as `torchvision.models.resnet18`."""
    head, _, last = name.rpartition(".")
    if name == "timm.create_model" or is_module(name):
        return True
    return f"{head}.".startswith("torchvision.models.") and last.islower() and not last.startswith(("get_", "list_"))


def is_whole(name: str) -> bool:
    """Whether an annotation with it may stand for a model, and is not one of torch's layers."""
    return is_module(name) and (not is_layer(name) or name.rpartition(".")[2] in ("Module", "Sequential"))


def is_sequential(name: str) -> bool:
    return name.startswith("torch.nn.") and name.endswith(".Sequential")


def is_layer(name: str) -> bool:
    """Whether the name is one of torch's own layers; using one marks a class as a model."""
    return name.startswith("torch.nn.") and is_module(name)

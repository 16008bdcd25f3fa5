"""Models that come with weights, built from what is on this machine: the package or its configuration, no weights."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch

from convlint.facts import Reason
from convlint.worker.user_code.unavailable import Unavailable

_OF_LOADING = frozenset(
    {
        *("attn_implementation", "cache_dir", "code_revision", "device_map", "force_download", "from_flax", "from_tf"),
        *("ignore_mismatched_sizes", "load_in_4bit", "load_in_8bit", "local_files_only", "low_cpu_mem_usage"),
        *("max_memory", "offload_folder", "proxies", "quantization_config", "resume_download", "revision", "subfolder"),
        *("token", "use_auth_token", "use_safetensors", "variant", "weights_only"),
    }
)


def _without_weights(module: ModuleType) -> None:
    """timm: `create_model(..., pretrained=True)`."""
    vars(module)["load_pretrained"] = lambda *_, **__: None


def _from_configurations(module: ModuleType) -> None:
    """transformers: `BertModel.from_pretrained("./folder")`."""

    def from_pretrained(cls: Any, /, name: Any = None, *args: Any, config: Any = None, **given: Any) -> Any:
        dtype, left = _dtype(given), {key: value for key, value in given.items() if key not in _OF_LOADING}
        if config is None or isinstance(config, str | os.PathLike):
            config, left = _configuration(cls.config_class, config or name, left)
        model = cls(config, *args, **left)
        return model if dtype is None else model.to(dtype)

    vars(module)["PreTrainedModel"].from_pretrained = classmethod(from_pretrained)


def _from_automatic_configurations(module: ModuleType) -> None:
    """transformers: `AutoModel.from_pretrained("./folder")`."""

    def from_pretrained(cls: Any, /, name: Any = None, *_: Any, config: Any = None, **given: Any) -> Any:
        dtype, left = _dtype(given), {key: value for key, value in given.items() if key not in _OF_LOADING}
        if config is None or isinstance(config, str | os.PathLike):
            config, left = _configuration(vars(module)["AutoConfig"], config or name, left)
        model = cls.from_config(config, **left)
        return model if dtype is None else model.to(dtype)

    vars(module)["_BaseAutoModelClass"].from_pretrained = classmethod(from_pretrained)


def _dtype(given: dict[str, Any]) -> torch.dtype | None:
    found = [given.pop(name) for name in ("dtype", "torch_dtype") if name in given]
    return next((one for one in found if isinstance(one, torch.dtype)), None)


def _configuration(kind: Any, name: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The configuration of a pretrained model, and the arguments that are none of it. Raises Unavailable."""
    try:
        found, left = kind.from_pretrained(name, local_files_only=True, return_unused_kwargs=True, **given)
    except (OSError, ValueError) as error:
        published = _published(str(name))
        if published is not None:
            return published, {key: value for key, value in given.items() if not _set(published, key, value)}
        raise Unavailable(Reason(kind="pretrained-absent", name=str(name))) from error
    return found, left


_PUBLISHED: dict[str, tuple[str, dict[str, Any]]] = {
    "bert-base-uncased": ("BertConfig", {}),
    "bert-base-cased": ("BertConfig", {"vocab_size": 28996}),
    "bert-base-chinese": ("BertConfig", {"vocab_size": 21128}),
    "bert-base-multilingual-cased": ("BertConfig", {"vocab_size": 119547}),
    "bert-large-uncased": ("BertConfig", {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
                           | {"intermediate_size": 4096}),
    "distilbert-base-uncased": ("DistilBertConfig", {}),
    "distilbert-base-cased": ("DistilBertConfig", {"vocab_size": 28996}),
    "roberta-base": ("RobertaConfig", {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1}),
    "gpt2": ("GPT2Config", {}),
}  # fmt: skip
"""The configurations of published models: what differs from the defaults of transformers."""


def _published(name: str) -> Any:
    kind, values = _PUBLISHED.get(name.rpartition("/")[2], (None, {}))
    transformers = importlib.import_module("transformers")
    return getattr(transformers, kind)(**values) if kind is not None else None


def _set(configuration: Any, key: str, value: Any) -> bool:
    """Whether an argument was one of the configuration."""
    if not hasattr(configuration, key):
        return False
    setattr(configuration, key, value)
    return True


_CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "timm.models._builder": _without_weights,
    "transformers.modeling_utils": _from_configurations,
    "transformers.models.auto.auto_factory": _from_automatic_configurations,
}


class Changed(Loader):
    """Loads a module of a package, and puts something else in the place of what would fetch weights."""

    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self._loader, self._change = loader, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)


def changed(spec: ModuleSpec) -> ModuleSpec | None:
    """The spec of a module that fetches weights, so that it does not; None for any other."""
    change = _CHANGES.get(spec.name)
    if change is None or spec.loader is None:
        return None
    spec.loader = Changed(spec.loader, change)
    return spec


_HUBS = {
    "pytorch/vision": "torchvision.models",
    "huggingface/pytorch-image-models": "timm.models",
    "rwightman/pytorch-image-models": "timm.models",
}


def skip_hub() -> None:
    """Make `torch.hub.load` take what an installed package has, or a folder of this machine."""
    original: Callable[..., Any] = torch.hub.load

    def load(repo: Any, model: str, *args: Any, source: str = "github", **given: Any) -> Any:
        name = str(repo).partition(":")[0]
        package = _HUBS.get(name, "")
        if source == "local" or _is_kept(str(repo)):
            return original(repo, model, *args, source=source, **given)
        if not package or importlib.util.find_spec(package.partition(".")[0]) is None:
            raise Unavailable(Reason(kind="repository-absent", name=name))
        for one in ("force_reload", "trust_repo", "verbose", "skip_validation"):
            given.pop(one, None)
        return getattr(importlib.import_module(package), model)(*args, **given)

    torch.hub.load = load  # type: ignore[assignment]


def _is_kept(repo: str) -> bool:
    """Whether torch.hub has fetched a repository before."""
    owner, _, rest = repo.partition("/")
    name, _, branch = rest.partition(":")
    folder: str = torch.hub.get_dir()
    known = os.listdir(folder) if os.path.isdir(folder) else []
    return any(one.startswith(f"{owner}_{name}_{branch}") for one in known)

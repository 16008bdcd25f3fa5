"""Base classes of frameworks that are often absent where code is checked, with what models need of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import nn

from convlint.facts import Reason
from convlint.worker.user_code.unavailable import Unavailable

_OF_THE_TRAINER = frozenset({"trainer", "logger", "loggers", "fabric", "optimizers", "lr_schedulers"})
_NO_TRANSFORMERS = Reason(kind="package-absent", name="transformers")


class _LightningModule(nn.Module):
    """What a model needs of Lightning to be built and called."""

    example_input_array = None
    current_epoch = global_step = local_rank = global_rank = 0
    automatic_optimization = True

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()
        self.hparams = _Parameters()

    def __getattr__(self, name: str) -> Any:
        if name in _OF_THE_TRAINER:
            raise Unavailable(Reason(kind="trainer-only", name=name))
        return super().__getattr__(name)

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        return torch.get_default_dtype()

    def save_hyperparameters(self, *given: Any, **_: Any) -> None:
        """As Lightning does it: of a dict or a namespace its items, else the arguments of the caller."""
        frame = inspect.currentframe()
        caller = frame.f_back if frame else None
        names = {k: v for k, v in (caller.f_locals if caller else {}).items() if k != "self" and not k.startswith("__")}
        whole = [one for one in given if not isinstance(one, str)]
        if whole:
            names = dict(whole[0]) if isinstance(whole[0], Mapping) else dict(getattr(whole[0], "__dict__", names))
        self.hparams = _Parameters(names)

    def log(self, *_: Any, **__: Any) -> None:
        pass

    log_dict = print = log


class _Parameters(dict[str, Any]):
    """Lightning's hparams: a dict whose keys are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class _PretrainedConfig:
    """A configuration of transformers: its arguments are its attributes."""

    model_type = ""
    output_attentions = output_hidden_states = torchscript = is_encoder_decoder = False
    use_return_dict = return_dict = True
    num_labels = 2

    def __init__(self, **given: Any) -> None:
        vars(self).update(given)


class _PreTrainedModel(nn.Module):
    """What a model of its own needs of transformers: all but its weights and its outputs."""

    config_class = base_model_prefix = None

    def __init__(self, config: Any = None, *_: Any, **__: Any) -> None:
        super().__init__()
        self.config = config

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        return torch.get_default_dtype()

    @classmethod
    def from_pretrained(cls, *_: Any, **__: Any) -> Self:
        raise Unavailable(_NO_TRANSFORMERS)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__"):
                raise
        raise Unavailable(Reason(kind="base-absent", name=name, inner=_NO_TRANSFORMERS))

    def post_init(self) -> None:
        pass

    init_weights = tie_weights = gradient_checkpointing_enable = post_init


class _Mixin:
    """A mixin that adds nothing to forward."""

    def __init_subclass__(cls, **_: Any) -> None:
        pass


_LIGHTNING = ("pytorch_lightning", "lightning", "lightning.pytorch", "lightning_fabric")
CLASSES: dict[str, type] = {
    **{f"{package}.LightningModule": _LightningModule for package in _LIGHTNING},
    **{f"{package}.core.LightningModule": _LightningModule for package in _LIGHTNING},
    "huggingface_hub.PyTorchModelHubMixin": _Mixin,
    "transformers.PreTrainedModel": _PreTrainedModel,
    "transformers.modeling_utils.PreTrainedModel": _PreTrainedModel,
    "transformers.PretrainedConfig": _PretrainedConfig,
    "transformers.configuration_utils.PretrainedConfig": _PretrainedConfig,
}
"""By dotted name."""

"""Every architecture of transformers: the base model of each configuration, made small."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import nn

from benchmarks.oracle.sweep.arguments import feeds
from benchmarks.oracle.sweep.special import CONFIGS, PARTS
from benchmarks.oracle.sweep.subject import Subject, Variant

_LAYERS: Mapping[str, Any] = {
    **dict.fromkeys(("num_hidden_layers", "num_layers", "n_layer", "n_layers", "encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("depth", "num_encoder_layers", "num_decoder_layers", "vision_layers", "text_layers"), 2),
    **dict.fromkeys(("encoder_layerdrop", "decoder_layerdrop", "layerdrop"), 0.0),
    **dict.fromkeys(("vocab_size", "n_vocab"), 128),
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1, "use_cache": False,
}  # fmt: skip
_WIDTHS: Mapping[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "emb_dim", "projection_dim", "embedding_size"), 32),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"), 4),
    **dict.fromkeys(("decoder_attention_heads", "num_key_value_heads"), 4),
    **dict.fromkeys(("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "d_ff", "ffn_dim", "n_inner"), 64),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size", "mlp_dim"), 32),
    **dict.fromkeys(("head_dim", "d_kv", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "patch_size"), 8),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank"), 16),
    **dict.fromkeys(("num_local_experts", "num_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("n_group", "topk_group"), 1),
    "num_experts_per_tok": 2, "image_size": 32, "max_source_positions": 32, "max_position_embeddings": 128,
}  # fmt: skip
# Some positions are split into parts of a width that the configuration says elsewhere.
_MEDIUM: Mapping[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "intermediate_size"), 256),
    **dict.fromkeys(("num_attention_heads", "n_head", "num_heads", "num_key_value_heads"), 2),
    "head_dim": 128,
}  # fmt: skip
_TABLES: Mapping[str, Mapping[str, Any]] = {
    "small": {**_LAYERS, **_WIDTHS},
    "medium": {**_LAYERS, **_WIDTHS, **_MEDIUM},
    "shallow": _LAYERS,
    "default": {},
}


def architectures() -> list[Subject]:
    """One subject a configuration that AutoModel knows."""
    transformers = importlib.import_module("transformers")
    importlib.import_module("transformers.modeling_utils")
    transformers.logging.set_verbosity_error()
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    return [
        Subject(name, tuple(
            Variant(label, partial(_build, name, table), feeds)
            for label, table in _TABLES.items()
        ), str(transformers.__file__))
        for name in auto.MODEL_MAPPING_NAMES
    ]  # fmt: skip


def _build(name: str, table: Mapping[str, Any]) -> nn.Module:
    transformers = importlib.import_module("transformers")
    kind = transformers.CONFIG_MAPPING[name]
    config = small(kind, table)
    build = partial(transformers.AutoModel.from_config, attn_implementation="eager")
    if name in PARTS:
        classes = importlib.import_module("transformers.models.auto.modeling_auto").MODEL_MAPPING_NAMES
        build, config = partial(getattr(transformers, classes[name])), getattr(config, PARTS[name])
    model: nn.Module = build(config)
    return model


def small(kind: Any, table: Mapping[str, Any]) -> Any:
    """The configuration with what the table names, by way of its constructor, which works the rest out."""
    default = kind()
    try:
        return kind(**_arguments(default, table))
    except Exception:  # some constructors refuse what they have written themselves
        return _changed(default, table)


def _arguments(config: Any, table: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in vars(config).items():
        if hasattr(value, "to_dict"):
            inner = _arguments(value, table)
            found[key] = {**inner, "model_type": value.model_type} if value.model_type else inner
        elif key in table and (value is None or _is_plain(value)):
            if value is not None or key.endswith("_id"):
                found[key] = table[key]
        elif key == "depths" and table:
            found[key] = type(value)([1] * len(value))
    return {**found, **_levels(config), **(CONFIGS.get(config.model_type, {}) if table else {})}


def _levels(config: Any) -> dict[str, Any]:
    """Which features of a backbone the configuration around it asks for; where each layer is a level, those are few."""
    if hasattr(config, "num_hidden_layers") and not hasattr(config, "depths"):
        return {}
    names = ("out_features", "out_indices")
    return {name: value for name in names if (value := getattr(config, name, None)) is not None}


def _changed(config: Any, table: Mapping[str, Any]) -> Any:
    for key, value in list(vars(config).items()):
        if hasattr(value, "to_dict"):
            _changed(value, table)
        elif key in table and _is_plain(value):
            setattr(config, key, table[key])
        elif key == "layer_types" and isinstance(value, list) and "num_hidden_layers" in table:
            setattr(config, key, value[: table["num_hidden_layers"]])
    for key, value in CONFIGS.get(config.model_type, {}).items() if table else ():
        setattr(config, key, value)
    return config


def _is_plain(value: Any) -> bool:
    return isinstance(value, (int, float))

"""Every architecture of transformers: the base model of each configuration, made small."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from torch import nn

from benchmarks.oracle.sweep.subject import Feed, Subject, Variant
from convlint.jobs import InputSpec

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
_LENGTH = 12


def architectures() -> list[Subject]:
    """One subject a configuration that AutoModel knows."""
    transformers = importlib.import_module("transformers")
    importlib.import_module("transformers.modeling_utils")
    transformers.logging.set_verbosity_error()
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    return [
        Subject(name, tuple(
            Variant(label, partial(_build, name, table), _feeds)
            for label, table in _TABLES.items()
        ), str(transformers.__file__))
        for name in auto.MODEL_MAPPING_NAMES
    ]  # fmt: skip


def _build(name: str, table: Mapping[str, Any]) -> nn.Module:
    transformers = importlib.import_module("transformers")
    kind = transformers.CONFIG_MAPPING[name]
    config = small(kind, table)
    model: nn.Module = transformers.AutoModel.from_config(config, attn_implementation="eager")
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
    return found


def _changed(config: Any, table: Mapping[str, Any]) -> Any:
    for key, value in list(vars(config).items()):
        if hasattr(value, "to_dict"):
            _changed(value, table)
        elif key in table and _is_plain(value):
            setattr(config, key, table[key])
        elif key == "layer_types" and isinstance(value, list) and "num_hidden_layers" in table:
            setattr(config, key, value[: table["num_hidden_layers"]])
    return config


def _is_plain(value: Any) -> bool:
    return isinstance(value, (int, float))


def _feeds(model: nn.Module) -> Sequence[Feed]:
    """All modalities that forward takes, then the main one, then words or pixels alone."""
    names = list(inspect.signature(model.forward).parameters)
    known: dict[str, list[InputSpec]] = {name: options for name in names if (options := _options(name, model.config))}
    main = str(getattr(model, "main_input_name", "input_ids"))
    words: list[str] = [name for name in ("input_ids", "decoder_input_ids", "bbox") if name in known]
    sets: list[list[str]] = [
        [name for name in known if name != "decoder_input_ids"],
        list(known),
        [main],
        [main, "decoder_input_ids"],
        ["input_ids", "bbox"],
        words,
        *([name] for name in known),
    ]
    feeds: list[Feed] = []
    for chosen in sets:
        if chosen and all(name in known for name in chosen):
            feeds += list(product(*(known[name] for name in chosen)))[:12]
    return [feed for i, feed in enumerate(feeds) if feed not in feeds[:i]]


def _options(name: str, config: Any) -> list[InputSpec]:
    """The shapes that an argument of this name may have."""
    vocab = _first(config, "vocab_size", 100)
    side = _first(config, "image_size", 64)
    side = side if isinstance(side, int) else max(side) if isinstance(side, (list, tuple)) else 64
    channels = _first(config, "num_channels", _first(config, "in_channels", 3))
    frames = _first(config, "num_frames", 4)
    bins = _first(config, "num_mel_bins", _first(config, "feature_size", _first(config, "input_dim", 80)))
    length = 2 * _first(config, "max_source_positions", 64)
    patch = _first(config, "patch_size", 8)
    shapes: dict[str, list[tuple[int, ...]]] = {
        "pixel_values": [
            (channels, side, side),
            (frames, channels, side, side),
            (channels, 224, 224),
            (1, channels, side, side),
        ],
        "pixel_values_videos": [(frames, channels, side, side)],
        "input_values": [(1600,), (16000,), (_first(config, "max_length", 1024), bins), (1, 16000)],
        "input_features": [(bins, length), (length, bins), (64, bins), (1, bins, length)],
        "past_values": [(_first(config, "context_length", 32), _first(config, "num_input_channels", 1))],
        "spectrogram": [(64, bins)],
    }
    if name in ("input_ids", "decoder_input_ids"):
        high = min(int(vocab), 100) if isinstance(vocab, int) else 100
        words = InputSpec(name=name, shape=("B", _LENGTH), dtype="int64", high=high)
        long = InputSpec(name=name, shape=("B", 64), dtype="int64", high=high)
        return [words, long] if name == "input_ids" else [words]
    if name == "bbox":
        return [InputSpec(name=name, shape=("B", _LENGTH, 4), dtype="int64", high=2)]
    if name == "flattened_patches" and isinstance(patch, int):
        return [InputSpec(name=name, shape=("B", 16, 2 + patch * patch * channels))]
    return [InputSpec(name=name, shape=("B", *shape)) for shape in shapes.get(name, ())]


def _first(config: Any, name: str, default: Any) -> Any:
    """The attribute, of the configuration itself or of one inside it."""
    inner = [value for value in vars(config).values() if hasattr(value, "to_dict")]
    found = [getattr(each, name, None) for each in (config, *inner)]
    return next((value for value in found if value is not None), default)

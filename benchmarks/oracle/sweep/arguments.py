"""What goes into the forward of an architecture of transformers, guessed by the names of its arguments."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from torch import nn

from benchmarks.oracle.sweep.special import FEEDS, GRID, Given
from benchmarks.oracle.sweep.subject import Feed
from convlint.inputspec import InputSpec

_LENGTH = 12
_NEEDED: Mapping[str, Given] = {
    **dict.fromkeys(("grid_thw", "image_grid_thw"), GRID),
    "hidden_states": "B hidden_size 12",
    "inputs": "B 12 d_model",
    "inputs_embeds": "B 12 hidden_size",
    "latents": "B hidden_size 12",
    "qformer_input_ids": "int B 12",
}
"""As in `FEEDS`; only where forward does not run without them."""
_GRIDS = {name for name, given in _NEEDED.items() if given is GRID}


def feeds(model: nn.Module) -> Sequence[Feed]:
    """What is written down for this architecture; all modalities that forward takes; the main one; words or pixels."""
    parameters = inspect.signature(model.forward).parameters
    config: Any = model.config
    if config.model_type in FEEDS:
        return [tuple(_read(name, given, config) for name, given in FEEDS[config.model_type].items())]
    required = [name for name, each in parameters.items() if each.default is each.empty]
    options = {name: _options(name, config) or _needed(name, config) * (name in required) for name in parameters}
    if not _GRIDS.isdisjoint(required):  # before all else, patches
        options |= {name: _patches(name, config) for name in ("pixel_values", "hidden_states") if name in required}
    known: dict[str, list[InputSpec]] = {name: specs for name, specs in options.items() if specs}
    found: list[Feed] = []
    for chosen in _sets(known, str(getattr(model, "main_input_name", "input_ids"))):
        names = [name for name in known if name in chosen or name in required]
        if chosen and all(name in known for name in chosen):
            found += list(product(*(known[name] for name in names)))[:12]
    return [feed for i, feed in enumerate(found) if feed not in found[:i]]


def _sets(known: Mapping[str, Sequence[InputSpec]], main: str) -> list[list[str]]:
    """Arguments that may be given together."""
    return [
        [name for name in known if name != "decoder_input_ids"],
        list(known),
        [main],
        [main, "decoder_input_ids"],
        ["input_ids", "bbox"],
        [name for name in ("input_ids", "decoder_input_ids", "bbox") if name in known],
        *([name] for name in known),
    ]


def _options(name: str, config: Any) -> list[InputSpec]:
    """The shapes that an argument of this name may have."""
    vocab = _first(config, "vocab_size", 100)
    side = _first(config, "image_size", 64)
    side = side if isinstance(side, int) else max(side) if isinstance(side, (list, tuple)) else 64
    channels = _first(config, "num_channels", _first(config, "in_channels", 3))
    frames = _first(config, "num_frames", 4)
    widths = ("num_mel_bins", "feature_size", "input_dim", "feature_projection_input_dim")
    bins = next((size for key in widths if (size := _first(config, key, None)) is not None), 80)
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


def _needed(name: str, config: Any) -> list[InputSpec]:
    return [_read(name, _NEEDED[name], config)] if name in _NEEDED else []


def _read(name: str, given: Given, config: Any) -> InputSpec:
    """An input as it is written down."""
    if not isinstance(given, str):
        return InputSpec(name=name, value=given, dtype="int64")
    kind, *words = given.split() if given.startswith(("int ", "bool ")) else ("float", *given.split())
    dtype = {"float": "float32", "int": "int64", "bool": "bool"}[kind]
    shape = tuple(int(word) if word.isdigit() else word if word == "B" else _first(config, word, 32) for word in words)
    return InputSpec(name=name, shape=shape, dtype=dtype, high=2 if kind == "int" else None)


def _patches(name: str, config: Any) -> list[InputSpec]:
    """The patches of all images in a row, each of them flat or as a small image."""
    rows = sum(math.prod(image) for image in GRID)
    channels = _first(config, "in_channels", _first(config, "num_channels", 3))
    frames = _first(config, "temporal_patch_size", _first(config, "patch_temporal", 1))
    side = _first(config, "patch_size", 8)
    shapes = [(frames * channels * side * side,), (channels * side * side,), (channels, side, side)]
    return [InputSpec(name=name, shape=(rows, *shape)) for shape in shapes]

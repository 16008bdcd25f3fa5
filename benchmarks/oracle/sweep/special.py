"""What single architectures of transformers need: values in their configuration, and inputs that belong together.

An input is a text, a dtype ("float" where none is given) and sizes: "B" is the batch, another word a value of the
configuration ("int B 12", "B 8 hidden_size"). A list holds the contents of a tensor of integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Given = str | list[Any]

_SERIES: Mapping[str, Any] = {"prediction_length": 8, "num_time_features": 2}
# The sections must fill half of a head, which is made small.
_SECTIONS: Mapping[str, Any] = {
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
}

CONFIGS: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("autoformer", "informer", "time_series_transformer"), _SERIES),
    **dict.fromkeys(("glm4v_text", "glm4v_moe_text", "glm_image_text", "glm_ocr_text"), _SECTIONS),
    "cohere_compass_text": {
        "rope_parameters": {
            "full_attention": {"rope_theta": 10000.0, "rope_type": "default", "mrope_section": [1, 1, 2]}
        }
    },
    "emu3": {"vocabulary_map": {"<image>": 3, "<|extra_200|>": 4}},
    "esm": {"vocab_size": 128},
    "emu3_vqgan": {"base_channels": 32},
    "gemma3n_text": {"num_kv_shared_layers": 0, "vocab_size_per_layer_input": 128, "hidden_size_per_layer_input": 8},
    "grounding-dino": {"num_queries": 20},
    "kosmos-2": {"latent_query_num": 12},
    "mm-grounding-dino": {"num_queries": 20},
    "nemotron": {"num_key_value_heads": 4},
    "timm_backbone": {"backbone": "resnet18"},
    "tvp": {"max_img_size": 64, "visual_prompt_size": 8},
    "xmod": {"default_language": "en_XX"},
    "yolos": {"image_size": [64, 64]},
}
"""By the model type of a configuration, also of one inside another."""

PARTS: Mapping[str, str] = {"musicgen_melody": "decoder"}
"""The part of the configuration that the base model is built from."""

GRID = [[1, 4, 4]] * 2
"""The patches of two images, for a vision tower that takes those of all images in a row."""

_HISTORY = {
    "past_values": "B 15",
    "past_time_features": "B 15 2",
    "past_observed_mask": "bool B 15",
    "future_values": "B 8",
    "future_time_features": "B 8 2",
}

FEEDS: Mapping[str, Mapping[str, Given]] = {
    **dict.fromkeys(("autoformer", "informer", "time_series_transformer"), _HISTORY),
    "blip_2_qformer": {"query_embeds": "B 8 hidden_size", "encoder_hidden_states": "B 9 encoder_hidden_size"},
    "emu3": {"input_ids": "int B 12"},
    "fun_asr_nano_encoder": {"input_features": "B 24 input_size", "input_features_mask": "bool B 24"},
    "gemma3n_audio": {"audio_mel": "B 64 input_feat_size", "audio_mel_mask": "bool B 64"},
    "gemma4_vision": {
        "pixel_values": "B 9 192",
        "pixel_position_ids": [[[x, y] for y in range(3) for x in range(3)]] * 2,
    },
    "idefics": {"input_ids": "int B 12", "pixel_values": "B 1 3 32 32", "image_attention_mask": "bool B 12 1"},
    "kosmos-2": {"input_ids": "int B 12", "pixel_values": "B 3 32 32", "image_embeds_position_mask": "bool B 12"},
    "lxmert": {"input_ids": "int B 12", "visual_feats": "B 8 visual_feat_dim", "visual_pos": "B 8 visual_pos_dim"},
    "muse_glimmer_assistant": {"noise_embeds": "B 8 hidden_size", "context_hidden_states": "B 12 160"},
    "qwen3_asr_encoder": {"input_features": "B num_mel_bins 100", "input_features_mask": "bool B 100"},
    "siglip2_vision_model": {
        "pixel_values": "B 16 192", "pixel_attention_mask": "bool B 16", "spatial_shapes": [[4, 4]] * 2,
    },
    "timesfm": {"past_values": "B 64", "past_values_padding": "int B 64", "freq": "int B 1"},
    "timesfm2_5": {"past_values": "B 64"},
    "tvp": {"input_ids": "int B 12", "pixel_values": "B 1 3 64 64"},
    "video_llama_3_vision": {"pixel_values": "32 192", "grid_thw": GRID, "merge_sizes": [2, 2]},
    "voxtral_realtime": {"input_ids": "int B 16", "input_features": "B 128 128"},
}  # fmt: skip
"""By the model type of the model's configuration."""

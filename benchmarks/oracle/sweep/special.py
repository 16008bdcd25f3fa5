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
_DETECTED: Mapping[str, Any] = {"num_queries": 20}
_ZAMBA: Mapping[str, Any] = {
    "attention_hidden_size": 64,
    "attention_head_dim": 16,
    "mamba_dt_rank": 4,
    "mamba_headdim": 8,
}
_TOKENS: Mapping[str, Any] = {"vocabulary_map": {"<image>": 3, "<|extra_200|>": 4}}
_VIT: Mapping[str, Any] = {
    "model_type": "timm_wrapper",
    "architecture": "vit_pe_core_tiny_patch16_384",
    "model_args": {"img_size": [64, 64], "embed_dim": 64, "depth": 2, "num_heads": 4},
}

CONFIGS: Mapping[str, Mapping[str, Any]] = {
    **{key: {**_SERIES, "label_length": 4} for key in ("autoformer", "informer", "time_series_transformer")},
    **{key: {"hidden_size_global": 32} for key in ("blt_local_encoder", "blt_local_decoder")},
    **dict.fromkeys(("chameleon", "emu3"), _TOKENS),
    **dict.fromkeys(("glm4v_text", "glm_image_text", "glmga_text"), _SECTIONS),
    **dict.fromkeys(("grounding-dino", "mm-grounding-dino"), _DETECTED),
    **{key: {**_SECTIONS, "head_dim": 8} for key in ("hunyuan_vl", "hunyuan_vl_text")},
    **{key: {"head_dim": 8} for key in ("hunyuan_v1_dense", "hunyuan_v1_moe", "ministral")},
    **{key: {"upsample_groups": 32} for key in ("mimi_decoder", "pocket_tts_audio_tokenizer_decoder")},
    **{key: {"vision_config": _VIT} for key in ("pe_video_encoder", "perception_lm")},
    **{key: {"quantization_dim": 64} for key in ("neucodec", "xcodec2")},
    **dict.fromkeys(("zamba", "zamba2"), _ZAMBA),
    "blip-2": {"image_token_index": 3},
    "clap_audio_model": {"hidden_size": 768},
    "cohere_compass_text": {"rope_parameters": {"full_attention": _SECTIONS["rope_parameters"]}},
    "dbrx": {"attn_config": {"rope_theta": 10000.0, "clip_qkv": 8.0}},
    "deepseek_ocr2_text": {"mlp_layer_types": ["dense", "sparse"], "num_experts_per_tok": 2},
    "deepseek_v2": {"num_experts_per_tok": 2},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "edgetam_vision_model": {"backbone_channel_list": [1024, 512, 256, 64]},
    "emu3_vqgan": {"base_channels": 32},
    "esm": {"vocab_size": 128},
    "funnel": {"architectures": ["FunnelModel"]},
    "gemma3n_text": {"num_kv_shared_layers": 0, "vocab_size_per_layer_input": 128, "hidden_size_per_layer_input": 8},
    "instructblip": {"image_token_index": 3},
    "instructblipvideo": {"video_token_index": 3},
    "kimi_linear": {"num_experts_per_token": 2},
    "kosmos-2": {"latent_query_num": 12},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "mimo_v2_flash": {"head_dim": 24, "v_head_dim": 16, "num_key_value_heads": 2},
    "moonshine_streaming": {"num_key_value_heads": 4},
    "muse_spark_audio": {"num_hidden_layers": 4},
    "nemotron": {"num_key_value_heads": 4},
    "seggpt": {"image_size": [64, 32], "intermediate_hidden_state_indices": [0, 1]},
    "t5gemma2_text": {"dropout_rate": 0.0},
    "timm_backbone": {"backbone": "resnet18"},
    "uvdoc_backbone": {"out_features": [f"stage{i}" for i in range(1, 7)], "out_indices": list(range(1, 7))},
    "xmod": {"default_language": "en_XX"},
    "yolos": {"image_size": [64, 64]},
}
"""By the model type of a configuration, also of one inside another."""

PARTS: Mapping[str, str] = dict.fromkeys(("musicgen", "musicgen_melody"), "decoder")
"""The part of the configuration that the base model is built from."""

GRID = [[1, 4, 4]] * 2
"""The patches of two images, for a vision tower that takes those of all images in a row."""

_HISTORY: Mapping[str, Given] = {
    "past_values": "B 15", "past_time_features": "B 15 2", "past_observed_mask": "bool B 15",
    "future_values": "B 8", "future_time_features": "B 8 2",
}  # fmt: skip
_CODES: Mapping[str, Given] = {"input_ids": "int 8 12"}  # a row for each codebook
_PATCHES: Mapping[str, Given] = {
    "pixel_values": "B 16 192", "pixel_attention_mask": "bool B 16", "spatial_shapes": [[4, 4]] * 2,
}  # fmt: skip

_AUDIO: Mapping[str, Given] = {"input_values": "B 1 3200", "input_features": "B 10 160"}
_FRAMES: Mapping[str, Given] = {"input_features": "B 64 320"}
_ROW: Mapping[str, Given] = {"pixel_values": "1 3 8 256", "target_sizes": [[4, 4]] * 2}

FEEDS: Mapping[str, Mapping[str, Given]] = {
    **dict.fromkeys(("autoformer", "informer", "time_series_transformer"), _HISTORY),
    **dict.fromkeys(("musicgen_decoder", "musicgen_melody_decoder"), _CODES),
    **dict.fromkeys(("minicpm_ocr_vision", "minicpmv4_7_vision"), _ROW),
    **dict.fromkeys(("granite_speech5_ctc", "granite_speech5_encoder"), _FRAMES),
    **dict.fromkeys(("neucodec", "xcodec2"), _AUDIO),
    "audioflamingo3_encoder": {"input_features": "B num_mel_bins 64", "input_features_mask": "bool B 64"},
    "blip_2_qformer": {"query_embeds": "B 8 hidden_size", "encoder_hidden_states": "B 9 encoder_hidden_size"},
    "clap": {"input_ids": "int B 12", "input_features": "B 1 256 64"},
    "decision_transformer": {
        "states": "B 12 state_dim", "actions": "B 12 act_dim", "rewards": "B 12 1",
        "returns_to_go": "B 12 1", "timesteps": "int B 12", "attention_mask": "bool B 12",
    },
    "emu3": {"input_ids": "int B 12"},
    "fun_asr_nano_encoder": {"input_features": "B 24 input_size", "input_features_mask": "bool B 24"},
    "gemma3n_audio": {"audio_mel": "B 64 input_feat_size", "audio_mel_mask": "bool B 64"},
    "gemma4_vision": {
        "pixel_values": "B 9 192", "pixel_position_ids": [[[x, y] for y in range(3) for x in range(3)]] * 2,
    },
    "idefics": {"input_ids": "int B 12", "pixel_values": "B 1 3 32 32", "image_attention_mask": "bool B 12 1"},
    "inkling2_vision": {"pixel_values": "32 16 16 3", "image_grid_thw": GRID},
    "kosmos-2": {"input_ids": "int B 12", "pixel_values": "B 3 32 32", "image_embeds_position_mask": "bool B 12"},
    "lightglue": {"pixel_values": "B 2 3 64 64"},
    "lxmert": {"input_ids": "int B 12", "visual_feats": "B 8 visual_feat_dim", "visual_pos": "B 8 visual_pos_dim"},
    "mgp-str": {"pixel_values": "B 3 32 128"},
    "muse_glimmer_assistant": {"noise_embeds": "B 8 hidden_size", "context_hidden_states": "B 12 160"},
    "muse_spark_audio": {"input_values": "B 3840"},
    "oneformer": {"pixel_values": "B 3 64 64", "task_inputs": "B task_seq_len"},
    "pi0": {
        "action_embeds": "B 8 32", "input_ids": "int B 12",
        "pixel_values": "B 1 3 32 32", "pixel_attention_mask": "bool B 1",
    },
    "qwen3_asr_encoder": {"input_features": "B num_mel_bins 100", "input_features_mask": "bool B 100"},
    "seggpt": dict.fromkeys(("pixel_values", "prompt_pixel_values", "prompt_masks"), "B 3 32 32"),
    "siglip2": {"input_ids": "int B 12", **_PATCHES},
    "siglip2_vision_model": _PATCHES,
    "speecht5": dict.fromkeys(("input_values", "decoder_input_values"), "B 12 hidden_size"),
    "timesfm": {"past_values": "B 64", "past_values_padding": "int B 64", "freq": "int B 1"},
    "timesfm2_5": {"past_values": "B 64"},
    "vibevoice_acoustic_tokenizer_encoder": {"hidden_states": "B 1 6400"},
    "video_llama_3_vision": {"pixel_values": "32 192", "grid_thw": GRID, "merge_sizes": [2, 2]},
    "voxtral_realtime": {"input_ids": "int B 16", "input_features": "B 128 128"},
}  # fmt: skip
"""By the model type of the model's configuration."""

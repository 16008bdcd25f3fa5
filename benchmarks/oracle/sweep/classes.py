"""Every module of vit-pytorch and x-transformers: constructors filled in from the names of their parameters."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from torch import nn

from benchmarks.oracle.sweep.subject import Feed, Subject, Variant
from convlint.inputspec import InputSpec

_WIDTH = 32
_VALUES: Mapping[str, Any] = {
    **dict.fromkeys(("dim", "dim_in", "dim_out", "out_dim", "dim_inner", "d_model", "inp", "oup", "channel"), _WIDTH),
    **dict.fromkeys(("dim_model", "dim_hidden", "dim_latent", "decoder_dim", "sm_dim", "lg_dim", "axial_dim"), _WIDTH),
    **dict.fromkeys(("dim_mask", "dim_pos", "dim_action", "output_dim", "projection_hidden_size"), _WIDTH),
    **dict.fromkeys(("hidden_dim", "mlp_dim"), 64),
    **dict.fromkeys(("depth", "enc_depth", "dec_depth", "dec_head_depth", "dec_tail_depth", "cls_depth"), 2),
    **dict.fromkeys(("spatial_depth", "temporal_depth", "projection_num_layers", "cross_attn_depth"), 2),
    **dict.fromkeys(("heads", "nhead", "cross_attn_heads", "groups", "num_slots", "num_register_tokens"), 4),
    **dict.fromkeys(("dim_head", "dim_key", "dim_value", "low_rank_dim", "patch_size", "image_patch_size"), 8),
    **dict.fromkeys(("freq_patch_size", "num_classes", "num_roles", "num_fillers", "num_tokens_out"), 8),
    **dict.fromkeys(("frames", "max_frames", "fmap_size", "output_num_tokens"), 8),
    **dict.fromkeys(("frame_patch_size", "num_hierarchies", "reduction_factor", "num_residual_streams"), 2),
    **dict.fromkeys(("num_layers", "mult", "ndim"), 2),
    **dict.fromkeys(("stride", "padding", "layer_index", "prev_layer_ind", "source_layer", "destination_layer"), 1),
    **dict.fromkeys(("bos_id", "pad_id", "mask_id", "numerical_token_id", "shifts"), 1),
    **dict.fromkeys(("kernel_size", "proj_kernel", "kernel", "frame_kernel_size"), 3),
    **dict.fromkeys(("max_seq_len", "num_tokens", "max_pos", "episodic_mem_len", "seq_len"), 64),
    **dict.fromkeys(("p", "prob", "dropout", "masking_ratio", "entropy_threshold", "scale"), 0.5),
    "window_size": 4, "local_window_size": 4, "global_window_size": 2, "image_size": 64, "max_tokens_per_depth": (9, 5),
    "attn_type": "short", "kv_proj_stride": 2, "mlp_mult": 2, "block_repeats": (2, 2), "use_flash": False,
    "kernel_sizes": (4, 8), "modules": (), "interactions": 1, "specialize_qkv_depth": 1, "input_shape": (8, 8),
    "output_channel_bits": 3, "max_pixel_val": 1.0, "mean": None, "std": None, "h_s": 8, "w_s": 8, "size": 8,
    "activation": nn.GELU(), "sm_enc_params": {"depth": 1, "heads": 4, "mlp_dim": 64, "dim_head": 8},
    "lg_enc_params": {"depth": 1, "heads": 4, "mlp_dim": 64, "dim_head": 8},
    "dims": (32, 48, 64), "seq_lengths": (16, 16),
}  # fmt: skip
_FOUR_STAGES: Mapping[str, Any] = {"dim": (16, 32, 48, 64), "depth": (1, 1, 1, 1), "heads": (1, 2, 2, 4)}
_ND: Mapping[str, Any] = {"ndim": 2, "input_shape": (64, 64), "patch_size": 8, "dim_head": 16}
_SPECIAL: Mapping[str, Mapping[str, Any]] = {
    "cct.CCT": {"img_size": 64, "embedding_dim": 32, "num_layers": 2, "num_heads": 4, "mlp_ratio": 2},
    "cct_3d.CCT": {"img_size": 64, "num_frames": 8, "embedding_dim": 32, "num_layers": 2, "num_heads": 4,
                   "frame_kernel_size": 3, "mlp_ratio": 2},
    "cct.TransformerClassifier": {"sequence_length": 16, "embedding_dim": 32, "num_heads": 4},
    "cct_3d.TransformerClassifier": {"sequence_length": 16, "embedding_dim": 32, "num_heads": 4},
    "cct.DropPath": {"drop_prob": 0.1},
    "cct_3d.DropPath": {"drop_prob": 0.1},
    "cross_vit.CrossViT": {"image_size": 96},
    "jet_vit.JetViT": {"dim": 64},
    "jet_vit.WindowAttention": {"dim": 64},
    "levit.LeViT": {"heads": (4, 6), "depth": 2, "dim": (32, 48)},
    "levjepa_nd.NDTransformer": _ND,
    "look_vit.LookViT": {"image_size": 192},
    "looped_vit.LoopedViT": {"image_size": 64, "patch_size": 8, "dim_head": 8},
    "max_vit.MaxViT": {"depth": (1, 1), "window_size": 4},
    "max_vit_with_registers.MaxViT": {"depth": (1, 1), "window_size": 4},
    "mobile_vit.MobileViT": {"channels": (16, 16, 24, 24, 32, 32, 48, 48, 64, 64, 96), "image_size": (64, 64)},
    "mobile_vit.MobileViTBlock": {"patch_size": (2, 2), "channel": 16},
    "mpp.MPPLoss": {"channels": 3},
    "nest.NesT": {"patch_size": 4},
    "dino.RandomApply": {"fn": nn.Identity()},
    "es_vit.RandomApply": {"fn": nn.Identity()},
    "pit.PiT": {"depth": (1, 1)},
    "scalable_vit.ScalableViT": {**_FOUR_STAGES, "reduction_factor": (8, 4, 2, 1), "window_size": (8, 4, None, None)},
    "sep_vit.SepViT": {**_FOUR_STAGES, "window_size": 2, "dim": 16},
    "t2t.T2TViT": {"depth": 2, "heads": 4, "mlp_dim": 64},
    "twins_svt.TwinsSVT": {f"s{i}_{name}": size for i, size in enumerate((4, 4, 2, 2), 1)
                           for name in ("local_patch_size", "global_k")},
    "vat_siglip.SigLIP": {"patch_size": 8, "dim": 32, "depth": 2, "heads": 4, "mlp_dim": 64},
    "vit_nd.ViTND": _ND,
    "vit_nd_pope.ViTND": _ND,
    "vit_nd_rotary.ViTND": _ND,
    "wwt.WWTBlock": {"interactions": ((0, 1),), "num_hierarchies": 2},
    **{f"x_transformers.{name}": {"dim": 32, "depth": 2, "heads": 4, "attn_dim_head": 8}
       for name in ("AttentionLayers", "Encoder", "Decoder", "PrefixDecoder", "CrossAttender")},
    "x_transformers.XTransformer": {"dim": 32} | {
        f"{side}_{name}": value for side in ("enc", "dec")
        for name, value in (("num_tokens", 64), ("depth", 2), ("heads", 4), ("max_seq_len", 64))},
}  # fmt: skip
_NETS = frozenset(["net", "encoder", "vit", "teacher", "student", "model", "decoder", "image_net", "forward_decoder"])


def classes(family: str) -> list[Subject]:
    """The modules of every file of the package, and of x-transformers also its language model with each option."""
    package = importlib.import_module(family.replace("-", "_"))
    found = [subject for module in _modules(package) for subject in _of_module(package, module)]
    return found + (list(_options(package)) if family == "x-transformers" else [])


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(package.__path__):
        try:
            yield importlib.import_module(f"{package.__name__}.{info.name}")
        except ImportError:
            continue


def _of_module(package: ModuleType, module: ModuleType) -> Iterator[Subject]:
    short = module.__name__.rpartition(".")[2]
    for name, kind in vars(module).items():
        if not (isinstance(kind, type) and issubclass(kind, nn.Module) and kind.__module__ == module.__name__):
            continue
        full = f"{short}.{name}"
        variants = tuple(
            Variant(f"{label}", partial(_filled, package, kind, {**_SPECIAL.get(full, {}), **more}), _feeds)
            for label, more in (("", {}), ("tuples", {"dim": (32, 64), "depth": (1, 1)}))
            if not more or "dim" in inspect.signature(kind).parameters
        )
        yield Subject(full, variants, str(module.__file__))


def _filled(package: ModuleType, kind: type[nn.Module], given: Mapping[str, Any]) -> nn.Module:
    """A module with a value for each parameter without a default. Raises KeyError where no value is known."""
    kwargs: dict[str, Any] = {}
    for p in inspect.signature(kind).parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) or (p.default is not p.empty and p.name not in given):
            continue
        kwargs[p.name] = given[p.name] if p.name in given else _value(package, p.name)
    if any(p.kind is p.VAR_KEYWORD for p in inspect.signature(kind).parameters.values()):
        kwargs = {**given, **kwargs}
    return kind(**kwargs)


def _value(package: ModuleType, name: str) -> Any:
    if name in _VALUES:
        return _VALUES[name]
    if name in ("fn", "module", "block", "attn_layer"):
        return nn.Linear(_WIDTH, _WIDTH)
    if name == "attn_layers" or (name == "transformer" and package.__name__ == "x_transformers"):
        return package.Decoder(dim=_WIDTH, depth=2, heads=4, attn_dim_head=8)
    if name == "transformer":
        return nn.Sequential(nn.Linear(_WIDTH, _WIDTH), nn.GELU())
    if name in _NETS and package.__name__ == "x_transformers":
        decoder = package.Decoder(dim=_WIDTH, depth=2, heads=4, attn_dim_head=8)
        return package.TransformerWrapper(num_tokens=64, max_seq_len=64, attn_layers=decoder)
    if name in _NETS:
        return package.ViT(image_size=64, patch_size=8, num_classes=8, dim=_WIDTH, depth=2, heads=4, mlp_dim=64)
    raise KeyError(f"no value is known for {name}")


def _feeds(model: nn.Module) -> Sequence[Feed]:
    """What may go in, for one tensor or several that forward wants."""
    count = 0
    for p in inspect.signature(model.forward).parameters.values():
        count += p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    options: list[InputSpec] = [
        InputSpec(shape=("B", 3, 64, 64)), InputSpec(shape=("B", 3, 8, 64, 64)), InputSpec(shape=("B", 16, _WIDTH)),
        InputSpec(shape=("B", 16), dtype="int64", high=64), InputSpec(shape=("B", _WIDTH, 8, 8)),
        InputSpec(shape=("B", 3, 64)), InputSpec(shape=("B", 4, 16, 8)), InputSpec(shape=("B", _WIDTH)),
        InputSpec(shape=("B", 3, 256, 256)), InputSpec(shape=("B", 3, 224, 224)), InputSpec(shape=("B", 3, 96, 96)),
        InputSpec(shape=("B", 3, 192, 192)), InputSpec(shape=("B", 2, 4, 16, 8)),
        InputSpec(shape=("B", 4, 4, 4, 16, 8)), InputSpec(shape=("B", 8, 8, _WIDTH)), InputSpec(shape=("B", 64, 3)),
        InputSpec(shape=("B", 4, 16, 16)), InputSpec(shape=("B", _WIDTH, 4, 8, 8)), InputSpec(shape=("B", 3, 32, 32)),
        InputSpec(shape=("B", 16, 64)), InputSpec(shape=("B", 65, _WIDTH)), InputSpec(shape=("B",)),
    ]  # fmt: skip
    feeds: list[Feed] = [(option,) * max(1, count) for option in options]
    if count > 1:
        words = InputSpec(shape=("B", 16, _WIDTH))
        feeds += [(words, *(option,) * (count - 1)) for option in options]
        feeds += [(InputSpec(shape=("B", 16), dtype="int64", high=64), *(words,) * (count - 1))]
    return feeds if count else [(), *feeds]


def _options(package: ModuleType) -> Iterator[Subject]:
    """A small language model with each option that is a plain yes or no."""
    inner = importlib.import_module(f"{package.__name__}.x_transformers")
    tables = {"": inner.AttentionLayers, "attn_": inner.Attention, "ff_": inner.FeedForward}
    for prefix, kind in tables.items():
        for p in inspect.signature(kind).parameters.values():
            if isinstance(p.default, bool):
                yield _language_model(package, {f"{prefix}{p.name}": not p.default}, {})
    for p in inspect.signature(package.TransformerWrapper).parameters.values():
        if isinstance(p.default, bool):
            yield _language_model(package, {}, {p.name: not p.default})
    more: list[dict[str, Any]] = [
        {"attn_kv_heads": 2}, {"attn_num_mem_kv": 4}, {"attn_sparse_topk": 4}, {"attn_max_attend_past": 4},
        {"num_residual_streams": 4}, {"sandwich_coef": 1}, {"par_ratio": 2}, {"shift_tokens": 1},
        {"attn_value_dim_head": 16}, {"attn_gate_values_rank": 4}, {"layers_execute_order": (0, 1, 0, 1)},
    ]  # fmt: skip
    for layers in more:
        yield _language_model(package, layers, {})
    numbers = {"num_memory_tokens": 4, "emb_dim": 16, "num_output_heads": 2, "logits_dim": 8, "max_mem_len": 8}
    for name, value in numbers.items():
        yield _language_model(package, {}, {name: value})


def _language_model(package: ModuleType, layers: Mapping[str, Any], wrapper: Mapping[str, Any]) -> Subject:
    def make(kind: str) -> Callable[[], nn.Module]:
        def build() -> nn.Module:
            inner = getattr(package, kind)(**{"dim": _WIDTH, "depth": 2, "heads": 4, "attn_dim_head": 8, **layers})
            return package.TransformerWrapper(num_tokens=64, max_seq_len=64, attn_layers=inner, **wrapper)  # type: ignore[no-any-return]

        return build

    given = ", ".join(f"{name}={value}" for name, value in {**layers, **wrapper}.items())
    feeds: list[Feed] = [(InputSpec(shape=("B", 16), dtype="int64", high=64),)]
    variants = tuple(Variant(kind, make(kind), lambda _: feeds) for kind in ("Decoder", "Encoder"))
    return Subject(f"TransformerWrapper[{given}]", variants, str(package.__file__))

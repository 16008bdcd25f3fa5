"""One use of each operator that has a signature: inputs, the call, and the shapes that come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from convlint.inputspec import InputSpec

HALVES = "int64 bool int32"
"""The dtypes that an input may name."""


@dataclass(frozen=True)
class Use:
    """`inputs`: `q = B 128 8 64; index = 50 int64`. `gives`: the same without names, `;` between several outputs."""

    name: str
    inputs: str
    call: str  # its arguments
    gives: str
    make: str | None = None  # of a layer: the arguments of its constructor
    parameters: int | None = None

    @property
    def names(self) -> list[str]:
        return [part.partition("=")[0].strip() for part in self.inputs.split(";")]

    @property
    def specs(self) -> list[InputSpec]:
        return [_spec(part.partition("=")[2].split()) for part in self.inputs.split(";")]

    @property
    def outputs(self) -> tuple[tuple[int | str, ...], ...]:
        return tuple(tuple(map(_size, part.split())) for part in self.gives.split(";"))

    @property
    def source(self) -> str:
        module, _, short = self.name.rpartition(".")
        if short == "apply":
            module, _, kind = module.rpartition(".")
            head, callee = f"from {module} import {kind}", f"{kind}.apply"
        else:
            head, callee = f"from {module} import {short}", short
        made = f"self.layer = {short}({self.make})" if self.make is not None else "pass"
        call = f"self.layer({self.call})" if self.make is not None else f"{callee}({self.call})"
        return (
            f"import torch\nfrom torch import nn\n{head}\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
            f"        super().__init__()\n        {made}\n\n    def forward(self, {', '.join(self.names)}):\n"
            f"        return {call}\n"
        )


def _spec(words: list[str]) -> InputSpec:
    dtype = words.pop() if words and words[-1] in HALVES.split() else "float32"
    return InputSpec(shape=tuple(map(_size, words)), dtype=dtype)


def _size(word: str) -> int | str:
    return int(word) if word.isdigit() else word


def _flash_attn() -> Iterator[Use]:
    f = "flash_attn."
    yield Use(
        f + "flash_attn_func", "q = B 128 8 64; k = B 100 2 64; v = B 100 2 64", "q, k, v, causal=True", "B 128 8 64"
    )
    yield Use(
        f + "flash_attn_func", "q = B 128 8 64", "q, q, q, return_attn_probs=True", "B 128 8 64; B 8 128; B 8 128 128"
    )
    yield Use(f + "flash_attn_qkvpacked_func", "x = B 128 3 8 64", "x", "B 128 8 64")
    yield Use(f + "flash_attn_kvpacked_func", "q = B 128 8 64; kv = B 100 2 8 64", "q, kv", "B 128 8 64")
    lengths = "n = 5 int32"
    yield Use(f + "flash_attn_varlen_func", f"q = 900 8 64; {lengths}", "q, q, q, n, n, 300, 300", "900 8 64")
    yield Use(f + "flash_attn_varlen_qkvpacked_func", f"x = 900 3 8 64; {lengths}", "x, n, 300", "900 8 64")
    yield Use(f + "flash_attn_with_kvcache", "q = B 1 8 64; k = B 500 2 64", "q, k, k, causal=True", "B 1 8 64")
    yield Use(f + "bert_padding.pad_input", "x = 900 64; i = 900 int64", "x, i, 4, 300", "4 300 64")
    yield Use(f + "bert_padding.index_first_axis", "x = 1200 64; i = 900 int64", "x, i", "900 64")
    yield Use(f + "layers.rotary.apply_rotary_emb", "x = B 128 8 64; c = 128 16", "x, c, c", "B 128 8 64")
    yield Use(f + "ops.rms_norm.RMSNorm", "x = B 10 64", "x", "B 10 64", "64", 64)
    yield Use(f + "ops.triton.layer_norm.RMSNorm", "x = B 10 64", "x", "B 10 64", "64", 64)
    yield Use(f + "ops.triton.layer_norm.RMSNorm", "x = B 10 64", "x, prenorm=True", "B 10 64; B 10 64", "64", 64)
    yield Use(f + "ops.fused_dense.FusedDense", "x = B 10 64", "x", "B 10 32", "64, 32", 64 * 32 + 32)
    yield Use(f + "modules.mha.MHA", "x = B 10 64", "x", "B 10 64", "64, 8", 4 * 64 * 64 + 4 * 64)


def _xformers() -> Iterator[Use]:
    attention = "xformers.ops.memory_efficient_attention"
    yield Use(attention, "q = B 128 8 64; k = B 100 8 64; v = B 100 8 32", "q, k, v", "B 128 8 32")
    yield Use(attention, "q = B 128 64", "q, q, q, p=0.1", "B 128 64")
    yield Use(attention, "q = B 128 2 4 64", "q, q, q", "B 128 2 4 64")
    yield Use("xformers.ops.SwiGLU", "x = B 10 64", "x", "B 10 64", "64, 96", 64 * 192 + 192 + 96 * 64 + 64)
    yield Use("xformers.ops.swiglu", "x = B 10 8; w = 16 8; b = 16; o = 4 16; p = 4", "x, w, b, w, b, o, p", "B 10 4")
    yield Use("xformers.ops.RMSNorm", "x = B 10 64", "x", "B 10 64", "64", 64)


def _state_spaces() -> Iterator[Use]:
    inner = "mamba_ssm.ops.selective_scan_interface."
    # Counted by the layers that the package's own class makes: 64 -> 2 * 128, the convolution, 128 -> 4 + 32, ...
    counted = 64 * 256 + 128 * 4 + 128 + 128 * 36 + 4 * 128 + 128 + 128 * 16 + 128 + 128 * 64
    yield Use("mamba_ssm.Mamba", "x = B 50 64", "x", "B 50 64", "64", counted)
    heads, conv = 2, 128 + 2 * 128
    second = 64 * (2 * 128 + 2 * 128 + heads) + conv * 4 + conv + 3 * heads + 128 + 128 * 64
    yield Use("mamba_ssm.Mamba2", "x = B 50 64", "x", "B 50 64", "64", second)
    scan = "u = B 64 50; d = B 64 50; A = 64 16; S = B 16 50"
    yield Use(inner + "selective_scan_fn", scan, "u, d, A, S, S, delta_softplus=True", "B 64 50")
    yield Use(inner + "selective_scan_fn", scan, "u, d, A, S, S, return_last_state=True", "B 64 50; B 64 16")
    weights = "c = 64 1 4; e = 64; p = 36 64; r = 64 4; o = 32 64; A = 64 16"
    yield Use(inner + "mamba_inner_fn", f"x = B 128 50; {weights}", "x, c, e, p, r, o, None, A", "B 50 32")
    chunks = "mamba_ssm.ops.triton.ssd_combined.mamba_chunk_scan_combined"
    given = "x = B 256 8 64; t = B 256 8; A = 8; S = B 256 2 16"
    yield Use(chunks, given, "x, t, A, S, S, 64", "B 256 8 64")
    yield Use(chunks, given, "x, t, A, S, S, 64, return_final_states=True", "B 256 8 64; B 8 64 16")
    yield Use("mamba_ssm.ops.triton.layer_norm.RMSNorm", "x = B 10 64", "x", "B 10 64", "64", 64)
    yield Use("mamba_ssm.ops.triton.layernorm_gated.RMSNorm", "x = B 10 64; z = B 10 64", "x, z", "B 10 64", "64", 64)
    conv1d = "causal_conv1d.causal_conv1d_"
    yield Use(conv1d + "fn", "x = B 64 50; w = 64 4; b = 64", "x, w, b, activation='silu'", "B 64 50")
    yield Use(conv1d + "fn", "x = B 64 50; w = 64 4", "x, w, return_final_states=True", "B 64 50; B 64 3")
    yield Use(conv1d + "update", "x = B 64; s = B 64 4; w = 64 4", "x, s, w", "B 64")
    yield Use(conv1d + "update", "x = B 64 2; s = B 64 4; w = 64 4", "x, s, w", "B 64 2")


def _apex() -> Iterator[Use]:
    for name, times in (
        ("FusedLayerNorm", 2),
        ("MixedFusedLayerNorm", 2),
        ("FusedRMSNorm", 1),
        ("MixedFusedRMSNorm", 1),
    ):
        yield Use(f"apex.normalization.{name}", "x = B 10 64", "x", "B 10 64", "64", times * 64)
        yield Use(f"apex.normalization.{name}", "x = B 10 64", "x", "B 10 64", "(10, 64)", times * 640)
    norm = "apex.normalization.fused_layer_norm."
    yield Use(norm + "fused_layer_norm_affine", "x = B 10 64; w = 64", "x, w, w, (64,)", "B 10 64")
    yield Use(norm + "fused_layer_norm", "x = B 10 64", "x, (64,)", "B 10 64")
    yield Use(norm + "fused_rms_norm_affine", "x = B 10 64; w = 64", "x, w, (64,)", "B 10 64")
    yield Use("apex.fused_dense.FusedDense", "x = B 64", "x", "B 32", "64, 32", 64 * 32 + 32)
    counted = 64 * 128 + 128 + 128 * 32 + 32
    yield Use("apex.fused_dense.FusedDenseGeluDense", "x = B 64", "x", "B 32", "64, 128, 32", counted)
    yield Use("apex.parallel.SyncBatchNorm", "x = B 16 H W", "x", "B 16 H W", "16", 32)


def _torchvision() -> Iterator[Use]:
    ops, boxes = "torchvision.ops.", "b = 100 4"
    yield Use(ops + "box_iou", f"{boxes}; c = 30 4", "b, c", "100 30")
    yield Use(ops + "generalized_box_iou", f"{boxes}; c = 30 4", "b, c", "100 30")
    yield Use(ops + "box_convert", boxes, "b, 'xyxy', 'xywh'", "100 4")
    yield Use(ops + "clip_boxes_to_image", boxes, "b, (200, 200)", "100 4")
    deformed = "x = B 16 32 32; o = B 18 30 30; w = 8 16 3 3; m = B 9 30 30"
    yield Use(ops + "deform_conv2d", deformed, "x, o, w, mask=m", "B 8 30 30")
    given = "x = B 16 32 32; o = B 18 16 16"
    yield Use(ops + "DeformConv2d", given, "x, o", "B 8 16 16", "16, 8, 3, stride=2, padding=1", 8 * 16 * 9 + 8)
    for name, channels in (("roi_align", 49), ("roi_pool", 49), ("ps_roi_align", 1), ("ps_roi_pool", 1)):
        yield Use(ops + name, "x = 2 49 32 32; b = 100 5", "x, b, 7", f"100 {channels} 7 7")
        yield Use(ops + name, "x = 2 49 32 32; b = 60 4; c = 30 4", "x, [b, c], (7, 7)", f"90 {channels} 7 7")
    layers = (
        ("RoIAlign", 49, "7, 1.0, 2"),
        ("RoIPool", 49, "7, 1.0"),
        ("PSRoIAlign", 1, "7, 1.0, 2"),
        ("PSRoIPool", 1, "7, 1.0"),
    )
    for name, channels, make in layers:
        yield Use(ops + name, "x = 2 49 32 32; b = 100 5", "x, b", f"100 {channels} 7 7", make, 0)
        yield Use(ops + name, "x = 2 49 32 32; b = 60 4; c = 30 4", "x, [b, c]", f"90 {channels} 7 7", make, 0)
    yield Use(ops + "sigmoid_focal_loss", "x = B 10; y = B 10", "x, y", "B 10")
    yield Use(ops + "sigmoid_focal_loss", "x = B 10; y = B 10", "x, y, reduction='mean'", "")
    yield Use(ops + "stochastic_depth", "x = B 10", "x, 0.1, 'row'", "B 10")
    yield Use(ops + "StochasticDepth", "x = B 10", "x", "B 10", "0.1, 'row'", 0)
    yield Use(ops + "FrozenBatchNorm2d", "x = B 16 H W", "x", "B 16 H W", "16", 0)
    counted = 16 * 4 + 4 + 4 * 16 + 16
    yield Use(ops + "SqueezeExcitation", "x = B 16 8 8", "x", "B 16 8 8", "16, 4", counted)


def _scatter() -> Iterator[Use]:
    given = "x = 100 64; i = 100 int64"
    plain = ("scatter", "scatter_sum", "scatter_add", "scatter_mul", "scatter_mean", "scatter_std", "scatter_logsumexp")
    for name in plain:
        yield Use(f"torch_scatter.{name}", given, "x, i, dim=0, dim_size=30", "30 64")
        yield Use(f"torch_scatter.{name}", f"{given}; o = 30 64", "x, i, 0, o", "30 64")
    for name in ("scatter_min", "scatter_max"):
        yield Use(f"torch_scatter.{name}", given, "x, i, dim=0, dim_size=30", "30 64; 30 64")
    for name in ("scatter_softmax", "scatter_log_softmax"):
        yield Use(f"torch_scatter.{name}", given, "x, i, dim=0", "100 64")
    for name in ("segment_coo", "segment_sum_coo", "segment_mean_coo"):
        yield Use(f"torch_scatter.{name}", given, "x, i, dim_size=30", "30 64")
    for name in ("segment_csr", "segment_sum_csr", "segment_mean_csr"):
        yield Use(f"torch_scatter.{name}", "x = 100 64; i = 31 int64", "x, i", "30 64")


def _einops() -> Iterator[Use]:
    layers = "einops.layers.torch."
    patches, flat = "'b c (h p) (w q) -> b (h w) (p q c)', p=4, q=4", "'b c h w -> b c'"
    yield Use(layers + "Rearrange", "x = B 3 32 32", "x", "B 64 48", patches, 0)
    yield Use(layers + "Reduce", "x = B 3 H W", "x", "B 3", f"{flat}, 'mean'", 0)
    mixed = "'b l i -> b l o', weight_shape='i o', bias_shape='o', i=64, o=32"
    yield Use(layers + "EinMix", "x = B 10 64", "x", "B 10 32", mixed, 64 * 32 + 32)
    yield Use("einops.rearrange", "x = B 10 64", "x, 'b l (h d) -> b h l d', h=8", "B 8 10 8")
    yield Use("einops.rearrange", "x = B 10 64", "x, 'b ... -> ... b'", "10 64 B")
    yield Use("einops.reduce", "x = B 3 32 32", "x, 'b c (h 2) (w 2) -> b c h w', 'max'", "B 3 16 16")
    yield Use("einops.repeat", "x = B 64", "x, 'b d -> b n d', n=5", "B 5 64")


def _detection() -> Iterator[Use]:
    weights = 8 * 16 * 9
    given, modulated = "x = B 16 32 32; o = B 18 32 32", "x = B 16 32 32; o = B 18 32 32; m = B 9 32 32"
    for package, plain, full in (
        ("detectron2.layers", "DeformConv", "ModulatedDeformConv"),
        ("mmcv.ops", "DeformConv2d", "ModulatedDeformConv2d"),
    ):
        yield Use(f"{package}.{plain}", given, "x, o", "B 8 32 32", "16, 8, 3, padding=1", weights)
        yield Use(f"{package}.{full}", modulated, "x, o, m", "B 8 32 32", "16, 8, 3, padding=1", weights + 8)
    rois = "x = 2 16 32 32; r = 100 "
    yield Use("detectron2.layers.ROIAlign", rois + "5", "x, r", "100 16 7 7", "7, 0.25, 0", 0)
    yield Use("detectron2.layers.ROIAlignRotated", rois + "6", "x, r", "100 16 7 7", "(7, 7), 0.25, 0", 0)
    yield Use("detectron2.layers.rotated_boxes.pairwise_iou_rotated", "a = 10 5; b = 20 5", "a, b", "10 20")
    offsets = weights + 18 * 16 * 9 + 18
    yield Use("mmcv.ops.DeformConv2dPack", "x = B 16 32 32", "x", "B 8 32 32", "16, 8, 3, padding=1", offsets)
    both = weights + 8 + 27 * 16 * 9 + 27
    yield Use("mmcv.ops.ModulatedDeformConv2dPack", "x = B 16 H W", "x", "B 8 H W", "16, 8, 3, padding=1", both)
    yield Use("mmcv.ops.RoIAlign", rois + "5", "x, r", "100 16 7 7", "7", 0)
    yield Use("mmcv.ops.RoIPool", rois + "5", "x, r", "100 16 7 7", "7", 0)
    yield Use("mmcv.ops.roi_align", rois + "5", "x, r, 7", "100 16 7 7")
    sampled = "v = B 500 8 32; s = 4 2 int64; i = 4 int64; l = B 100 8 4 4 2; w = B 100 8 4 4"
    attention = "mmcv.ops.multi_scale_deform_attn.MultiScaleDeformableAttnFunction.apply"
    yield Use(attention, sampled, "v, s, i, l, w, 64", "B 100 256")
    counted = 256 * 256 + 256 + 256 * 128 + 128 + 2 * (256 * 256 + 256)
    values = "q = 100 B 256; v = 500 B 256; r = B 100 4 2; s = 4 2 int64; i = 4 int64"
    call = "q, value=v, reference_points=r, spatial_shapes=s, level_start_index=i"
    yield Use("mmcv.ops.MultiScaleDeformableAttention", values, call, "100 B 256", "", counted)
    first = "q = B 100 256; v = B 500 256; r = B 100 4 2; s = 4 2 int64; i = 4 int64"
    yield Use("mmcv.ops.MultiScaleDeformableAttention", first, call, "B 100 256", "batch_first=True", counted)
    yield Use("mmcv.ops.CornerPool", "x = B 8 H W", "x", "B 8 H W", "'top'", 0)
    yield Use("mmcv.ops.CARAFE", "x = B 8 16 16; m = B 25 32 32", "x, m", "B 8 32 32", "5, 1, 2", 0)
    yield Use("mmcv.ops.furthest_point_sample", "x = B 1024 3", "x, 64", "B 64")
    yield Use("mmcv.ops.ball_query", "x = B 1024 3; c = B 64 3", "0, 0.2, 16, x, c", "B 64 16")
    yield Use("mmcv.ops.grouping_operation", "x = B 8 1024; i = B 64 16 int32", "x, i", "B 8 64 16")
    yield Use("mmcv.ops.gather_points", "x = B 8 1024; i = B 64 int32", "x, i", "B 8 64")
    yield Use("mmcv.ops.three_nn", "x = B 1024 3; c = B 64 3", "x, c", "B 1024 3; B 1024 3")
    yield Use("mmcv.ops.three_interpolate", "x = B 8 64; i = B 100 3 int32; w = B 100 3", "x, i, w", "B 8 100")


def _pytorch3d() -> Iterator[Use]:
    ops, points = "pytorch3d.ops.", "p = B 1024 3; q = B 512 3"
    yield Use(ops + "knn_points", points, "p, q, K=8, return_nn=True", "B 1024 8; B 1024 8; B 1024 8 3")
    yield Use(ops + "knn_points", points, "p, q, K=8", "B 1024 8; B 1024 8")
    yield Use(ops + "knn_gather", "x = B 512 16; i = B 1024 8 int64", "x, i", "B 1024 8 16")
    yield Use(ops + "ball_query", points, "p, q, K=8, return_nn=False", "B 1024 8; B 1024 8")
    yield Use(ops + "sample_farthest_points", points, "p, K=64", "B 64 3; B 64")
    yield Use(ops + "packed_to_padded", "x = 900 3; i = 4 int64", "x, i, 300", "4 300 3")
    yield Use(ops + "padded_to_packed", "x = 4 300 3; i = 4 int64", "x, i, 900", "900 3")
    yield Use("pytorch3d.loss.chamfer_distance", points, "p, q", "")
    yield Use("pytorch3d.loss.chamfer_distance", points, "p, q, batch_reduction=None", "B")
    sizes = {"quaternion": "4", "quaternions": "4", "matrix": "3 3", "axis_angle": "3", "euler_angles": "3"}
    for name in (
        *("quaternion_to_matrix", "matrix_to_quaternion", "axis_angle_to_matrix", "matrix_to_axis_angle"),
        *("axis_angle_to_quaternion", "quaternion_to_axis_angle"),
    ):
        before, _, after = name.partition("_to_")
        yield Use(f"pytorch3d.transforms.{name}", f"x = B {sizes[before]}", "x", f"B {sizes[after]}")
    transforms = "pytorch3d.transforms."
    yield Use(transforms + "euler_angles_to_matrix", "x = B 3", "x, 'XYZ'", "B 3 3")
    yield Use(transforms + "matrix_to_euler_angles", "x = B 3 3", "x, 'XYZ'", "B 3")
    yield Use(transforms + "rotation_6d_to_matrix", "x = B 6", "x", "B 3 3")
    yield Use(transforms + "matrix_to_rotation_6d", "x = B 3 3", "x", "B 6")
    yield Use(transforms + "standardize_quaternion", "x = B 4", "x", "B 4")
    yield Use(transforms + "quaternion_invert", "x = B 4", "x", "B 4")
    yield Use(transforms + "quaternion_multiply", "x = B 1 4; y = B 10 4", "x, y", "B 10 4")
    yield Use(transforms + "quaternion_apply", "x = B 1 4; y = B 10 3", "x, y", "B 10 3")


USES: tuple[Use, ...] = (
    *_flash_attn(),
    *_xformers(),
    *_state_spaces(),
    *_apex(),
    *_torchvision(),
    *_scatter(),
    *_einops(),
    *_detection(),
    *_pytorch3d(),
)

UNKNOWN: tuple[Use, ...] = (
    Use("torchvision.ops.nms", "b = 100 4; s = 100", "b, s, 0.5", ""),
    Use("torchvision.ops.batched_nms", "b = 100 4; s = 100; i = 100 int64", "b, s, i, 0.5", ""),
    Use("detectron2.layers.nms", "b = 100 4; s = 100", "b, s, 0.5", ""),
    Use("detectron2.layers.batched_nms", "b = 100 4; s = 100; i = 100 int64", "b, s, i, 0.5", ""),
    Use("detectron2.layers.nms_rotated", "b = 100 5; s = 100", "b, s, 0.5", ""),
    Use("detectron2.layers.batched_nms_rotated", "b = 100 5; s = 100; i = 100 int64", "b, s, i, 0.5", ""),
    Use("mmcv.ops.nms", "b = 100 4; s = 100", "b, s, 0.5", ""),
    Use("mmcv.ops.batched_nms", "b = 100 4; s = 100; i = 100 int64", "b, s, i, dict(type='nms')", ""),
    Use("torch_scatter.scatter", "x = 100 64; i = 100 int64", "x, i, dim=0", ""),
)
"""Those whose result has a size that data decides."""

"""Wrong uses of operators with signatures: what is found, and at which line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tracing import Checked, Linter, net
from uses import USES, Use

from convlint.facts import Reason
from convlint.rules.apply import diagnose
from convlint.rules.load import load_rules
from convlint.sentences import sentence


def use_of(name: str, call: str | None = None) -> Use:
    return next(use for use in USES if use.name == name and (call is None or use.call == call))


def is_misfit(checked: Checked, name: str) -> bool:
    """Whether nothing was checked after a call that the signature does not describe."""
    reason = checked.model.reason
    return reason is not None and (reason.cause.kind, reason.cause.name) == ("signature-misfit", name)


WRONG = [
    # the operator, inputs that it does not take; the rule, what is needed and what came
    ("flash_attn.flash_attn_func", "q = B 128 8 64; k = B 100 2 32; v = B 100 2 32", "CL120", 64, 32),
    (
        "flash_attn.flash_attn_func",
        "q = B 128 8 64; k = B 100 3 64; v = B 100 3 64",
        "CL120",
        "`h % hk == 0`",
        "h = 8, hk = 3",
    ),
    ("flash_attn.flash_attn_func", "q = B 128 8 64; k = B 100 2 64; v = B 90 2 64", "CL120", 100, 90),
    ("flash_attn.flash_attn_qkvpacked_func", "x = B 128 8 3 64", "CL120", 3, 8),
    ("flash_attn.flash_attn_varlen_func", "q = 900 8 64; n = 5 int64", "CL116", "int32", "int64"),
    ("xformers.ops.memory_efficient_attention", "q = B 128 8 64; k = B 100 4 64; v = B 100 4 32", "CL120", 8, 4),
    ("xformers.ops.SwiGLU", "x = B 10 32", "CL120", 64, 32),
    ("mamba_ssm.Mamba", "x = B 50 32", "CL120", 64, 32),
    ("mamba_ssm.Mamba", "x = B 64", "CL114", 3, 2),
    ("causal_conv1d.causal_conv1d_fn", "x = B 50 64; w = 64 4; b = 64", "CL120", 50, 64),
    ("torchvision.ops.roi_align", "x = 2 49 32 32; b = 100 6", "CL120", 5, 6),
    ("torchvision.ops.roi_align", "x = 49 32 32; b = 100 5", "CL114", 4, 3),
    ("torchvision.ops.deform_conv2d", "x = B 16 32 32; o = B 18 32 32; w = 8 16 3 3; m = B 9 30 30", "CL120", 30, 32),
    ("torchvision.ops.DeformConv2d", "x = B 16 32 32; o = B 20 16 16", "CL120", "a multiple of 18", 20),
    (
        "torch_scatter.scatter_softmax",
        "x = 100 64; i = 90 int64",
        "CL120",
        "`len(i) != 1 or i[0] == 1 or i[0] == s[axis]`",
        None,
    ),
    ("torch_scatter.scatter", "x = 100 64; i = 100", "CL116", "int64", "float32"),
    ("apex.normalization.FusedLayerNorm", "x = B 10 32", "CL120", 64, 32),
    ("apex.normalization.FusedRMSNorm", "x = B 10 64 int64", "CL116", "float32", "int64"),
    ("einops.layers.torch.Rearrange", "x = B 3 30 32", "CL120", "a multiple of 4", 30),
    ("einops.rearrange", "x = B 10 60", "CL120", "a multiple of 8", 60),
    ("detectron2.layers.ROIAlignRotated", "x = 2 16 32 32; r = 100 5", "CL120", 6, 5),
    ("mmcv.ops.ModulatedDeformConv2d", "x = B 16 32 32; o = B 27 32 32; m = B 9 32 32", "CL120", 18, 27),
    (
        "mmcv.ops.MultiScaleDeformableAttention",
        "q = 100 B 256; v = 500 B 128; r = B 100 4 2; s = 4 2 int64; i = 4 int64",
        "CL120",
        256,
        128,
    ),
    ("pytorch3d.ops.knn_points", "p = B 1024 3; q = B 512 2", "CL120", 3, 2),
    ("pytorch3d.transforms.quaternion_to_matrix", "x = B 3", "CL120", 4, 3),
]


@pytest.mark.parametrize(("name", "inputs", "code", "expected", "actual"), WRONG, ids=[f"{w[0]} {w[1]}" for w in WRONG])
def test_a_wrong_use(linter: Linter, name: str, inputs: str, code: str, expected: object, actual: object) -> None:
    use = replace(use_of(name), inputs=inputs)
    checked = linter(use.source, *use.specs)
    (found,) = diagnose(checked.file, load_rules())
    assert found.code == code
    assert found.expected == expected
    assert actual is None or found.actual == actual
    line = use.source.splitlines()[found.location.row - 1]
    assert "return" in line or "self.layer = " in line
    assert "?" not in found.message


def test_the_message_names_the_input_and_its_shape(linter: Linter) -> None:
    use = replace(use_of("flash_attn.flash_attn_func"), inputs="q = B 128 8 64; k = B 100 2 32; v = B 100 2 32")
    (found,) = diagnose(linter(use.source, *use.specs).file, load_rules())
    shapes = "[B, 128, 8, 64], [B, 100, 2, 32] and [B, 100, 2, 32]"
    assert found.message == (f"`flash_attn_func` needs 64 in dimension 3 of `k` (`b lk hk d`), but gets 32: {shapes}")
    assert use.source.splitlines()[found.location.row - 1].lstrip().startswith("return flash_attn_func(")


def test_the_number_of_a_layer_is_the_place_and_the_help(linter: Linter) -> None:
    source = net(
        """
        self.linear = nn.Linear(16, 32)
        self.norm = FusedLayerNorm(64)
        self.head = nn.Linear(32, 4)
        """,
        "return self.head(self.norm(self.linear(x)))",
    ).replace("\n\n\nclass", "\nfrom apex.normalization import FusedLayerNorm\n\n\nclass")
    checked = linter(source, ("B", 10, 16))
    (found,) = diagnose(checked.file, load_rules())
    assert checked.the_finding.text == "64"
    assert (found.expected, found.actual) == (64, 32)
    assert found.fix is not None
    assert found.fix.edits[0].content == "32"


def test_a_mistake_in_symbols_narrows_the_sizes(linter: Linter) -> None:
    source = net("", "return rearrange(x, 'b c (h p) (w q) -> b (h w) (p q c)', p=4, q=4)")
    source = source.replace(
        "\n\n\nclass", "\nfrom einops.layers.torch import Rearrange\nfrom einops import rearrange\n\n\nclass"
    )
    checked = linter(source, ("B", 3, "H", "W"))
    assert checked.is_clean()
    assert checked.model.size_note is not None
    assert "multiple" in checked.model.size_note


class TestNothingIsFoundWhere:
    def test_the_constructor_is_called_as_that_of_another_version(self, linter: Linter) -> None:
        use = replace(use_of("apex.normalization.FusedLayerNorm"), make="64, new_option=True")
        checked = linter(use.source, *use.specs)
        assert not checked.findings
        assert not checked.file.build_failures
        assert is_misfit(checked, "FusedLayerNorm")

    def test_a_layer_is_copied(self, linter: Linter) -> None:
        source = net(
            "self.norms = nn.ModuleList([copy.deepcopy(FusedLayerNorm(64)) for _ in range(2)])",
            "return self.norms[1](x)",
        )
        source = source.replace(
            "\n\n\nclass", "\nimport copy\nfrom apex.normalization import FusedLayerNorm\n\n\nclass"
        )
        assert linter(source, ("B", 64)).is_clean()

    def test_a_size_depends_on_data(self, linter: Linter) -> None:
        source = net(
            "self.head = nn.Linear(4, 2)",
            """
            keep = nms(boxes, scores, 0.5)
            return self.head(boxes[keep]) + torch.zeros(7, 2)
            """,
            "boxes, scores",
        ).replace("\n\n\nclass", "\nfrom detectron2.layers import nms\n\n\nclass")
        assert not linter(source, (100, 4), (100,)).findings
        assert not linter(source, ("N", 4), ("N",)).findings

    def test_the_call_is_none_that_the_signature_knows(self, linter: Linter) -> None:
        use = replace(use_of("flash_attn.flash_attn_func"), call="q, k, v, new_option=True")
        checked = linter(use.source, *use.specs)
        assert not checked.findings
        assert checked.model.status == "partial"
        assert is_misfit(checked, "flash_attn.flash_attn_func")

    def test_an_attribute_is_none_that_the_signature_knows(self, linter: Linter) -> None:
        source = net("self.norm = FusedLayerNorm(64)", "return x * self.norm.some_buffer").replace(
            "\n\n\nclass", "\nfrom apex.normalization import FusedLayerNorm\n\n\nclass"
        )
        checked = linter(source, ("B", 64))
        assert not checked.findings
        assert checked.model.status == "partial"
        assert checked.model.reason is not None
        assert "some_buffer" in sentence(checked.model.reason)

    def test_autocast_chooses_the_dtype(self, linter: Linter) -> None:
        source = net(
            "self.q = nn.Linear(64, 64)",
            """
            with torch.autocast("cuda", dtype=torch.bfloat16):
                q = self.q(x).view(-1, 10, 8, 8)
                return flash_attn_func(q, q, q)
            """,
        ).replace("\n\n\nclass", "\nfrom flash_attn import flash_attn_func\n\n\nclass")
        assert not linter(source, ("B", 10, 64)).findings


def test_what_has_no_signature_still_skips_the_model(linter: Linter) -> None:
    source = net("", "return torch.relu(unheard_of(x))").replace(
        "\n\n\nclass", "\nfrom flash_attn import unheard_of\n\n\nclass"
    )
    checked = linter(source, ("B", 64))
    assert checked.model.status != "checked"
    assert checked.model.reason is not None
    assert checked.model.reason.cause == Reason(kind="package-absent", name="flash_attn")


def test_a_module_that_is_called_as_a_function_of_its_package(linter: Linter) -> None:
    source = net("self.pool = RoIAlign(7)", "return self.pool(x, rois), roi_align(x, rois, 7)", "x, rois").replace(
        "\n\n\nclass", "\nfrom mmcv.ops.roi_align import RoIAlign\nfrom mmcv.ops import roi_align\n\n\nclass"
    )
    assert linter(source, (2, 8, 32, 32), (10, 5)).is_clean()


def test_a_subclass_of_a_layer(linter: Linter) -> None:
    source = net("self.norm = Norm(64)", "return self.norm(x)").replace(
        "\n\n\nclass",
        "\nfrom apex.normalization import FusedLayerNorm\n\n\nclass Norm(FusedLayerNorm):\n"
        "    def forward(self, x):\n        return super().forward(x.float()).type_as(x)\n\n\nclass",
        1,
    )
    checked = linter(source, ("B", 10, 32))
    assert checked.the_finding.short[:3] == ("signature", 64, 32)

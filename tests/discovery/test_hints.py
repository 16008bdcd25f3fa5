"""Evidence for inputs that is written on a model, or in code that calls it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from convlint.discovery.discover import Discovery, discover
from convlint.inputspec import InputSpec
from convlint.jobs import Hint

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.conv = nn.Conv2d(channels, 8, 3)

    def forward(self, x):
        return self.conv(x)
"""


def lint(folder: Path, **files: str) -> Discovery:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    return discover([str(folder)], lambda _: ())


def hints_of(found: Discovery, target: str = "Net") -> tuple[Hint, ...]:
    return next(model.hints for file in found.files for model in file.models if model.target == target)


def hints(folder: Path, *parts: str, **files: str) -> list[Hint]:
    """The hints of Net in a file made of the parts."""
    text = "".join(textwrap.dedent(part) for part in parts)
    return list(hints_of(lint(folder, net=text, **files)))


def calls(found: list[Hint]) -> list[str]:
    return [hint.call.text for hint in found if hint.call is not None]


def shapes(found: list[Hint]) -> list[list[tuple[int | str, ...] | None]]:
    return [[spec.shape for spec in hint.inputs] for hint in found if hint.kind == "inputs"]


def with_forward(head: str, body: str = "return self.conv(x)", before: str = "") -> str:
    """NET with another forward."""
    text = NET.partition("    def forward")[0]
    return text + textwrap.indent(f"{before}{head}\n", "    ") + textwrap.indent(f"{textwrap.dedent(body)}\n", " " * 8)


# Directives


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("input=[B, 1, 28, 28]", (InputSpec(shape=("B", 1, 28, 28)),)),
        ("input=(B, 1, 28, 28)", (InputSpec(shape=("B", 1, 28, 28)),)),
        ("input = [B, 20]:int64", (InputSpec(shape=("B", 20), dtype="int64"),)),
        (
            "input=[B, 3, H, W], [B, 10]:int64",
            (InputSpec(shape=("B", 3, "H", "W")), InputSpec(shape=("B", 10), dtype="int64")),
        ),
        ("input=x:[B, 5]:bool", (InputSpec(name="x", shape=("B", 5), dtype="bool"),)),
        ("input=(5,)", (InputSpec(shape=(5,)),)),
        ("input=[]", (InputSpec(shape=()),)),
    ],
)
def test_a_directive_says_what_forward_takes(tmp_path: Path, text: str, inputs: tuple[InputSpec, ...]) -> None:
    found = hints(tmp_path, with_forward(f"def forward(self, x, y=None):  # convlint: {text}"))
    assert [hint.inputs for hint in found] == [inputs]
    assert found[0].is_evidence
    assert found[0].source == "comment (line 10)"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class Net", "# convlint: input=[B, 7]\nclass Net"),
        ("class Net", "# convlint: input=[B, 7]\n# the second\n@torch.no_grad\nclass Net"),
        ("class Net(nn.Module):", "class Net(nn.Module):  # convlint: input=[B, 7]"),
        ("class Net(nn.Module):", 'class Net(nn.Module):\n    """A net."""\n    # convlint: input=[B, 7]'),
        ("    def forward", "    # convlint: input=[B, 7]\n    def forward"),
        ("        return self", "        # convlint: input=[B, 7]\n        return self"),
    ],
)
def test_a_directive_stands_on_the_class_or_forward(tmp_path: Path, old: str, new: str) -> None:
    found = lint(tmp_path, net=NET.replace(old, new))
    assert shapes(list(hints_of(found))) == [[("B", 7)]]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("input=[B, 2.5]", 'a size is a whole number from 0, or a symbol such as "B", but not 2.5'),
        ("input=[B, -1]", 'a size is a whole number from 0, or a symbol such as "B", but not -1'),
        ("input=[B, 20]:int46", 'unknown dtype "int46"; did you mean "int64"?'),
        ("input=B, 20", '"B, 20" is not a shape; write it as `# convlint: input=[B, 3, 224, 224]`'),
        ("input=", "no shape is given"),
        ("inputs [B, 20]", "there is no `=` behind `input`"),
        ("input=mask:[B, 20]", 'forward has no parameter "mask"'),
    ],
)
def test_a_malformed_directive_is_a_problem(tmp_path: Path, text: str, problem: str) -> None:
    found = lint(tmp_path, net=with_forward(f"def forward(self, x):  # convlint: {text}"))
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"{tmp_path}/net.py:10: `# convlint: input=...`: {problem}")
    assert hints_of(found) == ()


def test_a_directive_that_belongs_to_nothing_is_a_problem(tmp_path: Path) -> None:
    found = lint(tmp_path, net=NET + "\n\nx = 3  # convlint: input=[B, 3]\n")
    assert "it belongs to the class of a model or to its forward" in found.problems[0]


def test_a_directive_in_a_string_is_text(tmp_path: Path) -> None:
    found = lint(tmp_path, net=NET + '\nHELP = """\n# convlint: input=oops\n"""\n')
    assert found.problems == ()


# Annotations


@pytest.mark.parametrize(
    ("annotation", "spec"),
    [
        ('Float[Tensor, "batch 3 28 28"]', InputSpec(shape=("B", 3, 28, 28))),
        ('Float[Tensor, "b channels height width"]', InputSpec(shape=("B", "C", "H", "W"))),
        ('Int[Tensor, "b n"]', InputSpec(shape=("B", "N"), dtype="int64")),
        ("\"Bool[Tensor, 'bs time']\"", InputSpec(shape=("B", "TIME"), dtype="bool")),
        ('Float[Tensor, "batch feat=5"]', InputSpec(shape=("B", 5))),
        ('Annotated[Tensor, "B 3 28 28"]', InputSpec(shape=("B", 3, 28, 28))),
        ('Annotated[Tensor, ("B", 3, 28, 28)]', InputSpec(shape=("B", 3, 28, 28))),
        ('TensorType["batch", 3, 28, 28, float]', InputSpec(shape=("B", 3, 28, 28))),
    ],
)
def test_an_annotation_tells_the_shape(tmp_path: Path, annotation: str, spec: InputSpec) -> None:
    imports = """
        from typing import Annotated
        from jaxtyping import Bool, Float, Int
        from torch import Tensor
        from torchtyping import TensorType
    """
    found = hints(tmp_path, imports, with_forward(f"def forward(self, x: {annotation}):"))
    assert [(hint.inputs, hint.is_evidence) for hint in found] == [((spec,), True)]


@pytest.mark.parametrize(
    "annotation",
    [
        'Float[Tensor, "*batch 3 28 28"]',
        'Float[Tensor, "... 28 28"]',
        'Float[Tensor, "b _ 28"]',
        'Float[Tensor, "b h*w"]',
        'Annotated[Tensor, "input image"]',
        'list[Tensor, "b 3"]',
    ],
)
def test_an_annotation_of_unknown_sizes_is_no_hint(tmp_path: Path, annotation: str) -> None:
    imports = "from typing import Annotated\nfrom jaxtyping import Float\nfrom torch import Tensor\n"
    assert hints(tmp_path, imports, with_forward(f"def forward(self, x: {annotation}):")) == []


def test_what_has_no_annotation_is_left_out_by_name(tmp_path: Path) -> None:
    head = 'def forward(self, x, mask: Float[Tensor, "b 4"]):'
    found = hints(tmp_path, "from jaxtyping import Float\nfrom torch import Tensor\n", with_forward(head))
    assert found[0].inputs == (InputSpec(name="mask", shape=("B", 4)),)


# Calls


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("Net()(torch.randn(2, 3, 8, 8))", "forward(torch.randn(2, 3, 8, 8))"),
        ("net = Net()\nnet(torch.randn(2, 3, 8, 8))", "forward(torch.randn(2, 3, 8, 8))"),
        ("net = Net().cuda().eval()\nx = torch.ones(1, 3, 8, 8).cuda()\ny = net(x)", "forward(x)"),
        ("net = nn.DataParallel(Net())\nnet = net.to('cpu')\nnet.forward(torch.ones(1))", "forward(torch.ones(1))"),
        ("if True:\n    net = Net()\n    print(net(x=torch.ones(1), y=2))", "forward(x=torch.ones(1), y=2)"),
        ("def main():\n    net = Net()\n    for _ in range(9):\n        net(torch.ones(1))", "forward(torch.ones(1))"),
        ("def build():\n    return Net(3)\nnet = build()\nnet(torch.ones(1))", "forward(torch.ones(1))"),
        ("def run(net):\n    net(torch.ones(1))\nrun(Net())", "forward(torch.ones(1))"),
        ("def size(n=4):\n    return Net()(torch.ones(n))", "forward(torch.ones(4))"),
        ("def main(args):\n    Net()(torch.ones(1, args.channels))", "forward(torch.ones(1, args.channels))"),
        ("net = Net()\nfor _ in range(9):\n    a, b = torch.ones(2, 3)\n    net(a)", "forward(torch.ones(2, 3)[0])"),
        ("def words():\n    return torch.ones(3)\nNet()(words())", "forward(words())"),
        (
            "class T:\n  def setUp(self):\n    self.net = Net()\n  def test(self):\n    self.net(torch.ones(1))",
            "forward(torch.ones(1))",
        ),
        ("import torch.onnx\nnet = Net()\nx = torch.ones(1)\ntorch.onnx.export(net, x, 'a')", "forward(x)"),
        ("torch.onnx.export(Net(), (torch.ones(1), 2), 'a')", "forward(torch.ones(1), 2)"),
        ("net = Net()\nx = (torch.ones(1), 2)\ntorch.jit.trace(net, x)", "forward(*x)"),
        ("from thop import profile\nprofile(Net(), inputs=(torch.ones(1),))", "forward(torch.ones(1))"),
        ("writer = object()\nwriter.add_graph(Net(), torch.ones(1))", "forward(torch.ones(1))"),
        ("from fvcore.nn import FlopCountAnalysis\nFlopCountAnalysis(Net(), torch.ones(1))", "forward(torch.ones(1))"),
        ("from torchinfo import summary\nsummary(Net(), input_data=torch.ones(1))", "forward(torch.ones(1))"),
    ],
)
def test_an_example_call_tells_the_inputs(tmp_path: Path, code: str, call: str) -> None:
    found = hints(tmp_path, NET, "\n", code)
    assert calls(found) == [call]
    assert found[0].is_evidence


@pytest.mark.parametrize(
    "code",
    [
        "net = Net()\nfor x, y in loader:\n    net(x)",
        "net = Net()\nfor batch in loader:\n    x = batch[0].cuda()\n    net(x)",
        "x = next(iter(loader))\nNet()(x)",
        "def run(x):\n    return Net()(x)",
        "def loss(x=None):\n    return Net()(x)",
        "Net()(unknown)",
        "Net()(torch.load('x.pt'))",
        "from PIL import Image\ndef load():\n    return Image.open('x')\nNet()(load())",
        "x = []\nfor i in range(3):\n    x.append(i)\nNet()(torch.tensor(x))",
        "with open('x') as file:\n    Net()(torch.ones(file))",
        "net = Net()\nnet.conv(torch.ones(1, 3, 8, 8))",
        "import pytest\ndef test():\n    with pytest.raises(RuntimeError):\n        Net()(torch.ones(1))",
        "def run(Net):\n    Net()(torch.ones(1))",
        "class Buffer:\n    def sample(self):\n        return 1\nbuffer = Buffer()\nNet()(buffer.sample())",
        "from mine import summary\nsummary(Net(), (1, 28, 28))",
    ],
)
def test_a_call_with_data_is_no_hint(tmp_path: Path, code: str) -> None:
    assert hints(tmp_path, NET, "\n", code) == []


def test_the_binding_that_reaches_a_call_counts(tmp_path: Path) -> None:
    code = """
        class Other(nn.Module):
            def forward(self, x):
                return x
        net = Other()
        net(torch.ones(1))
        net = Net(4)
        net(torch.ones(2))
    """
    found = lint(tmp_path, net=NET + textwrap.dedent(code))
    assert calls(list(hints_of(found, "Net"))) == ["forward(torch.ones(2))"]
    assert calls(list(hints_of(found, "Other"))) == ["forward(torch.ones(1))"]
    site = hints_of(found, "Net")[0].site
    assert site is not None
    assert (site.text, site.row) == ("Net(4)", 18)


def test_a_call_of_one_of_several_models_is_a_candidate_only(tmp_path: Path) -> None:
    code = """
        class Other(nn.Module):
            def forward(self, x):
                return x
        if len(Net.__name__) > 3:
            net = Net()
        else:
            net = Other()
        net(torch.ones(2))
    """
    found = lint(tmp_path, net=NET + textwrap.dedent(code))
    for target in ("Net", "Other"):
        assert [(hint.is_evidence, calls([hint])) for hint in hints_of(found, target)] == [
            (False, ["forward(torch.ones(2))"])
        ]


def test_a_call_in_another_file_names_it(tmp_path: Path) -> None:
    train = """
        if __name__ == "__main__":
            import torch
            from net import Net
            model = Net(1)
            out = model(torch.randn(2, 1, 8, 8))
    """
    (hint,) = hints(tmp_path, NET, train=train)
    assert hint.source == "model(torch.randn(2, 1, 8, 8)) (train.py, line 6)"
    assert hint.call is not None
    assert hint.call.path == str(tmp_path / "train.py")
    assert hint.site is not None
    assert hint.site.text == "Net(1)"


def test_the_call_of_another_factory_is_a_candidate_for_the_same_class(tmp_path: Path) -> None:
    code = """
        class Net(nn.Module):
            def __init__(self, depth):
                super().__init__()
                self.layers = nn.ModuleList(nn.Conv2d(3, 3, 3) for _ in range(depth))
            def forward(self, x):
                return x

        def small():
            return Net(2)

        def large():
            return Net(9)

        small()(torch.ones(1, 3, 8, 8))
    """
    found = lint(tmp_path, net="import torch\nfrom torch import nn\n" + textwrap.dedent(code))
    (small,), (large,) = hints_of(found, "small"), hints_of(found, "large")
    assert (small.is_evidence, small.site is not None) == (True, True)
    assert (large.is_evidence, large.site) == (False, None)


@pytest.mark.parametrize(
    ("code", "shape", "has_batch"),
    [
        ("from torchsummary import summary\nsummary(Net(), (3, 28, 28))", "(3, 28, 28)", False),
        ("import torchsummary\ntorchsummary.summary(Net(), input_size=(3, 28, 28))", "(3, 28, 28)", False),
        ("from torchsummary import summary\nsummary(Net(), [(3, 8, 8), (5,)])", "[(3, 8, 8), (5,)]", False),
        ("from torchinfo import summary\nsummary(Net(), input_size=(1, 3, 28, 28))", "(1, 3, 28, 28)", True),
        ("from torchinfo import summary\nsummary(Net(), (1, 3, 28, 28))", "(1, 3, 28, 28)", True),
        ("import ptflops\nptflops.get_model_complexity_info(Net(), (3, 28, 28))", "(3, 28, 28)", False),
    ],
)
def test_a_summary_tells_the_sizes(tmp_path: Path, code: str, shape: str, has_batch: bool) -> None:
    (hint,) = hints(tmp_path, NET, "\n", code)
    assert hint.shape is not None
    assert (hint.kind, hint.shape.text, hint.has_batch) == ("shape", shape, has_batch)


def test_lightning_tells_an_example_input(tmp_path: Path) -> None:
    text = NET.replace(
        "        self.conv", "        self.example_input_array = torch.ones(1, 3, 8, 8)\n        self.conv"
    )
    (hint,) = hints(tmp_path, text)
    assert calls([hint]) == ["forward(torch.ones(1, 3, 8, 8))"]
    assert hint.source == "example_input_array (line 8)"
    text = NET.replace("        self.conv", "        self.example_input_array = channels.example()\n        self.conv")
    assert hints(tmp_path, text) == []


# Prose


@pytest.mark.parametrize(
    ("before", "body", "shape"),
    [
        ("# x: (B, T, C)\n", "return x", ("B", "T", "C")),
        ("", "# x: [batch, 3, 224, 224]\nreturn x", ("B", 3, 224, 224)),
        ("", "# x = [src len, batch size]\nreturn x", ("SRC_LEN", "B")),
        ("", "# (N, C, H, W)\nreturn x", ("B", "C", "H", "W")),
        ("", "x = self.conv(x)  # [4, 28, 28, 5] -> [4, 26, 26, 5]\nreturn x", (4, 28, 28, 5)),
        ("", "b, t, c = x.shape  # x: (B, T, C)\nreturn x", ("B", "T", "C")),
        ("", '"""Run.\n\nArgs:\n    x (Tensor): input of shape [B, 3, 32, 32]\n"""\nreturn x', ("B", 3, 32, 32)),
        ("", '"""Run.\n\n:param x: (batch_size, seq_len)\n"""\nreturn x', ("B", "SEQ_LEN")),
        ("", '"""Shape: (batch, seq_len, d_model)"""\nreturn x', ("B", "SEQ_LEN", "D_MODEL")),
    ],
)
def test_prose_is_a_candidate(tmp_path: Path, before: str, body: str, shape: tuple[int | str, ...]) -> None:
    found = hints(tmp_path, with_forward("def forward(self, x):", body, before))
    assert [(hint.inputs[0].shape, hint.is_evidence) for hint in found] == [(shape, False)]


@pytest.mark.parametrize(
    "body",
    [
        "x = self.conv(x)\n# x: (B, 8, 26, 26)\nreturn x",
        "x = self.conv(x)  # x: (B, 8, 26, 26)\nreturn x",
        "y = self.conv(x)  # (B, 8, 26, 26)\nreturn y",
        "# x = x.view(-1, 784)\nreturn x",
        "# x: (Tensor, optional)\nreturn x",
        "# the result is (B, 10)\nreturn x",
        '"""Run.\n\nReturns:\n    x: (B, 10)\n"""\nreturn x',
        'y = """\n# x: (B, 10)\n"""\nreturn x',
    ],
)
def test_prose_about_something_else_is_no_hint(tmp_path: Path, body: str) -> None:
    assert hints(tmp_path, with_forward("def forward(self, x):", body)) == []


def test_the_shape_of_one_image_may_lack_the_batch(tmp_path: Path) -> None:
    body = "x = self.conv(x)  # [1, 28, 28] -> [8, 26, 26]\nreturn x"
    assert shapes(hints(tmp_path, with_forward("def forward(self, x):", body))) == [[("B", 1, 28, 28)], [(1, 28, 28)]]


def test_a_doctest_is_an_example(tmp_path: Path) -> None:
    text = NET.replace(
        "    def __init__",
        '    """A net.\n\n    >>> net = Net(1)\n    >>> x = torch.ones(2, 1, 8, 8)\n    >>> net(x).shape\n'
        '    torch.Size([2, 8, 6, 6])\n    """\n\n    def __init__',
    )
    (hint,) = hints(tmp_path, text)
    assert calls([hint]) == ["forward(torch.ones(2, 1, 8, 8))"]
    assert hint.is_evidence
    assert hint.source == "docstring: net(x) (line 10)"
    assert hint.site is not None
    assert hint.site.text == "Net(1)"


def test_the_code_in_a_docstring_is_an_example(tmp_path: Path) -> None:
    text = NET.replace(
        "    def __init__",
        '    """A net.\n\n    Example::\n\n        y = model(torch.ones(2, 3, 8, 8))\n    """\n\n    def __init__',
    )
    (hint,) = hints(tmp_path, text)
    assert calls([hint]) == ["forward(torch.ones(2, 3, 8, 8))"]
    assert not hint.is_evidence


def test_a_docstring_about_another_class_is_no_hint(tmp_path: Path) -> None:
    text = '"""Nets.\n\n>>> Other()(torch.ones(1))\n>>> Net()(images)\n"""\n' + NET
    assert hints(tmp_path, text) == []


def test_the_strongest_come_first_and_repetitions_once(tmp_path: Path) -> None:
    text = with_forward("def forward(self, x):  # convlint: input=[B, 3, 9, 9]", "# x: (B, C, H, W)\nreturn x")
    code = "net = Net()\nnet(torch.ones(1, 3, 8, 8))\nnet(torch.ones(1, 3, 8, 8))\n"
    found = hints(tmp_path, text, code)
    assert [hint.kind for hint in found] == ["inputs", "call", "inputs"]
    assert [hint.is_evidence for hint in found] == [True, True, False]


def test_there_are_at_most_twelve(tmp_path: Path) -> None:
    code = "".join(f"Net()(torch.ones({n}, 3, 8, 8))\n" for n in range(1, 40))
    assert 0 < len(hints(tmp_path, NET, code)) <= 12

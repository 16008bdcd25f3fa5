"""Which definitions are models, told by syntax."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from convlint.discovery.discover import Discovery, discover


def lint(folder: Path, *paths: str, **files: str) -> Discovery:
    """Write the files (`net="..."` is net.py, `pkg__net` is pkg/net.py) and discover the models in them."""
    for name, text in files.items():
        path = folder / (name.replace("__init__", "INIT").replace("__", "/").replace("INIT", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return discover([str(folder / path) for path in paths or (".",)], lambda _: ())


def targets(found: Discovery) -> list[str]:
    """Every planned model as `kind target`."""
    return sorted(f"{model.kind} {model.target}" for file in found.files for model in file.models)


NET = """
    class Net({base}):
        def __init__(self):
            super().__init__()
        def forward(self, x):
            return x
"""


@pytest.mark.parametrize(
    ("imports", "base"),
    [
        ("import torch.nn as nn", "nn.Module"),
        ("from torch import nn", "nn.Module"),
        ("from torch import nn as layers", "layers.Module"),
        ("from torch.nn import Module", "Module"),
        ("from torch.nn import Module as Base", "Base"),
        ("from torch.nn import *", "Module"),
        ("import torch", "torch.nn.Module"),
        ("import torch as t", "t.nn.Module"),
        ("import torch.nn", "torch.nn.Module"),
        ("import torch\nnn = torch.nn", "nn.Module"),
        ("import torch\nModule = torch.nn.Module", "Module"),
        ("from torch.nn.modules.module import Module", "Module"),
        ("import lightning as L", "L.LightningModule"),
        ("import lightning.pytorch as pl", "pl.LightningModule"),
        ("import pytorch_lightning as pl", "pl.LightningModule"),
        ("from pytorch_lightning import LightningModule", "LightningModule"),
        ("try:\n    from torch import nn\nexcept ImportError:\n    nn = None", "nn.Module"),
        (
            "from torch import nn\nfrom typing import Generic, TypeVar\nT = TypeVar('T')",
            "nn.Module, Generic[T]",
        ),
        ("from torch import nn", "nn.Sequential"),
        ("from torch import nn", "nn.Conv2d"),
        ("from torchvision.models import ResNet", "ResNet"),
        ("import transformers", "transformers.PreTrainedModel"),
    ],
)
def test_a_base_is_known_by_any_name(tmp_path: Path, imports: str, base: str) -> None:
    text = imports + "\n" + textwrap.dedent(NET.format(base=base))
    assert targets(lint(tmp_path, net=text)) == ["class Net"]


@pytest.mark.parametrize(
    ("imports", "base"),
    [
        ("import torch", "object"),
        ("import torch", "torch.utils.data.Dataset"),
        ("import torch", "torch.autograd.Function"),
        ("from torch import nn", "nn.Parameter"),
        ("from torch import nn", "nn.functional"),
        ("from torch import nn", "nn.utils.rnn.PackedSequence"),
        ("import transformers", "transformers.PretrainedConfig"),
        ("from torch.nn import *", "Base"),
        ("from torch import nn\nnn.Module", "Module"),
    ],
)
def test_other_bases_make_no_model(tmp_path: Path, imports: str, base: str) -> None:
    text = imports + "\n" + textwrap.dedent(NET.format(base=base))
    assert targets(lint(tmp_path, net=text)) == []


def test_an_unknown_base_counts_with_forward_and_layers(tmp_path: Path) -> None:
    text = """
        from mmengine.model import BaseModule
        from torch import nn
        class Net(BaseModule):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(3, 4)
            def forward(self, x):
                return self.fc(x)
        class Loop(BaseModule):
            def forward(self, x):
                return x
    """
    assert targets(lint(tmp_path, net=text)) == ["class Net"]


def test_bases_in_other_files(tmp_path: Path) -> None:
    found = lint(
        tmp_path,
        "models/nets",
        models____init__="from .base import Base as Foundation\n",
        models__base="from torch import nn\nclass Base(nn.Module):\n    def forward(self, x): return x\n",
        models__nets____init__="",
        models__nets__a="from ..base import Base\nclass A(Base): pass\n",
        models__nets__b="from models import Foundation\nclass B(Foundation): pass\n",
        models__nets__c="import models.base as mb\nclass C(mb.Base): pass\n",
        models__nets__d="from .a import A\nclass D(A): pass\n",
        models__nets__e="from .f import A as Base\nclass E(Base): pass\nnet = Base()\n",
        models__nets__f="from .a import A\n",
    )
    assert targets(found) == ["class A", "class B", "class C", "class D", "class E"]


def test_a_star_import_brings_what_the_file_imports(tmp_path: Path) -> None:
    found = lint(
        tmp_path,
        parts="from torch import nn\nclass Part(nn.Module):\n    def forward(self, x): return x\n",
        net="""
            from parts import *
            class Net(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.part = Part()
                def forward(self, x): return self.part(x)
        """,
    )
    assert targets(found) == ["class Net"]


def test_a_base_that_nobody_builds_is_checked_through_its_subclasses(tmp_path: Path) -> None:
    text = """
        from torch import nn
        class Base(nn.Module):
            def forward(self, x): return self.head(self.body(x))
        class Child(Base):
            def body(self, x): return x
        class Built(nn.Module):
            def forward(self, x): return x
        class Special(Built): pass
        def main(): Built()
    """
    assert targets(lint(tmp_path, net=text)) == ["class Built", "class Child", "class Special"]


def test_losses_are_models(tmp_path: Path) -> None:
    text = """
        from torch import nn
        from torch.nn.modules.loss import _Loss
        class Dice(_Loss):
            def forward(self, x, y): return x
        class FocalLoss(nn.Module):
            def forward(self, x, y): return x
    """
    assert targets(lint(tmp_path, net=text)) == ["class Dice", "class FocalLoss"]


def test_a_class_of_a_test_is_a_model(tmp_path: Path) -> None:
    text = textwrap.dedent(NET.format(base="nn.Module"))
    assert targets(lint(tmp_path, tests__test_net="from torch import nn\n" + text)) == ["class Net"]


def test_a_circle_of_imports_and_bases_ends(tmp_path: Path) -> None:
    found = lint(
        tmp_path,
        a="import torch\nfrom b import B\nclass A(B): pass\n",
        b="import torch\nfrom a import A\nclass B(A): pass\n",
        c="import torch\nclass C(C): pass\nX = Y\nY = X\nclass D(X): pass\n",
    )
    assert targets(found) == []


def test_only_module_level_classes_are_models(tmp_path: Path) -> None:
    text = """
        from torch import nn
        from typing import TYPE_CHECKING
        def make():
            class Inner(nn.Module):
                def forward(self, x): return x
            return Inner
        class Outer:
            class Nested(nn.Module):
                def forward(self, x): return x
        if nn:
            class Conditional(nn.Module):
                def forward(self, x): return x
        try:
            import fast
        except ImportError:
            class Fallback(nn.Module):
                def forward(self, x): return x
        if __name__ == "__main__":
            class Script(nn.Module):
                def forward(self, x): return x
        if TYPE_CHECKING:
            class Typed(nn.Module):
                def forward(self, x): return x
    """
    assert targets(lint(tmp_path, net=text)) == ["class Conditional", "class Fallback"]


def test_a_class_without_a_forward_is_no_root(tmp_path: Path) -> None:
    text = """
        from abc import abstractmethod
        from torch import nn
        class Silent(nn.Module):
            def __init__(self): super().__init__()
        class Base(nn.Module):
            def forward(self, x):
                '''To be written by subclasses.'''
                raise NotImplementedError
        class Abstract(nn.Module):
            def forward(self, x): return self.body(x)
            @abstractmethod
            def body(self, x): ...
        class Listed(nn.ModuleList): pass
        class Assigned(nn.Module):
            def _impl(self, x): return x
            forward = _impl
        class Child(Base):
            def forward(self, x): return x
    """
    assert targets(lint(tmp_path, net=text)) == ["class Assigned", "class Child"]


BLOCK = """
    from torch import nn
    class Block(nn.Module):
        def __init__(self, n=8):
            super().__init__()
        def forward(self, x): return x
"""


@pytest.mark.parametrize(
    "use",
    [
        "self.block = Block(3)",
        "self.blocks = nn.ModuleList([Block(i) for i in range(3)])",
        "self.block = make(3)",
        "self.block = self.build(Block)",
        "self.block = TABLE['block']()",
        "kind = Block\n            self.block = kind(3)",
    ],
)
def test_what_another_module_uses_is_a_block(tmp_path: Path, use: str) -> None:
    text = (
        BLOCK
        + f"""
    def make(n):
        return helper(Block, n)
    def helper(kind, n):
        return kind(n)
    TABLE = {{"block": Block}}
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            {use}
        def forward(self, x): return self.block(x)
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["class Net"]


def test_a_default_argument_uses_a_block(tmp_path: Path) -> None:
    text = (
        BLOCK
        + """
    class Net(nn.Module):
        def __init__(self, layer=Block): super().__init__()
        def forward(self, x): return x
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["class Net"]


@pytest.mark.parametrize(
    "mention",
    [
        "ok = isinstance(self, Block)",
        "super(Block, self)",
        "other: Block = None",
        "def inner(block: Block) -> Block: ...",
    ],
)
def test_a_mere_mention_is_no_use(tmp_path: Path, mention: str) -> None:
    text = (
        BLOCK
        + f"""
    class Net(nn.Module):
        def forward(self, x):
            {mention}
            return x
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["class Block", "class Net"]


def test_a_trainer_is_no_module_and_makes_no_block(tmp_path: Path) -> None:
    text = (
        BLOCK
        + """
    class Trainer:
        def __init__(self): self.model = Block(3)
    def train():
        Block(3)
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["class Block"]


def test_what_a_lightning_module_without_forward_wraps_is_still_a_model(tmp_path: Path) -> None:
    text = (
        BLOCK
        + """
    import lightning as L
    class Lit(L.LightningModule):
        def __init__(self): self.model = Block()
        def training_step(self, batch, i): return self.model(batch)
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["class Block"]


def test_classes_that_use_each_other_are_both_models(tmp_path: Path) -> None:
    text = """
        from torch import nn
        class A(nn.Module):
            def forward(self, x): return B()(x)
        class B(nn.Module):
            def forward(self, x): return A()(x)
        class C(nn.Module):
            def __init__(self, deep=False):
                super().__init__()
                self.inner = C() if deep else None
            def forward(self, x): return x
    """
    assert targets(lint(tmp_path, net=text)) == ["class A", "class B", "class C"]


def test_a_block_is_known_through_a_file_that_is_not_linted(tmp_path: Path) -> None:
    net = """
        from torch import nn
        from blocks import Block
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.block = Block(3)
            def forward(self, x): return self.block(x)
    """
    assert targets(lint(tmp_path, "blocks.py", blocks=BLOCK, net=net)) == []


def test_blocks_of_a_model_that_nobody_can_build_are_checked_by_themselves(tmp_path: Path) -> None:
    text = (
        BLOCK
        + """
    class Inner(nn.Module):
        def __init__(self, n): super().__init__()
        def forward(self, x): return x
    class Net(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.block = Block(3)
            self.inner = Inner(3)
        def forward(self, x): return self.block(x)
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["class Block", "class Inner", "class Net"]
    # Who is built somewhere, or takes what can be made up, is checked with all its parts.
    assert targets(lint(tmp_path, net=text, train="from net import Net\nnet = Net(read())\n")) == ["class Net"]
    assert targets(lint(tmp_path, net=text.replace("config", "width"), train="")) == ["class Net"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class Block(", "# convlint: input=[B, 3]\n    class Block("),
        ("def forward", "# convlint: input=[B, 3]\n        def forward"),
    ],
)
def test_a_block_with_a_directive_is_checked_by_itself_too(tmp_path: Path, old: str, new: str) -> None:
    net = """
        from blocks import Block
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.block = Block(3)
            def forward(self, x): return self.block(x)
    """
    assert targets(lint(tmp_path, blocks=BLOCK, net=net)) == ["class Net"]
    found = lint(tmp_path, blocks=BLOCK.replace(old, new, 1), net=net)
    assert targets(found) == ["class Block", "class Net"]
    (block,) = (model for file in found.files for model in file.models if model.target == "Block")
    assert [site.text for site in block.sites] == ["Block(3)"]
    assert [spec.shape for hint in block.hints for spec in hint.inputs] == [("B", 3)]
    assert found.problems == ()


RESNET = """
    from torch import nn
    class Block(nn.Module):
        def forward(self, x): return x
    class ResNet(nn.Module):
        def __init__(self, block, layers):
            super().__init__()
            self.body = block()
        def forward(self, x): return self.body(x)
    def _resnet(block, layers, **kwargs):
        model = ResNet(block, layers, **kwargs)
        return model
"""


def test_factories_take_the_place_of_a_class_that_needs_arguments(tmp_path: Path) -> None:
    text = (
        RESNET
        + """
    def resnet18(*, weights=None, **kwargs):
        return _resnet(Block, [2, 2], **kwargs)
    def resnet34(pretrained=False):
        net = _resnet(Block, [3, 4])
        return net.cuda()
    def create(depth):
        return ResNet(Block, [depth])
    def build():
        return resnet18().to("cpu")
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["factory resnet18", "factory resnet34"]


def test_a_factory_that_needs_arguments_counts_where_nothing_else_leads_to_its_class(tmp_path: Path) -> None:
    text = (
        RESNET
        + """
    class Other(nn.Module):
        def __init__(self, n): super().__init__()
        def forward(self, x): return x
    def create(depth):
        return ResNet(Block, [depth])
    def choose(depth):
        return create(depth)
    def from_config(config):
        return Other(config.n)
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["class Other", "factory create"]
    train = "from net import *\nfrom_config(load())\n"
    assert targets(lint(tmp_path, net=text, train=train)) == ["factory create", "factory from_config"]


def test_a_construction_that_no_factory_has_is_a_check_of_its_own(tmp_path: Path) -> None:
    text = (
        RESNET
        + """
    def resnet18(): return _resnet(Block, [2, 2])
    def test(n):
        ResNet(Block, n)
        ResNet(Block, [9, 9])
    """
    )
    (file,) = lint(tmp_path, net=text).files
    assert [(model.target, [site.text for site in model.sites]) for model in file.models] == [
        ("ResNet", ["ResNet(Block, [9, 9])"]),
        ("resnet18", []),
    ]


def test_a_factory_of_a_class_that_is_checked_anyway_is_left_out(tmp_path: Path) -> None:
    text = (
        BLOCK
        + """
    def block(): return Block(5)
    def annotated() -> Block: return cache["block"]
    """
    )
    assert targets(lint(tmp_path, net=text)) == ["class Block"]


def test_factories_of_sequentials(tmp_path: Path) -> None:
    text = """
        import torch
        from torch import nn
        from torchvision.models import resnet18
        def mlp(): return nn.Sequential(nn.Linear(3, 4))
        def typed() -> nn.Module: return torch.hub.load("a", "b")
        def sized(n): return nn.Sequential(nn.Linear(n, 4))
        def wrapped(old: nn.Module) -> nn.Module: return convert(old)
        def loss() -> nn.MSELoss: return pick()
        def tuned(classes):
            model = resnet18(weights="DEFAULT")
            model.fc = nn.Linear(512, classes)
            return model
        def untouched(): return resnet18()
        def part(): return nn.Sequential(nn.Linear(3, 4))
        def layer(): return nn.Linear(3, 4)
        def _private(): return nn.Sequential(nn.Linear(3, 4))
        def train(epochs=3): return nn.Sequential(nn.Linear(3, 4))
        def fitted():
            model = nn.Sequential(nn.Linear(3, 4))
            loss(model).backward()
            return model
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.part = part()
            def forward(self, x): return self.part(x)
    """
    assert targets(lint(tmp_path, net=text)) == [
        "class Net",
        "factory mlp",
        "factory sized",
        "factory tuned",
        "factory typed",
    ]


def test_instances(tmp_path: Path) -> None:
    text = (
        RESNET
        + """
    class Plain(nn.Module):
        def forward(self, x): return x
    features = nn.Sequential(nn.Conv2d(1, 8, 3))
    model = nn.Sequential(features, nn.Flatten())
    plain = Plain()
    resnet: nn.Module = ResNet(Block, [1])
    layer = nn.Linear(3, 4)
    _private = nn.Sequential(nn.ReLU())
    loaded = nn.Sequential(nn.ReLU())
    loaded = loaded.to("cpu")
    output = model(3)
    if __name__ == "__main__":
        part = nn.Sequential(nn.ReLU())
        late = nn.Sequential(part, nn.ReLU()).cuda()
        other = ResNet(Block, [2])
    """
    )
    found = targets(lint(tmp_path, net=text))
    assert found == ["class Plain", "class ResNet", "instance late", "instance loaded", "instance model"]


def test_an_instance_that_is_changed_is_a_model_of_its_own(tmp_path: Path) -> None:
    text = (
        RESNET
        + """
    import torchvision
    def resnet18(): return _resnet(Block, [2, 2])
    same = resnet18()
    same.name = str(3)
    tuned = resnet18()
    tuned.body = nn.Linear(512, 10)
    known = torchvision.models.vgg16(weights=None)
    known.classifier[6] = nn.Linear(4096, 10)
    if __name__ == "__main__":
        late = torchvision.models.resnet18()
        late.fc = ResNet(Block, [1])
    """
    )
    found = targets(lint(tmp_path, net=text))
    assert [target for target in found if not target.startswith("class")] == [
        "factory resnet18",
        "instance known",
        "instance late",
        "instance tuned",
    ]


def test_models_come_in_the_order_of_their_rows(tmp_path: Path) -> None:
    text = textwrap.dedent(NET.format(base="nn.Module"))
    text = "from torch import nn\n" + text.replace("Net", "Second") + text.replace("Net", "First")
    (file,) = lint(tmp_path, net=text).files
    assert [(model.target, model.row) for model in file.models] == [("Second", 3), ("First", 9)]


def test_endless_chains_end(tmp_path: Path) -> None:
    text = "from torch import nn\n"
    text += "".join(f"A{n} = A{n + 1}\n" for n in range(1100)) + "class B(A0): pass\n"
    text += "class C1100(nn.Module):\n    def forward(self, x): return x\n"
    text += "".join(f"class C{n}(C{n + 1}): pass\n" for n in reversed(range(1100)))
    text += "".join(f"def f{n}(): return f{n + 1}()\n" for n in range(1100))
    text += "class Net(nn.Module):\n    def forward(self, x): return f0()\n"
    assert "class Net" in targets(lint(tmp_path, net=text))

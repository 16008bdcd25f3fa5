"""Evidence for inputs from the datasets of a file, and from what its loops make of their images."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from convlint.discovery.discover import discover
from convlint.jobs import Hint

NET = """
import torch
import torchvision
import torchvision.datasets as dset
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.datasets import MNIST
from torchvision.transforms import v2

class Net(nn.Module):
    def forward(self, x):
        return x
"""
LOOP = """
net = Net()
for images, labels in DataLoader(data):
    net(images)
"""


def hints(folder: Path, *parts: str, **files: str) -> list[Hint]:
    """The hints of Net in a file made of the parts."""
    for name, text in {"net": "".join(map(textwrap.dedent, parts)), **files}.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    found = discover([str(folder)], lambda _: ())
    return list(next(model.hints for file in found.files for model in file.models if model.target == "Net"))


def steps(hint: Hint) -> list[str]:
    return [step.call.text for step in hint.steps]


@pytest.mark.parametrize(
    ("call", "size"),
    [
        ("datasets.MNIST('.', transform=transforms.ToTensor())", (1, 28, 28)),
        ("torchvision.datasets.MNIST('.', True, transforms.ToTensor())", (1, 28, 28)),
        ("dset.CIFAR10('.', transform=transforms.ToTensor())", (3, 32, 32)),
        ("MNIST('.', transform=v2.ToImage())", (1, 28, 28)),
        ("datasets.STL10('.', transform=transforms.ToTensor())", (3, 96, 96)),
        ("datasets.CelebA('.', transform=transforms.ToTensor())", (3, 218, 178)),
        ("datasets.FakeData(10, (3, 8, 9), transform=transforms.ToTensor())", (3, 8, 9)),
        ("datasets.FakeData(10, transform=transforms.ToTensor())", (3, 224, 224)),
        ("datasets.ImageFolder('.', transforms.ToTensor())", None),
    ],
)
def test_a_dataset_tells_the_size(tmp_path: Path, call: str, size: tuple[int, int, int] | None) -> None:
    (hint,) = hints(tmp_path, NET, f"\ndata = {call}\n", LOOP)
    assert (hint.kind, hint.size, hint.steps, hint.is_evidence) == ("image", size, (), True)
    assert hint.source == f"{call.partition('(')[0].rpartition('.')[2]} (line 15)"


@pytest.mark.parametrize(
    "call",
    [
        "datasets.MNIST('.')",
        "datasets.MNIST('.', transform=None)",
        "datasets.FakeData(10, sizes, transform=transforms.ToTensor())",
        "datasets.CocoDetection('.', transform=transforms.ToTensor())",
        "datasets.MNIST('.', transform=transforms.Lambda(f))",
        "datasets.MNIST('.', transform=transforms.Compose([mine, transforms.ToTensor()]))",
        "datasets.MNIST('.', transform=transforms.FiveCrop(8))",
        "datasets.MNIST('.', transform=transforms.RandomRotation(9, expand=True))",
        "datasets.MNIST('.', transform=transforms.RandomApply([transforms.Resize(8)]))",
        "mine.MNIST('.', transform=transforms.ToTensor())",
    ],
)
def test_what_is_not_known_is_no_hint(tmp_path: Path, call: str) -> None:
    assert hints(tmp_path, NET, f"\ndata = {call}\n", LOOP) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("transform = transforms.Resize(8)", ["transforms.Resize(8)"]),
        (
            "transform = transforms.Compose([transforms.Resize((8, 9)), transforms.ToTensor(),\n"
            "    transforms.Normalize(0, 1), transforms.RandomCrop(4, padding=2)])",
            ["transforms.Resize((8, 9))", "transforms.RandomCrop(4, padding=2)"],
        ),
        ("parts = [v2.Grayscale(), v2.Pad(2)]\ntransform = v2.Compose(parts)", ["v2.Grayscale()", "v2.Pad(2)"]),
        (
            "def make():\n    return transforms.Compose([transforms.CenterCrop(8)])\ntransform = make()",
            ["transforms.CenterCrop(8)"],
        ),
        (
            "sizes = {'train': transforms.Resize(8), 'test': transforms.Resize(9)}\ntransform = sizes['train']",
            ["transforms.Resize(8)"],
        ),
        (
            "first = [transforms.Resize(9)]\ntransform = transforms.Compose(first + [transforms.CenterCrop(8)])",
            ["transforms.Resize(9)", "transforms.CenterCrop(8)"],
        ),
    ],
)
def test_transforms_are_followed(tmp_path: Path, code: str, expected: list[str]) -> None:
    (hint,) = hints(tmp_path, NET, f"\n{code}\ndata = MNIST('.', transform=transform)\n", LOOP)
    assert steps(hint) == expected


def test_transforms_that_are_added_later_are_no_hint(tmp_path: Path) -> None:
    code = """
        parts = [transforms.ToTensor()]
        parts.append(mine)
        data = MNIST(".", transform=transforms.Compose(parts))
    """
    assert hints(tmp_path, NET, code, LOOP) == []


def test_training_comes_before_testing_and_the_same_once(tmp_path: Path) -> None:
    code = """
        test = MNIST('.', train=False, transform=transforms.Resize(32))
        again = MNIST('.', train=False, transform=transforms.Resize(32))
        data = MNIST('.', train=True, transform=transforms.RandomResizedCrop(24))
    """
    found = hints(tmp_path, NET, code, LOOP)
    assert [steps(hint) for hint in found] == [["transforms.RandomResizedCrop(24)"], ["transforms.Resize(32)"]]
    assert [hint.is_certain for hint in found] == [True, False]  # the loop takes the first
    assert [hint.is_evidence for hint in found] == [True, False]


def test_the_raw_images_beside_resized_ones_are_a_candidate(tmp_path: Path) -> None:
    code = """
        look = MNIST('.', transform=transforms.ToTensor())
        data = MNIST('.', transform=transforms.Resize((32, 32)))
        test = MNIST('.', train=False, transform=transforms.CenterCrop(32))
    """
    found = hints(tmp_path, NET, code, LOOP)
    assert [(steps(hint), hint.is_evidence) for hint in found] == [
        (["transforms.Resize((32, 32))"], True),
        (["transforms.CenterCrop(32)"], False),
        ([], False),
    ]


def test_one_of_several_datasets_is_a_candidate(tmp_path: Path) -> None:
    code = """
        if torch.cuda.is_available():
            data = MNIST('.', transform=transforms.ToTensor())
        else:
            data = datasets.CIFAR10('.', transform=transforms.ToTensor())
    """
    assert [hint.is_evidence for hint in hints(tmp_path, NET, code, LOOP)] == [False, False]


DATA = "\ndata = MNIST('.', transform=transforms.ToTensor())\nloader = DataLoader(data)\nnet = Net()\n"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("for x, y in loader:\n    net(x.view(-1, 784))", "(-1, 784)"),
        ("for x, y in loader:\n    net(x.reshape(x.size(0), 28, 28))", "(-1, 28, 28)"),
        (
            "width = 28\nfor i, (x, y) in enumerate(loader):\n    x = x.cuda().view(-1, width * width)\n    net(x)",
            "(-1, width * width)",
        ),
        ("for batch in loader:\n    x, y = batch\n    net(torch.reshape(x, (-1, 784)))", "(-1, 784)"),
        ("for x, y in loader:\n    x.resize_(64, 784)\n    net(x)", "(-1, 784)"),
        (
            "def train(net, loader):\n    for x, y in loader:\n        net(x.view(-1, 784))\ntrain(net, loader)",
            "(-1, 784)",
        ),
    ],
)
def test_a_reshape_in_the_loop_comes_before_the_images(tmp_path: Path, code: str, text: str) -> None:
    found = hints(tmp_path, NET, DATA, code)
    assert [(hint.kind, hint.is_evidence) for hint in found] == [("shape", True), ("image", False)]
    assert found[0].shape is not None
    assert found[0].shape.text == text
    assert found[0].has_batch


@pytest.mark.parametrize(
    "code",
    [
        "for x, y in loader:\n    net(x.view(x.shape[0], -1))",
        "for x, y in loader:\n    x = torch.flatten(x, 1)\n    net(x)",
    ],
)
def test_flattened_images_are_images_as_well(tmp_path: Path, code: str) -> None:
    found = hints(tmp_path, NET, DATA, code)
    assert [(hint.kind, hint.is_evidence, hint.is_flat) for hint in found] == [
        ("image", True, True),
        ("image", False, False),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "for x, y in loader:\n    net(x)",
        "for i, (x, y) in enumerate(loader):\n    x = x.to('cuda')\n    net(x.float())",
        "for batch in loader:\n    net(batch[0])",
        "x, y = next(iter(loader))\nnet(x)",
        "def train(model):\n    for x, y in loader:\n        model(x)\ntrain(net)",
        "for x, y in loader:\n    x = torch.autograd.Variable(x)\n    net(x)",
    ],
)
def test_images_as_they_come_are_evidence(tmp_path: Path, code: str) -> None:
    assert [(hint.kind, hint.is_evidence) for hint in hints(tmp_path, NET, DATA, code)] == [("image", True)]


@pytest.mark.parametrize(
    "code",
    [
        "for x, y in loader:\n    net(x.squeeze(1))",
        "for x, y in loader:\n    net(x.view(64, y))",
        "for x, y in loader:\n    net(x, y)",
        "for x, y in loader:\n    net(x[0])",
        "run(net, loader)",
    ],
)
def test_images_that_may_have_changed_are_candidates(tmp_path: Path, code: str) -> None:
    assert [(hint.kind, hint.is_evidence) for hint in hints(tmp_path, NET, DATA, code)] == [("image", False)]


def test_a_model_that_gets_noise_does_not_get_the_images(tmp_path: Path) -> None:
    code = "for x, y in loader:\n    z = torch.randn(x.size(0), 100)\n    net(z)"
    assert hints(tmp_path, NET, DATA, code) == []


def test_a_step_of_lightning_feeds_the_model(tmp_path: Path) -> None:
    text = NET.replace(
        "        return x",
        "        return x\n\n    def training_step(self, batch, i):\n        x, y = batch\n        return self(x)",
    )
    assert [(hint.kind, hint.is_evidence) for hint in hints(tmp_path, text, DATA)] == [("image", True)]


def test_a_dataset_in_the_script_that_constructs_the_model(tmp_path: Path) -> None:
    train = """
        from torchvision import datasets, transforms
        from net import Net
        data = datasets.MNIST(".", transform=transforms.ToTensor())
        net = Net()
        for x, y in make_loader(data): pass
    """
    (hint,) = hints(tmp_path, NET, train=train)
    assert hint.source == "MNIST (train.py, line 4)"


def test_a_dataset_in_a_script_without_the_model_is_no_hint(tmp_path: Path) -> None:
    train = """
        import torch, net
        from torchvision import datasets, transforms
        data = datasets.MNIST(".", transform=transforms.ToTensor())
    """
    assert hints(tmp_path, NET, train=train) == []

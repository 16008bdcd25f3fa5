"""What a script feeds its models: what torch refuses is an error at that layer, and nothing else is.

torch itself is the judge: each script is run as it stands, with stand-ins for the packages that hold the data.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[[str, str], Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

HEAD = """\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from torchvision import datasets, transforms


class MLP(nn.Module):
    def __init__(self, inputs=784, classes=10):
        super().__init__()
        self.a = nn.Linear(inputs, 64)
        self.b = nn.Linear(64, classes)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


class Conv(nn.Module):
    def __init__(self, channels=3, classes=10):
        super().__init__()
        self.c = nn.Conv2d(channels, 8, 3)
        self.f = nn.Linear(8, classes)

    def forward(self, x):
        return self.f(self.c(x).mean((2, 3)))


def digits(**given):
    return datasets.MNIST("d", transform=transforms.ToTensor(), **given)


mnist = DataLoader(datasets.MNIST("d", transform=transforms.ToTensor()), batch_size=16)
"""
TORCHVISION = """
import sys, types, torch
from torch.nn.functional import interpolate

class _Images(torch.utils.data.Dataset):
    shape = (1, 28, 28)
    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        self.transform = transform
        self.data = torch.zeros(64, *self.shape[1:], dtype=torch.uint8)
        self.targets = torch.zeros(64, dtype=torch.long)
    def __len__(self):
        return 64
    def __getitem__(self, i):
        x = torch.zeros(self.shape)
        return (x if self.transform is None else self.transform(x)), 0

class MNIST(_Images): pass
class FashionMNIST(_Images): pass
class CIFAR10(_Images):
    shape = (3, 32, 32)

class Compose:
    def __init__(self, steps): self.steps = steps
    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x

def ToTensor(): return lambda x: x
def Normalize(mean, std): return lambda x: x
def Lambda(f): return f
def Resize(size): return lambda x: interpolate(x[None], size)[0]
def Grayscale(n=1): return lambda x: x.mean(0, keepdim=True).expand(n, -1, -1)

datasets, transforms = types.ModuleType("datasets"), types.ModuleType("transforms")
vars(datasets).update(MNIST=MNIST, FashionMNIST=FashionMNIST, CIFAR10=CIFAR10)
vars(transforms).update(Compose=Compose, ToTensor=ToTensor, Normalize=Normalize, Lambda=Lambda, Resize=Resize,
                        Grayscale=Grayscale)
sys.modules["torchvision.datasets"], sys.modules["torchvision.transforms"] = datasets, transforms
"""
TORCHINFO = """
import torch
def summary(model, input_size):
    model(torch.zeros(*input_size))
"""
JUDGE = """
import json, runpy, sys, traceback
raised = {}
for path in sys.argv[1:]:
    sys.argv = [path]
    try:
        runpy.run_path(path, run_name="__main__")
    except RuntimeError as error:
        raised[path] = str(error)
print(json.dumps(raised))
"""

WRONG = {
    "a_call_of_literals": "model = MLP(20)\nmodel(torch.randn(4, 10))",
    "a_call_with_a_variable": "batch = 16\nnet = MLP(32)\nx = torch.rand((batch, 33))\nprint(net(x).shape)",
    "the_second_of_two_calls": "net = MLP(20)\nnet(torch.randn(2, 20))\nnet(torch.randn(2, 21))",
    "a_batch_that_does_not_fit": """
        class Tokens(nn.Module):
            def __init__(self):
                super().__init__()
                self.e = nn.Linear(8, 16)
                self.c = nn.Parameter(torch.zeros(4, 1, 16))

            def forward(self, x):
                return torch.cat([self.c, self.e(x)], 1)

        model = Tokens()
        model(torch.zeros(2, 7, 8))
    """,
    "a_summary": "from torchinfo import summary\nnet = MLP(100)\nsummary(net, input_size=(1, 784))",
    "a_dataset": "model = Conv()\nfor images, labels in mnist:\n    model(images)",
    "nothing_flattens": "model = MLP().to('cpu')\nfor i, (x, y) in enumerate(mnist):\n    model(x.float())",
    "another_size_flattened": """
        loader = DataLoader(datasets.CIFAR10("d", transform=transforms.ToTensor()))
        model = MLP()
        for images, labels in loader:
            images = images.view(images.size(0), -1)
            model(images)
    """,
    "a_function_that_trains": """
        def loaders(batch):
            t = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0, 1)])
            train, test = datasets.MNIST("d", transform=t), datasets.MNIST("d", train=False, transform=t)
            return DataLoader(train, batch, shuffle=True), DataLoader(test, batch)

        def train(model, loader, device):
            for i, (x, y) in enumerate(loader):
                x, y = x.to(device), y.to(device)
                model(x)

        def main():
            train_loader, test_loader = loaders(8)
            model = Conv(3)
            train(model, train_loader, "cpu")

        if __name__ == "__main__":
            main()
    """,
    "a_factory": "def build(channels):\n    return Conv(channels)\nnet = build(1)\nnet(torch.zeros(2, 3, 8, 8))",
    "only_the_evaluation": """
        def evaluate(net, loader):
            for images, labels in loader:
                net(images)

        net = MLP()
        for images, labels in mnist:
            net(images.flatten(1))
        evaluate(net, mnist)
    """,
    "resized_and_grey": """
        t = transforms.Compose([transforms.Resize((16, 16)), transforms.Grayscale(), transforms.ToTensor()])
        first, second = random_split(datasets.CIFAR10("d", transform=t), [0.5, 0.5])
        loaders = {"train": DataLoader(first), "val": DataLoader(second)}
        model = Conv()
        for images, labels in loaders["train"]:
            model(images)
    """,
    "the_next_batch": "model = MLP()\nimages, labels = next(iter(mnist))\nmodel(images)",
    "an_argument_that_a_file_gives": """
        import random
        model = MLP(100, classes=len(random.sample(range(9), k=5)))
        model(torch.zeros(3, 101))
    """,
    "in_a_try_that_only_catches_the_keyboard": """
        model = MLP(20)
        try:
            model(torch.zeros(3, 21))
        except KeyboardInterrupt:
            print("stopped")
    """,
}

RIGHT = {
    "the_one_batch_that_fits": """
        class Tokens(nn.Module):
            def __init__(self):
                super().__init__()
                self.e = nn.Linear(8, 16)
                self.c = nn.Parameter(torch.zeros(4, 1, 16))

            def forward(self, x):
                return torch.cat([self.c, self.e(x)], 1)

        model = Tokens()
        model(torch.zeros(4, 7, 8))
    """,
    "flattened_in_the_loop": "model = MLP()\nfor x, y in mnist:\n    x = x.view(-1, 28 * 28)\n    model(x)",
    "flattened_in_a_function": """
        model = MLP()
        def train():
            for i, (data, target) in enumerate(mnist):
                data, target = data.to("cpu"), target.to("cpu")
                data = data.reshape(data.shape[0], -1)
                model(data)
        train()
    """,
    "flattened_by_a_transform": """
        t = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: x.view(-1))])
        model = MLP()
        for x, y in DataLoader(datasets.MNIST("d", transform=t)):
            model(x)
    """,
    "flattened_by_the_loader": """
        def flat(batch):
            xs, ys = zip(*batch)
            return torch.stack([x.flatten() for x in xs]), torch.tensor(ys)
        model = MLP()
        for x, y in DataLoader(datasets.MNIST("d", transform=transforms.ToTensor()), collate_fn=flat):
            model(x)
    """,
    "flattened_by_the_dataset": """
        class Flat(datasets.MNIST):
            def __getitem__(self, i):
                x, y = super().__getitem__(i)
                return x.flatten(), y
        model = MLP()
        for x, y in DataLoader(Flat("d", transform=transforms.ToTensor())):
            model(x)
    """,
    "flattened_before_the_loader": """
        data = datasets.MNIST("d", transform=transforms.ToTensor())
        flat = data.data.float().view(-1, 784) / 255
        model = MLP()
        for x, y in DataLoader(TensorDataset(flat, data.targets)):
            model(x)
    """,
    "flattened_by_the_trainer": """
        class Trainer:
            def __init__(self, model, loader):
                self.model, self.loader = model, loader
            def prepare(self, x):
                return x.flatten(1)
            def fit(self):
                for x, y in self.loader:
                    self.model(self.prepare(x))
        Trainer(MLP(), mnist).fit()
    """,
    "flattened_by_a_hook": """
        model = MLP()
        model.register_forward_pre_hook(lambda module, given: (given[0].flatten(1),))
        for x, y in mnist:
            model(x)
    """,
    "flattened_by_a_part": """
        inner = MLP()
        model = nn.Sequential(nn.Flatten(), inner)
        for x, y in mnist:
            model(x)
    """,
    "channels_repeated": """
        model = Conv()
        for x, y in mnist:
            if x.size(1) != 3:
                x = x.repeat(1, 3, 1, 1)
            model(x)
        for x, y in mnist:
            model(torch.cat([x] * 3, 1))
    """,
    "meant_to_fail": """
        import contextlib, pytest
        model = MLP()
        try:
            model(torch.randn(4, 1, 28, 28))
        except RuntimeError as error:
            print(error)
        with contextlib.suppress(RuntimeError):
            model(torch.randn(4, 10))
        with pytest.raises(RuntimeError):
            model(torch.randn(4, 11))
        pytest.raises(RuntimeError, lambda: model(torch.randn(4, 12)))

        @pytest.mark.xfail
        def test_it():
            MLP()(torch.randn(4, 13))
    """,
    "chosen_by_a_flag": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--dataset", default="cifar")
        args = parser.parse_args()
        if args.dataset == "mnist":
            data, channels = datasets.MNIST("d", transform=transforms.ToTensor()), 1
        else:
            data, channels = datasets.CIFAR10("d", transform=transforms.ToTensor()), 3
        model = Conv(channels)
        for x, y in DataLoader(data):
            model(x)
    """,
    "chosen_by_its_channels": """
        def run(channels):
            model = Conv(channels)
            if channels == 1:
                model(torch.randn(2, 1, 8, 8))
            else:
                model(torch.randn(2, 3, 8, 8))
        run(3)
    """,
    "one_name_for_two": """
        x = torch.randn(4, 784)
        model = MLP()
        model(x)
        x = torch.randn(4, 3, 8, 8)
        model = Conv()
        model(x)
        n = 5
        first = MLP(n)
        first(torch.randn(1, n))
        n = 6
        second = MLP(n)
        second(torch.randn(1, n))
    """,
    "one_function_for_two": """
        def run(model, loader):
            for x, y in loader:
                model(x)
        run(Conv(1), mnist)
        run(Conv(3), DataLoader(datasets.CIFAR10("d", transform=transforms.ToTensor())))
        def check(net, size):
            return net(torch.randn(2, size))
        check(MLP(5), 5)
        check(MLP(6), 6)
    """,
    "one_loop_for_two": """
        for hidden in (16, 32):
            net = MLP(hidden)
            net(torch.randn(2, hidden))
        for channels, size in [(1, 28), (3, 32)]:
            net = Conv(channels)
            net(torch.zeros(1, channels, size, size))
    """,
    "changed_after_it_was_made": """
        def adapt(net):
            net.c = nn.Conv2d(1, 8, 3)
        model = Conv()
        adapt(model)
        other = Conv()
        other.c = nn.Conv2d(1, 8, 3)
        for x, y in mnist:
            model(x)
            other(x)
    """,
    "another_construction": """
        def small(size=16):
            return MLP(size)
        def large(size=32):
            return MLP(size, 5)
        net = small(24)
        net(torch.zeros(2, 24))
    """,
    "flattened_by_the_call_itself": """
        class Called(MLP):
            def __call__(self, x):
                return super().__call__(x.flatten(1))
        Called()(torch.randn(2, 1, 28, 28))
    """,
    "never_reached": """
        model = MLP()
        def run(x):
            if x.ndim != 2:
                return None
            return model(x)
        run(torch.randn(2, 1, 28, 28))
        debug = False
        debug and model(torch.randn(2, 5))
        y = model(torch.randn(2, 5)) if debug else None
        for i in range(3):
            if i < 5:
                continue
            model(torch.randn(2, 6))
    """,
    "cut_by_a_generator": """
        class Rows(nn.Module):
            def __init__(self):
                super().__init__()
                self.f = nn.Flatten()
                self.a = nn.Linear(28, 10)
            def forward(self, x):
                return self.a(self.f(x))
        def columns(loader):
            for x, y in loader:
                yield x[..., 0], y
        model = Rows()
        for x, y in columns(mnist):
            model(x)
        for x, y in ((x[..., 1], y) for x, y in mnist):
            model(x)
    """,
    "an_argument_of_a_file_chooses": """
        import random
        class Mode(nn.Module):
            def __init__(self, mode):
                super().__init__()
                self.c = nn.Conv2d(1 if mode == "grey" else 3, 8, 3)
            def forward(self, x):
                return self.c(x)
        Mode(random.choice(["grey"]))(torch.randn(2, 1, 8, 8))
    """,
    "an_argument_of_a_file_decides": """
        import random
        width = len(random.sample(range(99), k=10))
        model = MLP(width)
        model(torch.zeros(3, 10))
    """,
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bool, list[Any]]]:
    """For each script whether torch refuses it, and the errors that convlint finds in it."""
    folder, packages = tmp_path_factory.mktemp("scripts"), tmp_path_factory.mktemp("packages")
    (packages / "torchvision.py").write_text(TORCHVISION)
    (packages / "torchinfo.py").write_text(TORCHINFO)
    for name, text in {**WRONG, **RIGHT}.items():
        (folder / f"{name}.py").write_text(HEAD + textwrap.dedent(text).lstrip("\n") + "\n")
    names = [f"{name}.py" for name in (*WRONG, *RIGHT)]
    judge = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(packages)!r})\n{JUDGE}", *names]
    ran = subprocess.run(judge, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    raised = json.loads(ran.stdout.splitlines()[-1])
    command = [sys.executable, "-m", "convlint", "--no-cache", "--output-format", "json"]
    linted = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found = [one for one in json.loads(linted.stdout)["diagnostics"] if one["severity"] == "error"]
    return {
        name: (f"{name}.py" in raised, [one for one in found if one["filename"] == f"{name}.py"])
        for name in (*WRONG, *RIGHT)
    }


@pytest.mark.parametrize("name", WRONG)
def test_what_torch_refuses_is_an_error(name: str, verdicts: dict[str, tuple[bool, list[Any]]]) -> None:
    is_refused, errors = verdicts[name]
    assert is_refused
    assert len(errors) == 1
    assert "fed here" in [place["message"] for place in errors[0]["related"]]


@pytest.mark.parametrize("name", RIGHT)
def test_what_runs_has_no_error(name: str, verdicts: dict[str, tuple[bool, list[Any]]]) -> None:
    assert verdicts[name] == (False, [])


def errors_of(result: subprocess.CompletedProcess[str]) -> list[tuple[str, int]]:
    found = json.loads(result.stdout)["diagnostics"]
    return [(one["filename"], one["location"]["row"]) for one in found if one["severity"] == "error"]


NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a = nn.Linear(10, 32)
        self.b = nn.Linear(33, width)

    def forward(self, x):
        return self.b(self.a(x))


def build_net(path):
    import pickle
    return Net(pickle.load(open(path, "rb"))["width"])
"""


def test_the_class_behind_a_factory_that_cannot_be_built_is_checked(convlint: Run, write: Write) -> None:
    write("net.py", NET)
    write("main.py", "from net import build_net\nmodel = build_net('missing.pkl')\n")
    result = convlint("--output-format", "json", "--no-cache")
    models = [(one["name"], one["status"]) for one in json.loads(result.stdout)["models"]]
    assert ("net.Net", "checked") in models
    assert errors_of(result) == [("net.py", 8)]


def test_a_file_is_found_wherever_the_command_is_given(convlint: Run, write: Write, folder: Path) -> None:
    write("setup.py", "")
    write("pkg/net.py", NET.partition("\n\n\ndef ")[0] + "\n")
    write("train.py", "import json\nfrom pkg.net import Net\nNet(json.load(open('pkg/size.json'))['width'])\n")
    write("pkg/size.json", '{"width": 32}')
    told = ["--output-format", "json", "--no-cache"]
    seen = []
    for place, path in ((folder, "pkg"), (folder / "pkg", "."), (folder.parent, str(folder / "pkg"))):
        command = [sys.executable, "-m", "convlint", path, *told]
        result = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        report = json.loads(result.stdout)
        (model,) = report["models"]
        rows = [one["location"]["row"] for one in report["diagnostics"] if one["severity"] == "error"]
        seen.append((model["construction"].partition(" (")[0], model["status"], rows))
    assert seen == [seen[0]] * 3
    assert seen[0] == ("Net(json.load(open('pkg/size.json'))['width'])", "checked", [8])


@pytest.mark.parametrize(
    ("imports", "base", "start"),
    [
        ("import lightning as L", "L.LightningModule", "self.save_hyperparameters()"),
        ("import pytorch_lightning as pl", "pl.LightningModule", "self.log('a', 1)"),
        ("from mmengine.model import BaseModule", "BaseModule", "pass"),
        ("import some_package", "some_package.nets.Base", "pass"),
        ("from huggingface_hub import PyTorchModelHubMixin", "nn.Module, PyTorchModelHubMixin", "pass"),
        ("from huggingface_hub import PyTorchModelHubMixin", "PyTorchModelHubMixin, nn.Module", "pass"),
        ("from transformers import PreTrainedModel", "PreTrainedModel", "self.post_init()"),
    ],
)
def test_a_base_of_an_absent_package(convlint: Run, write: Write, imports: str, base: str, start: str) -> None:
    config = "None" if "PreTrained" in base else ""
    write(
        "net.py",
        f"""
        {imports}
        from torch import nn

        class Net({base}):
            def __init__(self, width=32):
                super().__init__({config})
                self.a = nn.Linear(10, width)
                self.b = nn.Linear(33, 2)
                {start}

            def forward(self, x):
                return self.b(self.a(x))
        """,
    )
    assert errors_of(convlint("--output-format", "json", "--no-cache")) == [("net.py", 9)]


def test_what_an_absent_base_would_have_is_not_known(convlint: Run, write: Write) -> None:
    write(
        "net.py",
        """
        import some_package
        from torch import nn

        class Net(some_package.Base):
            def __init__(self):
                super().__init__(width=3)
                self.a = nn.Linear(10, 2)

            def forward(self, x):
                return self.a(self.encoder(x))
        """,
    )
    result = convlint("--output-format", "json", "--no-cache")
    assert errors_of(result) == []
    (model,) = json.loads(result.stdout)["models"]
    assert "`encoder` of its base class, and the package some_package is not installed" in model["reason"]


NAMED = {
    "docstring": ('"""Trained on 1x28x28 digits."""', "", ["CL118"]),
    "comment": ("", "# x: [B, 1, 64, 64]", ["CL118"]),
    "right": ('"""Trained on 1x32x32 digits."""', "", []),
    "of_other_channels": ('"""Trained on 3x28x28 images."""', "", []),
}


@pytest.mark.parametrize(("docstring", "comment", "codes"), NAMED.values(), ids=NAMED)
def test_a_size_that_is_only_named(convlint: Run, write: Write, docstring: str, comment: str, codes: list[str]) -> None:
    write(
        "net.py",
        f"""
        from torch import nn

        class Net(nn.Module):
            {docstring}

            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 8, 3, padding=1, stride=2)
                self.head = nn.Linear(8 * 16 * 16, 10)

            def forward(self, x):
                {comment}
                return self.head(self.conv(x).flatten(1))
        """,
    )
    found = json.loads(convlint("--output-format", "json", "--no-cache").stdout)["diagnostics"]
    assert [(one["code"], one["severity"]) for one in found] == [(code, "warning") for code in codes]

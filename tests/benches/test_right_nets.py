"""The nets of benchmarks/right_nets are right, many and different, and the same for the same seed."""

import importlib.util

import pytest

from benchmarks.right_nets.compose import composed
from benchmarks.right_nets.fixes import FIXES
from benchmarks.right_nets.judge import judge
from benchmarks.right_nets.net import PRELUDE, RightNet
from benchmarks.right_nets.templates import whole


@pytest.fixture(scope="module")
def nets() -> list[RightNet]:
    return [*composed(0, 2), *whole(0, 2)]


def test_torch_runs_all_of_them(nets: list[RightNet]) -> None:
    has_einops = importlib.util.find_spec("einops") is not None
    chosen = [net for net in nets[::5] if has_einops or "einops" not in net.source]
    assert judge(chosen) == {}


def test_there_are_many_and_different_ones(nets: list[RightNet]) -> None:
    assert len({net.source for net in nets}) >= 300
    assert len({net.kind for net in nets}) >= 200


def test_names_are_unique_modules(nets: list[RightNet]) -> None:
    names = [net.name for net in nets]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_the_same_seed_gives_the_same_nets(nets: list[RightNet]) -> None:
    assert [*composed(0, 2), *whole(0, 2)] == nets
    assert [*composed(1, 2), *whole(1, 2)] != nets


def test_every_layout_has_lines_that_fix_its_size() -> None:
    assert all(len(registered) >= 5 for registered in FIXES.values())


def test_a_declaration_stands_below_the_class() -> None:
    net = RightNet("one", "one", f"{PRELUDE}\nclass Net(nn.Module):\n    pass\n", ("torch.ones(2)",), "[2]")
    assert "class Net(nn.Module):\n    # convlint: input=[2]\n    pass" in net.file(declared=True)
    assert "convlint" not in net.file(declared=False)


def test_the_judge_says_what_torch_raises() -> None:
    source = f"{PRELUDE}\nclass Net(nn.Linear):\n    def __init__(self):\n        super().__init__(3, 2)\n"
    assert judge([RightNet("right", "one", source, ("torch.ones(2, 3)",), None)]) == {}
    assert "mat1 and mat2" in judge([RightNet("wrong", "one", source, ("torch.ones(2, 4)",), None)])["wrong"]

"""What models take: the forecast against the allocator, the search for a batch, and times."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convlint.facts import ModelBudget, RunInput, Scenario
from convlint.hardware import card_memory, check_device
from convlint.inputspec import InputSpec
from convlint.jobs import Verify
from convlint.reporters.budget import lines, memory_text
from convlint.worker.build.skeleton import Sites
from convlint.worker.verify.allocations import Allocations
from convlint.worker.verify.bench import Bench, bench_of
from convlint.worker.verify.budget import budget
from convlint.worker.verify.capacity import largest
from convlint.worker.verify.forecast import forecast
from convlint.worker.verify.memory import used
from convlint.worker.verify.workspace import PRODUCTS, configured, workspace

CPU = torch.device("cpu")


def bench(model: nn.Module, **wanted: object) -> Bench:
    return bench_of(model, CPU, Verify(device="cpu", **wanted), Sites(), lambda _: False)  # type: ignore[arg-type]


def image(batch: int | str, *sizes: int) -> list[RunInput]:
    return [RunInput(name="x", spec=InputSpec(shape=(batch, *sizes)))]


class Branches(nn.Module):
    """Two of these keep what they get, one does not."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(64, 256)
        self.left, self.right = nn.Linear(256, 256), nn.Linear(256, 256)
        self.norm = nn.LayerNorm(256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        return self.norm(torch.tanh(self.left(x)) + self.right(x)).softmax(-1)


class Shared(nn.Module):
    """One layer under two names, and one weight in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.again = nn.Linear(256, 256)
        self.out, self.tied = nn.Linear(256, 256), nn.Linear(256, 256)
        self.tied.weight = self.out.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tied(self.out(torch.relu(self.again(torch.relu(self.first(x))))))


MODELS = {
    "linear": (nn.Linear(512, 512), (512,)),
    "branches": (Branches(), (64,)),
    "deep": (nn.Sequential(*(nn.Sequential(nn.Linear(256, 256), nn.GELU()) for _ in range(6))), (256,)),
    "attention": (nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True), (20, 64)),
    "shared": (Shared(), (256,)),
    "recurrent": (nn.Sequential(nn.Embedding(100, 32), nn.Linear(32, 64)), None),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_forecast_is_what_the_allocator_counts(name: str) -> None:
    model, sizes = MODELS[name]
    spec = InputSpec(shape=(64, *sizes)) if sizes else InputSpec(shape=(64, 30), dtype="int64", high=100)
    one, feed = bench(model), [RunInput(name="x", spec=spec)]
    requirement, taken = forecast(one, feed), used(one, feed)
    assert taken.forward is not None
    assert taken.step is not None
    assert requirement.step is not None
    assert requirement.forward == pytest.approx(taken.forward, rel=0.1)
    assert requirement.step == pytest.approx(taken.step, rel=0.1)


def test_the_parts_of_a_forecast() -> None:
    requirement = forecast(bench(nn.Sequential(nn.Linear(128, 128, bias=False), nn.ReLU())), image(32, 128))
    weights = 128 * 128 * 4
    assert (requirement.parameters, requirement.gradients, requirement.optimizer) == (weights, weights, 2 * weights)
    assert (requirement.inputs, requirement.buffers) == (32 * 128 * 4, 0)
    assert requirement.activations == 32 * 128 * 4  # what ReLU gives; what the product gives is gone


@pytest.mark.parametrize(
    ("text", "size"),
    [(":4096:2:16:8", 8519680), (":16:8", 131072), (":0:0", 0), ("much", 8519680), ("", 8519680)],
)
def test_the_workspace_of_products_by_the_environment(text: str, size: int) -> None:
    assert configured(text) == size


def test_a_cpu_has_no_workspace_of_its_own() -> None:
    assert workspace(CPU) == 0
    with Allocations() as counted:
        nn.Conv2d(3, 4, 1)(torch.zeros(1, 3, 4, 4))
        assert PRODUCTS.isdisjoint(counted.operations)
        nn.Linear(4, 2)(torch.zeros(1, 4))
        assert not PRODUCTS.isdisjoint(counted.operations)


@pytest.mark.parametrize("model", [nn.Sequential(nn.Linear(256, 8), nn.BatchNorm1d(8)), Shared()])
def test_a_forecast_leaves_the_model_as_it_was(model: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    forecast(bench(model), image(4, 256))
    used(bench(model), image(4, 256))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_memory_that_is_given_back_no_longer_counts() -> None:
    with Allocations() as counted:
        x = torch.ones(1024)
        y = x + 1
        del x
        z = y + 1
        assert (counted.live, counted.peak) == (2 * 4096, 2 * 4096)
        view = z.view(32, 32)
        del y, z
        assert counted.live == 4096
        del view
        assert counted.live == 0


@given(limit=st.integers(0, 70_000), most=st.integers(1, 1 << 16))
def test_the_largest_batch_is_found(limit: int, most: int) -> None:
    assert largest(lambda batch: batch <= limit, most) == min(limit, most)


def test_a_budget_has_all_its_parts() -> None:
    one = bench(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4)), memory=1 << 30)
    one.model(torch.rand(2, 3, 8, 8))
    found = budget(one, image("B", 3, 8, 8), Scenario(training=False, sizes={"B": 4}))
    assert found.note is None
    assert found.capacity is not None
    assert found.capacity.predicted is not None
    assert found.capacity.predicted > 1000
    assert found.capacity.found is None  # this is not a card to try it on
    assert {one.layer for one in found.times} >= {"0", "3"}
    flops = {one.layer: one.flops for one in found.times}
    assert flops["0"] == 2 * 4 * 8 * 36 * 27  # batch, channels, pixels, weights of each
    assert flops["3"] == 2 * 4 * 288 * 4
    text = "\n".join(lines(found))
    assert "largest batch: " in text
    assert "predicted, in 1.0 GB" in text


def test_what_cannot_be_measured_is_named() -> None:
    class Reads(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[: int(x.sum().item()) % 3 + 1]

    found = budget(bench(Reads()), image(4, 8), Scenario(training=False))
    assert found.requirement is None
    assert found.seconds is not None
    assert found.note is not None
    assert "the memory that it needs" in found.note


def test_nothing_to_tell_is_nothing() -> None:
    assert list(lines(ModelBudget(scenario=Scenario(training=False)))) == []


@pytest.mark.parametrize(
    ("size", "text"), [(None, "?"), (12, "12 B"), (2048, "2.0 KB"), (3 << 20, "3.0 MB"), (5 << 40, "5120.0 GB")]
)
def test_memory_in_words(size: int | None, text: str) -> None:
    assert memory_text(size) == text


def test_the_memory_of_a_card() -> None:
    assert card_memory("24GB") == (24 << 30) - (600 << 20)
    assert card_memory("1.5 GiB") == (3 << 29) - (600 << 20)
    for wrong in ("24", "GB", "500MB", "-3GB"):
        with pytest.raises(ValueError, match="is not a memory size"):
            card_memory(wrong)


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:1", "mps", "xpu:0"])
def test_devices_that_may_be(name: str) -> None:
    assert check_device(name) == name


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_devices_that_cannot_be(name: str) -> None:
    with pytest.raises(ValueError, match="is not a device"):
        check_device(name)

"""Whether another form of a model gives the same as the model itself, as far as rounding and chance let anyone tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from convlint.facts import Difference, RunInput, Scenario
from convlint.worker.user_code.wording import said
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.precision import computing_dtype
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.device import synchronize
from convlint.worker.verify.training import backward

Results = Mapping[str, torch.Tensor]
"""What forward gives, by name: "output 1". Gradients are not among it: a sum over all places of a batch loses digits
that no bound of use covers."""

_TOLERANCES = {  # relative and absolute: those of torch.testing.assert_close
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
}
_DRAWS = 3
_MORE_THAN_ROUNDING = 20.0
"""How much further apart two runs are than runs on numbers that differ in their last digit, where it is a difference.

Compiled code adds up in another order and rounds less often; one digit in each weight stands for that.
"""
_LANES = 16
"""Sums that the simplest code keeps side by side: one of n equal terms loses up to n / 16 digits of its last place."""


@dataclass(frozen=True)
class Like:
    """`difference`: what is not the same; `note`: why that cannot be told. Neither: it is the same."""

    difference: Difference | None = None
    note: str | None = None


@dataclass(frozen=True)
class ComparedRun:
    """One run of a model, to be made in several ways with the same weights and numbers."""

    bench: Bench
    feed: Sequence[RunInput]
    scenario: Scenario

    def results(self, call: Callable[..., Any], *, seed: int = 0, noise: int | None = None) -> Results:
        """What `call` gives, having gone back from it in training mode. Raises what it raises.

        `noise`: the numbers differ in their last digit.
        """
        bench, training = self.bench, self.scenario.training
        bench.restore()
        args, kwargs = bench.arguments([item.at(self.scenario.sizes) for item in self.feed])
        if noise is not None:
            _shake([*bench.model.parameters(), *tensors_in((args, kwargs))], self._dtype, noise)
        try:
            with bench.running(training=training, seed=seed, is_plain=True):
                output = call(*args, **kwargs)
            found = {f"output {i}": x.detach().clone() for i, x in enumerate(tensors_in(output), start=1)}
            if training:
                backward(output)
            synchronize(bench.device)
            return found
        finally:
            bench.restore()

    def why_not(self) -> str | None:
        """Why forward does not run without what convlint puts around it; None where it does."""
        try:
            self.results(self.bench.model)
        except Exception as error:
            return f"forward runs only with what convlint puts around it: {said(error)}"
        return None

    @property
    def _dtype(self) -> torch.dtype:
        return computing_dtype(self.bench.verify.precision)

    @property
    def _terms(self) -> int:
        """Of the longest sum that is looked for: the elements of an example. A batch is not summed over."""
        args = self.bench.arguments([item.at(self.scenario.sizes) for item in self.feed])
        return max((x.numel() // max(1, self.scenario.batch or 1) for x in tensors_in(args)), default=1)

    def like(self, call: Callable[..., Any]) -> Like:
        """Hold what `call` gives against the model itself. Raises what `call` raises."""
        try:
            expected = self.results(self.bench.model)
        except Exception as error:
            return Like(note=f"forward itself raises: {said(error)}")
        actual = self.results(call)
        found = next(self._differences(expected, actual), None)
        if found is None:
            return Like()
        try:
            return self._weighed(found, expected, actual)
        except Exception as error:
            return Like(note=f"forward itself raises: {said(error)}")

    def _weighed(self, found: Difference, expected: Results, actual: Results) -> Like:
        """Whether a difference is one of the compiler: not of forward itself, of chance or of rounding."""
        model = self.bench.model
        if next(self._differences(expected, self.results(model)), None) is not None:
            return Like(note="forward gives something else in each run, so that nothing can be compared")
        by_chance = next(self._differences(expected, self.results(model, seed=1)), None)
        if by_chance is not None and by_chance.kind == found.kind:
            return Like(note="results hang on random numbers, which compiled code may draw in another order")
        shaken = [self.results(model, noise=number) for number in range(_DRAWS)]
        return Like(next(self._differences(expected, actual, shaken, self._terms), None))

    def _differences(
        self, expected: Results, actual: Results, shaken: Sequence[Results] = (), terms: int = 0
    ) -> Iterator[Difference]:
        """In what two runs differ. `shaken` are runs that show how far rounding goes, `terms` those of a long sum."""

        def difference(kind: Any, said: str) -> Difference:
            return Difference(kind=kind, said=said, scenario=self.scenario)

        if list(expected) != list(actual):
            yield difference("shape", _other_names(expected, actual))
            return
        for name, one in expected.items():
            other, moved = actual[name], [run[name] for run in shaken if name in run]
            if one.shape != other.shape:
                if all(run.shape == one.shape for run in moved):
                    yield difference("shape", f"{name} is {list(other.shape)} and not {list(one.shape)}")
            elif one.dtype != other.dtype:
                yield difference("dtype", f"{name} is {_name(other.dtype)} and not {_name(one.dtype)}")
            elif (apart := _apart(one, other, self._dtype, moved, terms)) is not None:
                yield difference("value", f"{name} {apart}")


def _other_names(expected: Results, actual: Results) -> str:
    """The first result that only one of two runs has."""
    missing = next((name for name in expected if name not in actual), None)
    return f"{missing} is missing" if missing else f"{next(name for name in actual if name not in expected)} is new"


def _apart(
    one: torch.Tensor, other: torch.Tensor, dtype: torch.dtype, moved: Sequence[torch.Tensor], terms: int
) -> str | None:
    """How far apart two tensors of a shape are, where it is more than rounding.

    `moved` are runs that show how far it goes; none: only the tolerance of the dtype counts.
    """
    if any(run.shape != one.shape for run in moved) or one.layout is not torch.strided:
        return None
    a, b = _wide(one), _wide(other)
    if moved and not bool(a.isfinite().all()):
        return None  # what overflows here may just not do so there
    if bool(a.isfinite().all()) and not bool(b.isfinite().all()):
        return "holds nan or inf"
    relative, absolute = _tolerance(one.dtype, dtype)
    reach = max((_most((_wide(run) - a).abs()) for run in moved), default=0.0) * _MORE_THAN_ROUNDING
    if moved and one.is_floating_point():
        reach += _most(a.abs()) * terms / _LANES * max(torch.finfo(dtype).eps, torch.finfo(one.dtype).eps)
    off = (a - b).abs()
    close = (off <= absolute + relative * a.abs() + reach) | (a == b) | (a.isnan() & b.isnan())
    if bool(close.all()):
        return None
    return f"is off by {_most(off):.3g}, where its largest value is {_most(a.abs()):.3g}"


def _tolerance(dtype: torch.dtype, computing: torch.dtype) -> tuple[float, float]:
    """That of the dtype, or of the one that is computed in where it is the coarser; whole numbers have none."""
    if not (dtype.is_floating_point or dtype.is_complex):
        return 0.0, 0.0
    own = _TOLERANCES.get(dtype, _TOLERANCES[torch.float32])
    return max(own, _TOLERANCES[computing]) if computing in (torch.float16, torch.bfloat16) else own


def _wide(x: torch.Tensor) -> torch.Tensor:
    return x.to("cpu", torch.complex128) if x.is_complex() else x.to("cpu", torch.float64)


def _most(x: torch.Tensor) -> float:
    finite = x[x.isfinite()]
    return float(finite.max()) if finite.numel() else 0.0


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _shake(tensors: Sequence[torch.Tensor], dtype: torch.dtype, seed: int) -> None:
    """Move each number by the last digit of the dtype that is computed in, up or down."""
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for x in tensors:
            if x.is_floating_point():
                digit = max(torch.finfo(dtype).eps, torch.finfo(x.dtype).eps)
                signs = torch.randint(0, 2, x.shape, generator=generator).mul_(2).sub_(1)
                x.mul_((1 + digit * signs.to(torch.float64)).to(x.device, x.dtype))

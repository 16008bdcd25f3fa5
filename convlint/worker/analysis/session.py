"""One run of forward at given sizes: fake inputs in, a trace and its symbols out."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy
import torch
from torch import nn

from convlint.worker.build.skeleton import Sites
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import FakeTensorMode, set_env
from convlint.worker.torch_private.symbols import SizeEnv, new_env, new_symbol
from convlint.worker.trace.forward_parameters import parts_of
from convlint.worker.trace.input import BATCH, Input, assembled, bounds, hint, make_input, symbols_of
from convlint.worker.trace.module_state import unchanged
from convlint.worker.trace.origin import GUESSED
from convlint.worker.trace.trace import MAX_NODES, Trace, TraceSetting
from convlint.worker.trace.tracer import ShapeTracer
from convlint.worker.trace.trail import Oversized, TraceStopped
from convlint.worker.trace.work import RUN, spend
from convlint.worker.values.sizes import Size

LEVELS = (0, 1, 2)
"""How much of a run is on plain numbers (see `RunSpec.on_numbers`)."""
MOST_CALLS = 1500
"""In all runs together that are only made to say more of a finding."""
MOST_KEPT = 300
"""Calls of a run that is kept, in case it is asked for again; of larger ones the last few are."""
_LARGE = 2
_SMALL = (
    {"D": 16, "H": 64, "W": 64},
    {"B": 3, "D": 4, "H": 5, "W": 7},
)  # as nets for images take them; as codes may be
_FEATURES = ("C", "F")  # sizes that layers name outright, which a symbol is needed to hear of


@dataclass(frozen=True)
class RunSpec:
    """How a run is to be made. `sizes` has a number for every symbol of the inputs; those in `fixed` are plain ints."""

    inputs: tuple[Input, ...]
    sizes: Mapping[str, int]
    fixed: frozenset[str] = frozenset()
    choices: tuple[int, ...] = ()
    decisions: tuple[bool, ...] = ()
    training: bool = True
    limit: int | None = None  # stop after so many calls
    is_quick: bool = False  # of `Setting`

    def at(self, sizes: Mapping[str, int]) -> RunSpec:
        """The same run at other sizes."""
        return replace(self, sizes={**self.sizes, **sizes})

    def flipped(self, decisions: Sequence[tuple[object, bool]], number: int) -> RunSpec:
        """The other way at one branch on data, and the same ways before it."""
        return replace(self, decisions=(*(way for _, way in decisions[:number]), not decisions[number][1]))

    def without_sources(self) -> RunSpec:
        """What a run depends on: not on how an input was found out."""
        alike = (replace(item, source=GUESSED, origin="evidence", is_settled=True, fed=None) for item in self.inputs)
        return replace(self, inputs=tuple(alike))

    def without_inputs(self) -> Hashable:
        """What tells most courses apart at once."""
        return frozenset(self.sizes.items()), self.fixed, self.choices, self.decisions, self.training, self.is_quick

    def on_numbers(self, level: int) -> RunSpec:
        """The same run with lengths as plain numbers (1), or every size (2): symbols do not pass through numpy."""
        names = frozenset(name for name in self.sizes if level > 1 or (level and name[0] not in _FEATURES))
        return replace(self, fixed=self.fixed | names, is_quick=self.is_quick or level > 0)


def smaller_sizes(sizes: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """The sizes of our choice made smaller, and smaller again."""
    for small in _SMALL:
        yield {name: small.get(name[0], size) if size == hint(name) else size for name, size in sizes.items()}


def run_spec_of(inputs: tuple[Input, ...], start: Mapping[str, int] | None = None) -> RunSpec:
    """The first run on some inputs, at the sizes of `start` where it names one."""
    return RunSpec(inputs, {name: (start or {}).get(name) or hint(name) for name in symbols_of(inputs)})


@dataclass(frozen=True)
class Run:
    """A finished trace and the names of its symbols."""

    run_spec: RunSpec
    trace: Trace
    symbols: Mapping[str, sympy.Symbol]  # by name; only those that were symbolic
    batch: Size | None

    @property
    def names(self) -> dict[sympy.Symbol, str]:
        return {symbol: name for name, symbol in self.symbols.items()}

    @property
    def is_on_numbers(self) -> bool:
        """Whether sizes that nobody gave were plain numbers of our own choice: such a run proves only itself."""
        return bool(self.run_spec.fixed - {BATCH})

    @property
    def asks_no_size(self) -> bool:
        """Whether nothing on the way to its end asked for a size, so that other sizes end there as well."""
        return not self.is_on_numbers and not self.trace.trail.events[:-1]

    @property
    def is_cut_short(self) -> bool:
        """Whether the limit of its run may have ended the run."""
        limit = self.run_spec.limit
        return limit is not None and len(self.trace.nodes) >= limit and isinstance(self.trace.trail.end(), TraceStopped)

    @property
    def comes_through(self) -> bool:
        """Whether forward came to its end without a mistake."""
        return self.trace.trail.end() is None and not self.trace.trail.broken()

    def is_further_than(self, other: Run) -> bool:
        """Whether forward came to its end here, or to more calls than in the other run."""
        if self.trace.trail.end() is None:
            return other.trace.trail.end() is not None
        return len(self.trace.nodes) > len(other.trace.nodes)

    def affordable(self, most: int) -> int:
        """How many runs like this one are made at most, to say more of a finding: of a large model fewer."""
        return max(2, min(most, MOST_CALLS // max(1, len(self.trace.nodes))))


def run_forward(model: nn.Module, mode: FakeTensorMode, run_spec: RunSpec, is_user: IsUser) -> Run:
    """Trace the model's forward once."""
    spend(RUN)
    is_symbolic = any(name not in run_spec.fixed for name in symbols_of(run_spec.inputs))
    env = new_env() if is_symbolic else None
    set_env(mode, env)
    sizes, symbols = _sizes_of(run_spec, env)
    batch = _batch(run_spec.inputs, sizes)
    hints = {symbol: sympy.Integer(run_spec.sizes[name]) for name, symbol in symbols.items()}
    random.seed(0)  # a forward that draws numbers goes the same way each time
    torch.manual_seed(0)
    with mode, torch.no_grad(), unchanged(model):
        for module in model.modules():  # not by `train()`, which user code may have made something else of
            module.training = run_spec.training
        values = [(item, make_input(item, sizes)) for item in run_spec.inputs]
        setting = TraceSetting(
            mode=mode,
            env=env,
            hints=hints,
            batch=batch,
            is_user=is_user,
            choices=run_spec.choices,
            decisions=run_spec.decisions,
            limit=run_spec.limit or MAX_NODES,
            is_quick=run_spec.is_quick,
            bounds=dict(bound for item, value in values for bound in bounds(item.spec, value)),
        )
        tracer = ShapeTracer(model, setting)
        parts = parts_of(model) if any(item.within for item in run_spec.inputs) else {}
        args, kwargs = assembled(parts, values)
        trace = tracer.run(args, kwargs, [(item.name, value) for item, value in values])
    return Run(run_spec, trace, symbols, batch)


def _sizes_of(run_spec: RunSpec, env: SizeEnv | None) -> tuple[dict[str, Size], dict[str, sympy.Symbol]]:
    """The sizes of the inputs by name, those that are not fixed as symbols, and these by themselves."""
    sizes: dict[str, Size] = {name: run_spec.sizes[name] for name in symbols_of(run_spec.inputs)}
    symbols: dict[str, sympy.Symbol] = {}
    for name in sizes:
        if env is not None and name not in run_spec.fixed:
            sizes[name], symbols[name] = _symbol(env, name, run_spec.sizes[name])
    return sizes, symbols


def _symbol(env: SizeEnv, name: str, size: int) -> tuple[Size, sympy.Symbol]:
    if size < 2:
        raise ValueError(f"the symbol {name} cannot stand for {size}")
    return new_symbol(env, name, size)


def _batch(inputs: Sequence[Input], sizes: Mapping[str, Size]) -> Size | None:
    """The model's batch: the symbol B, else the first dim of an input of at least two dims."""
    if BATCH in sizes:
        return sizes[BATCH]
    for item in inputs:
        shape = item.spec.shape
        if shape is not None and len(shape) > 1:
            first = shape[0]
            return sizes[first] if isinstance(first, str) else first
    return None


@dataclass(frozen=True)
class TraceSession:
    """What every run of one model shares."""

    model: nn.Module
    mode: FakeTensorMode
    sites: Sites
    is_user: IsUser
    cast: str | None = None  # where code outside of forward may change the dtype of the model: "train.py, line 3"
    is_plain: bool = False  # every symbol is a plain number
    known: dict[Hashable, list[tuple[RunSpec, Run]]] = field(default_factory=dict, compare=False)
    large: list[tuple[RunSpec, Run]] = field(default_factory=list, compare=False)  # the last ones
    judging: list[Run] = field(default_factory=list, compare=False)  # the first run of each verdict that was begun

    def run(self, run_spec: RunSpec) -> Run:
        """What forward does in a run; nothing is traced twice, as far as that can be kept in memory."""
        if self.is_plain:
            run_spec = replace(run_spec, fixed=frozenset(run_spec.sizes), is_quick=True)
        asked = run_spec.without_sources()
        whole = replace(asked, limit=None)
        alike = self.known.setdefault(asked.without_inputs(), [])
        known = next((run for made, run in (*alike, *self.large) if made in (asked, whole)), None)
        if known is not None:
            return replace(known, run_spec=run_spec)
        run = run_forward(self.model, self.mode, run_spec, self.is_user)
        kept = alike if len(run.trace.nodes) <= MOST_KEPT else self.large
        kept.append((asked if run.is_cut_short else whole, run))
        del self.large[:-_LARGE]
        return run

    def first(self, run_spec: RunSpec) -> Run:
        """The first run; on plain numbers where a symbol is what stops the trace before any mistake."""
        run = self.run(run_spec)
        for sizes in smaller_sizes(run_spec.sizes) if not self.is_plain else ():
            if not isinstance(run.trace.trail.end(), Oversized):
                break
            run = self.run(run_spec.at(sizes))
        for level in LEVELS[1:] if run_spec.sizes else ():
            if not isinstance(run.trace.trail.end(), TraceStopped) or run.trace.trail.broken():
                break
            plain = self.run(run_spec.on_numbers(level))
            run = plain if plain.is_further_than(run) else run
        return run

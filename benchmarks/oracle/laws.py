"""What must hold of a net that runs: its shapes, its formulas, and the set of sizes that it is said to take."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import sympy

from benchmarks.oracle.apart import apart
from benchmarks.oracle.child import Lost
from benchmarks.oracle.generate import generated
from benchmarks.oracle.net import Net
from benchmarks.oracle.sources import LeftOut
from benchmarks.oracle.truth import Raised, Ran, Real, Shape
from convlint.inputspec import InputSpec
from convlint.worker.analysis.examine import examine
from convlint.worker.analysis.session import Run, TraceSession
from convlint.worker.analysis.solving.domain import ACCEPTED, REJECTED
from convlint.worker.analysis.solving.evaluate import UnknownFunction, evaluate
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.build.skeleton import Sites, building, make_fake
from convlint.worker.stack.places import position_of
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.symbols import expr_of, new_env
from convlint.worker.trace.input import declared
from convlint.worker.trace.trail import Assumption, Requirement
from convlint.worker.user_code.integers import INT, as_int, with_symbolic_ints
from convlint.worker.values.nesting import tensors_in

_SPATIAL = {3: ("L",), 4: ("H", "W"), 5: ("D", "H", "W")}
_FORMULA_SIZES, _LARGEST = 20, 64
_FILE = "<linted>"
MOST_SECONDS = 300.0


@dataclass(frozen=True)
class Claims:
    """How many things about a net were held against torch, those that torch denies, and those that are left open."""

    name: str
    held: int
    broken: tuple[str, ...]
    undecided: int


def claims_of(seed: int) -> Claims | LeftOut:
    """Those about a generated net; at some sizes it takes more memory than there is."""
    net = generated(seed)
    told = apart(lambda: claims(net, Random(net.name)), MOST_SECONDS)
    return LeftOut(net.name, told.reason) if isinstance(told, Lost) else told


def claims(net: Net, random: Random) -> Claims:
    """Hold all that convlint claims of a running net against torch."""
    held, broken, undecided = 0, list[str](), 0
    real = Real(net)
    for spec, sizes in _questions(net, random):
        asked = Net(net.name, net.source, (spec,), net.target, net.args, net.kwargs)
        real.net = asked
        examination = _examined(asked)
        run = examination.run
        if run.trace.trail.end() is not None:
            undecided += 1
            continue
        accepted = _Accepted(examination.outcome, run)
        for at in sizes:
            told = real.run(at)
            if isinstance(told, Raised) and told.is_out_of_memory:
                undecided += 1
                continue
            held += 1
            verdict = accepted.at(at)
            if verdict is None:
                undecided += 1
            elif (output := _other_batch(told, at)) is not None:
                if verdict and _keeps_batch(run, at):
                    broken.append(f"{spec.shape} at {at}: accepted, but torch: a batch of {output} comes out")
            elif verdict != isinstance(told, Ran):
                words = told.words[:100] if isinstance(told, Raised) else "runs"
                broken.append(f"{spec.shape} at {at}: {'accepted' if verdict else 'rejected'}, but torch: {words}")
            if isinstance(told, Ran) and verdict is not False and _is_on_path(run, at):
                broken += [f"{spec.shape} at {at}: {one}" for one in _shapes(run, told, at)]
    return Claims(net.name, held, tuple(broken), undecided)


def _other_batch(told: Ran | Raised, at: Mapping[str, int]) -> int | None:
    """The batch that comes out where it is another one: examples were mixed, by mistake or to be judged one by one."""
    if not isinstance(told, Ran) or told.output is None or told.output[0] == at["B"]:
        return None
    return int(told.output[0])


def _keeps_batch(run: Run, at: Mapping[str, int]) -> bool:
    """Whether the trace says that the batch comes out as it went in."""
    first = next((x.shape[0] for x in tensors_in(run.trace.output) if x.dim()), None)
    return first is not None and expr_of(first).xreplace(_numbers(run, at)) == at["B"]


def _questions(net: Net, random: Random) -> Iterator[tuple[InputSpec, list[dict[str, int]]]]:
    """The input as it is, at two batches; and with its lengths as symbols, at many sizes."""
    (spec,) = net.inputs
    yield spec, [{"B": 2}, {"B": 3}]
    shape = spec.shape or ()
    names = _SPATIAL.get(len(shape), ())
    if spec.dtype == "int64":
        names = ("L",) if len(shape) == 2 else ()
    if not names:
        return
    fixed = len(shape) - len(names) if len(shape) != 3 else 1
    symbolic = (*shape[:fixed], *names, *shape[fixed + len(names) :])
    square = [dict.fromkeys(names, size) | {"B": 2} for size in range(2, _LARGEST + 1)]
    others = [{name: random.randint(2, 96) for name in names} | {"B": 2} for _ in range(_FORMULA_SIZES)]
    yield spec.model_copy(update={"shape": symbolic}), square + others


def _examined(net: Net) -> Examination:
    space: dict[str, Any] = {"__name__": "net", INT: as_int}
    tree = with_symbolic_ints(ast.parse(net.source))  # as convlint imports a file
    exec(compile(tree, _FILE, "exec"), space)  # noqa: S102 - a net of our own
    mode, sites = new_mode(new_env()), Sites()
    with building(mode, sites):
        model = space[net.target](*net.args, **net.kwargs)
    make_fake(model, mode)
    session = TraceSession(model, mode, sites, lambda name: name == _FILE)
    return examine(session, declared(model, net.inputs, "the oracle"))


class _Accepted:
    """Which sizes an outcome takes, refuses or leaves open."""

    def __init__(self, outcome: Outcome, run: Run) -> None:
        self._outcome, self._run = outcome, run

    def at(self, sizes: Mapping[str, int]) -> bool | None:
        outcome = self._outcome
        if outcome.rejected:
            return False
        if outcome.domain is None or outcome.fates is None:
            return True if outcome.accepted is not None else None
        index = []
        for axis in outcome.domain.axes:
            wanted = {sizes[str(symbol)] for symbol in axis.symbols}
            if len(wanted) > 1:
                return None  # not a square
            (size,) = wanted
            place = axis.index_of(size)
            if place is None:
                return None
            index.append(place)
        if any(
            sizes.get(str(symbol), size) != size and str(symbol) != "B" for symbol, size in outcome.domain.fixed.items()
        ):
            return None
        fate = outcome.fates[tuple(index)]
        return True if fate == ACCEPTED else False if fate == REJECTED else None


def _is_on_path(run: Run, at: Mapping[str, int]) -> bool:
    """Whether the trace speaks of these sizes: it took one way through forward, and fixed what is not met on it."""
    values = {symbol: at.get(name, run.run_spec.sizes[name]) for name, symbol in run.symbols.items()}
    memo: dict[Any, Any] = {}
    try:
        return all(
            bool(evaluate(event.condition, values, memo))
            for event in run.trace.trail.events
            if isinstance(event, Assumption | Requirement)
        )
    except UnknownFunction:
        return False


def _shapes(run: Run, told: Ran, at: Mapping[str, int]) -> Iterator[str]:
    """The lines of forward whose tensors are of another shape or dtype than the trace says."""
    if run.run_spec.fixed:
        return
    seen: dict[int, list[tuple[Shape, str]]] = defaultdict(list)
    for row, shape, dtype in told.rows:
        seen[row].append((shape, dtype))
    traced = _traced(run, at)
    for row, tensors in seen.items():
        if row in traced and not _is_subsequence(tensors, traced[row]):
            yield f"row {row}: torch {tensors}, traced {traced[row]}"


def _traced(run: Run, at: Mapping[str, int]) -> dict[int, list[tuple[Shape, str]]]:
    """The results of all calls, by row, with the numbers put in; rows with what has no number are left out."""
    numbers = _numbers(run, at)
    found: dict[int, list[tuple[Shape, str]]] = defaultdict(list)
    for node in run.trace.nodes:
        place = node.meta.get("place")
        position = position_of(place) if place is not None else None
        if position is None:
            continue
        for meta in node.meta["outputs"]:
            sizes = [expr_of(size).xreplace(numbers) for size in meta.shape]
            shape = tuple(int(size) if size.is_Integer else -1 for size in sizes)
            found[position[0]].append((shape, str(meta.dtype).removeprefix("torch.")))
    return found


def _numbers(run: Run, at: Mapping[str, int]) -> dict[sympy.Symbol, sympy.Integer]:
    """Those of the sizes for the symbols of a trace."""
    return {symbol: sympy.Integer(at.get(name, run.run_spec.sizes[name])) for name, symbol in run.symbols.items()}


def _is_subsequence(few: Sequence[Any], many: Sequence[Any]) -> bool:
    rest = iter(many)
    return all(any(one == other for other in rest) for one in few)

"""What real torch does with a net: the shapes line by line, or where it raises and with what."""

from __future__ import annotations

import ast
import linecache
import sys
import traceback
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks.oracle.net import Net
from benchmarks.oracle.parameters import limited
from convlint.inputspec import InputSpec

Shape = tuple[int, ...]
NOT_ABOUT_SHAPES = (
    "NameError",
    "UnboundLocalError",
    "AttributeError",
    "ImportError",
    "SyntaxError",
    "KeyError",
    "TooLarge",
)
_NO_MEMORY = ("can't allocate memory", "not enough memory", "unable to mmap", "Cannot allocate memory")
MOST_PARAMETERS = 100_000_000
MODULE = "oracle_net"
"""The name of a net's file as a module: its classes have it in `__module__`."""

_FILE = "/oracle/nets/net.py"  # some packages look for folders in the name


@dataclass(frozen=True)
class Ran:
    """A run that came to its end."""

    rows: tuple[tuple[int, Shape, str], ...]  # for each line of forward that made a tensor: row, shape, dtype
    output: Shape | None


@dataclass(frozen=True)
class Raised:
    """A run, or a construction, that did not."""

    error: str  # the name of its class
    words: str
    rows: tuple[int, ...]  # the rows of the file that it came through, outermost first
    layer: str | None  # the innermost module that was being called
    is_built: bool

    @property
    def is_about_shapes(self) -> bool:
        return self.error not in NOT_ABOUT_SHAPES

    @property
    def is_out_of_memory(self) -> bool:
        """Which is no word about shapes either."""
        return self.error == "MemoryError" or any(words in self.words for words in _NO_MEMORY)


Truth = Ran | Raised


class Real:
    """A net, built with real tensors; `broken` says why it cannot be."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.model: nn.Module | None = None
        self.broken: Raised | None = None
        self._seen: list[tuple[int, Shape, str]] = []
        linecache.cache[_FILE] = (len(net.source), None, net.source.splitlines(True), _FILE)
        try:
            with warnings.catch_warnings(), _importing(net.search_path), limited(MOST_PARAMETERS):
                warnings.simplefilter("ignore")
                module = self._executed()
                self.model = getattr(module, net.target)(*net.args, **net.kwargs)
        except Exception as error:
            self.broken = _raised(error, None, is_built=False)

    def _executed(self) -> types.ModuleType:
        module = types.ModuleType(MODULE)
        module.__dict__.update(__file__=_FILE, _seen=self._see)
        sys.modules[MODULE] = module  # dataclasses and registries look it up there
        code = compile(_observed(self.net.source, self.net.target), _FILE, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102
        return module

    def run(self, sizes: Mapping[str, int], *, training: bool = True) -> Truth:
        """One forward at these sizes: those of "B" and of whatever the inputs name."""
        if self.model is None:
            assert self.broken is not None
            return self.broken
        self._seen.clear()
        self.model.train(training)
        torch.manual_seed(0)
        with _calls() as stack, torch.no_grad(), warnings.catch_warnings(), _importing(self.net.search_path):
            warnings.simplefilter("ignore")
            try:
                values = [feed(spec, sizes) for spec in self.net.inputs if spec.name is None]
                named = {spec.name: feed(spec, sizes) for spec in self.net.inputs if spec.name is not None}
                output = self.model(*values, **named)
            except Exception as error:
                paths = {id(module): path for path, module in self.model.named_modules()}
                return _raised(error, paths.get(id(stack[-1])) if stack else None, is_built=True)
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else None
        return Ran(tuple(self._seen), shape)

    def _see(self, row: int, value: Any) -> None:
        if isinstance(value, torch.Tensor):
            self._seen.append((row, tuple(value.shape), str(value.dtype).removeprefix("torch.")))


def feed(spec: InputSpec, sizes: Mapping[str, int]) -> Any:
    """A real value of an input."""
    if spec.list is not None:
        return [feed(item, sizes) for item in spec.list]
    if spec.dict is not None:
        return {key: feed(item, sizes) for key, item in spec.dict.items()}
    if spec.shape is None:
        return spec.value
    shape = [sizes[size] if isinstance(size, str) else size for size in spec.shape]
    dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point:
        return torch.randn(shape, dtype=dtype)
    return torch.randint(0, spec.high or 2, shape, dtype=dtype)


def _observed(source: str, target: str) -> ast.Module:
    """The file, whose target says of each tensor that a line of its forward gives a name."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == target:
            for function in node.body:
                if isinstance(function, ast.FunctionDef) and function.name == "forward":
                    function.body = list(_told(function.body))
    return ast.fix_missing_locations(tree)


def _told(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        for inner in ("body", "orelse"):
            if isinstance(statement, ast.For | ast.If | ast.While | ast.With) and getattr(statement, inner, None):
                setattr(statement, inner, list(_told(getattr(statement, inner))))
        yield statement
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            name = target.elts[0] if isinstance(target, ast.Tuple) else target
            if isinstance(name, ast.Name):
                call = ast.parse(f"_seen({statement.lineno}, {name.id})").body[0]
                yield ast.copy_location(call, statement)


@contextmanager
def _importing(folders: Sequence[str]) -> Iterator[None]:
    """The folders on the path of imports."""
    before = list(sys.path)
    sys.path[:0] = folders
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _calls() -> Iterator[list[nn.Module]]:
    """The modules that are being called, outermost first; those that an error passed stay."""
    stack: list[nn.Module] = []

    def enter(module: nn.Module, _: Any) -> None:
        stack.append(module)

    def leave(*_: Any) -> None:
        stack.pop()

    hooks = [
        nn.modules.module.register_module_forward_pre_hook(enter),
        nn.modules.module.register_module_forward_hook(leave),
    ]
    try:
        yield stack
    finally:
        for hook in hooks:
            hook.remove()


def _raised(error: Exception, layer: str | None, *, is_built: bool) -> Raised:
    frames = traceback.extract_tb(error.__traceback__)
    rows = tuple(frame.lineno or 0 for frame in frames if frame.filename == _FILE)
    return Raised(type(error).__name__, str(error)[:300], rows, layer, is_built)

"""Small nets as files, held against torch on one side and convlint on the other."""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from convlint.facts import FileFacts, ModelFacts, Node, Span, Violation
from convlint.inputspec import InputSpec
from convlint.jobs import Job, ModelJob

PREAMBLE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
Shape = Sequence[int | str]


def net(init: str, forward: str, parameters: str = "x") -> str:
    """The source of a class Net from the bodies of its two methods."""
    return (
        f"{PREAMBLE}\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"{_body(init)}\n\n    def forward(self, {parameters}):\n{_body(forward)}\n"
    )


def _body(code: str) -> str:
    return textwrap.indent(textwrap.dedent(code).strip("\n"), " " * 8)


def tensors(*shapes: Shape | InputSpec) -> tuple[InputSpec, ...]:
    """Inputs: float tensors where only a shape is given."""
    return tuple(shape if isinstance(shape, InputSpec) else InputSpec(shape=tuple(shape)) for shape in shapes)


def whole(*shape: int | str) -> InputSpec:
    """A tensor of indices."""
    return InputSpec(shape=shape, dtype="int64")


@dataclass(frozen=True)
class Finding:
    """An unmet requirement, with the place that a report would point at."""

    violation: Violation
    node: Node | None
    source: str

    @property
    def place(self) -> Span:
        span = self.violation.at or (self.node.call if self.node else None)
        assert span is not None
        return span

    @property
    def text(self) -> str:
        """The user's expression at the place."""
        return text_at(self.source, self.place)

    @property
    def short(self) -> tuple[str, object, object, str]:
        return self.violation.name, self.violation.expected, self.violation.actual, self.text


def text_at(source: str, span: Span) -> str:
    lines = source.splitlines()[span.row - 1 : span.end_row]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


@dataclass(frozen=True)
class Checked:
    """The facts of one model, and the source they are about."""

    file: FileFacts
    source: str

    @property
    def model(self) -> ModelFacts:
        assert not self.file.failures, self.file.failures
        (model,) = self.file.models
        return model

    @property
    def findings(self) -> list[Finding]:
        """One for each mistake: a report says the same thing at the same place only once."""
        found: dict[tuple[object, ...], Finding] = {}
        for node, violation in self._violation():
            finding = Finding(violation, node, self.source)
            found.setdefault((*finding.short[:3], *_corner(finding.place)), finding)
        return list(found.values())

    def _violation(self) -> Iterator[tuple[Node | None, Violation]]:
        yield from ((None, violation) for violation in self.model.violations)
        yield from ((node, violation) for node in self.model.nodes for violation in node.violations)

    @property
    def the_finding(self) -> Finding:
        found = self.findings
        assert len(found) == 1, [finding.short for finding in found] or self.model.reason
        return found[0]

    def is_clean(self) -> bool:
        """Forward was followed to its end and nothing is said against it."""
        assert not [finding.short for finding in self.findings]
        assert self.model.status == "checked", self.model.reason
        return True


def _corner(span: Span) -> tuple[str, int, int]:
    return span.filename, span.row, span.column


@dataclass
class Linter:
    """Writes each source to a file of its own and runs the worker's job on it in this process."""

    folder: Path
    files: list[Path] = field(default_factory=list)

    def write(self, source: str) -> Path:
        path = self.folder / f"net_{len(self.files)}_{abs(hash(self.folder)) % 10**8}.py"
        path.write_text(source, encoding="utf-8")
        self.files.append(path)
        return path

    def __call__(self, source: str, *shapes: Shape | InputSpec, target: str = "Net", **options: Any) -> Checked:
        """With shapes the inputs are declared, without any they are found out."""
        from convlint.worker.process.job import run

        path = self.write(source)
        model = ModelJob(target=target, inputs=tensors(*shapes) or None, source="--input", **options)
        job = Job(
            path=str(path),
            filename=path.name,
            module=path.stem,
            search_path=(str(self.folder),),
            models=(model,),
            user_roots=(str(self.folder),),
        )
        known = set(sys.path)
        try:
            return Checked(run(job), source)
        finally:
            sys.path[:] = [entry for entry in sys.path if entry in known]
            sys.modules.pop(path.stem, None)

    def module(self, source: str) -> ModuleType:
        """The source as a plain module, without convlint."""
        path = self.write(source)
        spec = importlib.util.spec_from_file_location(f"plain_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def torch_runs(self, source: str, *shapes: Shape | InputSpec, batch: int = 5, training: bool = True) -> Any:
        """What torch itself gives on real tensors."""
        model = self.module(source).Net().train(training)
        given = [_real(spec, batch) for spec in tensors(*shapes)]
        with torch.no_grad():
            return model(*given)

    def torch_refuses(self, source: str, *shapes: Shape | InputSpec, batch: int = 5) -> bool:
        """Whether torch raises, in the constructor or in forward, in either mode."""
        for training in (True, False):
            try:
                self.torch_runs(source, *shapes, batch=batch, training=training)
            except (RuntimeError, ValueError, TypeError, LookupError, AssertionError, AttributeError, NameError):
                return True
        return False


def _real(spec: InputSpec, batch: int) -> torch.Tensor:
    shape = [batch if isinstance(size, str) else size for size in spec.shape or ()]
    return torch.zeros(shape, dtype=getattr(torch, spec.dtype))

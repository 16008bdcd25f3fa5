"""What convlint says of nets: the same worker and rules as on the command line."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.oracle.net import Net
from convlint.diagnostics import Diagnostic
from convlint.facts import FileFacts, ModelFacts
from convlint.jobs import Job, ModelJob
from convlint.pool.pool import WorkerPool
from convlint.rules.apply import diagnose
from convlint.rules.load import load_rules


@dataclass(frozen=True)
class Linted:
    """The facts of one net, and the errors among the findings."""

    net: Net
    facts: FileFacts
    errors: tuple[Diagnostic, ...]

    @property
    def model(self) -> ModelFacts | None:
        return self.facts.models[0] if self.facts.models else None


def lint(nets: Sequence[Net], pool: WorkerPool, *, bare: bool) -> Iterator[Linted]:
    """Each net in turn, with its inputs given or found out."""
    rules = load_rules()
    by_name = {f"{net.name}.py": net for net in nets}
    with tempfile.TemporaryDirectory(prefix="oracle-") as folder:
        jobs = [_job(net, Path(folder), bare=bare) for net in nets]
        for facts in pool.run(jobs):
            found = tuple(one for one in diagnose(facts, rules) if _is_about_the_net(one))
            yield Linted(by_name[facts.filename], facts, found)


def _is_about_the_net(one: Diagnostic) -> bool:
    """Not about a file that cannot be read, or a process that died: that is no word on a shape."""
    return one.severity == "error" and (one.code.startswith("CL1") or one.code == "CL006")


def _job(net: Net, folder: Path, *, bare: bool) -> Job:
    path = folder / f"{net.name}.py"
    path.write_text(net.source, encoding="utf-8")
    model = ModelJob(
        target=net.target,
        kind="class" if _is_class(net) else "factory",
        args=net.args,
        kwargs=dict(net.kwargs),
        inputs=None if bare else net.inputs,
        source=None if bare else "the oracle",
        declared=True,
    )
    return Job(
        path=str(path),
        filename=path.name,
        module=net.name.replace("-", "_"),
        search_path=(str(folder), *net.search_path),
        models=(model,),
        user_roots=(str(folder),),
    )


def _is_class(net: Net) -> bool:
    tree = ast.parse(net.source)
    return any(isinstance(node, ast.ClassDef) and node.name == net.target for node in tree.body)

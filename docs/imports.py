"""Draw the picture of docs/architecture.md from the imports between convlint's parts, as a Mermaid chart.

python docs/imports.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import grimp
import networkx

PAGE = Path(__file__).with_name("architecture.md")
WORKER = "convlint.worker"
_CHART = re.compile(r"(?<=^```mermaid\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def chart() -> str:
    """One node for each package below convlint, and below its worker; arrows that follow from others are left out."""
    graph = grimp.build_graph("convlint", cache_dir=None)
    outside = _packages(graph, "convlint") - {WORKER}
    inside = _packages(graph, WORKER)
    lines = ["flowchart TD", *_arrows(graph, outside), f"    subgraph {_name(WORKER)}"]
    lines += [f"    {line}" for line in _arrows(graph, inside)]
    return "\n".join([*lines, "    end", f"    {_name('convlint.pool')} -.->|starts| {_name(WORKER)}"]) + "\n"


def drawn(page: str) -> str:
    """The page with its chart as the imports are now."""
    return _CHART.sub(lambda _: chart(), page)


def _packages(graph: grimp.ImportGraph, parent: str) -> set[str]:
    return {child for child in graph.find_children(parent) if graph.find_children(child)}


def _arrows(graph: grimp.ImportGraph, packages: set[str]) -> Iterator[str]:
    imports = networkx.DiGraph()
    imports.add_nodes_from(packages)
    for importer in packages:
        below = packages - {importer}
        imports.add_edges_from((importer, other) for other in below if _imports(graph, importer, other))
    for importer, other in sorted(networkx.transitive_reduction(imports).edges):
        yield f"    {_name(importer)} --> {_name(other)}"


def _imports(graph: grimp.ImportGraph, importer: str, other: str) -> bool:
    return graph.direct_import_exists(importer=importer, imported=other, as_packages=True)


def _name(package: str) -> str:
    """The node of a package, with its last name as the label: `worker.ops[ops]`."""
    name = package.removeprefix("convlint.")
    return f"{name}[{name.rpartition('.')[2]}]"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""`pytest --convlint`: one test for each model.

pytest imports this in every run, so all else is imported where it is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from convlint.pytest_plugin.linting import Linting

_LINTING: pytest.StashKey[Linting] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("convlint", "shapes of PyTorch models")
    group.addoption("--convlint", action="store_true", help="Check the models in all files, one test for each.")
    group.addoption("--convlint-verify", action="store_true", help="As --convlint, and run each model for real.")
    group.addoption("--convlint-device", metavar="DEVICE", help="What --convlint-verify runs models on: cuda, cpu, ...")
    parser.addini("convlint", "As --convlint.", type="bool", default=False)
    parser.addini("convlint_verify", "As --convlint-verify.", type="bool", default=False)
    parser.addini("convlint_device", "As --convlint-device.", default="")


def pytest_configure(config: pytest.Config) -> None:
    verifies = bool(config.getoption("convlint_verify") or config.getini("convlint_verify"))
    if not (verifies or config.getoption("convlint") or config.getini("convlint")):
        return
    from convlint.pytest_plugin.linting import Linting

    device = config.getoption("convlint_device") or config.getini("convlint_device") or None
    config.stash[_LINTING] = Linting(config, verifies=verifies, device=device)


def pytest_unconfigure(config: pytest.Config) -> None:
    linting = config.stash.get(_LINTING, None)
    if linting is not None:
        linting.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    linting = session.config.stash.get(_LINTING, None)
    if linting is not None:
        linting.prepare()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    linting = parent.config.stash.get(_LINTING, None)
    if linting is None or file_path not in linting.targets:
        return None
    from convlint.pytest_plugin.nodes import ModelFile

    return ModelFile.from_parent(parent, path=file_path, linting=linting)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where all of them share the outcome of the one run."""
    linting = node.config.stash.get(_LINTING, None)
    if linting is not None:
        node.workerinput["convlint"] = linting.shared_folder()

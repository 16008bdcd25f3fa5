"""Models found and models configured, joined into jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from convlint.config import ConfigError, load_config, parse_input
from convlint.discovery.discover import discover
from convlint.jobs import Job
from convlint.plan import Entries, Plan, plan

NETS = """
from torch import nn
class Block(nn.Module):
    def __init__(self, n): super().__init__()
    def forward(self, x): return x
class Net(nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.block = Block(n)
    def forward(self, x): return self.block(x)
class Nest(nn.Module):
    def forward(self, x): return x
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path


def make(project: Path, *models: str, paths: Sequence[str] = (".",), inputs: Sequence[str] = ()) -> Plan:
    text = "[tool.convlint]\n" + "".join(f"[[tool.convlint.model]]\n{model}\n" for model in models)
    (project / "pyproject.toml").write_text(text)
    load_config.__globals__["_nearest"].cache_clear()
    entries = Entries(load_config_of)
    found = discover(paths, lambda _: (), lambda path: bool(entries.of(path)))
    return plan(found, entries, inputs=[parse_input(text) for text in inputs])


def load_config_of(folder: str):  # type: ignore[no-untyped-def]
    return load_config(folder)


def summary(jobs: Sequence[Job]) -> list[tuple[str, bool]]:
    return [(model.target, model.declared) for job in jobs for model in job.models]


def test_bare(project: Path) -> None:
    found = make(project)
    (job,) = found.jobs
    assert (job.filename, job.module, job.path) == ("nets.py", "nets", str(project / "nets.py"))
    assert job.search_path == job.user_roots == (str(project),)
    assert job.timeout == 60.0
    assert summary(found.jobs) == [("Net", False), ("Nest", False)]
    assert found.notes == ()


def test_an_entry_takes_the_place_of_the_bare_check(project: Path) -> None:
    found = make(project, 'name = "nets.py:Net"\nargs = [5]\ninputs = [{ shape = ["B", 3] }]')
    (job,) = found.jobs
    net, nest = job.models
    assert (net.args, net.declared, net.source) == ((5,), True, "pyproject.toml")
    assert net.inputs is not None
    assert net.inputs[0].shape == ("B", 3)
    assert (nest.args, nest.declared, nest.source, nest.inputs) == ((), False, None, None)


def test_several_entries_for_one_model_are_several_checks(project: Path) -> None:
    found = make(project, 'name = "nets.py:Net"\nargs = [5]', 'name = "*.py:Net"\nargs = [6]')
    assert [model.args for model in found.jobs[0].models] == [(5,), (6,), ()]


def test_a_plain_name_may_be_a_block_and_a_pattern_prefers_models(project: Path) -> None:
    assert summary(make(project, 'name = "nets.py:Block"\nargs = [1]').jobs) == [
        ("Block", True),
        ("Net", False),
        ("Nest", False),
    ]
    assert summary(make(project, 'name = "nets.py:*"').jobs) == [("Net", True), ("Nest", True)]
    assert summary(make(project, 'name = "nets.py:Bl*"').jobs)[0] == ("Block", True)


def test_an_entry_may_name_what_discovery_does_not_know(project: Path) -> None:
    (project / "odd.py").write_text("from framework import Thing\nclass Odd(Thing): pass\n")
    assert ("Odd", True) in summary(make(project, 'name = "odd.py:Odd"').jobs)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("nets.py:Nett", 'no model is called "Nett"; did you mean "Net"?'),
        ("nets.py:X*", 'no model is called "X*"; valid are Block, Nest, Net'),
        ("net.py:Net", "no such file"),
        ("deep/**/*.py:Net", "no such file"),
    ],
)
def test_an_entry_that_names_nothing_is_told(project: Path, name: str, note: str) -> None:
    found = make(project, f'name = "{name}"')
    assert found.notes == (f'pyproject.toml: [[tool.convlint.model]] name = "{name}": {note}',)


def test_an_entry_for_a_file_outside_of_the_run_is_not_told(project: Path) -> None:
    (project / "other.py").write_text("x = 1\n")
    assert make(project, 'name = "other.py:Net"', paths=["nets.py"]).notes == ()
    assert len(make(project, 'name = "other.py:Net"').notes) == 1


def test_a_target_on_the_command_line(project: Path) -> None:
    assert summary(make(project, paths=["nets.py:Net"]).jobs) == [("Net", False)]
    assert summary(make(project, paths=["nets.py:Block"]).jobs) == [("Block", False)]
    with pytest.raises(ConfigError, match=r'nets\.py: no model is called "Nett"; did you mean "Net"'):
        make(project, paths=["nets.py:Nett"])


def test_inputs_on_the_command_line(project: Path) -> None:
    found = make(
        project,
        'name = "nets.py:Net"\nargs = [5]\ninputs = [{ shape = [1] }]',
        paths=["nets.py:Net"],
        inputs=["B,3", "B,20:int64"],
    )
    (model,) = found.jobs[0].models
    assert (model.args, model.source) == ((5,), "--input")
    assert model.inputs is not None
    assert [(spec.shape, spec.dtype) for spec in model.inputs] == [
        (("B", 3), "float32"),
        (("B", 20), "int64"),
    ]


def test_inputs_need_one_model(project: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        make(project, inputs=["B,3"])
    assert caught.value.sentences == (
        "--input is for exactly one model, but 2 would be checked (nets.py:Net, nets.py:Nest);"
        " name one as the path: convlint nets.py:Net --input ...",
    )
    (project / "nets.py").write_text("x = 1\n")
    with pytest.raises(ConfigError, match="but none would be checked; name one as the path"):
        make(project, inputs=["B,3"])


def test_a_file_without_a_model_is_no_job(project: Path) -> None:
    (project / "nets.py").write_text("import torch\nx = torch.ones(3)\n")
    assert make(project).jobs == ()


BUILT = """
from torch import nn
class Net(nn.Module):
    def __init__(self, n): super().__init__()
    def forward(self, x): return x
class Free(nn.Module):
    def __init__(self, n=3): super().__init__()
    def forward(self, x): return x
Net(5), Free(6)
"""


def test_sites_count_until_the_configuration_knows_better(project: Path) -> None:
    (project / "nets.py").write_text(BUILT)
    found = make(project)
    assert [[site.text for site in model.sites] for model in found.jobs[0].models] == [["Net(5)"], ["Free(6)"]]
    assert found.jobs[0].files[str(project / "nets.py")].module == "nets"
    found = make(project, 'name = "nets.py:*"\ninputs = [{ shape = ["B", 3] }]')
    assert [[site.text for site in model.sites] for model in found.jobs[0].models] == [["Net(5)"], []]
    assert all(model.hints == () for model in found.jobs[0].models)
    found = make(project, 'name = "nets.py:Net"\nkwargs = { n = 7 }')
    assert found.jobs[0].models[0].sites == ()

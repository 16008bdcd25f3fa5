"""pytest with convlint, as a user runs it: real sessions over a small project."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

HEAD = "import torch\nfrom torch import nn\n\n\n"
NET = """class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.second = nn.Linear({size}, 2)

    def forward(self, x):
        return self.second(self.first(x))


"""
READS = """class Reads(nn.Module):
    def forward(self, x):
        x = x.relu()
        raise ValueError("unknown_name")
"""
LYING = """class Lying(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)

    def forward(self, x):
        x = self.first(x)
        return x if isinstance(x, torch._subclasses.FakeTensor) else x.nope()
"""
OBSERVER = """
import json, pathlib, sys

starts = []
sys.addaudithook(lambda event, args: starts.append(args) if event == "subprocess.Popen" else None)


def pytest_sessionfinish(session):
    seen = {"torch": "torch" in sys.modules, "starts": len(starts)}
    name = getattr(session.config, "workerinput", {}).get("workerid", "main")
    pathlib.Path(str(session.config.rootpath), f"seen-{name}.txt").write_text(json.dumps(seen))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    net = NET.format
    pytester.makepyfile(**{"models/right": HEAD + net(name="Right", size=8)})
    pytester.makepyfile(**{"models/nets": HEAD + net(name="Wrong", size=9) + net(name="Fine", size=8) + READS})
    pytester.makepyfile(**{"models/broken": HEAD + "class Net(nn.Module:\n"})
    pytester.makepyfile(test_it="def test_it():\n    pass\n")
    pytester.makeconftest(OBSERVER)
    return pytester


def seen(pytester: pytest.Pytester) -> list[dict[str, int]]:
    return [dict(json.loads(path.read_text())) for path in sorted(pytester.path.glob("seen-*.txt"))]


def test_each_model_is_a_test(project: pytest.Pytester) -> None:
    done = project.runpytest_subprocess("--convlint", "-v", "-rs", "-p", "no:xdist")
    done.assert_outcomes(passed=3, failed=2, skipped=1)
    done.stdout.fnmatch_lines_random(
        [
            "models/nets.py::convlint::Wrong FAILED*",
            "models/nets.py::convlint::Fine PASSED*",
            "models/nets.py::convlint::Reads SKIPPED*",
            "models/broken.py::convlint::syntax FAILED*",
            "models/right.py::convlint::Right PASSED*",
            "test_it.py::test_it PASSED*",
            "error?CL101? linear-in-features: `second` takes 9 features but gets 8",
            "*--> models/nets.py:9:*",
            "error?CL002? syntax-error*",
            "SKIPPED*models/nets.py:25: Reads: *unknown_name*",
        ]
    )
    assert seen(project) == [{"torch": False, "starts": 1}]


def test_one_worker_of_xdist_runs_convlint_for_all(project: pytest.Pytester) -> None:
    done = project.runpytest_subprocess("--convlint", "-n", "2", "-rf")
    done.assert_outcomes(passed=3, failed=2, skipped=1)
    done.stdout.fnmatch_lines(["*error?CL101? linear-in-features: `second` takes 9 features but gets 8"])
    workers = [one for one in seen(project) if one["starts"] <= 1]
    assert sum(one["starts"] for one in workers) == 1


def test_only_what_is_asked_for_is_checked(project: pytest.Pytester) -> None:
    done = project.runpytest_subprocess("--convlint", "-v", "models/nets.py::convlint::Fine")
    done.assert_outcomes(passed=1)
    assert project.runpytest_subprocess("models", "test_it.py").parseoutcomes() == {"passed": 1}


def test_settings_come_from_the_files(project: pytest.Pytester) -> None:
    project.makepyprojecttoml(
        "[tool.pytest.ini_options]\nconvlint = true\n"
        '[tool.convlint]\nexclude = ["broken.py"]\nignore = ["CL101"]\nrequire-checked = true\n'
    )
    done = project.runpytest_subprocess("-v")
    done.assert_outcomes(passed=4, failed=1)
    done.stdout.fnmatch_lines(["models/nets.py:25: Reads: *unknown_name*"])


def test_what_a_factory_stands_for_is_judged_with_it(pytester: pytest.Pytester) -> None:
    block = NET.format(name="Block", size=9).replace("self)", "self, width)", 1).replace("(4, 8)", "(width, 8)")
    pytester.makepyfile(blocks=HEAD + block)
    makes = "from blocks import Block\n\n\ndef make_net(path):\n    open(path)\n    return Block(4)\n"
    pytester.makepyfile(nets=makes)
    done = pytester.runpytest_subprocess("--convlint", "-v", "-p", "no:xdist")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["nets.py::convlint::make_net FAILED*", "*`second` takes 9 features but gets 8*"])


def test_a_wrong_configuration_is_a_wrong_usage(project: pytest.Pytester) -> None:
    project.makepyprojecttoml('[tool.convlint]\nselekt = ["CL1"]\n')
    done = project.runpytest_subprocess("--convlint", "models/right.py")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*convlint: pyproject.toml:2: *selekt*"])
    done = project.runpytest_subprocess("--convlint-verify", "--convlint-device", "gpu")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(['*"gpu" is not a device*'])


def test_models_are_run_for_real(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(nets=HEAD + NET.format(name="Right", size=8) + LYING)
    arguments = "--convlint-verify", "-v", "-rs", "--convlint-device"
    done = pytester.runpytest_subprocess(*arguments, "cpu")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(
        ["*CL020* refuted-clean: `Lying` was predicted to run, but raises on cpu: AttributeError*"]
    )
    done = pytester.runpytest_subprocess(*arguments, "xpu:7")
    done.assert_outcomes(skipped=2)
    done.stdout.fnmatch_lines(["SKIPPED*nets.py:*: Right: *xpu*: verification is skipped"])
    pytester.makepyprojecttoml("[tool.convlint.verify]\nrequire-device = true\n")
    done = pytester.runpytest_subprocess(*arguments, "xpu:7")
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines(["*nothing was verified*"])


def test_the_plugin_can_be_left_out(project: pytest.Pytester) -> None:
    done = project.runpytest_subprocess("-p", "no:convlint", "--convlint")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert project.runpytest_subprocess("-p", "no:convlint").ret == 0


def test_a_session_without_it_loads_next_to_nothing() -> None:
    code = "import pytest, sys, convlint.pytest_plugin; print(sorted(m for m in sys.modules if 'convlint' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['convlint', 'convlint.pytest_plugin']"

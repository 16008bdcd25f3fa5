"""The user's files as modules: what runs at import, what later, what never, and what stands in for what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from torch import nn

from convlint.facts import Failure
from convlint.jobs import Expression, Job, UserFile
from convlint.worker.build.importing import ImportedProject, importing
from convlint.worker.build.resolve import Resolver, Unresolved
from convlint.worker.stack.users import user_test
from convlint.worker.user_code.module import ProjectModule
from convlint.worker.user_code.unavailable import Unavailable


class Desk:
    """A project in a folder, imported as the worker does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project: ImportedProject | None = None

    def write(self, name: str, source: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source).lstrip("\n"), encoding="utf-8")
        return path

    def file(self, name: str) -> UserFile:
        module = name.removesuffix(".py").replace("/", ".")
        return UserFile(filename=name, module=module, search_path=(str(self.folder),))

    def load(self, name: str) -> ProjectModule:
        assert self.project is not None
        return self.project.module_at(str(self.folder / name), self.file(name))

    def resolver(self, *names: str) -> Resolver:
        assert self.project is not None
        return Resolver(self.project, {str(self.folder / name): self.file(name) for name in names})

    def at(self, name: str, text: str, row: int = 1) -> Expression:
        return Expression(text=text, path=str(self.folder / name), row=row)

    def failures(self) -> list[Failure]:
        assert self.project is not None
        return list(self.project.own_failures())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    job = Job(
        path=str(tmp_path / "net.py"),
        filename="net.py",
        module="net",
        search_path=(str(tmp_path),),
        models=(),
        user_roots=(str(tmp_path),),
    )
    modules, path = set(sys.modules), list(sys.path)
    with importing(job, user_test(job.path, job.user_roots)) as project:
        desk.project = project
        yield desk
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


SCRIPT = """
    import torch
    from torch import nn
    ran = []
    SIZES = [4, 8]
    def load():
        ran.append("data")
        return list(range(5))

    data = load()
    n_features = len(data)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(SIZES[0], n_features)

    model = Net()
    for epoch in range(3):
        ran.append("epoch")
        loss = model(torch.zeros(1, 4)).sum()
        loss.backward()
    print("done")
    if __name__ == "__main__":
        hidden = 12
"""


def test_the_training_loop_never_runs(desk: Desk) -> None:
    desk.write("net.py", SCRIPT)
    module = desk.load("net.py")
    assert module.ran == []
    assert not desk.failures()


def test_a_name_is_computed_when_the_model_needs_it(desk: Desk) -> None:
    desk.write("net.py", SCRIPT)
    module = desk.load("net.py")
    assert module.Net().fc.out_features == 5
    assert module.ran == ["data"]


def test_what_the_main_block_binds_can_be_had(desk: Desk) -> None:
    desk.write("net.py", SCRIPT)
    assert desk.load("net.py").hidden == 12


def test_what_only_the_training_loop_binds_is_unavailable(desk: Desk) -> None:
    desk.write("net.py", SCRIPT)
    module = desk.load("net.py")
    with pytest.raises(Unavailable, match=r"`loss` \(line 18\) is only set when the script runs"):
        _ = module.loss


def test_an_undefined_name_stays_undefined(desk: Desk) -> None:
    desk.write("net.py", "def f():\n    return nothing\n")
    with pytest.raises(NameError):
        desk.load("net.py").f()


def test_changes_of_a_value_come_with_it(desk: Desk) -> None:
    desk.write(
        "net.py",
        """
        from torch import nn
        def head():
            return nn.Linear(4, 2)
        model = nn.Sequential(nn.Linear(8, 4))
        model.head = head()
        model.eval()
        """,
    )
    model = desk.load("net.py").model
    assert isinstance(model.head, nn.Linear)
    assert not model.training


def test_a_plain_value_beside_one_that_cannot_be_had(desk: Desk) -> None:
    desk.write(
        "net.py",
        """
        import os
        def load():
            raise OSError
        kind = os.environ.get("NOWHERE")
        if kind == "faces":
            data = load()
            channels = 3
        try:
            words = load()
            width = 7
        finally:
            pass
        if kind is None:
            raise ValueError("no kind")
        """,
    )
    module = desk.load("net.py")
    assert (module.channels, module.width) == (3, 7)
    assert not desk.failures()


def test_other_files_are_late_as_well(desk: Desk) -> None:
    desk.write(
        "data.py",
        "log = []\ndef get():\n    log.append(1)\n    return 'ab'\nwords = get()\nvocab_size = len(words)\nEMBED = 3\n",
    )
    desk.write(
        "net.py", "from data import EMBED, log\nimport data\nfrom data import *\ndef size():\n    return vocab_size\n"
    )
    module = desk.load("net.py")
    assert (module.EMBED, module.log) == (3, [])
    assert module.size() == 2


def test_late_names_across_a_from_import(desk: Desk) -> None:
    desk.write("data.py", "words = ''.join(['a', 'b']) + str(input)\nvocab_size = sorted(map(len, [words]))[0]\n")
    desk.write("net.py", "from data import vocab_size\n")
    assert desk.load("net.py").vocab_size > 2


def test_class_bodies_and_defaults_see_late_names(desk: Desk) -> None:
    desk.write(
        "net.py",
        """
        def load():
            return 7
        SIZE = load()
        class Net:
            size = SIZE
            def f(self, x=SIZE):
                return x
        """,
    )
    module = desk.load("net.py")
    assert (module.Net.size, module.Net().f()) == (7, 7)


def test_parsers_give_their_defaults(desk: Desk) -> None:
    desk.write(
        "net.py",
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--width", type=int, default=16)
        parser.add_argument("--data", required=True)
        parser.add_argument("folder")
        args = parser.parse_args()
        """,
    )
    assert vars(desk.load("net.py").args) == {"width": 16, "data": None, "folder": None}


def test_future_imports_hold_for_every_statement(desk: Desk) -> None:
    desk.write("net.py", "from __future__ import annotations\ndef f(x: Nowhere) -> Nothing: ...\n")
    assert desk.load("net.py").f.__annotations__ == {"x": "Nowhere", "return": "Nothing"}
    assert not desk.failures()


@pytest.mark.parametrize("answer", [True, False])
def test_a_question_decides_which_class_is_meant(desk: Desk, answer: bool) -> None:
    desk.write(
        "net.py",
        f"def is_new():\n    return {answer}\n\n\nif is_new():\n    class A:\n        new = True\n"
        "else:\n    class A:\n        new = False\n",
    )
    assert desk.load("net.py").A.new is answer


def test_lines_stay_what_they_are(desk: Desk) -> None:
    desk.write("net.py", "import os\n\n\n\n\ndef f():\n    raise ValueError\n")
    assert desk.load("net.py").f.__code__.co_firstlineno == 6


def test_relative_imports_and_namespace_packages(desk: Desk) -> None:
    desk.write("pkg/sub/blocks.py", "WIDTH = 5\n")
    desk.write("pkg/net.py", "from .sub.blocks import WIDTH\nfrom . import sub\n")
    assert desk.load("pkg/net.py").WIDTH == 5


def test_a_module_beside_the_file_hides_no_folder_of_the_script(desk: Desk) -> None:
    desk.write("work/utils/masks.py", "WIDTH = 6\n")
    desk.write("work/layers/utils.py", "WIDTH = 7\n")
    desk.write("work/layers/net.py", "from utils.masks import WIDTH\n")
    assert desk.load("work/layers/net.py").WIDTH == 6
    assert not desk.failures()


def test_a_folder_above_is_searched_as_well(desk: Desk) -> None:
    desk.write("work/common/blocks.py", "WIDTH = 6\n")
    desk.write("work/models/net.py", "from common.blocks import WIDTH\n")
    module = desk.load("work/models/net.py")
    assert module.WIDTH == 6


class TestMissingPackages:
    def test_are_stood_in_for(self, desk: Desk) -> None:
        desk.write(
            "net.py",
            """
            import nowhere.plots as plots
            from nowhere.models import Thing, decorate
            from torch import nn
            @decorate
            class Net(nn.Module):
                def __init__(self, scale: Thing[int] = 2):
                    super().__init__()
                    plots.draw(self)
                    self.fc = nn.Linear(scale, 3)
            """,
        )
        module = desk.load("net.py")
        assert module.Net().fc.in_features == 2
        assert not desk.failures()

    def test_are_named_where_they_are_needed(self, desk: Desk) -> None:
        desk.write("net.py", "import nowhere\ndef f():\n    return 3 if nowhere.flag else 4\n")
        with pytest.raises(Unavailable, match="the package nowhere is not installed"):
            desk.load("net.py").f()

    def test_the_authors_own_fallback_is_taken(self, desk: Desk) -> None:
        desk.write("net.py", "try:\n    import nowhere\nexcept ImportError:\n    nowhere = None\n")
        assert desk.load("net.py").nowhere is None

    def test_a_name_that_a_package_no_longer_has(self, desk: Desk) -> None:
        desk.write("net.py", "from torch.nn import NoSuchLayer, Linear\n")
        module = desk.load("net.py")
        assert module.Linear is nn.Linear
        with pytest.raises(Unavailable, match=r"torch\.nn has no NoSuchLayer here"):
            bool(module.NoSuchLayer(3))

    def test_a_missing_file_of_the_project_is_the_users(self, desk: Desk) -> None:
        desk.write("helpers.py", "def f(): ...\n")
        desk.write("net.py", "from helpers import g\nX = 3\n")
        assert desk.load("net.py").X == 3
        (failure,) = desk.failures()
        assert "cannot import name 'g'" in failure.message
        assert failure.at is not None
        assert failure.at.row == 1

    def test_lightning_without_lightning(self, desk: Desk) -> None:
        desk.write(
            "net.py",
            """
            import pytorch_lightning as pl
            from torch import nn
            class Net(pl.LightningModule):
                def __init__(self, width=7):
                    super().__init__()
                    self.save_hyperparameters()
                    self.fc = nn.Linear(self.hparams.width, 2)
            """,
        )
        pytest.importorskip("torch")
        assert desk.load("net.py").Net().fc.in_features == 7


class TestResolving:
    def test_names_of_a_function_and_its_callers(self, desk: Desk) -> None:
        desk.write(
            "train.py",
            """
            import argparse
            BASE = 4
            def parse():
                p = argparse.ArgumentParser()
                p.add_argument("--hidden", type=int, default=32)
                return p.parse_args()
            def build(args, depth=2):
                width = args.hidden * BASE
                if depth > 1:
                    width += 1
                model = Net(width, depth)
                return model
            def main():
                args = parse()
                for epoch in range(10):
                    build(args)
            """,
        )
        resolver = desk.resolver("train.py")
        assert resolver.call_arguments(desk.at("train.py", "Net(width, depth)", 12)) == ((129, 2), {})

    def test_attributes_of_self(self, desk: Desk) -> None:
        desk.write(
            "train.py",
            """
            class Trainer:
                def __init__(self, width=6):
                    self.width = width
                def build(self):
                    return Net(self.width * 2)
            """,
        )
        assert desk.resolver("train.py").evaluate(desk.at("train.py", "self.width * 2", 5)) == 12

    def test_a_config_read_from_a_file(self, desk: Desk) -> None:
        (desk.folder / "config.json").write_text('{"width": 9}')
        desk.write(
            "train.py",
            """
            import json, os
            with open(os.path.join(os.path.dirname(__file__), "config.json")) as file:
                config = json.load(file)
            """,
        )
        args, kwargs = desk.resolver("train.py").call_arguments(desk.at("train.py", "Net(**config)"))
        assert (args, kwargs) == ((), {"width": 9})

    @pytest.mark.parametrize("text", ["Net(batch)", "Net(unknown)", "Net(*f)", "Net("])
    def test_what_cannot_be_had(self, desk: Desk, text: str) -> None:
        desk.write("train.py", "def f(loader):\n    for batch in loader:\n        pass\n")
        with pytest.raises(Unresolved):
            desk.resolver("train.py").call_arguments(desk.at("train.py", text, 3))

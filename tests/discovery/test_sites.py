"""Where in a project a model is constructed."""

from __future__ import annotations

import textwrap
from pathlib import Path

from convlint.discovery.discover import Discovery, discover
from convlint.discovery.roots import FoundModel

NET = """
    from torch import nn
    class Net(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.fc = nn.Linear(n, 4)
        def forward(self, x): return self.fc(x)
"""


def lint(folder: Path, files: dict[str, str], *paths: str) -> Discovery:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return discover([str(folder / path) for path in paths or (".",)], lambda _: ())


def model(found: Discovery, target: str) -> FoundModel:
    (one,) = [one for file in found.files for one in file.models if one.target == target]
    return one


def sites(found: Discovery, target: str, folder: Path) -> list[str]:
    return [f"{Path(one.path).relative_to(folder)}:{one.row} {one.text}" for one in model(found, target).sites]


def test_the_own_file_comes_first_and_tests_last(tmp_path: Path) -> None:
    files = {
        "net.py": NET + '    if __name__ == "__main__":\n        Net(1)\n',
        "a.py": "import torch\nfrom net import Net\ndef main():\n    model = Net(n=2).to('cuda')\n",
        "z.py": "import torch\nfrom net import Net\nnet = torch.nn.DataParallel(Net(3))\n",
        "tests/helper.py": "from net import Net\nNet(4)\n",
        "a_test.py": "from net import Net\ndef test(): Net(5)\n",
    }
    assert sites(lint(tmp_path, files), "Net", tmp_path) == [
        "net.py:9 Net(1)",
        "a.py:4 Net(n=2)",
        "z.py:3 Net(3)",
        "a_test.py:2 Net(5)",
        "tests/helper.py:2 Net(4)",
    ]


def test_any_name_of_a_class_is_known(tmp_path: Path) -> None:
    files = {
        "models/__init__.py": "from .net import Net\n",
        "models/net.py": NET,
        "use.py": """
            import models.net
            import models as m
            from models import *
            from models.net import Net as Model
            Alias = Model
            one = models.net.Net(1)
            two = m.Net(2)
            three = Net(3)
            four = Model(4)
            five = Alias(5)
            def main():
                from models import Net
                Net(6)
            if __name__ == "__main__":
                import models.net as late
                late.Net(7)
        """,
    }
    assert sites(lint(tmp_path, files), "Net", tmp_path) == [
        "use.py:7 models.net.Net(1)",
        "use.py:8 m.Net(2)",
        "use.py:9 Net(3)",
        "use.py:10 Model(4)",
        "use.py:11 Alias(5)",
        "use.py:14 Net(6)",
        "use.py:17 late.Net(7)",
    ]


def test_what_is_no_site(tmp_path: Path) -> None:
    text = (
        NET
        + """
        @classmethod
        def small(cls): return Net(1)
    class Wide(Net):
        def __init__(self):
            super().__init__(3)
            Net.__init__(self, 3)
    def run(Net): Net(5)
    def other():
        Net = pick()
        Net(6)
    def test():
        with pytest.raises(ValueError):
            Net(-1)
        self.assertRaises(ValueError, lambda: Net(-2))
    kept = Net(2)
    """
    )
    assert [site.text for site in model(lint(tmp_path, {"net.py": text}), "Net").sites] == ["Net(2)"]


def test_a_call_is_listed_once_and_not_without_end(tmp_path: Path) -> None:
    calls = "Net(0)\nNet(0)\n" + "".join(f"Net({n})\n" for n in range(40)) + f"Net([{'7, ' * 2000}])\n"
    found = model(lint(tmp_path, {"net.py": textwrap.dedent(NET) + calls}), "Net")
    assert [site.text for site in found.sites] == [f"Net({n})" for n in range(24)]
    huge = f"Net([{'7, ' * 2000}])\nNet({'(' * 60}1{')' * 60})\n"
    found = model(lint(tmp_path, {"net.py": textwrap.dedent(NET) + huge}), "Net")
    assert [site.text for site in found.sites] == ["Net(1)"]


def test_factories_have_sites_too(tmp_path: Path) -> None:
    text = NET + "    def build(n, deep=False): return Net(n)\n    def main(): build(3)\n"
    found = lint(tmp_path, {"net.py": text})
    assert [(one.target, one.is_bare) for one in found.files[0].models] == [("build", False)]
    assert sites(found, "build", tmp_path) == ["net.py:9 build(3)"]


def test_the_calls_of_a_model_that_holds_a_block_come_last(tmp_path: Path) -> None:
    text = (
        NET
        + """
    class Holder(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.net = Net(config.n)
            self.other = Net(8)
        def forward(self, x): return self.net(x)
    """
    )
    files = {"net.py": text, "use.py": "from net import Net\nNet(4)\n"}
    assert sites(lint(tmp_path, files), "Net", tmp_path) == [
        "use.py:2 Net(4)",
        "net.py:12 Net(config.n)",
        "net.py:13 Net(8)",
    ]


def test_a_lightning_module_without_forward_is_a_site_like_any_other(tmp_path: Path) -> None:
    text = (
        NET
        + """
    import lightning as L
    class Lit(L.LightningModule):
        def __init__(self): self.model = Net(28)
        def training_step(self, batch, i): return self.model(batch)
    """
    )
    assert sites(lint(tmp_path, {"net.py": text}), "Net", tmp_path) == ["net.py:11 Net(28)"]


def test_the_files_of_sites_are_told(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/net.py": NET,
        "pkg/other.py": "import torch\n",
        "train.py": "from pkg.net import Net\nNet(3)\n",
        "tests/test_net.py": "from pkg.net import Net\nNet(4)\n",
    }
    (file,) = lint(tmp_path, files, "pkg/net.py").files
    assert {path: (one.module, one.search_path) for path, one in file.files.items()} == {
        str(tmp_path / "train.py"): ("train", (str(tmp_path),)),
        str(tmp_path / "tests" / "test_net.py"): ("test_net", (str(tmp_path / "tests"), str(tmp_path))),
    }


def test_a_file_that_cannot_be_parsed_has_no_sites(tmp_path: Path) -> None:
    files = {"net.py": NET, "broken.py": "from net import Net\nNet(3\n"}
    assert sites(lint(tmp_path, files), "Net", tmp_path) == []


CONSTRUCTORS = """
        @classmethod
        def small(cls, n=1):
            made = cls(n)
            return made.eval()
        @staticmethod
        def by_name(name: str) -> "Net": return TABLE[name]()
        @classmethod
        def sizes(cls): return [1]
        def copy(self): return Net(1)
"""


def test_methods_that_construct_a_class_are_sites(tmp_path: Path) -> None:
    files = {
        "net.py": NET + CONSTRUCTORS + "    class Wide(Net): pass\n",
        "use.py": """
            from net import Net, Wide
            import net
            Net.small(2)
            net.Net.by_name("big").cuda()
            Net.sizes()
            Net.copy(None)
            def main(): return Wide.small()
        """,
    }
    found = lint(tmp_path, files)
    assert sites(found, "Net", tmp_path) == ["use.py:4 Net.small(2)", "use.py:5 net.Net.by_name('big')"]
    assert sites(found, "Wide", tmp_path) == ["use.py:8 Wide.small()"]


def test_what_a_parameter_is_given_is_looked_up_at_the_callers(tmp_path: Path) -> None:
    files = {
        "net.py": NET
        + "    def load(n, other=None, scale=2):\n        model = Net(int(n) * scale)\n        save(model)\n",
        "use.py": """
            from net import load
            def main(args):
                load(args.n)
            def run(count):
                load(n=count, scale=3)
            run(5)
        """,
    }
    found = lint(tmp_path, files)
    assert sites(found, "Net", tmp_path) == [
        "net.py:9 Net(int(n) * scale)",
        "use.py:4 Net(int(args.n) * 2)",
        "use.py:6 Net(int(count) * 3)",
        "use.py:7 Net(int(5) * 3)",
    ]
    assert [one.is_written for one in model(found, "Net").sites] == [True, False, False, False]


def test_what_a_constructor_is_given_is_looked_up_too(tmp_path: Path) -> None:
    agent = """
        from net import Net
        class Agent:
            def __init__(self, state, *, hidden=8):
                self.net = Net(state + hidden)
    """
    files = {"net.py": NET, "agent.py": agent, "main.py": "from agent import Agent\nimport net\nAgent(4)\n"}
    assert sites(lint(tmp_path, files), "Net", tmp_path) == ["agent.py:5 Net(state + hidden)", "main.py:3 Net(4 + 8)"]


def test_what_more_than_the_callers_decide_is_not_looked_up(tmp_path: Path) -> None:
    more = """
    def a(n):
        n = n + 1
        Net(n)
    def b(n):
        k = read()
        Net(n + k)
    def c(*n): Net(n)
    def d(n, m=pick()): Net(m)
    def e(n, deep):
        if deep: Net(n)
    def f(n, deep):
        if deep: return None
        return save(Net(n))
    a(1), b(2), c(3), d(4), d(*[1, 2]), d(**{}), e(5, True), f(6, True)
    """
    found = model(lint(tmp_path, {"net.py": NET + more}), "Net")
    assert [site.text for site in found.sites if not site.is_written] == []


README = """
# Net

```python
import torch
from pkg.net import Net

net = Net(n = 3)
net(torch.randn(2, 3))
```
"""


def test_a_readme_has_sites(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/net.py": NET, "README.md": README, "pyproject.toml": ""}
    found = lint(tmp_path, files, "pkg")
    assert sites(found, "Net", tmp_path) == ["README.md:8 Net(n=3)"]
    assert [Path(file.path).name for file in found.files] == ["net.py"]
    (hint,) = model(found, "Net").hints
    assert (hint.kind, hint.source, hint.is_evidence) == ("call", "net(torch.randn(2, 3)) (README.md, line 9)", False)


def test_readmes_come_after_scripts_and_show_little(tmp_path: Path) -> None:
    blocks = "".join(f"```python\nfrom net import Net\nNet({n})\n```\n" for n in (3, 4, 5, 3))
    files = {"net.py": NET, "use.py": "from net import Net\nNet(1)\n", "README.md": blocks}
    assert sites(lint(tmp_path, files), "Net", tmp_path) == [
        "use.py:2 Net(1)",
        "README.md:3 Net(3)",
        "README.md:7 Net(4)",
    ]


def test_a_readme_of_another_folder_or_none_that_can_be_read_says_nothing(tmp_path: Path) -> None:
    files = {
        "net.py": NET,
        "docs/README.md": README.replace("pkg.net", "net"),
        "README.md": "```python\nfrom net import Net\nNet(\n```",
    }
    assert sites(lint(tmp_path, files), "Net", tmp_path) == []
    (tmp_path / "README.md").write_bytes(b"\xff\xfe```python\nfrom net import Net\nNet(1)\n```\n")
    assert [file.filename for file in lint(tmp_path, {}).files if file.failure] == []


def test_a_function_in_a_readme_is_no_factory(tmp_path: Path) -> None:
    block = "```python\nfrom net import Net\ndef build():\n    return Net(3)\nnet = Net(4)\n```\n"
    found = lint(tmp_path, {"net.py": NET, "README.md": block})
    assert [one.target for file in found.files for one in file.models] == ["Net"]

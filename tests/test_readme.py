"""READMEs as Python: what their blocks become, row for row."""

from __future__ import annotations

import ast
import textwrap

import pytest

from convlint.notebook import python_source
from convlint.readme import is_readme, python_in


def lines(text: str) -> dict[int, str]:
    return {row: line for row, line in enumerate(python_in(textwrap.dedent(text)).split("\n"), 1) if line}


@pytest.mark.parametrize("name", ["README.md", "readme.md", "Readme_zh.md", "README.rst.md", "docs/README.markdown"])
def test_a_readme_is_known_by_its_name(name: str) -> None:
    assert is_readme(name)


@pytest.mark.parametrize("name", ["README.rst", "NOTREADME.md", "readme.py", "README.md/net.py", "CHANGES.md"])
def test_other_files_are_none(name: str) -> None:
    assert not is_readme(name)


def test_blocks_are_functions_of_their_own() -> None:
    text = """\
        # Net
        ```python
        from net import Net
        model = Net(3)
        ```
        and
        ~~~ py
        import net

        model = net.Net(
            4)
        ~~~
    """
    assert lines(text) == {
        2: "def run_line_2():",
        3: " from net import Net",
        4: " model = Net(3)",
        7: "def run_line_7():",
        8: " import net",
        10: " model = net.Net(",
        11: "     4)",
    }


def test_a_block_without_imports_goes_on() -> None:
    text = "```python\nimport net\n```\n```\nnet.Net(3)\n```\n"
    assert lines(text) == {1: "def run_line_1():", 2: " import net", 5: " net.Net(3)"}


def test_what_is_no_python_is_left_out() -> None:
    text = """\
        ```bash
        import x
        ```
        ```python
        broken(
        ```
        ```
        $ pip install net
        ```
        ```python
        # nothing but a comment
        ```
        ```python
        never = "closed"
    """
    assert lines(text) == {}


def test_prompts_and_results_are_left_out() -> None:
    text = """\
        * a list
          ```pycon
          >>> from net import Net
          >>> net = Net(
          ...     3)
          >>> net.n
          3
          ```
    """
    assert lines(text) == {
        2: "def run_line_2():",
        3: " from net import Net",
        4: " net = Net(",
        5: "     3)",
        6: " net.n",
    }


def test_every_row_stays_and_the_whole_is_python() -> None:
    text = "a\n```python\nif x:\n    y = '''\nz\n'''\n```\nb\n"
    made = python_source("README.md", text.encode())
    assert made.count("\n") == text.count("\n")
    assert isinstance(ast.parse(made).body[0], ast.FunctionDef)

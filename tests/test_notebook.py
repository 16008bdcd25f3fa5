"""A notebook as one Python text: which rows it has, what takes the place of magics, what is left out."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlint.notebook import Notebook, Unreadable, line_of, open_notebook, python_source, read_notebook


def notebook(*cells: str | tuple[str, str], **metadata: Any) -> bytes:
    """The bytes of a notebook; a cell is its code, or its kind and its text."""
    made = [("code", cell) if isinstance(cell, str) else cell for cell in cells]
    listed = [{"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)} for kind, text in made]
    return json.dumps({"cells": listed, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def source(*cells: str | tuple[str, str], **metadata: Any) -> str:
    return python_source("nb.ipynb", notebook(*cells, **metadata))


def test_code_cells_are_joined() -> None:
    assert source("import os", ("markdown", "# Title"), "x = 1\n", ("raw", "y"), "z = 2\nw = 3") == (
        "import os\nx = 1\n\nz = 2\nw = 3\n"
    )


def test_every_cell_counts_and_rows_are_those_of_the_cell() -> None:
    found = read_notebook(notebook(("markdown", "# Title"), "a\nb", ("raw", ""), "", "c"))
    places = [found.locate(row) for row in range(6)]
    assert [(place[0].number, place[1]) if place else None for place in places] == [
        *(None, (2, 1), (2, 2), (4, 1), (5, 1), None),
    ]


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!pip install torch", "pass"),
        ("!!ls", "pass"),
        ("?torch", "pass"),
        ("%time net = Net()", "0;    net = Net()"),
        ("if x:\n\t%time  net = Net()  # slow", "if x:\n\t0;     net = Net()  # slow"),
        ("time net = Net()", "0;   net = Net()"),
        ("net = %time Net()", "net =       Net()"),
        ("%time", "pass"),
        ("%time !ls", "pass"),
        ("%time --no-raise-error net = Net()", "pass"),
        ("%time for i in x: y = i", "pass"),
        ("%time net = Net(3, \\\n    4)\nx = 1", "pass\n\nx = 1"),
        ("net = %time", "net = None"),
        ("net = %timeit Net()", "net = None"),
        ("%timeit net = Net()", "pass"),
        ("torch?", "pass"),
        ("torch.nn.Linear??", "pass"),
        ("%time?\nx = 1", "pass\nx = 1"),
        ("/print x\n,f a b\n;f a b", "pass\npass\npass"),
        ("if x:\n    !ls\nelse:\n\t%cd ..", "if x:\n    pass\nelse:\n\tpass"),
        ("files = !ls\ny = files", "files = None\ny = files"),
        ("a.b[0], c = %magic it", "a.b[0], c = None"),
        ("!pip install \\\n    torch\nx = 1", "pass\n\nx = 1"),
        ("pip install torch\nimport torch", "pass\nimport torch"),
        ("cd ..\nls -la ~/x\nload_ext autoreload", "pass\npass\npass"),
        ("%%time\nx = 1", "pass\nx = 1"),
        ("\n# note\n%%capture out --no-stderr\nx = 1", "\n# note\npass\nx = 1"),
        ("%%timeit -n 3\nx = 1", "pass\nx = 1"),
        ("%%bash\nfor x in *; do (", "\n"),
        ("%%writefile net.py\nimport torch\n", "\n\n"),
        ("# page\n%%html\n<b>", "\n\n"),
        ("%%javascript\nx", "\n"),
        ("%%custom\nx", "\n"),
    ],
)
def test_magics(cell: str, python: str) -> None:
    assert source(cell, "z = 3") == f"{python}\nz = 3\n"


@pytest.mark.parametrize(
    "cell",
    [
        "x = (a\n%time)",
        "text = '''\n!ls\n%%bash\n'''",
        'text = """it\'s\n?\n"""',
        "x = 7 \\\n%z",
        "time = 3\nls += history",
        "print('%d' % x)  # why?",
        "x = y!=z",
        "if x in y: pass  # '''",
    ],
)
@pytest.mark.parametrize("magic", ["", "%magic\n"])
def test_what_only_looks_like_magic_is_left_alone(cell: str, magic: str) -> None:
    assert source(magic + cell) == magic.replace("%magic", "pass") + cell + "\n"


def test_strings_and_brackets_hide_what_looks_like_magic() -> None:
    cell = "%magic\nx = f(')', '''\n!ls\n'''\n%y)\nz = 'a\\\n!b'\n!ls"
    assert source(cell) == "pass\nx = f(')', '''\n!ls\n'''\n%y)\nz = 'a\\\n!b'\npass\n"


def test_a_cell_that_is_no_python_leaves_the_others() -> None:
    found = read_notebook(notebook("x = 1", "y = 1\ndef f(:\n", "%magic\nz = = 2", "w = 3"))
    assert found.source == "x = 1\n\n\n\n\n\nw = 3\n"
    assert [(error.message, error.row, error.column) for error in found.errors] == [
        ("invalid syntax", 3, 7),
        ("invalid syntax", 6, 5),
    ]


@pytest.mark.parametrize(
    "cell", ["if x:", "x = 1 \\", "x = '''", "(", "x = '\0'", "x = '\ud800'", "x = " + "-" * 200_000]
)
def test_an_error_stands_in_its_cell(cell: str) -> None:
    (error,) = read_notebook(notebook("x = 1", cell, "y = 2")).errors
    assert (error.row, error.end_row) == (2, 2)


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("x = 1\ny = await f(\n)\nz = 2", "x = 1\n\n\nz = 2"),
        ("async with a as b:\n    pass", "\n"),
        ("x = [y async for y in z]", ""),
        ("async def f():\n    await g()", "async def f():\n    await g()"),
        ("awaited = 1", "awaited = 1"),
    ],
)
def test_statements_that_only_ipython_can_run_are_left_out(cell: str, python: str) -> None:
    found = read_notebook(notebook(cell))
    assert found.source == python + "\n"
    assert not found.errors
    compile(found.source, "nb.ipynb", "exec")


@pytest.mark.parametrize(
    ("metadata", "is_python"),
    [
        ({}, True),
        ({"kernelspec": {"name": "x"}}, True),
        ({"kernelspec": {"language": "python"}}, True),
        ({"kernelspec": {"language": "R"}}, False),
        ({"kernelspec": {"language": "julia"}, "language_info": {"name": "julia"}}, False),
        ({"kernelspec": {"language": "R"}, "language_info": {"name": "python"}}, True),
    ],
)
def test_notebooks_in_other_languages_hold_no_python(metadata: dict[str, Any], is_python: bool) -> None:
    assert source("x = 1", **metadata) == ("x = 1\n" if is_python else "")


def test_a_cell_in_another_language() -> None:
    document = json.loads(notebook("x <- 1", "x = 1"))
    document["cells"][0]["metadata"] = {"vscode": {"languageId": "r"}}
    assert python_source("nb.ipynb", json.dumps(document).encode()) == "x = 1\n"


def test_a_source_in_one_piece_and_line_ends_of_all_kinds() -> None:
    data = json.dumps({"cells": [{"cell_type": "code", "source": "a = 1\r\nb = 2\rc = 3\n\x0cd = '\u2028'"}]})
    found = read_notebook(data.encode())
    assert found.source == "a = 1\nb = 2\nc = 3\n\x0cd = '\u2028'\n"
    assert len(found.cells[0].lines) == 4


def test_the_old_format() -> None:
    cells = [
        {"cell_type": "heading", "source": "Title"},
        {"cell_type": "code", "input": ["x = 1\n", "y = 2"], "language": "python"},
        {"cell_type": "code", "input": "x <- 1", "language": "r"},
    ]
    data = json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}, {"cells": cells[1:2]}]}).encode()
    found = read_notebook(data)
    assert found.source == "x = 1\ny = 2\nx = 1\ny = 2\n"
    assert [cell.number for cell in found.cells] == [2, 4]


def test_a_byte_order_mark() -> None:
    assert python_source("nb.ipynb", b"\xef\xbb\xbf" + notebook("x = 1")) == "x = 1\n"


@pytest.mark.parametrize(
    ("data", "reason", "row"),
    [
        (b"", "it is no Jupyter notebook: not valid JSON (Expecting value)", 1),
        (b'{"cells":\n oh', "it is no Jupyter notebook: not valid JSON (Expecting value)", 2),
        (b"[]", "it is no Jupyter notebook: it holds no JSON object", 1),
        (b"{}", "it is no Jupyter notebook: it has no list of cells", 1),
        (b'{"worksheets": [{}]}', "it is no Jupyter notebook: it has no list of cells", 1),
        (b'{"cells": [3]}', "it is no Jupyter notebook: cell 1 has no type", 1),
        (b'{"cells": [{"cell_type": "code"}]}', "it is no Jupyter notebook: cell 1 has no text", 1),
        (b'{"cells": [{"cell_type": "code", "source": [1]}]}', "it is no Jupyter notebook: cell 1 has no text", 1),
        (b'{"cells":\n"\xff"}', "byte 0xff is not valid utf-8", 2),
        (b'{\n\n"\0"}', "it contains NUL bytes, so it is not a text file", 3),
    ],
)
def test_what_is_no_notebook(data: bytes, reason: str, row: int) -> None:
    with pytest.raises(Unreadable) as caught:
        python_source("nb.ipynb", data)
    assert (str(caught.value), caught.value.row) == (reason, row)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"cells": ' + b"9" * 10_000 + b"}"])
def test_json_that_python_will_not_read(data: bytes) -> None:
    with pytest.raises(ValueError, match="it is no Jupyter notebook that can be read"):
        python_source("nb.ipynb", data)


def test_a_python_file_is_taken_as_it_is() -> None:
    assert python_source("net.py", "# coding: latin-1\nx = 'é'\n".encode("latin-1")) == "# coding: latin-1\nx = 'é'\n"


def test_a_row_in_words(tmp_path: Path) -> None:
    path = tmp_path / "nb.ipynb"
    path.write_bytes(notebook(("markdown", "# Title"), "x = 1", "y = 2\nz = 3"))
    open_notebook.cache_clear()
    assert [line_of(str(path), row) for row in (1, 3, 9)] == ["cell 2, line 1", "cell 3, line 2", "line 9"]
    assert line_of(str(tmp_path / "net.py"), 3) == "line 3"
    assert line_of(str(tmp_path / "gone.ipynb"), 3) == "line 3"


_LINES = st.one_of(
    st.sampled_from(
        [
            "x = 1",
            "!ls",
            "%%bash",
            "%%time",
            "%time z = 1",
            "if x:",
            "    !ls",
            "y = !ls",
            "f(",
            ")",
            "'''",
            "a?",
            "\\",
            "",
        ]
    ),
    st.text(alphabet=" \t%!?=()'\"#\\abx1\r\n\x0c\u2028é", max_size=12),
)
_CELLS = st.lists(st.lists(_LINES, max_size=6).map("\n".join), max_size=5)


def found_in(cells: Sequence[str]) -> Notebook:
    return read_notebook(json.dumps({"cells": [{"cell_type": "code", "source": text} for text in cells]}).encode())


@given(_CELLS)
def test_the_joined_text_has_the_rows_of_the_cells_and_is_python(cells: list[str]) -> None:
    found = found_in(cells)
    assert found.source.count("\n") == sum(len(cell.lines) for cell in found.cells)
    ast.parse(found.source)


@given(_CELLS)
def test_each_row_stands_in_one_place_of_one_cell(cells: list[str]) -> None:
    found = found_in(cells)
    places = [found.locate(row) for row in range(1, found.source.count("\n") + 1)]
    rows = [(cell.number, row) for cell in found.cells for row in range(1, len(cell.lines) + 1)]
    assert [(place[0].number, place[1]) for place in places if place] == rows


@given(st.text(alphabet=" \n:()[]{}='\"\\#@.,abcdef01", max_size=60))
def test_a_cell_of_python_is_taken_as_it_is(text: str) -> None:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return
    assert found_in([text]).source == text + "\n"


@given(
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["cells", "worksheets", "cell_type", "source", "input", "metadata"]), inner
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_nothing_but_unreadable_is_raised(data: bytes) -> None:
    with suppress(Unreadable):
        python_source("nb.ipynb", data)

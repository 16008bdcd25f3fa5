"""The name a file is imported under, and where its imports are looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from convlint.discovery.place import ImportPath, locate


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def place(root: Path, name: str, *, relative: bool = False) -> ImportPath:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return locate(str(path), str(path), relative_imports=relative)


def test_a_script(project: Path) -> None:
    found = place(project, "train.py")
    assert (found.module, found.package) == ("train", "")
    assert found.search_path == (str(project),)
    assert found.root == str(project)


def test_a_script_in_a_folder_sees_the_project_too(project: Path) -> None:
    found = place(project, "scripts/train.py")
    assert found.module == "train"
    assert found.search_path == (str(project / "scripts"), str(project))


def test_a_package(project: Path) -> None:
    place(project, "pkg/__init__.py")
    place(project, "pkg/models/__init__.py")
    found = place(project, "pkg/models/net.py")
    assert (found.module, found.package) == ("pkg.models.net", "pkg.models")
    assert found.search_path == (str(project),)
    init = place(project, "pkg/models/__init__.py")
    assert (init.module, init.package) == ("pkg.models", "pkg.models")


def test_a_source_folder(project: Path) -> None:
    place(project, "src/pkg/__init__.py")
    found = place(project, "src/pkg/net.py")
    assert found.module == "pkg.net"
    assert found.search_path == (str(project / "src"), str(project))
    assert place(project, "train.py").search_path == (str(project), str(project / "src"))


def test_relative_imports_make_a_namespace_package(project: Path) -> None:
    found = place(project, "models/net.py", relative=True)
    assert (found.module, found.package) == ("models.net", "models")
    assert found.search_path == (str(project),)


def test_a_name_that_is_no_identifier(project: Path) -> None:
    assert place(project, "01-net.v2.py").module == "01-net_v2"


@pytest.mark.parametrize(
    ("name", "module"),
    [("net.ipynb", "net"), ("01 - Net.v2.ipynb", "_01___Net_v2"), ("größe.ipynb", "größe"), (".ipynb", "_")],
)
def test_the_name_of_a_notebook_is_made_an_identifier(project: Path, name: str, module: str) -> None:
    assert place(project, name).module == module


def test_a_notebook_is_a_script_also_in_a_package(project: Path) -> None:
    place(project, "pkg/__init__.py")
    found = place(project, "pkg/try it.ipynb", relative=True)
    assert (found.module, found.package) == ("try_it", "")
    assert found.search_path == (str(project / "pkg"), str(project))


def test_without_a_marker_the_named_folder_is_the_root(tmp_path: Path) -> None:
    path = tmp_path / "models/net.py"
    path.parent.mkdir()
    path.touch()
    found = locate(str(path), str(tmp_path), relative_imports=False)
    assert found.root == str(tmp_path)
    assert found.search_path == (str(tmp_path / "models"), str(tmp_path))

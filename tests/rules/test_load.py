"""Rule files: what is accepted, and how a problem is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from convlint.rules.load import RuleError, load_rules, read_folder, read_rule, rules_folder
from convlint.rules.schema import schema_text

RULE = """
schema   = 1
id       = "CL101"
name     = "linear-in-features"
severity = "error"
message  = "`{layer.path}` takes {module.in_features} features but gets {input.shape[-1]}"
match    = { module = ["torch.nn.Linear"] }
require  = { equal = ["input.shape[-1]", "module.in_features"] }
fix      = { applicability = "unsafe", argument = "in_features", value = "input.shape[-1]" }
why      = "because"
"""


def write(folder: Path, text: str, name: str = "CL101-linear-in-features.toml", group: str = "shape") -> Path:
    path = folder / group / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_rules_of_the_project_load_in_order() -> None:
    rules = load_rules()
    assert [rule.id for rule in rules] == sorted(rule.id for rule in rules)
    assert {"CL001", "CL006", "CL101", "CL115", "CL199"} <= {rule.id for rule in rules}
    assert load_rules() is rules


def test_every_rule_says_what_it_is_about() -> None:
    for rule in load_rules():
        assert rule.summary is not None
        assert rule.summary.endswith("."), rule.id
        assert rule.why.strip(), rule.id


def test_the_published_schema_is_current() -> None:
    published = (rules_folder() / "schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run: python -m convlint.rules.schema"


def test_a_rule_is_read(tmp_path: Path) -> None:
    rule = read_rule(write(tmp_path, RULE))
    assert rule.match.module == ("torch.nn.Linear",)
    assert rule.require.equal == ("input.shape[-1]", "module.in_features")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("message  =", "mesage  =", "mesage: is not a key of a rule; did you mean 'message'?"),
        ('why      = "because"', "", "why: is missing"),
        ("equal =", "equals =", "require.equals: is not a key of a rule; did you mean 'equal'?"),
        ("module =", "modul =", "match.modul: is not a key of a rule; did you mean 'module'?"),
        ("{layer.path}", "{layer.pth}", "message: 'layer.pth': 'pth' is not part of layer; it has:"),
        ("{layer.path}", "{layer.path!r}", "message: 'layer.path!r' is no path: cannot read '!r'"),
        ("{layer.path}", "{layer.path:>9}", "message: 'layer.path:>9' is no path: cannot read ':>9'"),
        ("{layer.path}", "layer.path}", "message: stray brace in"),
        (
            '"input.shape[-1]", ',
            '"input.shap[-1]", ',
            "require.equal.0: 'input.shap[-1]': 'shap' is not part of tensor",
        ),
        ('{ module = ["torch.nn.Linear"] }', "{ }", "match: says nothing; name what it is to match"),
        (
            '{ module = ["torch.nn.Linear"] }',
            '{ module = "torch.nn.Linear", failure = ["crash"] }',
            "match: give calls (module, function, violation), or failure, effect, status or trouble: one of the five",
        ),
        ("schema   = 1", "schema   = 2", "schema: Input should be 1 (got 2)"),
        ('"error"', '"fatal"', "severity: Input should be 'error', 'warning' or 'info' (got 'fatal')"),
        ('"CL101"', '"CL201"', "the file of rule CL201 must be called CL201-linear-in-features.toml"),
        ("id       =", "id       ", "cannot be read: "),
    ],
)
def test_a_problem_is_named_with_its_file_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write(tmp_path, RULE.replace(old, new, 1))
    with pytest.raises(RuleError) as caught:
        read_rule(path)
    assert f"{path}: {message}" in str(caught.value)


def test_a_code_belongs_into_the_folder_of_its_group(tmp_path: Path) -> None:
    path = write(tmp_path, RULE, group="design")
    with pytest.raises(RuleError, match="id: 'CL101' must begin with CL4 in the group design"):
        read_rule(path)


def test_an_unknown_group_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, RULE, group="shapes")
    with pytest.raises(RuleError, match="no group is called 'shapes'; the groups are analysis, shape"):
        read_rule(path)


def test_a_code_is_used_once(tmp_path: Path) -> None:
    first = write(tmp_path, RULE, name="CL101-linear-in-features.toml")
    other = RULE.replace("linear-in-features", "other")
    second = write(tmp_path, other, name="CL101-other.toml")
    with pytest.raises(RuleError) as caught:
        read_folder(tmp_path)
    assert str(caught.value) == f"{second}: id: 'CL101' is already used by {first}; choose another"

"""Signature files: what they may hold, and what is said where they cannot be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from convlint.signatures.load import SignatureError, read_signatures, shipped, table_of, texts_of
from convlint.signatures.schema import SignatureEntry

GOOD = """\
schema = 1

[[signature]]
name   = "flash_attn.flash_attn_func"
inputs = ["b lq h d", "b lk hk d", "b lk hk d"]
output = "b lq h d"
where  = ["h % hk == 0"]

[[signature]]
layer       = "fast.Norm"
constructor = "size, eps=1e-5"
arguments   = "x"
inputs      = { x = "*batch size" }
output      = "*batch size"
parameters  = { weight = "size" }
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(SignatureError) as caught:
        read_signatures(text, "own.toml")
    return list(caught.value.sentences)


def test_a_good_file() -> None:
    function, layer = read_signatures(GOOD, "own.toml")
    assert function.title == "flash_attn.flash_attn_func"
    assert list(function.by_name) == ["input 0", "input 1", "input 2"]
    assert layer.by_name["x"].shape == "*batch size"


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("schema = 1", "schema = 2", 'own.toml:1: "schema" is 2: input should be 1'),
        ("output = ", "outputt = ", 'own.toml:6: unknown key "signature[0].outputt"; did you mean "output"?'),
        (
            "b lk hk d",
            "b (lk hk d",
            "own.toml:5: \"signature[0].inputs[1].shape\": 'b (lk hk d': `)` is missing at its end",
        ),
        (
            'output = "b lq h d"',
            'output = "b lq h q"',
            'own.toml:6: "signature[0].output": nothing gives a value to "q"; did you mean "lq"?',
        ),
        (
            "h % hk",
            "h % heads",
            'own.toml:7: "signature[0].where": nothing gives a value to "heads"; valid are b, d, h, hk, lk, lq',
        ),
        (
            "flash_attn.flash_attn_func",
            "flash",
            'own.toml:4: "signature[0].name": "flash" must name an object and its module, '
            'as in "torch_scatter.scatter"',
        ),
        ("{ x = ", "{ y = ", 'own.toml:13: "signature[1].inputs.y": "y" is not among the arguments; valid are x'),
        (
            '"*batch size" }',
            '"*batch *more" }',
            'own.toml:13: "signature[1].inputs.x": "*batch *more" has two parts of any length',
        ),
        (
            "eps=1e-5",
            "eps=",
            'own.toml:11: "signature[1].constructor": "size, eps=" is not a list of parameters such as "x, dim=-1"',
        ),
        (
            "eps=1e-5",
            "eps=EPS",
            'own.toml:11: "signature[1].constructor": the default EPS is not a literal',
        ),
        (
            'layer       = "fast.Norm"',
            'name        = "fast.norm"',
            'own.toml:11: "signature[1].constructor": is for a layer, and this is the signature of a function',
        ),
        ('{ x = "*batch size" }', '{ x = { shape = "b", dtype = "float23" } }', None),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(before: str, after: str, sentence: str | None) -> None:
    found = complaints(GOOD.replace(before, after, 1))
    assert found == [sentence] if sentence else found[0].startswith("own.toml:13: ")


def test_the_example_of_the_documentation_can_be_pasted() -> None:
    document = (Path(__file__).parents[2] / "docs" / "signatures.md").read_text(encoding="utf-8")
    examples = [text for text in re.findall(r"^```toml\n(.*?)^```$", document, re.M | re.S) if "[[signature]]" in text]
    assert [entry.title for text in examples for entry in read_signatures(text, "signatures.md")] == [
        "fastops.attention",
        "fastops.layers.Downsample",
    ]


def test_each_key_is_documented() -> None:
    document = (Path(__file__).parents[2] / "docs" / "signatures.md").read_text(encoding="utf-8")
    keys = [field.alias or name for name, field in SignatureEntry.model_fields.items()]
    assert [key for key in keys if f"`{key}`" not in document] == []


def test_what_is_no_toml() -> None:
    (sentence,) = complaints("schema = \n")
    assert sentence.startswith("own.toml: is not valid TOML: ")


def test_several_of_one_name_are_tried_in_their_order() -> None:
    table = table_of(read_signatures(GOOD + GOOD.replace("schema = 1", "").replace("b lq h d", "lq h d"), "own.toml"))
    assert [entry.output[0].shape for entry in table["flash_attn.flash_attn_func"]] == ["b lq h d", "lq h d"]


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    (tmp_path / "signatures").mkdir()
    (tmp_path / "signatures" / "own.toml").write_text(GOOD)
    (tmp_path / "signatures" / "README.md").write_text("")
    (tmp_path / "more.toml").write_text(GOOD)
    found = texts_of(str(tmp_path), ["./signatures", "more.toml"])
    assert list(found) == [str(tmp_path / "signatures" / "own.toml"), str(tmp_path / "more.toml")]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match=r'nothing\.toml: there is no such file or folder; "signatures" names it'):
        texts_of(str(tmp_path), ["nothing.toml"])


def test_a_package_without_signatures_has_none() -> None:
    assert shipped("unheard_of") == {}

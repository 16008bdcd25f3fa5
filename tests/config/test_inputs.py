"""`--input` as it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlint.config import ConfigError, parse_input


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("B,1,28,28", ("B", 1, 28, 28), "float32"),
        (" B , 20 : int64 ", ("B", 20), "int64"),
        ("[B, 3]", ("B", 3), "float32"),
        ("(4,)", (4,), "float32"),
        ("16", (16,), "float32"),
        ("", (), "float32"),
        ("B,H,W:torch.uint8", ("B", "H", "W"), "uint8"),
    ],
)
def test_shapes(text: str, shape: tuple[int | str, ...], dtype: str) -> None:
    spec = parse_input(text)
    assert (spec.shape, spec.dtype) == (shape, dtype)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("B,-3", 'a size is a whole number from 0, or a symbol such as "B", but not -3'),
        ("1x28x28", "a size is a whole number from 0, or a symbol such as \"B\", but not '1x28x28'"),
        ("1,,2", "a size is a whole number from 0, or a symbol such as \"B\", but not ''"),
        ("2:flot32", 'unknown dtype "flot32"; did you mean "float32"?'),
        ("2:", 'unknown dtype ""; valid are float32'),
    ],
)
def test_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_input(text)
    (sentence,) = caught.value.sentences
    assert sentence.startswith(f'--input "{text}": {complaint}')


@given(st.text(max_size=20))
def test_any_text_is_taken_or_explained(text: str) -> None:
    try:
        spec = parse_input(text)
    except ConfigError:
        return
    assert spec.shape is not None

"""What a name says of an argument or an input is written once, and used alike by all who ask."""

from __future__ import annotations

import inspect

import pytest

from convlint.conventions import argument_convention, input_convention, left_out_shape, usual_size
from convlint.remedies.placeholders import argument, plain_or_shape, shape
from convlint.worker.analysis.inference.guesses import first_guess


@pytest.mark.parametrize(
    ("name", "kind", "example"),
    [
        ("num_classes", "classes", 10),
        ("numClasses", "classes", 10),
        ("in_channels", "channels", 3),
        ("out_channels", "output", 64),
        ("hidden_dim", "hidden", 64),
        ("model_dim", "hidden", 64),
        ("mode", "text", ""),
        ("dropout", "rate", 0.1),
        ("drop_path", "rate", 0.1),
        ("weights_path", "path", ""),
        ("qkv_bias", "flag", False),
        ("depths", "counts", (2, 2, 2, 2)),
        ("norm_layer", "norm", None),
        ("norm_type", "norm", "batch"),
        ("cfg", "config", None),
        ("anything_else", "size", 64),
    ],
)
def test_an_argument_has_a_kind_and_an_example_by_its_name(name: str, kind: str, example: object) -> None:
    convention = argument_convention(name)
    assert (convention.kind, convention.example) == (kind, example)


def test_what_is_written_for_an_argument_is_its_example() -> None:
    assert argument("depths") == [2, 2, 2, 2]
    assert argument("vocab_size") == 1000
    assert argument("backbone") is None


@pytest.mark.parametrize(
    ("name", "axes", "dtype"),
    [
        ("input_ids", ("B", "L"), "int64"),
        ("inputIds", ("B", "L"), "int64"),
        ("lengths", ("B",), "int64"),
        ("adj", ("N", "N"), "float32"),
        ("edge_index", ("2", "E"), "int64"),
    ],
)
def test_the_first_guess_of_a_tensor_is_the_convention(name: str, axes: tuple[str, ...], dtype: str) -> None:
    guess = first_guess(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD))
    assert (guess.axes, guess.dtype, guess.given) == (axes, dtype, None)


@pytest.mark.parametrize("name", ["temperature", "return_attention", "num_steps", "device", "task"])
def test_a_value_is_guessed_and_written_alike(name: str) -> None:
    convention = input_convention(name)
    guess = first_guess(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD))
    assert convention is not None
    assert guess.given is not None
    assert guess.given.value == convention.value == plain_or_shape(name)


def test_what_may_be_left_out_is_guessed_as_nothing_and_written_as_a_tensor() -> None:
    guess = first_guess(inspect.Parameter("attn_mask", inspect.Parameter.POSITIONAL_OR_KEYWORD))
    assert guess.given is not None
    assert guess.given.value is None
    assert left_out_shape("attn_mask") == plain_or_shape("attn_mask") == ("B", "L")
    assert plain_or_shape("use_cache") is False


def test_symbols_get_the_usual_sizes() -> None:
    assert [usual_size(symbol) for symbol in ("C", "H2", "K")] == [3, 224, 64]
    assert shape(("B", "C", "H", "W"), keep="B") == ("B", 3, 224, 224)

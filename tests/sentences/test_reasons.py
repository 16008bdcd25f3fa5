"""How reasons and origins are worded."""

from __future__ import annotations

import pytest

from convlint.facts import ConstructionFact, GuessedArgument, InputFact, Reason, Span
from convlint.sentences import construction_text, sentence, source_text

PACKAGE = Reason(kind="package-absent", name="einops")
AT = Span(filename="net.py", row=3, column=1, end_row=3, end_column=2)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (PACKAGE, "the package einops is not installed"),
        (Reason(kind="package-absent"), "a package is not installed"),
        (
            Reason(kind="base-absent", name="encoder", inner=PACKAGE),
            "it needs `encoder` of its base class, and the package einops is not installed",
        ),
        (Reason(kind="set-by-script", name="args", owner="main"), "`args` in main is only set when the script runs"),
        (Reason(kind="set-by-script", name="args", at=AT), "`args` (line 3) is only set when the script runs"),
        (
            Reason(kind="arguments-refused", names=("a", "b"), detail="ValueError: no"),
            "could not build it: no value tried for `a`, `b` was accepted: ValueError: no",
        ),
        (Reason(kind="arguments-missing"), "could not build it: its constructor takes other arguments"),
        (Reason(kind="raises-after", inner=PACKAGE, detail="TypeError"), f"{sentence(PACKAGE)} (then TypeError)"),
        (
            Reason(kind="input-guessed", name="x"),
            "the shape of `x` was guessed, so errors that depend on it are not reported",
        ),
        (
            Reason(kind="symbolic-time-limit", remainder="sizes"),
            "symbolic tracing ran out of time, so only these sizes were tried",
        ),
        (Reason(kind="time-limit", limit=60), "checking it takes longer than 60 s"),
        (
            Reason(kind="data-dependent", name="torch.nonzero", detail="[{x}] of {name}"),
            "torch.nonzero depends on data: [{x}] of {name}",
        ),
    ],
)
def test_sentences(reason: Reason, said: str) -> None:
    assert sentence(reason) == said


def test_a_reader_says_how_places_are_named() -> None:
    reason = Reason(kind="no-input", inner=Reason(kind="not-computed", name="x", at=AT, detail="OSError"))
    said = sentence(reason, lambda at: f"{at.filename}:{at.row}")
    assert said == "no input was found that forward takes: `x` (net.py:3) could not be computed: OSError"
    assert [one.kind for one in reason.chain] == ["no-input", "not-computed"]
    assert reason.cause.kind == "not-computed"


def test_origins() -> None:
    guessed = (GuessedArgument(name="width", text="64"), GuessedArgument(name="act", text="ReLU"))
    texts = [
        construction_text(ConstructionFact()),
        construction_text(ConstructionFact(origin="code", call="Net(28)", place="train.py, line 4")),
        construction_text(ConstructionFact(origin="guessed", arguments=guessed)),
        source_text(InputFact(name="x", shape=None, dtype=None, origin="name")),
        source_text(InputFact(name="x", shape=None, dtype=None, origin="layer", source="conv1 (Conv2d)")),
    ]
    assert texts == [
        *("its defaults", "Net(28) (train.py, line 4)", "guessed: width=64, act=ReLU"),
        *("its name", "conv1 (Conv2d)"),
    ]

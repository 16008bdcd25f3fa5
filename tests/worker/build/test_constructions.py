"""Constructors that nobody configures: sites, defaults, and plausible fillings. torch is the oracle for the nets."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn
from tracing import PREAMBLE, Checked, Linter

from convlint.facts import ConstructionFact, FileFacts, GuessedArgument, ModelFacts
from convlint.worker.build.argument import argument


def source(parameters: str, init: str, forward: str, more: str = "") -> str:
    body = "\n".join(f"        {line}" for line in init.strip().splitlines())
    lines = "\n".join(f"        {line}" for line in forward.strip().splitlines())
    return (
        f"{PREAMBLE}\n\nclass Net(nn.Module):\n    def __init__(self, {parameters}):\n        super().__init__()\n"
        f"{body}\n\n    def forward(self, x):\n{lines}\n\n{more}"
    )


FILLED = [
    ("in_features, num_classes", "self.a = nn.Linear(in_features, num_classes)", "return self.a(x)"),
    ("channels: list[int]", "self.a = nn.Conv2d(3, channels[0], 3)", "return self.a(x)"),
    ("cfg", "self.a = nn.Linear(cfg.hidden_size, cfg['num_classes'])", "return self.a(x)"),
    ("norm_layer, act", "self.a = nn.Sequential(nn.Conv2d(3, 8, 3), norm_layer(8), act())", "return self.a(x)"),
    ("vocab_size, embed_dim", "self.e = nn.Embedding(vocab_size, embed_dim)", "return self.e(x)"),
    (
        "d_model, n_heads, dropout",
        "self.a = nn.MultiheadAttention(d_model, n_heads, dropout, batch_first=True)",
        "return self.a(x, x, x)[0]",
    ),
    ("depth", "assert depth in (18, 34)\nself.a = nn.Linear(depth, 2)", "return self.a(x)"),
    ("filter_sizes", "self.a = nn.ModuleList(nn.Conv1d(4, 2, k) for k in filter_sizes)", "return self.a[0](x)"),
    (
        "n_filters, filter_sizes",
        "self.n = n_filters\nself.a = nn.ModuleList(nn.Conv1d(4, n_filters, k) for k in filter_sizes)\n"
        "self.f = nn.Linear(len(filter_sizes) * n_filters, 2)",
        "return self.f(torch.cat([a(x).amax(2) for a in self.a], 1))",
    ),
    (
        "dim, depth, heads",
        "assert len(dim) == 4\nself.a = nn.ModuleList(nn.MultiheadAttention(d * h, h) for d, n, h in "
        "zip(dim, depth, heads, strict=True) for _ in range(n))",
        "return self.a[0](x, x, x)[0]",
    ),
    ("in_channels, n_filters", "self.a = nn.Conv2d(int(in_channels), int(n_filters), 3)", "return self.a(x)"),
    ("in_channels, filters", "self.a = nn.Conv2d(in_channels, filters, 3)", "return self.a(x)"),
    ("hidden", "a, b = hidden\nself.a = nn.Linear(a, b)", "return self.a(x)"),
    ("width", "self.w = width\nself.a = nn.Linear(self.w[4], self.w[-1])", "return self.a(x)"),
    ("inner", "self.a = inner(8)", "return self.a(x)"),
    ("wrapped_module", "self.a = wrapped_module\nself.n = wrapped_module.weight.shape", "return self.a(x)"),
    ("image_size=None", "assert image_size is not None\nself.a = nn.Conv2d(3, image_size, 3)", "return self.a(x)"),
    ("n, depth=None", "self.a = nn.ModuleList(nn.Linear(n, n) for _ in range(depth))", "return self.a[0](x)"),
]


def built(model: ModelFacts) -> ConstructionFact:
    assert model.construction is not None
    return model.construction


def guesses(model: ModelFacts) -> dict[str, object]:
    """The plain values that were guessed, and None for the others."""
    return {one.name: one.value for one in built(model).arguments}


@pytest.mark.parametrize(("parameters", "init", "forward"), FILLED, ids=[row[0] for row in FILLED])
def test_arguments_are_filled(linter: Linter, parameters: str, init: str, forward: str) -> None:
    checked = linter(source(parameters, init, forward))
    assert checked.is_clean()
    assert built(checked.model).origin == "guessed"


def test_a_key_of_a_table_is_filled(linter: Linter) -> None:
    net = source("size", "self.a = nn.Linear(TABLE[size], 2)", "return self.a(x)", "TABLE = {'tiny': 8, 'big': 16}\n")
    assert guesses(linter(net).model) == {"size": "tiny"}


def test_a_field_that_stands_for_nothing_is_filled(linter: Linter) -> None:
    net = source("cfg: Config", "self.e = nn.Embedding(cfg.vocab_size, cfg.dim)", "return self.e(x)")
    config = (
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n    dim: int = 8\n    vocab_size: int = -1\n"
    )
    checked = linter(config + net)
    assert checked.is_clean()
    (config,) = built(checked.model).arguments
    assert "dim=8, vocab_size=1000" in config.text


def test_a_default_that_works_is_left_alone(linter: Linter) -> None:
    net = source("width, depth=None", "self.a = nn.Linear(width, depth or 8)", "return self.a(x)")
    assert guesses(linter(net).model).keys() == {"width"}


def test_the_length_that_fits_is_found(linter: Linter) -> None:
    init = "a, b, c, d = [w * 2 for w in widths]\nself.a = nn.Linear(a, d)"
    checked = linter(source("widths", init, "return self.a(x)"))
    assert checked.model.status == "checked"


def test_a_mistake_that_no_argument_changes_is_found(linter: Linter) -> None:
    net = source(
        "num_classes",
        "self.a = nn.Conv2d(3, 16, 3)\nself.b = nn.Conv2d(32, num_classes, 3)",
        "return self.b(self.a(x))",
    )
    assert linter(net).the_finding.text == "32"


def test_a_mistake_that_no_configuration_changes_is_found(linter: Linter) -> None:
    net = source(
        "config",
        "self.a = nn.Linear(8, 16)\nself.b = nn.Linear(32, config.num_classes)",
        "return self.b(self.a(x))",
    )
    assert linter(net).the_finding.text == "32"


OWN_CONFIG = "class GPTConfig:\n    width = 12\n    hidden = 30\n"


def test_a_configuration_of_the_file_is_taken(linter: Linter) -> None:
    init = "self.a = nn.Linear(cfg.width, cfg.hidden * 2)\nself.b = nn.Linear(cfg.hidden * 4, 2)"
    checked = linter(source("cfg", init, "return self.b(self.a(x))", OWN_CONFIG))
    assert checked.the_finding.short == ("in_features", 120, 60, "cfg.hidden * 4")


def test_a_configuration_that_lacks_something_is_not_taken(linter: Linter) -> None:
    init = "self.a = nn.Linear(config.width, config.hidden)\nself.b = nn.Linear(config.hidden, config.num_classes)"
    assert linter(source("config", init, "return self.b(self.a(x))", OWN_CONFIG)).is_clean()


def test_two_guesses_that_can_agree_are_no_mistake(linter: Linter) -> None:
    net = source(
        "hidden_size, num_classes",
        "self.a = nn.Linear(8, hidden_size)\nself.b = nn.Linear(num_classes, hidden_size)",
        "return self.b(self.a(x))",
    )
    assert not linter(net).findings
    twice = net.replace("nn.Linear(num_classes, ", "nn.Linear(2 * hidden_size, ")
    assert linter(twice).the_finding.text == "2 * hidden_size"


MENDED = [
    # Right for the arguments that its author gives it, and wrong for others.
    ("width, hidden", "self.a = nn.Linear(8, width)\nself.b = nn.Linear(hidden, 2)", "return self.b(self.a(x))"),
    (
        "in_planes, planes",
        "self.a = nn.Conv2d(in_planes, planes, 3, padding=1)",
        "return x + self.a(x)",
    ),
    (
        "widths",
        "sizes = zip([3, *widths], widths)\nself.a = nn.Sequential(*[nn.Conv2d(v, w, 3, 2, 1) for v, w in sizes])\n"
        "self.b = nn.Linear(widths[-1] * 16, 2)",
        "assert x.shape[-1] == 32\nreturn self.b(self.a(x).flatten(1))",
    ),
    (
        "config",
        "self.n = config.n_cells\nself.d = config.d_hidden\n"
        "self.r = nn.LSTM(8, self.d, config.n_layers, bidirectional=bool(config.birnn))",
        "h = x.new_zeros(self.n, x.size(1), self.d)\nreturn self.r(x, (h, h))[0]",
    ),
]


@pytest.mark.parametrize(("parameters", "init", "forward"), MENDED, ids=[row[0] for row in MENDED])
def test_nothing_that_another_filling_mends_is_reported(
    linter: Linter, parameters: str, init: str, forward: str
) -> None:
    assert not linter(source(parameters, init, forward)).findings


def run_at(linter: Linter, text: str, call: str, row: int, user: Path | None = None) -> list[ModelFacts]:
    """The models of a file with one site, in itself or in another."""
    return list(facts_at(linter, text, call, row, user).models)


def facts_at(linter: Linter, text: str, call: str, row: int, user: Path | None = None) -> FileFacts:
    from convlint.jobs import Expression, Job, ModelJob, UserFile
    from convlint.worker.process.job import run

    path = linter.write(text)
    at = user or path
    site = Expression(text=call, path=str(at), row=row)
    job = Job(
        path=str(path),
        filename=path.name,
        module=path.stem,
        search_path=(str(path.parent),),
        models=(ModelJob(target="Net", sites=(site,)),),
        user_roots=(str(path.parent),),
        files={str(at): UserFile(filename=at.name, module=at.stem, search_path=(str(at.parent),))},
    )
    return run(job)


def test_a_method_constructs(linter: Linter) -> None:
    text = source("hidden, out", "self.a = nn.Linear(hidden, out)", "return self.a(x)")
    text += "    @classmethod\n    def wide(cls, out=3):\n        return cls(hidden=32, out=out)\n\nnet = Net.wide(5)\n"
    (model,) = run_at(linter, text, "Net.wide(5)", text.count("\n"))
    assert (model.status, model.outputs) == ("checked", (("B", 5),))
    assert built(model).call == "Net.wide(5)"
    (guessed,) = run_at(linter, text, "Net.wide(nowhere)", text.count("\n"))
    assert next(iter(guesses(guessed))) == "hidden"


def test_a_model_that_wraps_itself_takes_the_one_before(linter: Linter) -> None:
    text = source("inner, out", "self.a = inner\nself.b = nn.Linear(8, out)", "return self.b(self.a(x))")
    script = "def main():\n    net = nn.Linear(4, 8)\n    net = Net(\n        net, 5)\n"
    row = text.count("\n") + 3
    for code, at in ((script, row), (script.replace("def main():", "if __name__ == '__main__':"), row)):
        (model,) = run_at(linter, text + code, "Net(net, 5)", at)
        assert (model.status, model.outputs) == ("checked", (("B", 5),)), model.reason


def test_a_file_is_found_from_where_the_script_starts(linter: Linter) -> None:
    text = source("path", "self.a = nn.Linear(int(open(path).read()), 2)", "return self.a(x)")
    (linter.folder / "config").mkdir()
    (linter.folder / "config" / "net.cfg").write_text("12")
    (model,) = run_at(linter, text + "Net('config/net.cfg')\n", "Net('config/net.cfg')", text.count("\n") + 1)
    assert (model.status, model.inputs[0].shape) == ("checked", ("B", 12))


def test_a_readme_that_is_out_of_date_is_no_mistake(linter: Linter) -> None:
    text = source("n", "if n < 3: raise ValueError('too small')\nself.a = nn.Linear(n, 2)", "return self.a(x)")
    readme = linter.folder / "README.md"
    readme.write_text("```python\nnet = Net(1)\n```\n")
    stale = facts_at(linter, text, "Net(1)", 2, readme)
    assert stale.build_failures == ()
    assert facts_at(linter, text + "Net(1)\n", "Net(1)", text.count("\n") + 1).build_failures
    readme.write_text("```python\nsize = 6\nnet = Net(size)\n```\n")
    (model,) = run_at(linter, text, "Net(size)", 3, readme)
    assert (model.status, model.inputs[0].shape) == ("checked", ("B", 6))
    assert built(model) == ConstructionFact(origin="code", call="Net(size)", place="README.md, line 3")


def test_a_site_gives_the_arguments(linter: Linter) -> None:
    text = source(
        "hidden, out",
        "self.a = nn.Linear(8, hidden)\nself.b = nn.Linear(32, out)",
        "return self.b(self.a(x))",
        "SIZES = {'hidden': 32}\ndef main():\n    out = 5\n    model = Net(SIZES['hidden'], out)\n",
    )
    row = text[: text.index("model = Net")].count("\n") + 1
    (model,) = run_at(linter, text, "Net(SIZES['hidden'], out)", row)
    assert model.status == "checked"
    assert model.outputs == (("B", 5),)
    assert (built(model).place or "").endswith(f"line {row}")


def test_what_a_site_leaves_open_is_filled(linter: Linter) -> None:
    text = source(
        "hidden, out", "self.a = nn.Linear(8, hidden)\nself.b = nn.Linear(hidden, out)", "return self.b(self.a(x))"
    )
    (model,) = run_at(linter, text + "def main(out):\n    Net(16, out)\n", "Net(16, out)", text.count("\n") + 2)
    assert model.status == "checked"
    assert guesses(model).keys() == {"out"}  # only what was guessed is said to be


class TestPackedSequences:
    NET = (
        "from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence\n"
        + PREAMBLE
        + """

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(100, 16)
        self.r = nn.LSTM(16, 32, bidirectional=True, batch_first=True)
        self.f = nn.Linear(WIDTH, 5)

    def forward(self, text, lengths):
        packed = pack_padded_sequence(self.e(text), lengths, batch_first=True, enforce_sorted=False)
        out, (h, c) = self.r(packed)
        out, _ = pad_packed_sequence(out, batch_first=True)
        return self.f(out)
"""
    )

    def check(self, linter: Linter, width: int) -> Checked:
        return linter(self.NET.replace("WIDTH", str(width)))

    def test_are_followed(self, linter: Linter) -> None:
        checked = self.check(linter, 64)
        assert checked.is_clean()
        assert checked.model.outputs == (("B", "L", 5),)

    def test_mistakes_behind_them_are_found(self, linter: Linter) -> None:
        assert self.check(linter, 32).the_finding.short == ("in_features", 32, 64, "32")


def test_a_factory_that_passes_its_arguments_on_is_not_to_blame(linter: Linter) -> None:
    from convlint.jobs import Job, ModelJob
    from convlint.worker.process.job import run

    text = source(
        "width", "self.a = nn.Linear(8, width)", "return self.a(x)", "def make(**options):\n    return Net(**options)\n"
    )
    path = linter.folder / "factory.py"
    path.write_text(text)
    facts = run(
        Job(
            path=str(path),
            filename="factory.py",
            module="factory",
            search_path=(str(linter.folder),),
            models=(ModelJob(target="make", kind="factory"),),
            user_roots=(str(linter.folder),),
        )
    )
    assert (facts.build_failures, facts.models[0].status) == ((), "skipped")


@pytest.mark.parametrize("value", [True, 3, 0.5, 1.0, "a\nb", (1, 2.0), ((1, 2), (3, "x"))])
def test_a_guessed_value_that_is_plain_is_kept_as_it_is(value: object) -> None:
    kept = GuessedArgument.model_validate_json(argument("a", value).model_dump_json())
    assert (kept.is_plain, repr(kept.value)) == (True, repr(value))


@pytest.mark.parametrize(
    "value", [None, float("nan"), nn.ReLU, {"a": 1}, "\ud800", (1, object()), (((1,),),) * 2, "x" * 2000]
)
def test_a_guessed_value_that_is_none_is_kept_as_text(value: object) -> None:
    kept = GuessedArgument.model_validate_json(argument("a", value).model_dump_json())
    assert (kept.is_plain, kept.value) == (False, None)
    assert 0 < len(kept.text) <= 40


def test_what_only_some_guesses_break_is_not_all_clear(linter: Linter) -> None:
    """With a width of 1 the product broadcasts, so it is not an error for every width."""
    text = source(
        "width",
        "self.a = nn.Conv2d(width + 16, 4, 1)\nself.s = nn.Parameter(torch.ones(1, width, 1, 1))",
        "return self.a(x) .sum() + (self.s * x).sum()",
    )
    checked = linter(text)
    assert not checked.findings
    assert checked.model.status == "partial"
    assert checked.model.reason is not None
    assert checked.model.reason.kind == "arguments-guessed"

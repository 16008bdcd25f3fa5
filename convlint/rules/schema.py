"""The form of a rule file. `python -m convlint.rules.schema` writes it out as JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from convlint.diagnostics import Applicability
from convlint.facts import Dim, Scalar, Status, TroubleKind
from convlint.rules import paths, templates
from convlint.severity import Severity

FailureKind = Literal["unreadable", "syntax", "import", "timeout", "memory", "crash", "build"]
EffectKind = Literal["writes", "network", "program"]


def _path(text: str) -> str:
    paths.parse(text)
    return text


def _operand(value: bool | float | str) -> bool | int | float | str:
    return _path(value) if isinstance(value, str) else value


def _template(text: str) -> str:
    templates.split(text)
    return text


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


PathText = Annotated[str, AfterValidator(_path)]
Template = Annotated[str, AfterValidator(_template)]
Operand = Annotated[bool | int | float | str, AfterValidator(_operand)]
Pair = tuple[Operand, Operand]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class RuleValue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class NodeMatch(RuleValue):
    """Calls that a rule is about, by public name; `*` and `?` are wildcards."""

    module: Names = ()
    function: Names = ()

    @model_validator(mode="after")
    def _says_something(self) -> NodeMatch:
        if not self.model_fields_set:
            raise ValueError("says nothing; name what it is to match")
        return self


class Match(NodeMatch):
    """What a rule is about: calls, violations, failures of a file, its side effects, models, or real runs.

    One of these kinds.
    """

    violation: Names = ()
    failure: tuple[FailureKind, ...] = ()
    effect: tuple[EffectKind, ...] = ()  # all those of a file together
    status: tuple[Status, ...] = ()
    trouble: tuple[TroubleKind, ...] = ()  # what a real run showed

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Match:
        kinds = [self.module or self.function or self.violation, self.failure, self.effect, self.status, self.trouble]
        if sum(map(bool, kinds)) != 1:
            raise ValueError(
                "give calls (module, function, violation), or failure, effect, status or trouble: one of the five"
            )
        return self


class Condition(RuleValue):
    """What must hold. Several keys in one table must all hold."""

    equal: Pair | None = None
    at_most: Pair | None = None
    at_least: Pair | None = None
    divisible_by: Pair | None = None
    one_of: tuple[PathText, tuple[Scalar, ...]] | None = None
    absent: PathText | None = None
    next: NodeMatch | None = None  # every call that uses the result is such a one, and there is one
    previous: NodeMatch | None = None  # every call that feeds this one is such a one, and there is one
    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    negated: Condition | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("says nothing; give it an operator, such as equal")
        return self


class FixTemplate(RuleValue):
    """The constructor argument to replace, and the path of the number that belongs there."""

    applicability: Applicability
    value: PathText
    argument: str | None = None  # without it: the argument that the violation names
    message: Template = "write the number that reaches it"


class Example(RuleValue):
    """A model: an expression, or the source of a module that defines `class Net(nn.Module)`."""

    code: str
    input: tuple[Dim, ...] | None = None
    dtype: str = "float32"
    title: str | None = None


class BadExample(Example):
    """An example that the rule finds; `row` and `column` count within `code`."""

    row: int | None = None
    column: int | None = None
    expected: Dim | None = None
    actual: Dim | None = None


class Rule(RuleValue):
    """One rule file."""

    format: Literal[1] = Field(alias="schema")
    id: str = Field(pattern=r"^CL\d{3}$")
    name: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
    severity: Severity
    summary: str | None = None
    message: Template
    messages: dict[str, Template] = {}  # by requirement or public name of the call, where one does not fit all
    hint: Template | None = None  # the way out; left away where one of its placeholders is unknown
    hints: dict[str, Template] = {}  # as `messages`
    match: Match
    require: Condition
    fix: FixTemplate | None = None
    why: str
    docs: str | None = None
    good: tuple[Example, ...] = ()
    bad: tuple[BadExample, ...] = ()


Condition.model_rebuild()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a rule file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Rule.model_json_schema(by_alias=True),
    }


def schema_text() -> str:
    """What `rules/schema.json` must hold."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    (FilePath(__file__).parents[2] / "rules" / "schema.json").write_text(schema_text(), encoding="utf-8")

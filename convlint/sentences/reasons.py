"""Each kind of reason as a sentence.

A template names the values of the reason; a part in brackets is left out where one of its values is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from convlint.facts import Reason, ReasonKind, Remainder, Span
from convlint.notebook import line_of

Where = Callable[[Span], str]
"""A place in words."""

TEMPLATES: Final[dict[ReasonKind, str]] = {
    "package-absent": "[the package {name}|a package] is not installed",
    "package-broken": "the package {name} cannot be imported[: {detail}]",
    "package-lacks-name": "{owner} has no {name} here",
    "base-absent": "it needs `{name}` of its base class, and {inner}",
    "class-needs-package": "it needs a package: {inner}",
    "pretrained-absent": "the configuration of the pretrained model `{name}` is not on this machine",
    "repository-absent": "the repository `{name}` that torch.hub.load fetches is not on this machine",
    "compiled-only": "its compiled code does not run on fake tensors",
    "signature-misfit": "the signature of {name} does not fit how it is used[: {detail}]",
    "signature-silent": "the signature of {owner} does not say what its `{name}` is",
    "set-by-script": "`{name}`[ in {owner}][ ({at})] is only set when the script runs[: {detail}]",
    "attribute-set-by-script": "`self.{name}` of {owner} is only set when the script runs",
    "trainer-only": "`{name}` of a LightningModule is only set when a Trainer runs it",
    "parameter-unknown": "`{name}` is a parameter of {owner}, and no call gives its value",
    "not-computed": "`{name}`[ ({at})] could not be computed[: {detail}]",
    "loop-cut": "a loop ({at}) was left before its end",
    "option-not-given": "the option `{name}` has no default",
    "file-absent": "{name} is not here",
    "target-absent": "the file defines no {name} once it is imported",
    "arguments-missing": "could not build it: [no value is given for {names}|its constructor takes other arguments]",
    "arguments-refused": "could not build it: no value tried for [{names}|its arguments] was accepted[: {detail}]",
    "declared-arguments-misfit": "the arguments declared for {name} do not fit[: {detail}]",
    "constructor-raises": "its constructor raises {detail}",
    "constructor-stops": "its constructor stops: {detail}",
    "raises-after": "{inner} (then {detail})",
    "not-a-module": "{name} gives a {detail}, not a module",
    "construction-lost": "it is built in {limit} ways this time, and the one that was traced is not among them",
    "raises": "[{detail}|it raises an exception]",
    "torch-refuses": "[{detail}|torch refuses a call]",
    "data-dependent": "[{name} ]depends on data[: {detail}]",
    "value-from-data": "a value is read from data[: {detail}]",
    "loop-on-data": "the length of a loop depends on data",
    "too-many-calls": "forward makes more than {limit} calls",
    "not-traceable": "{name} runs in torch but cannot be traced[: {detail}]",
    "refusal-unconfirmed": "{name} is refused ({detail}), but {inner}",
    "size-from-data": "its size depends on data",
    "sparse-or-quantized": "it is sparse or quantized",
    "too-large-to-try": "it is too large to be tried on real tensors",
    "no-input": "no input was found that forward takes[: {inner}]",
    "layers-refuse": "its layers refuse every input tried ({name} {actual}, expected {expected})",
    "shapes-untried": "more shapes are possible than could be tried",
    "holds-no-layers": "it is a list of layers and is empty, so errors of its forward are not reported",
    "input-guessed": "the shape of `{name}` was guessed, so errors that depend on it are not reported",
    "arguments-guessed": "the arguments[ {names}] were guessed, so errors that depend on them are not reported",
    "inputs-guessed": "the shapes of the inputs were guessed, so errors that depend on them are not reported",
    "batch-guessed": "the batch size was guessed, so errors that depend on it are not reported",
    "batch-of-example": "it runs with the batch of the example, and maybe no other",
    "branch-unknown": "which branch a real run takes is unknown, so errors that depend on it are not reported",
    "dtype-unknown": "the dtype of the model may be changed elsewhere[ ({detail})], so dtype errors are not reported",
    "numbers-only": "forward cannot be traced symbolically, so only these sizes were tried",
    "symbolic-time-limit": "symbolic tracing ran out of time, {remainder}",
    "symbolic-work-limit": "symbolic tracing ran out of its work budget, {remainder}",
    "time-limit": "checking it takes longer than {limit} s",
    "work-limit": "one run of forward takes more work than the budget of a model",
    "memory-limit": "[{detail}|it takes more memory than it may]",
    "convlint-failed": "convlint failed on it ({detail}); please report it",
    "stops-at-finding": "forward stops at an error",
    "no-torch-call": "forward ends without a call of torch",
    "some-sizes-fail": "forward stops at some sizes[: {detail}]",
    "sizes-undecided": "the input sizes that work could not be decided",
    "other-way": "another way through forward: {inner}",
    "not-run": "[{detail}|it was not run]",
}

_REMAINDERS: Final[dict[Remainder, str]] = {
    "sizes": "so only these sizes were tried",
    "code": "so only what the code alone decides was checked",
    "more": "so there may be more errors than those reported",
}
_CHOICE: Final = re.compile(r"\[([^]|]*)(?:\|([^]]*))?\]")
_VALUE: Final = re.compile(r"\{(\w+)\}")


def sentence(reason: Reason, where: Where | None = None) -> str:
    """The reason in words. `where` says how a place is named: by default its line."""
    values = _values(reason, where or _line)

    def chosen(part: re.Match[str]) -> str:
        is_known = all(values[name] for name in _VALUE.findall(part[1]))
        return part[1] if is_known else part[2] or ""

    return _VALUE.sub(lambda name: values[name[1]], _CHOICE.sub(chosen, TEMPLATES[reason.kind]))


def _values(reason: Reason, where: Where) -> dict[str, str]:
    return {
        "name": reason.name or "",
        "names": ", ".join(f"`{name}`" for name in reason.names),
        "owner": reason.owner or "",
        "at": where(reason.at) if reason.at is not None else "",
        "limit": f"{reason.limit:g}" if reason.limit is not None else "",
        "actual": reason.actual or "",
        "expected": reason.expected or "",
        "remainder": _REMAINDERS[reason.remainder] if reason.remainder is not None else "",
        "detail": reason.detail or "",
        "inner": sentence(reason.inner, where) if reason.inner is not None else "",
    }


def _line(at: Span) -> str:
    return line_of(at.filename, at.row)

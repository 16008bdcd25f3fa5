"""What the compiler did, at the user's lines: where graphs break, and what is compiled again."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator, Sequence

from convlint.facts import GraphBreak, Recompilation, Scenario, Span
from convlint.worker.stack.places import line_span, raised_at, span_at, span_of
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.compiler import Compiled, CompilerNews, compiled_stack

_EXPLANATION = re.compile(r"^\s*Explanation: (.+)$", re.MULTILINE)
_GUARD_LINE = re.compile(r"# .*?  # (\S+\.py):(\d+) in ")
_NUMBER = re.compile(r"^\d+/\d+(_\d+)?: ")  # of the compilation whose guard failed
_ONE = re.compile(r"[!=]= 1\)*$")
_BRANCH = "generic_jump"


def breaks(news: CompilerNews, is_user: IsUser) -> Iterator[GraphBreak]:
    """In the order of time; one place may come again and again."""
    for reason, stack in news.breaks:
        yield GraphBreak(reason=_reason(reason), at=span_in(stack, is_user))
    for one in news.compiled:
        if one.given_up is not None and one.given_up_at is not None and is_user(one.given_up_at[0]):
            yield GraphBreak(reason=_reason(one.given_up), at=line_span(*one.given_up_at))


def _reason(text: str) -> str:
    """Torch's explanation; names of its own insides in plain words."""
    if text.startswith(_BRANCH):
        return "a branch hangs on the values of a tensor"
    explained = _EXPLANATION.search(text)
    return explained[1].strip() if explained else text.strip().splitlines()[0]


def recompilations(
    news: CompilerNews, before: Sequence[Recompilation], scenario: Scenario, is_user: IsUser, *, repeats: bool
) -> Iterator[Recompilation]:
    """What was compiled again in one run; `before` is what earlier runs had compiled again.

    `repeats`: the run before had the very same sizes. Torch opens a size when it changes for the first time. What is
    compiled again because it has changed for the second time has code that fixes it.
    """
    opened = {(one.at, one.resized) for one in before if one.resized is not None}
    for one in news.compiled:
        if one.failed is not None:
            at = _guarded_at(one, is_user)
            is_fixed = (at, one.resized) in opened and 1 not in scenario.sizes.values()
            yield Recompilation(
                reason=_guard(one.failed),
                resized=one.resized,
                scenario=scenario,
                repeats=repeats,
                is_expected=not repeats and not is_fixed,
                at=at,
            )


def is_about_one(guard: str) -> bool:
    """Whether a size of 1 is told from others, which torch does wherever one comes up."""
    return _ONE.search(guard) is not None


def _guard(text: str) -> str:
    """The condition alone, without torch's remarks on it."""
    return _NUMBER.sub("", text).splitlines()[0].partition("  #")[0].strip()


def _guarded_at(one: Compiled, is_user: IsUser) -> Span | None:
    """The line that the guard comes from, which torch names with the end of its path; else the function."""
    named = _GUARD_LINE.search(one.failed or "")
    if named is not None:
        files = [one.filename, *(getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))]
        whole = next((name for name in files if is_user(name) and name.endswith(named[1])), None)
        if whole is not None:
            return line_span(whole, int(named[2]))
    return line_span(one.filename, one.row) if is_user(one.filename) else None


def failed_at(error: BaseException, is_user: IsUser) -> Span | None:
    """Where the compiler was in the user's code when it raised."""
    place = raised_at(error, is_user)
    return span_in(compiled_stack(error), is_user) or (span_of(place) if place is not None else None)


def span_in(stack: Sequence[traceback.FrameSummary], is_user: IsUser) -> Span | None:
    """The innermost place in the user's code; its whole line where torch does not keep more."""
    frame = next((one for one in reversed(stack) if is_user(one.filename)), None)
    if frame is None or frame.lineno is None:
        return None
    if frame.colno is None or frame.end_colno is None:
        return line_span(frame.filename, frame.lineno)
    return span_at(frame.filename, (frame.lineno, frame.colno, frame.end_lineno or frame.lineno, frame.end_colno))

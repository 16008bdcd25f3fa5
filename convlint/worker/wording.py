"""Errors of the user's code and of torch in one line."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """The first line of an error, without torch's hints behind it; the name of its type where it says nothing."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def said(error: BaseException) -> str:
    """`Type: first line`, or the type alone where the error says nothing."""
    kind, line = type(error).__name__, first_line(error)
    return kind if line == kind else f"{kind}: {line}"

"""Errors of the user's code and of torch in one line."""

from __future__ import annotations

from convlint.worker.sandbox import limits


def first_line(error: BaseException) -> str:
    """The first line of an error, without torch's hints after it; the name of its type where it says nothing."""
    text = str(error).strip().replace("'FakeTensor' object", "'Tensor' object")  # what the user's code has in its place
    return text.splitlines()[0] if text else type(error).__name__


def is_hungry(error: BaseException) -> bool:
    """Whether there was no memory for it."""
    return isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)


def said(error: BaseException) -> str:
    """`Type: first line`, or the type alone where the error says nothing."""
    if is_hungry(error):
        limit = limits.memory()
        if limit is None:
            return "MemoryError"
        return f"MemoryError: it needs more than {limit[0]} MB; raise `memory-limit` in {limit[1]}"
    kind, line = type(error).__name__, first_line(error)
    return kind if line == kind else f"{kind}: {line}"

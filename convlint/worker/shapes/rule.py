"""What a rule of shapes is."""

from __future__ import annotations

from collections.abc import Callable

from convlint.worker.call import Call
from convlint.worker.sizes import Size

Shape = tuple[Size, ...]
Rule = Callable[[Call], Shape | None]
"""The shape of a call's one result; None where torch must say it."""

"""What a worker server may be started for, as "module:function"."""

from __future__ import annotations

from typing import Final

ENGINE: Final = "convlint.worker.process.job:run"
"""Traces on fake tensors."""
TRIALS: Final = "convlint.worker.verify.trial:run"
"""Real runs."""

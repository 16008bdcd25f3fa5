"""What a worker server may be started for, as "module:function"."""

from __future__ import annotations

from typing import Final

ENGINE: Final = "convlint.worker.job:run"
"""Traces on fake tensors."""
TRIALS: Final = "convlint.worker.verifying.trial:run"
"""Real runs."""

"""Lightning's loop in small: one round of what its Trainer does with a module and its data."""

from __future__ import annotations

from typing import Any

TABLE: dict[str, Any] = {}

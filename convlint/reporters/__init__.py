"""Reports for people and programs. Reporters render diagnostics and change nothing."""

from __future__ import annotations

from convlint.reporters.render import render

__all__ = ["render"]

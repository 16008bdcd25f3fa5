"""From paths to models, by syntax alone: no user code runs and torch is not loaded."""

from convlint.discovery.discover import Discovery, LintedFile, discover
from convlint.discovery.ignoring import Patterns, compile_patterns
from convlint.discovery.roots import FoundModel

__all__ = [
    "Discovery",
    "FoundModel",
    "LintedFile",
    "Patterns",
    "compile_patterns",
    "discover",
]

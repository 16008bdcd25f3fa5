"""HintFinder for the inputs of forward, found in the code around a model."""

from convlint.discovery.hints.evidence import HintFinder

__all__ = ["HintFinder"]

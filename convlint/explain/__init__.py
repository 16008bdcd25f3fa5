"""Where each number of a model comes from, line by line as forward runs."""

from convlint.explain.render import FORMATS, render, tables_of
from convlint.explain.target import Target, parse_target
from convlint.explain.values import Values, agrees

__all__ = ["FORMATS", "Target", "Values", "agrees", "parse_target", "render", "tables_of"]

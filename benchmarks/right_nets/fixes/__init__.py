"""The lines that fix a size in code, by the operation that does it."""

from benchmarks.right_nets.fixes import (  # each registers its own
    branching,
    dtypes,
    joining,
    keeping,
    products,
    resampling,
    shaping,
    states,
    unpacking,
)
from benchmarks.right_nets.piece import FIXES

MODULES = (branching, dtypes, joining, keeping, products, resampling, shaping, states, unpacking)

__all__ = ["FIXES", "MODULES"]

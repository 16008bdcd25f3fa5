"""A worker server that is begun before anyone knows whether it is needed: it waits with torch until it is.

Meanwhile both load what they need anyway, each on a core of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from convlint.pool.parallel import cores
from convlint.pool.serving import ServerProcess


@contextmanager
def standing_by() -> Iterator[ServerProcess | None]:
    """A server for one WorkerPool, gone in the end if no pool wanted it; None where it would only be in the way."""
    if not hasattr(os, "fork") or cores() == 1:
        yield None
        return
    server = ServerProcess()
    try:
        yield server
    finally:
        server.dismiss()

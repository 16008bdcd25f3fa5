"""Where the cache lies."""

from __future__ import annotations

import os

VARIABLE = "CONVLINT_CACHE_DIR"


def choose_folder(given: str | None = None, configured: str | None = None) -> str:
    """The folder of the command line, else of the environment, else of the configuration, else the user's own."""
    chosen = given or os.environ.get(VARIABLE) or configured
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    from platformdirs import user_cache_dir

    return os.path.abspath(user_cache_dir("convlint", appauthor=False))

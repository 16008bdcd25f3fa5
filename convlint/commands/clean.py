"""`convlint clean`: the cache, emptied."""

from __future__ import annotations

from convlint.cache.store import Store
from convlint.check import Options, cache_folder, settings_for
from convlint.complaint import Complaint
from convlint.exit_codes import CLEAN
from convlint.filenames import display


def clean(cache_dir: str | None, config: str | None) -> int:
    """The exit code. Raises Complaint."""
    folder = cache_folder(settings_for((), Options(config=config)), cache_dir)
    try:
        removed = Store(folder).clear()
    except OSError as error:
        raise Complaint(f"{error.filename}: cannot be removed: {error.strerror or error}") from None
    if not removed.entries:
        print(f"{display(folder)}: there is nothing to remove")
    else:
        entries = "1 entry" if removed.entries == 1 else f"{removed.entries} entries"
        print(f"{display(folder)}: {entries} removed, {removed.size / 1e6:.1f} MB")
    return CLEAN

"""Where the files are that come with convlint: next to the code in a checkout, inside the package in a wheel."""

from __future__ import annotations

from pathlib import Path

# The wheel's copy first: next to an installed package, a folder called "rules" may be anyone's.
PLACES = (Path(__file__).parent / "rules" / "data", Path(__file__).parents[1] / "rules")


def shipped_rules() -> Path | None:
    """The folder of the rules; None where an installation has lost it."""
    return next((folder for folder in PLACES if folder.is_dir()), None)

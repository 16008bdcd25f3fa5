"""Something is wrong with the configuration or the command line: convlint says what and exits with 2."""

from __future__ import annotations

from convlint.complaint import Complaint


class ConfigError(Complaint):
    """What the user can set right."""

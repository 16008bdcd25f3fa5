"""What the exit code says: docs/configuration.md says when."""

CLEAN, FOUND, FAILED, INTERRUPTED = 0, 1, 2, 130

"""What the exit code tells: docs/configuration.md says when."""

CLEAN, FOUND, FAILED, INTERRUPTED = 0, 1, 2, 130

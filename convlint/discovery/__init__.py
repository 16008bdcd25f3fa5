"""From paths to models, by syntax alone: no user code runs and torch is not loaded."""

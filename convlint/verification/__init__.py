"""Real runs held against predictions: the pass after the linter."""

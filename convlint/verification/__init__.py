"""Real runs held against predictions: the pass behind the linter."""

"""Real runs of models on a device."""

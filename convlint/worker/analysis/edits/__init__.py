"""Single edits of the user's code that would meet a requirement, tried in memory: the model is traced with each."""

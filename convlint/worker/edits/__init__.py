"""Single edits of the user's code that would meet a requirement: they are made in memory, and the model traced again."""

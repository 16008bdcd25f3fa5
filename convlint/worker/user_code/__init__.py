"""The user's project as Python modules, executed without what only a script would do."""

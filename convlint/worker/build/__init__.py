"""How a model is constructed when nobody says: its sites in the project, its defaults, or plausible fillings."""

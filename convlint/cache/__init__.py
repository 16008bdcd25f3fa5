"""Results of earlier runs, as long as all holds that they depend on: facts of files, and answers to whole runs."""

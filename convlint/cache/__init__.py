"""Results of earlier runs, as long as all holds that they hang on: facts of files, and answers to whole runs."""

"""The program around the models, run once without contents: what it builds, and what it feeds to what it built."""

"""The process of the worker: a server that forks one child a job, and the work on one file."""

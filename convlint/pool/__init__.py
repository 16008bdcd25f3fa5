"""The parent's side of the worker: jobs in, facts out, whatever a file does."""

from convlint.pool.parallel import default_parallel
from convlint.pool.pool import WorkerPool, run_jobs
from convlint.pool.serving import ServerError

__all__ = ["ServerError", "WorkerPool", "default_parallel", "run_jobs"]

"""What is put up around a job before user code runs, on top of the guards of its process.

For good, hence only in a process that ends with its job.
"""

from __future__ import annotations

import tempfile

from convlint.facts import FileFacts
from convlint.jobs import Job, Runner
from convlint.worker.sandbox import effects, guards, landlock, limits


def contained(run: Runner) -> Runner:
    """The runner after limits, Landlock and the audit hook; its facts tell of them."""

    def guarded(job: Job) -> FileFacts:
        folder = tempfile.gettempdir()
        device = job.verify.device if job.trial is not None and job.verify is not None else "cpu"
        # The driver of a device maps far more memory than it takes.
        names = limits.limit(job.timeout, job.memory if device == "cpu" else None, job.section)
        version = landlock.restrict(folder, with_devices=device != "cpu")
        ledger = effects.forbid(job, folder)
        facts = run(job)
        limits.lift()
        return facts.model_copy(update={"effects": ledger.facts(), "guards": guards.in_words(job, names, version)})

    return guarded

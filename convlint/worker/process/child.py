"""A job's own process: it runs the job after guards, leaves a sealed record and is gone.

User code runs in here. All that is needed afterwards is bound to local names before it does.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
from contextlib import suppress
from typing import NoReturn

from convlint.facts import FileFacts
from convlint.jobs import Job, Runner
from convlint.protocol.ending import UNSENT, raised
from convlint.protocol.frames import seal
from convlint.protocol.scratch import VARIABLES
from convlint.worker.sandbox import guards, limits


def live(job: Job, run: Runner, token: bytes, folder: str, *, record: int, errors: int, dump: int) -> NoReturn:
    """Be the process of one job, from the fork to its end.

    Temporary files belong in the folder. The three numbers are descriptors to write to.
    """
    leave, complain = os._exit, sys.__excepthook__
    try:
        os.setsid()
        _reset_signals()
        os.dup2(errors, 2)  # 0 and 1 are the server's own, /dev/null
        guards.keep_only({0, 1, 2, record, dump})
        guards.put_up(dump)
        use_folder(folder)
        random.seed()
        perform(job, run, token, record, dump)
        leave(0)
    except BaseException as error:
        with suppress(BaseException):
            complain(type(error), error, error.__traceback__)
    leave(UNSENT)


def perform(job: Job, run: Runner, token: bytes, record: int, dump: int) -> None:
    """Run the job and write its sealed record; `dump` takes the frames of code that ends the process itself."""
    write, leave, getpid, put_seal = os.write, os._exit, os.getpid, seal
    dump_json, facts_of_error, lift_limits = FileFacts.model_dump_json, raised, limits.lift
    me = getpid()
    guards.note_exits(dump)
    try:
        facts = run(job)
    except BaseException as error:
        lift_limits()
        if getpid() == me:
            sys.__excepthook__(type(error), error, error.__traceback__)
        facts = facts_of_error(job, error)
    if getpid() != me:  # user code forked, and this is the copy
        leave(0)
    rest = memoryview(put_seal(token, dump_json(facts).encode()))
    while rest:
        rest = rest[write(record, rest) :]


def use_folder(folder: str) -> None:
    """Have temporary files in this folder, also those of programs that are started."""
    tempfile.tempdir = folder
    os.environ.update(dict.fromkeys(VARIABLES, folder))


def rehearse() -> None:
    """Do once, before any user code runs, what imports modules on its first use."""
    FileFacts(filename="").model_dump_json()


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)

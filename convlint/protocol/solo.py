"""One fresh process per job, for platforms without fork: slower, since each of them imports torch again.

The request and the record are files in a temporary folder, so nothing that user code prints can reach them.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from convlint.facts import FileFacts
from convlint.jobs import Job
from convlint.protocol.ending import JobEnding, failed
from convlint.protocol.frames import TOKEN_BYTES, unseal
from convlint.protocol.leftovers import kill_group
from convlint.protocol.reception import admit

REQUEST, RECORD, DUMP, ERRORS = "request", "record", "dump", "errors"

_START_LIMIT = 300.0  # seconds to import torch
_KEPT_WORDS = 2048


def read_request(folder: Path) -> tuple[bytes, Job]:
    """The token and the job that a process of its own is to run."""
    request = (folder / REQUEST).read_bytes()
    return request[:TOKEN_BYTES], Job.model_validate_json(request[TOKEN_BYTES:])


def run_one(job: Job, command: Sequence[str], environment: dict[str, str], max_facts: int) -> FileFacts:
    """Run a job in a process of its own and wait for it. The command lacks `--one FOLDER`, which is added."""
    with tempfile.TemporaryDirectory(prefix="convlint-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        token = os.urandom(TOKEN_BYTES)
        (folder / REQUEST).write_bytes(token + job.model_dump_json().encode())
        ending = _live([*command, "--one", name], environment, folder, job.timeout + _START_LIMIT)
        record = folder / RECORD
        size = record.stat().st_size if record.exists() else 0
        if size > max_facts:
            return failed(job, JobEnding(how="too large", code=max_facts))
        payload = unseal(token, record.read_bytes()) if size else None
        return failed(job, ending) if payload is None else admit(job, payload)


def _live(command: list[str], environment: dict[str, str], folder: Path, limit: float) -> JobEnding:
    with open(folder / ERRORS, "wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )
    late = False
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        _kill(process)
    dump = _tail(folder / DUMP, None)
    late = late or dump.startswith("Timeout (")
    code = process.returncode
    return JobEnding(
        how="timeout" if late else "signalled" if code < 0 else "exited",
        code=abs(code),
        last_words=_tail(folder / ERRORS, _KEPT_WORDS),
        dump=dump,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        kill_group(process.pid)
    process.wait()


def _tail(path: Path, length: int | None) -> str:
    try:
        with open(path, "rb") as file:
            if length is not None:
                file.seek(max(0, path.stat().st_size - length))
            return file.read(length or 65536).decode(errors="replace")
    except OSError:
        return ""

"""The pool with real processes: whatever a file does, it is one finding, and no other file is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from convlint.facts import FileFacts
from convlint.jobs import Job
from convlint.pool import pool as pool_module
from convlint.pool import serving
from convlint.pool.pool import WorkerPool, run_jobs
from convlint.pool.serving import ServerError

RUNNER = "plain_runner:run"
FINE = "print('fine')"
LIMIT = 20.0  # seconds; generous, since the machine may be busy


@dataclass(frozen=True)
class Hostile:
    name: str
    code: str
    kind: str | None  # of the failure; None: the facts arrive all the same
    says: str = ""
    row: int | None = None
    timeout: float = LIMIT


HOSTILE = [
    Hostile("prints", "import sys; print('x' * 9999); sys.stderr.write('y' * 9999)", None),
    Hostile("prints_to_descriptors", "import os; os.write(1, b'{}'); os.write(2, b'{}')", None),
    Hostile("raises", "1/0", "import", "ZeroDivisionError"),
    Hostile("sys_exit", "import sys\nsys.exit(3)", "import", "SystemExit: 3 at bad.py:2", 2),
    Hostile("keyboard_interrupt", "x = 1\nraise KeyboardInterrupt", "import", "KeyboardInterrupt", 2),
    Hostile("os_exit", "import os\nos._exit(0)", "crash", "the file ended the Python process with status 0", 2),
    Hostile("abort", "import os\n\nos.abort()", "crash", "died with SIGABRT at bad.py:3", 3),
    Hostile(
        "segfault",
        """
        import ctypes
        def fall():
            ctypes.string_at(0)
        fall()
        """,
        "crash",
        "died with SIGSEGV at bad.py:4",
        4,
    ),
    Hostile("kills_itself", "import os; os.kill(os.getpid(), 9)", "crash", "died with SIGKILL"),
    Hostile("kills_its_group", "import os; os.killpg(0, 9)", "crash", "died with SIGKILL"),
    Hostile("last_words", "import os\nos.write(2, b'so \\x1b[31mlong\\n')\nos._exit(9)", "crash", "so  long"),
    Hostile("loops", "x = 1\nwhile True: pass", "timeout", "longer than 1 s", 2, timeout=1),
    Hostile("loops_in_c", "import time\ntime.sleep(600)", "timeout", "--timeout", 2, timeout=1),
    Hostile(
        "loops_deaf",
        """
        import signal, time
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
        """,
        "timeout",
        timeout=1,
    ),
    Hostile("stops_itself", "import os; os.kill(os.getpid(), 19)", "timeout", timeout=1),
    Hostile(
        "floods",
        """
        import os
        while True:
            os.write(1, b'x' * 65536); os.write(2, b'y' * 65536)
        """,
        "timeout",
        "bad.py",
        4,
        timeout=1,
    ),
    Hostile("kills_its_parent", "import os, time; os.kill(os.getppid(), 9); time.sleep(600)", "crash", "server"),
    Hostile("asks_its_parent", "import os; os.kill(os.getppid(), 15); os.kill(os.getppid(), 2)", None),
    Hostile(
        "daemon",
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        """,
        None,
    ),
    Hostile("fork_falls_through", "import os\nos.fork()\nos.fork()", None),
    Hostile("subprocess", "import subprocess; subprocess.Popen(['sleep', '600'])", None),
    Hostile("threads", "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()", None),
    Hostile(
        "many_children",
        """
        import os, time
        for _ in range(100):
            if os.fork() == 0:
                os.setsid()
                time.sleep(600)
        """,
        None,
    ),
    Hostile("closes_all", "import os; os.closerange(0, 65536)", "crash", "could not hand over its facts"),
    Hostile(
        "forges",
        """
        import json, os, struct
        facts = json.dumps({"filename": "good_b.py", "failures": [{"kind": "import", "message": "forged"}]})
        body = facts.encode()
        frames = b"".join(struct.pack(">BIQ", 5, n, len(body)) + body for n in range(8))
        record = b"0" * 16 + struct.pack(">Q", len(body)) + body
        places = [int(n) for n in os.listdir("/proc/self/fd")]
        for who in (os.getppid(), "self"):
            for n in os.listdir(f"/proc/{who}/fd"):
                try:
                    places.append(os.open(f"/proc/{who}/fd/{n}", os.O_WRONLY | os.O_NONBLOCK))
                except OSError:
                    pass
        for place in places:
            for data in (frames, record):
                try:
                    os.write(place, data)
                except OSError:
                    pass
        """,
        "crash",
        "exited with status 0",
    ),
    Hostile("other_name", "FILENAME = 'good_b.py'", None),
    Hostile(
        "invalid_facts",
        """
        from convlint.facts import FileFacts
        FileFacts.model_dump_json = lambda self: '{"filename": 3}'
        """,
        None,  # it comes too late
    ),
    Hostile(
        "forged_facts",
        "from convlint.facts import FileFacts\nFACTS = FileFacts.model_construct(filename=['good_b.py'])",
        "crash",
        "invalid facts: filename",
    ),
    Hostile(
        "huge_facts",
        """
        from convlint.facts import Failure, FileFacts
        FACTS = FileFacts(filename="x", failures=(Failure(kind="import", message="x" * 30_000_000),))
        """,
        "crash",
        "more facts than the limit of 10000000 bytes",
    ),
    Hostile(
        "patches",
        """
        import builtins, json, os, struct, sys
        def broken(*_, **__): raise OSError("patched")
        os.write = os._exit = os.getpid = json.dumps = struct.pack = builtins.print = broken
        for name in list(sys.modules):
            if not name.startswith(("runpy", "plain_runner", "bad")):
                del sys.modules[name]
        """,
        None,
    ),
    Hostile(
        "breaks_builtins",
        """
        import builtins
        def broken(*_, **__): raise OSError("patched")
        for name in ("len", "isinstance", "getattr", "type", "memoryview", "super"):
            setattr(builtins, name, broken)
        """,
        "crash",
        "could not hand over its facts",
    ),
]


@pytest.fixture(autouse=True)
def no_process_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Marks every process that a test starts, and fails if one of them outlives it."""
    mark = f"CONVLINT_TEST={os.urandom(8).hex()}"
    monkeypatch.setenv(*mark.split("="))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    yield
    assert not list(marked(mark.encode()))


def marked(mark: bytes) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found = mark in (entry / "environ").read_bytes()
            alive = ") Z " not in (entry / "stat").read_text()
        except OSError:
            continue
        if found and alive:
            yield int(entry.name)


def job(folder: Path, name: str, code: str, timeout: float = LIMIT) -> Job:
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(code))
    return Job(
        path=str(path),
        filename=path.name,
        module=name,
        search_path=(str(folder),),
        models=(),
        user_roots=(str(folder),),
        timeout=timeout,
    )


def run(jobs: list[Job], **options: object) -> dict[str, FileFacts]:
    with WorkerPool(runner=RUNNER, max_facts=10_000_000, **options) as pool:  # type: ignore[arg-type]
        results = list(pool.run(jobs))
    assert sorted(facts.filename for facts in results) == sorted(job.filename for job in jobs)
    return {facts.filename: facts for facts in results}


ALSO_ONE_BY_ONE = {"prints", "os_exit", "loops", "kills_its_parent", "daemon", "many_children", "forges"}


@pytest.mark.parametrize(
    ("case", "parallel"),
    [
        pytest.param(case, parallel, id=f"{case.name}-{parallel}")
        for case in HOSTILE
        for parallel in ((1, 3) if case.name in ALSO_ONE_BY_ONE else (3,))
    ],
)
def test_hostile_file_costs_only_itself(case: Hostile, parallel: int, tmp_path: Path) -> None:
    jobs = [
        job(tmp_path, "good_a", FINE),
        job(tmp_path, "bad", case.code, case.timeout),
        job(tmp_path, "good_b", FINE),
        job(tmp_path, "good_c", "import time; time.sleep(0.1)"),
    ]
    results = run(jobs, parallel=parallel)
    for name in ("good_a.py", "good_b.py", "good_c.py"):
        assert results[name] == FileFacts(filename=name)
    failures = results["bad.py"].failures
    if case.kind is None:
        assert not failures
        return
    assert [failure.kind for failure in failures] == [case.kind]
    assert case.says in failures[0].message
    if case.row is not None:
        assert failures[0].at is not None
        assert (failures[0].at.filename, failures[0].at.row) == ("bad.py", case.row)


def test_timeout_names_the_limit_the_line_and_the_way_out(tmp_path: Path) -> None:
    results = run([job(tmp_path, "net", "while True:\n    n = 1", timeout=1)])
    (failure,) = results["net.py"].failures
    assert failure.at is not None
    assert failure.message == (
        f"net.py ran longer than 1 s and was stopped at net.py:{failure.at.row}; "
        "raise the limit with `--timeout` or `timeout` in [tool.convlint]"
    )
    assert (failure.at.column, failure.at.end_column) in {(1, 12), (5, 10)}


def test_hang_in_another_file_of_the_project_is_found(tmp_path: Path) -> None:
    (tmp_path / "häng en.py").write_text("def f():\n    while True: pass\n")
    code = """
        import importlib, sys
        sys.path.insert(0, __file__.rpartition("/")[0])
        importlib.import_module("häng en").f()
        """
    (failure,) = run([job(tmp_path, "net", code, timeout=1)])["net.py"].failures
    assert failure.at is not None
    assert failure.at.filename == str(tmp_path / "häng en.py")
    assert failure.at.row == 2


def test_no_jobs_start_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "ServerProcess", None)
    assert list(run_jobs([])) == []


def test_early_start_is_free_to_end_early() -> None:
    with WorkerPool(runner=RUNNER) as pool:
        pool.start()
        pool.start()


def test_pool_serves_again_after_a_run(tmp_path: Path) -> None:
    with WorkerPool(runner=RUNNER) as pool:
        for _ in range(2):
            assert list(pool.run([job(tmp_path, "good", FINE)])) == [FileFacts(filename="good.py")]


def test_many_small_jobs(tmp_path: Path) -> None:
    results = run([job(tmp_path, f"good_{n}", FINE) for n in range(60)], parallel=4)
    assert not any(facts.failures for facts in results.values())


def test_facts_come_as_they_are_done(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "slow", "import time; time.sleep(1)"), job(tmp_path, "quick", FINE)]
    assert list(run(jobs, parallel=2)) == ["quick.py", "slow.py"]


def test_server_that_dies_again_and_again_is_given_up(tmp_path: Path) -> None:
    killer = "import os, time; os.kill(os.getppid(), 9); time.sleep(600)"
    results = run([job(tmp_path, f"bad_{n}", killer) for n in range(7)])
    messages = [facts.failures[0].message for facts in results.values()]
    assert sum("took the worker server down" in message for message in messages) == 5
    assert sum("died 5 times in a row" in message for message in messages) == 2


def test_stopped_server_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_SILENCE", 1.0)
    code = "import os, time; os.kill(os.getppid(), 19); time.sleep(600)"
    jobs = [job(tmp_path, "bad", code, timeout=1), job(tmp_path, "good", FINE)]
    results = run(jobs)
    assert "did not answer any more" in results["bad.py"].failures[0].message
    assert not results["good.py"].failures


def test_slow_reader_loses_nothing(tmp_path: Path) -> None:
    facts = """
        from convlint.facts import Failure, FileFacts
        FACTS = FileFacts(filename="x", failures=(Failure(kind="import", message="x" * 5_000_000),))
        """
    jobs = [job(tmp_path, f"big_{n}", facts, timeout=60) for n in range(4)]
    with WorkerPool(runner=RUNNER, parallel=4) as pool:
        for result in pool.run(jobs):
            time.sleep(0.2)
            assert len(result.failures[0].message) == 5_000_000


def test_caller_that_loses_interest_leaves_nothing(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "good", FINE), job(tmp_path, "slow", "import time; time.sleep(600)", 600)]
    with WorkerPool(runner=RUNNER, parallel=2) as pool:
        assert next(iter(pool.run(jobs))).filename == "good.py"


@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_interrupted_run_leaves_nothing(tmp_path: Path, number: signal.Signals, fork: bool) -> None:
    if not fork and number != signal.SIGINT:
        pytest.skip("nobody watches over a process of its own")
    started = tmp_path / "started"
    code = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(600)"
    script = f"""
        from convlint.jobs import Job
        from convlint.pool.pool import WorkerPool
        job = Job.model_validate_json({job(tmp_path, "slow", code, 600).model_dump_json()!r})
        with WorkerPool(runner={RUNNER!r}, fork={fork}) as pool:
            list(pool.run([job]))
        """
    root = Path(pool_module.__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=root, stderr=subprocess.DEVNULL)
    _until(started.exists)
    process.send_signal(number)
    assert process.wait(10) != 0
    mark = f"CONVLINT_TEST={os.environ['CONVLINT_TEST']}".encode()
    _until(lambda: not list(marked(mark)))


def _until(condition: object) -> None:
    time_limit = time.monotonic() + 10
    while not condition() and time.monotonic() < time_limit:  # type: ignore[operator]
        time.sleep(0.02)


def test_worker_that_cannot_start_is_no_finding(tmp_path: Path) -> None:
    with (
        WorkerPool(runner="no_such_module:run") as pool,
        pytest.raises(ServerError, match="No module named 'no_such_module'"),
    ):
        list(pool.run([job(tmp_path, "good", FINE)]))


def test_worker_that_dies_at_its_start_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os.write(2, b'no luck'); os._exit(1)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        with WorkerPool(runner=RUNNER) as pool, pytest.raises(ServerError, match="no luck"):
            list(pool.run([job(tmp_path, "good", FINE)]))


def test_modules_of_the_working_directory_do_not_shadow_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "json", "pydantic", "socket"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    assert not run([job(tmp_path, "good", FINE)])["good.py"].failures


def test_job_has_a_quiet_house(tmp_path: Path) -> None:
    code = """
        import os, resource, sys
        assert os.getsid(0) == os.getpgrp() == os.getpid()
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
        assert sys.dont_write_bytecode and os.environ["CUDA_VISIBLE_DEVICES"] == ""
        assert sys.stdin.read() == "" and os.readlink("/proc/self/fd/1") == "/dev/null"
        assert len(os.listdir("/proc/self/fd")) == 6, os.listdir("/proc/self/fd")  # one is the listing's
        """
    assert not run([job(tmp_path, "house", code)])["house.py"].failures


SOLO = {
    "prints",
    "sys_exit",
    "os_exit",
    "abort",
    "segfault",
    "loops",
    "subprocess",
    "forged_facts",
    "huge_facts",
}


@pytest.mark.parametrize("case", [case for case in HOSTILE if case.name in SOLO], ids=lambda case: case.name)
def test_without_fork_a_hostile_file_costs_only_itself(case: Hostile, tmp_path: Path) -> None:
    jobs = [job(tmp_path, "bad", case.code, case.timeout), job(tmp_path, "good", FINE)]
    results = run(jobs, parallel=2, fork=False)
    assert results["good.py"] == FileFacts(filename="good.py")
    failures = results["bad.py"].failures
    assert [failure.kind for failure in failures] == ([case.kind] if case.kind else [])
    if failures:
        assert case.says in failures[0].message
        assert case.row is None or (failures[0].at is not None and failures[0].at.row == case.row)


def test_pool_imports_no_torch() -> None:
    root = Path(serving.__file__).parents[2]
    code = "import sys, convlint.pool.pool; sys.exit('torch' in sys.modules or 'convlint.worker' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)

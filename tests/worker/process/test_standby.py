"""A server that stands by: it has no torch until there is a job, and is gone when nobody wanted it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from convlint.pool import standby
from convlint.pool.serving import ServerProcess, ServerStuck

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at /proc")


def maps(server: ServerProcess) -> str:
    return Path(f"/proc/{server.pid}/maps").read_text(encoding="utf-8", errors="replace")


def test_it_waits_without_torch() -> None:
    server = ServerProcess()
    try:
        end = time.monotonic() + 60
        while "numpy" not in maps(server) and time.monotonic() < end:
            time.sleep(0.05)
        with pytest.raises(ServerStuck):
            server.receive(time.monotonic())
        assert "numpy" in maps(server)
        assert "libtorch" not in maps(server)
        server.wait_until_ready()
        assert "libtorch" in maps(server)
    finally:
        server.stop()


def test_nothing_of_it_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(standby, "cores", lambda: 2)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with standby.standing_by() as server:
        assert server is not None
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_none_stands_by_where_it_would_take_the_only_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "cores", lambda: 1)
    with standby.standing_by() as server:
        assert server is None


def test_one_that_has_begun_is_the_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "cores", lambda: 2)
    with standby.standing_by() as server:
        assert server is not None
        server.begin()
    os.kill(server.pid, 0)
    server.stop()

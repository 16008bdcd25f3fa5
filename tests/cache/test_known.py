"""Facts are read back only in the form that they have now."""

from __future__ import annotations

import json
import time
from pathlib import Path

from convlint.cache.key import job_key
from convlint.cache.known import KnownFacts
from convlint.cache.memory import Memory
from convlint.cache.store import Store
from convlint.dependencies import Dependencies
from convlint.facts import ConstructionFact, FileFacts, ModelFacts, Reason
from convlint.jobs import Job

MODEL = ModelFacts(
    name="net.Net",
    target="Net",
    row=1,
    status="partial",
    reason=Reason(kind="no-input", inner=Reason(kind="package-absent", name="einops")),
    construction=ConstructionFact(origin="guessed"),
)


def test_facts_of_an_older_form_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("x = 1\n")
    time.sleep(0.1)  # else the file may have changed during the run
    job = Job(path=str(path), filename="net.py", module="net", search_path=(), models=(), user_roots=())
    depends, store = Dependencies(files=(str(path),)), Store(str(tmp_path / "cache"))
    facts = FileFacts(filename="net.py", models=(MODEL,), depends=depends)

    def known() -> dict[str, FileFacts]:
        return KnownFacts(Memory(store)).of([job])

    memory = Memory(store)
    key = job_key(job, memory.world)
    assert key is not None
    memory.keep(key, depends, facts.model_dump_json(exclude={"depends"}).encode())
    assert known()[job.path].models == (MODEL,)

    old = json.loads(facts.model_dump_json(exclude={"depends"}))
    old["models"][0] |= {"reason": "no input was found", "construction": "guessed: width=64"}
    memory.keep(key, depends, json.dumps(old).encode())
    assert known() == {}
    assert Memory(store).recall(key) is None

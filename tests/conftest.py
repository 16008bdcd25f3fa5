"""No test uses what an earlier run has kept, or leaves anything in the user's own cache."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLINT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield

"""A model of a script built once more: the script runs again, as far as the call that feeds the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from convlint.facts import Reason
from convlint.worker.analysis.edits.rebuild import Recipe, edited, without_modules
from convlint.worker.analysis.session import TraceSession
from convlint.worker.build.skeleton import Sites, make_fake
from convlint.worker.dry_run.record import ModelCall
from convlint.worker.dry_run.script import Script
from convlint.worker.dry_run.twin import key_of
from convlint.worker.dry_run.world import DryRun
from convlint.worker.torch_private.fake import set_env
from convlint.worker.user_code.unavailable import Unavailable

_SECONDS = 5.0


@dataclass(frozen=True)
class ScriptRecipe(Recipe):
    """How one model came to be in a script: `calls` is what comes before the call that feeds it, and that call."""

    calls: tuple[ModelCall, ...] = ()

    @contextmanager
    def rebuilt(self, texts: Mapping[str, str] | None = None, sites: Sites | None = None) -> Iterator[TraceSession]:
        """Raises Unavailable where the script does not come to the call."""
        sites = sites or Sites()
        wanted = key_of(self.calls[-1])
        number = sum(key_of(call)[3] == wanted[3] for call in self.calls)
        with edited(texts or {}) as editions, without_modules(self.is_user):
            world = DryRun(options=self.calls[-1].options, ends_at=(wanted[3], number))
            set_env(self.mode, None)
            Script(self.job, self.is_user, self.mode, sites, editions=editions).run(world, _SECONDS)
            same = [call for call in world.calls if key_of(call)[3] == wanted[3]]
            if len(same) < number:
                raise Unavailable(Reason(kind="construction-lost", limit=len(same)))
            model = same[number - 1].module
            make_fake(model, self.mode)
            self.mode.cache_enabled = False
            yield TraceSession(model, self.mode, sites, self.is_user)

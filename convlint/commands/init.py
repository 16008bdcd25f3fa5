"""`convlint init`: entries for models that are not checked."""

from __future__ import annotations

import sys
from typing import Any

from convlint.check import Options, gather
from convlint.complaint import Complaint
from convlint.exit_codes import CLEAN
from convlint.init import nothing, propose
from convlint.pool.serving import ServerProcess
from convlint.terminal import say, write


def init(paths: tuple[str, ...], is_dry: bool, given: dict[str, Any], server: ServerProcess | None) -> int:
    """The exit code. Raises Complaint."""
    gathered = gather(paths or (".",), Options(**given), server)
    if gathered.found.problems:
        raise Complaint(*gathered.found.problems)
    proposal = propose(gathered)
    for draft in () if is_dry else proposal.drafts:
        draft.write()
    for sentence in (*gathered.notes, *proposal.left):
        say(sentence)
    if not proposal.drafts:
        say(nothing(proposal))
    for draft in proposal.drafts:
        write(sys.stdout, draft.diff if is_dry else f"{draft.sentence}.\n")
    return CLEAN

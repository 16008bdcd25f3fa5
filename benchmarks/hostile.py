"""What convlint makes of files that harm: each in a run of its own, as a table in Markdown.

    python benchmarks/hostile.py              # all of them
    python benchmarks/hostile.py grows daemon # some

The exit code is 1 if one of them gets another finding than it must, or leaves anything.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "hostile"))

from cases import GROUPS, Case, Group
from household import Household, Outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    print("| file | does | finding | exit | seconds | neighbour | left over |\n|---|---|---|---|---|---|---|")
    failed = False
    for group in GROUPS:
        for case in group.cases:
            if not names or case.name in names:
                failed = not _show(group, case) or failed
    return int(failed)


def _show(group: Group, case: Case) -> bool:
    """Print a row; whether all is as it must be."""
    with tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as name:
        household = Household(Path(name) / "house")
        household.furnish([case], ["neighbour.py"])
        outcome = household.run("--output-format", "json", "--timeout", f"{group.timeout}", ".")
    found = outcome.findings(case.filename)
    codes = tuple(one["code"] for one in found)
    told = f"{', '.join(codes)} at {found[0]['location']['row']}" if found else f"none, {_status(case, outcome)}"
    neighbour = outcome.statuses.get("neighbour.py", "lost")
    left = [*map(str, outcome.processes), *outcome.files, *(["a connection"] if outcome.connected else [])]
    cells = [
        case.name,
        _does(case),
        told,
        outcome.code,
        f"{outcome.seconds:.1f}",
        neighbour,
        ", ".join(left) or "nothing",
    ]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    return codes in (case.codes, *case.also) and neighbour == "checked" and not left


def _status(case: Case, outcome: Outcome) -> str:
    return outcome.statuses.get(case.filename, "no model")


def _does(case: Case) -> str:
    first = case.source.partition("\n")[0]
    return first.strip('"').rstrip(".") if first else "is generated"


if __name__ == "__main__":
    sys.exit(main())

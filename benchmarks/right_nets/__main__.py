"""Right nets that fix sizes in code, keep state, pack sequences, set dtypes and choose branches: no error is due.

    python -m benchmarks.right_nets
    python -m benchmarks.right_nets --each 4 --seed 7 --keep FOLDER --report report.md
    python -m benchmarks.right_nets --only lstm --way bare

Real torch runs each net first, twice, in training and in evaluation; one that it refuses is listed and left out. The
rest is linted bare and with its input declared. Exit 1 where convlint reports an error.
"""

from __future__ import annotations

import argparse
import collections
import sys
from pathlib import Path

from benchmarks.right_nets.compose import composed
from benchmarks.right_nets.judge import judge
from benchmarks.right_nets.linted import Verdict, linted
from benchmarks.right_nets.net import RightNet
from benchmarks.right_nets.templates import whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=2, help="nets of each kind [default: 2]")
    parser.add_argument("--only", action="append", default=[], help="only nets whose name contains this")
    parser.add_argument("--way", choices=("bare", "declared"), action="append", help="[default: both]")
    parser.add_argument("--keep", type=Path, help="leave the files in this folder")
    parser.add_argument("--report", type=Path, help="write what was found to this Markdown file")
    options = parser.parse_args()
    nets = [*composed(options.seed, options.each), *whole(options.seed, options.each)]
    nets = _distinct(net for net in nets if not options.only or any(word in net.name for word in options.only))
    refused = judge(nets)
    for name, error in refused.items():
        print(f"refused by torch: {name}: {error}")
    nets = [net for net in nets if net.name not in refused]
    print(f"{len(nets)} nets of {len({net.kind for net in nets})} kinds run in torch, {len(refused)} do not")
    verdicts: list[Verdict] = []
    for way in options.way or ("bare", "declared"):
        chosen = [net for net in nets if way == "bare" or net.declared]
        verdicts += linted(chosen, way, options.keep)
    text = _report(verdicts)
    print(text)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    sys.exit(1 if any(verdict.errors for verdict in verdicts) else 0)


def _distinct(nets: collections.abc.Iterable[RightNet]) -> list[RightNet]:
    """Without those whose text was drawn twice."""
    by_text = {(net.source, net.inputs): net for net in nets}
    return list(by_text.values())


def _report(verdicts: list[Verdict]) -> str:
    lines = []
    for way in dict.fromkeys(verdict.way for verdict in verdicts):
        chosen = [verdict for verdict in verdicts if verdict.way == way]
        wrong = [verdict for verdict in chosen if verdict.errors]
        statuses = collections.Counter(verdict.status for verdict in chosen)
        shown = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
        lines += [f"## {way}: {len(wrong)} of {len(chosen)} nets with an error ({shown})", ""]
        for verdict in sorted(wrong, key=lambda one: (one.errors[0]["code"], one.net.kind)):
            lines.append(f"- `{verdict.net.name}` {', '.join(verdict.net.inputs)}")
            lines += [f"  - {one['code']} line {one['location']['row']}: {one['message']}" for one in verdict.errors]
        lines += ["", f"### {way}: not errors", ""]
        for verdict in chosen:
            others = [one for one in verdict.findings if one["severity"] != "error"]
            lines += [f"- `{verdict.net.name}` {one['severity']} {one['code']}: {one['message']}" for one in others]
            if verdict.status != "checked":
                lines.append(f"- `{verdict.net.name}` {verdict.status}: {verdict.reason}")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""Draw the README's picture: the real output of convlint on an example, as an SVG.

python docs/picture.py examples/broken/mnist.py docs/terminal.svg
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 116


def main() -> None:
    target, place = sys.argv[1:]
    command = [sys.executable, "-m", "convlint", target, "--color", "always"]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ convlint {target}"))
    console.print(Text.from_ansi(output))
    svg = console.export_svg(title="convlint", unique_id="convlint")
    # A reader's browser fetches no fonts for this picture.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    Path(place).write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


if __name__ == "__main__":
    main()

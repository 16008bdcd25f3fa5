"""Files that harm, each with what convlint must make of it. The files are in `models/`; the others are generated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MODELS = Path(__file__).parent / "models"
FINE = """from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, {size})
        self.out = nn.Linear(20, 3)

    def forward(self, x):
        return self.out(self.fc(x))
"""

Codes = tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One hostile file. It is found at its line that is marked `# here`, where one is."""

    name: str
    codes: Codes  # of its findings
    also: tuple[Codes, ...] = ()  # other right answers, as the kernel has fewer guards or chance decides
    says: str = ""  # part of the finding's message
    make: Callable[[Path], None] | None = None  # writes it where it is not a file of `models`

    @property
    def filename(self) -> str:
        return f"{self.name}.py"

    @property
    def source(self) -> str:
        return "" if self.make else (MODELS / self.filename).read_text(encoding="utf-8")

    @property
    def row(self) -> int | None:
        lines = self.source.splitlines()
        return next((number for number, line in enumerate(lines, 1) if line.endswith("# here")), None)

    def write(self, folder: Path) -> None:
        if self.make is not None:
            self.make(folder)
        else:
            (folder / self.filename).write_text(self.source, encoding="utf-8")


def _large(folder: Path) -> None:
    with open(folder / "large.py", "w", encoding="utf-8") as file:
        file.write(FINE.format(size=20))
        for _ in range(50):
            file.write("# " + "x" * ((1 << 20) - 3) + "\n")


def _large_code(folder: Path) -> None:
    with open(folder / "large_code.py", "w", encoding="utf-8") as file:
        file.write(FINE.format(size=20))
        line = f"TABLE = [{'1, ' * 1000}]\n"
        for _ in range((50 << 20) // len(line)):
            file.write(line)


def _links(folder: Path) -> None:
    inner = folder / "links"
    inner.mkdir()
    (inner / "again").symlink_to(inner, target_is_directory=True)
    (inner / "up").symlink_to(folder, target_is_directory=True)
    (inner / "circle.py").symlink_to(inner / "circle.py")
    (folder / "links.py").symlink_to(folder / "links.py")


# By the seconds that one file may take, and the exit code that the run has to have.
SLOW = (
    Case("loop_import", ("CL004",), says="longer than"),
    Case("loop_init", ("CL004",)),
    Case("loop_forward", ("CL004",)),
    Case("sleeps", ("CL004",)),
    Case("catches_everything", ("CL004",)),
    Case("stops_itself", ("CL004",)),
    Case("floods", ("CL004",)),
)
BROKEN = (
    Case("huge_allocation", ("CL008",), says="needs more than 512 MB; raise `memory-limit`"),
    Case("grows", ("CL008",), says="needs more than 512 MB; raise `memory-limit`"),
    Case("deep_recursion", ("CL006",), says="RecursionError"),
    # On a machine with much else to do its time ends before its stack, which is not a finding.
    Case("deeper_recursion", ("CL006",), also=(("CL005",), ("CL008",), ())),
    Case("sys_exit", ("CL003",), says="sys.exit(0)"),
    Case(
        "os_exit", ("CL005",), says="__init__ of `Net` ended the Python process with status 0: `os._exit(0)` at line 12"
    ),
    Case("os_abort", ("CL005",), says="SIGABRT"),
    Case("segfault", ("CL005",), says="SIGSEGV"),
    Case("kills_itself", ("CL005",), says="SIGKILL"),
    Case("kills_its_group", ("CL005",), says="SIGKILL"),
    Case("kills_the_worker_in_c", (), also=(("CL005",),)),
    Case("closes_all", ("CL005",), says="could not hand over its facts"),
    Case("forges_the_record", ("CL005",), says="ended the Python process with status 0"),
    Case("huge_facts", ("CL008",), also=(("CL005",),)),  # the limit that comes first
    Case("nasty_names", ("CL101",)),
    Case("interrupts", ("CL003",)),
    Case("patches_builtins", ("CL005",)),
    Case("links", ("CL001",), make=_links),
    Case("large", ("CL001",), says="MB", make=_large),
    Case("large_code", ("CL001",), says="MB", make=_large_code),
)
QUIET = (
    Case("burst", ()),
    Case("burst_in_c", ()),
    Case("daemon", ()),
    Case("program", ()),
    Case("shell", ()),
    Case("huge_shared_allocation", ()),
    Case("kills_the_worker", ()),
    Case("forges", ()),
    Case("writes_home", ()),
    Case("writes_project", ()),
    Case("writes_cache", ()),
    Case("writes_at_import", ("CL007",), says="deletes neighbour.py"),
    Case("writes_in_c", ()),
    Case("fills_temporary", ()),
    Case("connects", ()),
    Case("connects_in_c", ()),
    Case("patches_torch", ()),
    Case("patches_json", ()),
    Case("replaces_modules", ()),
    Case("changes_folder", ()),
)


@dataclass(frozen=True)
class Group:
    """Cases that go into one run, beside neighbours that must be checked as ever."""

    name: str
    cases: tuple[Case, ...]
    neighbours: tuple[str, ...]
    timeout: float
    exit_code: int


GROUPS = (
    Group("slow", SLOW, ("neighbour.py", "wrong.py"), timeout=3, exit_code=1),
    Group("broken", BROKEN, ("neighbour.py", "wrong.py"), timeout=30, exit_code=1),
    Group("quiet", QUIET, ("neighbour.py",), timeout=30, exit_code=0),
)

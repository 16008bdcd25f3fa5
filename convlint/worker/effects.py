"""No side effects: user code that writes, connects or starts programs is refused with an OSError of its own.

Put up for good, hence only in a process that ends with its job.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

_CHANGES = frozenset(
    [
        "os.mkdir",
        "os.rename",
        "os.remove",
        "os.rmdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "shutil.rmtree",
    ]
)
_CONNECTS = frozenset(["socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind"])
_STARTS = frozenset(["os.system", "os.exec", "os.posix_spawn", "os.startfile"])
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Programs that packages ask about the machine while they are imported.
_HARMLESS = frozenset(["ldconfig", "gcc", "cc", "ld", "objdump", "uname", "lscpu", "getconf", "nvidia-smi", "rocm-smi"])


def forbid() -> None:
    """Refuse what user code would do outside of this process. Temporary files are left to it."""
    folder = os.path.realpath(tempfile.gettempdir())

    def is_free(path: Any) -> bool:
        if isinstance(path, int) or path is None:
            return True
        name = os.path.realpath(os.fsdecode(path))
        return name == os.devnull or name.startswith(folder + os.sep)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if isinstance(flags, int) and flags & _WRITING and not is_free(path):
                raise PermissionError(f"writes {path}")
        elif event in _CHANGES:
            if not is_free(args[0]):
                raise PermissionError(f"changes {args[0]}")
        elif event in _CONNECTS:
            raise PermissionError("uses the network")
        elif event in _STARTS:
            raise PermissionError("starts a program")
        elif event == "subprocess.Popen" and os.path.basename(str(args[0])) not in _HARMLESS:
            raise PermissionError(f"starts {args[0]}")

    sys.addaudithook(hook)

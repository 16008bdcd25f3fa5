"""torch's compiler: what it needs, and what it keeps of its work."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch

from convlint.worker.torch_private import settle

_TOOLS = frozenset({"InvalidCxxCompiler", "CppCompileError", "CUDACompileError", "TritonMissing", "GPUTooOldForTriton"})

# torch itself asks its text: it keeps no other word of it.
_RESIZED = re.compile(r"tensor .* size mismatch at index \d+")


def prepare_compiler(folder: str) -> None:
    """Have the compiler work inside of this process, with its files in this folder and torch's own random numbers.

    For good. What only saves time over several processes is left out.
    """
    settle()
    os.environ.update(TORCHINDUCTOR_CACHE_DIR=os.path.join(folder, "inductor"))
    os.environ.pop("TRITON_CACHE_DIR", None)  # the compiler puts it into the other one
    from torch._inductor import config

    for owner, name, value in (
        (config, "compile_threads", 1),  # more of them are processes
        (config, "fallback_random", True),  # the same numbers as without a compiler
        (config, "cpp_cache_precompile_headers", False),
        (config.cpp, "vec_isa_ok", True),
    ):
        if hasattr(owner, name):
            setattr(owner, name, value)
    with suppress(ImportError, AttributeError):
        from torch._inductor.cpu_vec_isa import VecISA

        # It starts a Python to try out instructions; without an answer it does without the rarest of them.
        VecISA.check_build = lambda *_: False  # type: ignore[method-assign]


def no_toolchain(device: str) -> str | None:
    """Why the compiler's default backend cannot work for this type of device; None where it can, for all we know."""
    try:
        if device == "cpu":
            from torch._inductor.cpp_builder import get_cpp_compiler

            get_cpp_compiler()
        elif device in ("cuda", "xpu"):
            from torch.utils._triton import has_triton

            return None if has_triton() else "Triton is not installed, or does not know the device"
    except (ImportError, AttributeError):
        return None
    except Exception as error:
        return "there is no C++ compiler" if type(error).__name__ == "InvalidCxxCompiler" else str(error)
    return None


def is_of_tools(error: BaseException | None) -> bool:
    """Whether a failure of the compiler is one of programs that it needs, which says nothing of the model."""
    while error is not None:
        if type(error).__name__ in _TOOLS or (isinstance(error, OSError) and error.filename is None):
            return True
        error = _inner(error)
    return False


def root_of(error: BaseException) -> BaseException:
    """What code or a backend raised, without the compiler's own errors around it."""
    inner = _inner(error)
    is_around = type(error).__module__.startswith(("torch._dynamo.", "torch._inductor."))
    return root_of(inner) if is_around and inner is not None else error


def _inner(error: BaseException) -> BaseException | None:
    """What another error was raised for; the compiler hangs some of them under a name of its own."""
    return getattr(error, "inner_exception", None) or error.__cause__ or error.__context__


def compiled_stack(error: BaseException) -> Sequence[traceback.FrameSummary]:
    """The code that the compiler was at when it raised, outermost first."""
    return tuple(getattr(error, "real_stack", None) or ())


@dataclass(frozen=True)
class Compiled:
    """One function that was compiled, or that the compiler gave up."""

    filename: str
    row: int  # where it begins
    failed: str | None  # the guard that failed, so that it was compiled again; None: it was the first time
    resized: str | None  # the size that was another than the one it was compiled for: "tensor 'x' size mismatch at ..."
    given_up: str | None  # why it runs as it is
    given_up_at: tuple[str, int] | None


@dataclass(frozen=True)
class CompilerNews:
    """What the compiler has done since it was asked last."""

    graphs: int
    breaks: tuple[tuple[str, Sequence[traceback.FrameSummary]], ...]  # the reason, and the code outermost first
    compiled: tuple[Compiled, ...]


class CompilerLog:
    """What torch's compiler keeps of its work. `news` is None with a torch that keeps it elsewhere."""

    def __init__(self) -> None:
        torch.compiler.reset()
        self.news()

    def news(self) -> CompilerNews | None:
        try:
            from torch._dynamo import utils

            graphs = int(utils.counters["stats"]["unique_graphs"])
            breaks = tuple((one.reason, tuple(one.user_stack or ())) for one in utils.graph_break_reasons)
            metrics = utils.get_compilation_metrics()
            done = tuple(_compiled(one) for one in metrics if one.co_filename and one.co_firstlineno)
            utils.graph_break_reasons.clear()
            utils.clear_compilation_metrics()
            utils.counters.clear()
        except (ImportError, AttributeError):
            return None
        return CompilerNews(graphs, breaks, done)


def _compiled(metrics: Any) -> Compiled:
    resized = _RESIZED.search(metrics.recompile_reason or "")
    at = metrics.fail_user_frame_filename, metrics.fail_user_frame_lineno
    return Compiled(
        metrics.co_filename,
        metrics.co_firstlineno,
        failed=metrics.recompile_reason,
        resized=resized[0] if resized is not None else None,
        given_up=metrics.fail_reason,
        given_up_at=at if None not in at else None,
    )

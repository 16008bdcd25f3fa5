"""What torch would load with the first fake operation, and no trace needs, waits until somebody asks for it."""

from __future__ import annotations

import subprocess
import sys

START = """
import sys
from convlint.worker.process import warmup
warmup.warm_up()
light = {name for name in sys.modules if name.startswith(("torch._dynamo.", "torch.distributed.tensor."))}
assert "torch._dynamo.eval_frame" not in light, light
assert not any(name.startswith("torch.distributed.tensor.") for name in light), light
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_trace_loads_neither_the_compiler_nor_sharding() -> None:
    assert run("") == ""


def test_who_asks_gets_the_real_package() -> None:
    asked = run(
        "from torch.distributed.tensor import DTensor, Replicate\n"
        "import torch.distributed.tensor.parallel\n"
        "import torch._dynamo\n"
        "print(DTensor.__module__, Replicate.__name__, callable(torch._dynamo.optimize))"
    )
    assert asked == "torch.distributed.tensor Replicate True"


def test_a_name_alone_is_enough() -> None:
    asked = run("import torch\nprint(torch.distributed.tensor.DTensor.from_local.__name__)")
    assert asked == "from_local"

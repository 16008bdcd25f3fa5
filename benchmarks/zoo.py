"""Trace the classification models of torchvision and timm, each at its own input size.

    python benchmarks/zoo.py torchvision
    python benchmarks/zoo.py timm --count 1000 --jobs 2

A model passes when forward runs to its end without a finding. Every model is built as a skeleton, without weights,
in a process of its own. torchvision's C++ operators need only their schemas for that.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import importlib
import json
import multiprocessing
import random
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from convlint.inputspec import InputSpec

TORCHVISION_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@dataclass(frozen=True)
class Result:
    """What became of one model."""

    name: str
    passed: bool
    reason: str
    seconds_build: float
    seconds_trace: float
    nodes: int


def main() -> None:
    options = _options()
    context = multiprocessing.get_context("fork")
    _load_torchvision()
    names = _names(options)
    from convlint.worker.process.warmup import warm_up

    warm_up()
    results: list[Result] = []
    started = time.perf_counter()
    with concurrent.futures.ProcessPoolExecutor(options.jobs, mp_context=context, max_tasks_per_child=None) as pool:
        futures = {pool.submit(trace, options.family, name): name for name in names}
        for future in concurrent.futures.as_completed(futures):
            results.append(future.result())
            if not results[-1].passed:
                print(f"{results[-1].name}: {results[-1].reason}", flush=True)
            elif sys.stderr.isatty():
                print(f"\r{len(results)}/{len(names)}", end="", file=sys.stderr)
    _summary(results, time.perf_counter() - started)
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(result) for result in results], indent=1))
    sys.exit(0 if sum(r.passed for r in results) >= options.least * len(results) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=("torchvision", "timm"))
    parser.add_argument("names", nargs="*", help="only these models")
    parser.add_argument("--count", type=int, help="so many names, drawn with a fixed seed")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--least", type=float, default=0.98, help="the share that must pass")
    parser.add_argument("--json", help="write all results to this file")
    return parser.parse_args()


def _load_torchvision() -> ModuleType:
    """Import torchvision next to a torch that cannot load its C++ operators: their schemas are enough."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for schema in TORCHVISION_SCHEMAS:
        try:
            library.define(schema)
        except RuntimeError:  # the operators did load
            return importlib.import_module("torchvision")
    globals()["_keep"] = library
    return importlib.import_module("torchvision")


def _names(options: argparse.Namespace) -> list[str]:
    if options.names:
        return list(options.names)
    if options.family == "torchvision":
        models = importlib.import_module("torchvision.models")
        names = models.list_models(module=models)
    else:
        names = importlib.import_module("timm").list_models()
    if options.count and options.count < len(names):
        names = random.Random(0).sample(names, options.count)
    return sorted(names)


def trace(family: str, name: str) -> Result:
    """Build and examine one model."""
    from convlint.sentences import sentence
    from convlint.worker.analysis.examine import examine
    from convlint.worker.analysis.session import TraceSession
    from convlint.worker.analysis.verdict.examination import stopped_at
    from convlint.worker.build.skeleton import Sites, building, make_fake
    from convlint.worker.stack.users import user_test
    from convlint.worker.torch_private.fake import new_mode
    from convlint.worker.torch_private.symbols import new_env
    from convlint.worker.trace.input import declared

    started = time.perf_counter()
    built = started
    try:
        mode, sites = new_mode(new_env()), Sites()
        with building(mode, sites):
            model, size = _build(family, name)
        make_fake(model, mode)
        built = time.perf_counter()
        library = importlib.import_module(family)
        is_user = user_test(str(library.__file__), ())
        spec = InputSpec(shape=("B", *size))
        examination = examine(TraceSession(model, mode, sites, is_user), declared(model, (spec,), family))
        stopped = stopped_at(examination)
        found = [
            f"{f.violation.name}: needed {f.violation.expected}, came {f.violation.actual} {f.violation.detail or ''}"
            for f in examination.findings
        ]
        reason = "; ".join(found) or (sentence(stopped[0]) if stopped else "")
        nodes = len(examination.run.trace.nodes)
    except Exception as error:
        reason, nodes = "".join(traceback.format_exception(error))[-600:], 0
    return Result(name, not reason, reason, built - started, time.perf_counter() - built, nodes)


def _build(family: str, name: str):  # type: ignore[no-untyped-def]
    if family == "timm":
        model = importlib.import_module("timm").create_model(name, pretrained=False)
        return model, model.pretrained_cfg.get("input_size", (3, 224, 224))
    models = importlib.import_module("torchvision.models")
    size = 299 if name == "inception_v3" else 224
    return models.get_model(name, weights=None), (3, size, size)


def _summary(results: list[Result], seconds: float) -> None:
    passed = sum(result.passed for result in results)
    reasons = collections.Counter(result.reason.splitlines()[-1][:90] for result in results if not result.passed)
    print(f"\n{passed} of {len(results)} pass ({passed / max(1, len(results)):.1%}) in {seconds:.0f} s")
    for reason, count in reasons.most_common():
        print(f"{count:5} {reason}")


if __name__ == "__main__":
    main()

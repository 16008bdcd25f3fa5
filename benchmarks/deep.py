"""Processor time of a trace: deep models as they are, and each with one mistake.

    python benchmarks/deep.py own                              # the 20 nets of deep_nets/
    python benchmarks/deep.py torchvision timm transformers    # 80, 100 and 60 models, drawn with a fixed seed
    python benchmarks/deep.py own torchvision timm transformers --count 5 --mutants

Needs torchvision, timm and transformers where they are named. Every model is built as a skeleton in a process of its
own, and what counts is the processor time of its examination, declared (the inputs are given, sizes of sequences and
images as symbols where the model is not made for one size) and bare (nothing is given). With --mutants each model is
examined a second time with another number of input features in all layers that one line of its source builds.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import json
import multiprocessing
import random
import statistics
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "deep_nets"))

SEED = 18
LISTS = {"own": 20, "torchvision": 80, "timm": 100, "transformers": 60}
GOAL = 5.0
"""Seconds of processor time for one trace."""
_IMAGE = ("B", 3, "H", "W")
_OWN: dict[str, tuple[Any, ...]] = {
    "detr.Detr": (_IMAGE,),
    "detr.ConditionalDetr": (_IMAGE,),
    "detr.MultiScaleDetr": (_IMAGE,),
    "detr.PanopticDetr": (_IMAGE,),
    "unet.UNet": (_IMAGE,),
    "unet.PaddedUNet": (_IMAGE,),
    "unet.ResUNet": (_IMAGE,),
    "unet.AttentionUNet": (_IMAGE,),
    "unet.UNet3d": (("B", 1, "D", "H", "W"),),
    "unet.NestedUNet": (_IMAGE,),
    "unet.TransUNet": (_IMAGE,),
    "diffusion.DenoisingUNet": (_IMAGE, ["B"]),
    "diffusion.ClassDenoiser": (_IMAGE, ["B"], ["B"]),
    "diffusion.LatentUNet": (("B", 4, "H", "W"), ["B"], ("B", "L", 768)),
    "diffusion.DiT": (("B", 4, 32, 32), ["B"], ["B"]),
    "diffusion.JointTransformer": (("B", 16, "H", "W"), ["B"], ("B", "L", 4096), ("B", 2048)),
    "diffusion.Autoencoder": (_IMAGE,),
    "decoders.Gpt": (["B", "L"],),
    "decoders.RotaryDecoder": (["B", "L"],),
    "decoders.Translator": (["B", "L"], ["B", "T"]),
}
"""The shapes of the inputs; a list is one of integers."""


@dataclass(frozen=True)
class Result:
    """What one examination took, and what it said."""

    family: str
    name: str
    way: str  # declared or bare
    mutated: str  # the layer, or ""
    seconds: float  # of processor time
    calls: int
    findings: int
    at_line: bool  # one of them is about a mutated layer
    reason: str


Examined = tuple[str, str, str, bool]
"""A model of a family, the way, and whether it has a mistake."""


def main() -> None:
    options = _options()
    results, done = _known(options.results)
    context = multiprocessing.get_context("fork")
    from convlint.worker.process.warmup import warm_up

    warm_up()
    for one in _tasks(options):
        if one in done:
            continue
        result = _apart(context, one, options.limit)
        if result is not None:
            results.append(result)
            _print(result)
        if options.results:
            with Path(options.results).open("a", encoding="utf-8") as file:
                file.write(json.dumps([one, result and asdict(result)]) + "\n")
    _summary(results)


def _tasks(options: argparse.Namespace) -> Iterator[Examined]:
    for family in options.families:
        for name in _names(family, options):
            for mutant in (False, True) if options.mutants else (False,):
                yield from ((family, name, way, mutant) for way in options.ways)


def _known(path: str | None) -> tuple[list[Result], set[Examined]]:
    """What an earlier run that was ended has left in its file."""
    if path is None or not Path(path).exists():
        return [], set()
    lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [Result(**result) for _, result in lines if result], {tuple(one) for one, _ in lines}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="+", choices=sorted(LISTS))
    parser.add_argument("--names", nargs="*", help="only these models")
    parser.add_argument("--count", type=int, help="so many of each list")
    parser.add_argument("--mutants", action="store_true", help="each model with a mistake as well")
    parser.add_argument("--ways", nargs="+", choices=("declared", "bare"), default=["declared", "bare"])
    parser.add_argument("--limit", type=float, default=300.0, help="wall seconds after which a process is ended (300)")
    parser.add_argument("--results", help="append each result to this file of JSON lines, and go on where it ends")
    return parser.parse_args()


def _names(family: str, options: argparse.Namespace) -> list[str]:
    if family == "own":
        names = list(_OWN)
    elif family == "torchvision":
        models = importlib.import_module("torchvision.models")
        names = sorted(models.list_models())
    elif family == "timm":
        names = sorted(importlib.import_module("timm").list_models())
    else:
        names = sorted(importlib.import_module("transformers.models.auto.modeling_auto").MODEL_MAPPING_NAMES)
    if options.names:
        return [name for name in names if name in options.names]
    drawn = random.Random(SEED).sample(names, min(LISTS[family], len(names)))
    return drawn[: options.count]


def _apart(context: Any, one: Examined, limit: float) -> Result | None:
    """One examination in a process of its own; None where the model takes no such mistake or cannot be built."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(theirs, *one))
    process.start()
    theirs.close()
    found: Result | str | None = "it ended"
    with contextlib.suppress(EOFError):
        found = ours.recv() if ours.poll(limit) else f"more than {limit:g} s"
    process.kill()
    process.join()
    if isinstance(found, str):
        family, name, way, mutant = one
        return Result(family, name, way, "?" if mutant else "", limit, 0, 0, False, found)
    return found


def _send(connection: Any, family: str, name: str, way: str, mutant: bool) -> None:
    try:
        connection.send(examined(family, name, way, mutant))
    except Exception as error:
        connection.send("".join(traceback.format_exception(error)[-1:])[-200:].strip() or type(error).__name__)


def examined(family: str, name: str, way: str, mutant: bool) -> Result | None:
    """Build a model, alter it where it is to have a mistake, and examine it."""
    from convlint.sentences import sentence
    from convlint.worker.analysis.bounded import MOST_STEPS, bounded
    from convlint.worker.analysis.inference.evidence import squares
    from convlint.worker.analysis.session import TraceSession
    from convlint.worker.analysis.verdict.examination import stopped_at
    from convlint.worker.build.skeleton import Sites, building, make_fake
    from convlint.worker.stack.users import user_test
    from convlint.worker.torch_private.fake import new_mode
    from convlint.worker.torch_private.symbols import new_env
    from convlint.worker.trace.input import declared
    from convlint.worker.trace.work import WorkBudget

    mode, sites = new_mode(new_env()), Sites()
    with building(mode, sites):
        model, specs, home = _build(family, name)
        altered = _altered(model, f"{family}/{name}") if mutant else []
        if mutant and not altered:
            return None
    make_fake(model, mode)
    session = TraceSession(model, mode, sites, user_test(home, ()))
    inputs = declared(model, specs, "declared") if way == "declared" and specs is not None else None
    started = time.process_time()
    examination = bounded(session, inputs, (), squares(model, {}), WorkBudget(MOST_STEPS), 120.0)
    seconds = time.process_time() - started
    stopped = stopped_at(examination)
    reason = examination.doubt or examination.guess or (stopped[0] if stopped else None)
    nodes = examination.run.trace.nodes
    places = {str(nodes[found.node].target) for found in examination.findings}
    return Result(
        family,
        name,
        way,
        altered[0] if altered else "",
        seconds,
        len(nodes),
        len(examination.findings),
        bool(places & set(altered)),
        sentence(reason) if reason is not None else "",
    )


def _build(family: str, name: str) -> tuple[Any, Any, str]:
    """A model, its inputs (None where they are to be found out) and a file of its home."""
    if family == "own":
        module, _, target = name.partition(".")
        home = importlib.import_module(module)
        return getattr(home, target)(), tuple(map(_spec, _OWN[name])), str(home.__file__)
    library = importlib.import_module(family)
    home = str(library.__file__)
    if family == "torchvision":
        return *_of_torchvision(name), home
    if family == "timm":
        model = importlib.import_module("timm").create_model(name, pretrained=False)
        return model, (_spec(("B", *model.pretrained_cfg.get("input_size", (3, 224, 224)))),), home
    return *_of_transformers(name), home


def _spec(shape: Any) -> Any:
    from convlint.inputspec import InputSpec

    return InputSpec(shape=tuple(shape), dtype="int64" if isinstance(shape, list) else "float32")


def _of_torchvision(name: str) -> tuple[Any, Any]:
    models = importlib.import_module("torchvision.models")
    has_backbone = "weights_backbone" in inspect.signature(models.get_model_builder(name)).parameters
    model = models.get_model(name, weights=None, **({"weights_backbone": None} if has_backbone else {}))
    kind = type(model).__module__.split(".")[2]
    if kind == "detection":
        return model, None
    if kind == "optical_flow":
        return model, (_spec(("B", 3, 128, 128)), _spec(("B", 3, 128, 128)))
    if kind == "video":
        size = 112 if "r" in name.partition("_")[0] or name.startswith("mc3") else 224
        return model, (_spec(("B", 3, 16, size, size)),)
    size = 299 if name == "inception_v3" else 224
    return model, (_spec(("B", 3, size, size)),)


def _of_transformers(name: str) -> tuple[Any, Any]:
    auto = importlib.import_module("transformers")
    config = auto.AutoConfig.for_model(name)
    model = auto.AutoModel.from_config(config)
    entry = getattr(model, "main_input_name", "input_ids")
    if entry == "input_ids":
        return model, (_spec(["B", "L"]),)
    size, channels = getattr(config, "image_size", None), getattr(config, "num_channels", 3)
    if entry == "pixel_values" and isinstance(size, int):
        return model, (_spec(("B", channels, size, size)),)
    return model, None


def _altered(model: Any, seed: str) -> list[str]:
    """Give all layers of one line in the middle of a model another number of input features; their paths."""
    from torch import nn

    lines: dict[tuple[Any, ...], list[str]] = {}
    modules = dict(model.named_modules())
    for path, module in modules.items():
        owner, _, own = path.rpartition(".")
        if type(module) in (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear) and getattr(module, "groups", 1) == 1:
            features = module.in_channels if hasattr(module, "in_channels") else module.in_features
            if features >= 8:
                lines.setdefault((type(modules[owner]), own, features, type(module)), []).append(path)
    groups = list(lines.values())
    if not groups:
        return []
    middle = groups[len(groups) // 4 : max(1, 3 * len(groups) // 4)] or groups
    chosen = random.Random(f"{SEED}/{seed}").choice(middle)
    for path in chosen:
        owner, _, own = path.rpartition(".")
        setattr(modules[owner], own, _wider(modules[path]))
    return chosen


def _wider(layer: Any) -> Any:
    """The same layer for eight more features."""
    from torch import nn

    has_bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features + 8, layer.out_features, bias=has_bias)
    sizes = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "bias": has_bias}
    return type(layer)(layer.in_channels + 8, layer.out_channels, layer.kernel_size, **sizes)


def _print(one: Result) -> None:
    verdict = f"{one.findings} found" + (" at the layer" if one.at_line else "") if one.mutated else one.findings or ""
    print(
        f"{one.family}/{one.name:34} {one.way:8} {one.mutated[:28]:28} {one.seconds:7.2f} s {one.calls:5} calls "
        f"{verdict} {one.reason[:90]}",
        flush=True,
    )


def _summary(results: list[Result]) -> None:
    for way in ("declared", "bare"):
        plain = {(one.family, one.name): one for one in results if one.way == way and not one.mutated}
        broken = [one for one in results if one.way == way and one.mutated and (one.family, one.name) in plain]
        if not plain:
            continue
        times = sorted(one.seconds for one in plain.values())
        fast = sum(seconds <= GOAL for seconds in times)
        print(
            f"\n{way}: {fast} of {len(times)} models within {GOAL:g} s of processor time "
            f"({fast / len(times):.1%}), median {statistics.median(times):.2f} s, longest {times[-1]:.1f} s"
        )
        if broken:
            ratios = sorted(one.seconds / max(0.01, plain[one.family, one.name].seconds) for one in broken)
            print(
                f"{way}: broken against correct, median ratio {statistics.median(ratios):.2f}, "
                f"largest {ratios[-1]:.1f}; "
                f"{sum(one.at_line for one in broken)} of {len(broken)} mistakes found"
            )


if __name__ == "__main__":
    main()

"""The families: which names a package has, and how each model is built and fed."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from torch import nn

from benchmarks.oracle.sweep.subject import Feed, Subject, Variant
from convlint.inputspec import InputSpec
from convlint.worker.user_code.operators import define_missing

FAMILIES = ("torchvision", "timm", "transformers", "vit-pytorch", "x-transformers", "smp")


def family(name: str) -> list[Subject]:
    """All models of a family; loads its package. Weights are never initialised nor fetched."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    from convlint.worker.process.warmup import warm_up

    warm_up()
    load_torchvision()
    if name == "transformers":
        from benchmarks.oracle.sweep.transformers import architectures

        return architectures()
    if name in ("vit-pytorch", "x-transformers"):
        from benchmarks.oracle.sweep.classes import classes

        return classes(name)
    return list({"torchvision": _torchvision, "timm": _timm, "smp": _smp}[name]())


def load_torchvision() -> None:
    """Import torchvision next to a torch that cannot load its C++ operators: their schemas are enough."""
    while True:
        try:
            importlib.import_module("torchvision")
        except RuntimeError as error:
            if not define_missing(error):
                raise
        else:
            return


def image(*size: int) -> Feed:
    return (InputSpec(shape=("B", *size)),)


def _torchvision() -> Iterator[Subject]:
    models = importlib.import_module("torchvision.models")
    videos = set(models.list_models(module=models.video))
    flows = set(models.list_models(module=models.optical_flow))
    images = [image(3, side, side) for side in (64, 224, 299)]
    for name in models.list_models():
        feeds: list[Feed] = images
        if name in videos:
            feeds = [image(3, 8, 64, 64), image(3, 16, 112, 112), image(3, 16, 224, 224)]
        elif name in flows:
            feeds = [image(3, side, side) * 2 for side in (64, 128, 256)]
        build = partial(models.get_model, name, weights=None, **_no_weights(models.get_model_builder(name)))
        yield Subject(name, (Variant("", build, _always(feeds)),), str(models.__file__))


def _no_weights(builder: Callable[..., Any]) -> dict[str, None]:
    names = getattr(builder, "__wrapped__", builder).__annotations__
    return {"weights_backbone": None} if "weights_backbone" in names else {}


def _timm() -> Iterator[Subject]:
    timm = importlib.import_module("timm")
    for name in timm.list_models():
        build = partial(timm.create_model, name, pretrained=False)
        yield Subject(name, (Variant("", build, of_timm),), str(timm.__file__))


def of_timm(model: nn.Module) -> Sequence[Feed]:
    """64 pixels, where the model takes them; else its own size."""
    channels, *size = getattr(model, "pretrained_cfg", {}).get("input_size", (3, 224, 224))
    return [image(channels, 64, 64), image(channels, *size)]


def _smp() -> Iterator[Subject]:
    """Each architecture on a few encoders, and Unet on every encoder."""
    smp = importlib.import_module("segmentation_models_pytorch")
    encoders = list(smp.encoders.encoders)
    some = ("resnet18", "mit_b0", "mobilenet_v2", "densenet121", "efficientnet-b0")
    architectures = list(smp.MODEL_ARCHITECTURES_MAPPING)
    pairs = [(architecture, encoder) for architecture in architectures for encoder in some]
    pairs += [("unet", encoder) for encoder in encoders if encoder not in some]
    pairs += [("dpt", "tu-vit_tiny_patch16_224"), ("unet", "tu-resnet18"), ("fpn", "tu-convnext_atto")]
    for architecture, encoder in pairs:
        build = partial(smp.create_model, architecture, encoder_name=encoder, encoder_weights=None)
        feeds = [image(3, 64, 64), image(3, 128, 128), image(3, 224, 224)]
        yield Subject(f"{architecture}-{encoder}", (Variant("", build, _always(feeds)),), str(smp.__file__))


def _always(feeds: list[Feed]) -> Callable[[nn.Module], Sequence[Feed]]:
    return lambda _: feeds

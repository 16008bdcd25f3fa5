"""Nets from installed packages: a model's file as a copy of it in a user's project would be."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path

from torch import nn

from benchmarks.oracle.factories import FACTORY, Factory, of_architecture, of_class
from benchmarks.oracle.net import Net
from benchmarks.oracle.sources import FeedsOf, LeftOut, fit_for_a_file, running, standing_alone
from benchmarks.oracle.sweep.sources import FAMILIES, image, load_torchvision, of_timm

__all__ = ["FAMILIES", "name_of", "names", "packaged"]

Draft = tuple[Net, FeedsOf]
"""A net without its inputs, and what may go into it."""

Drafts = Callable[[], Iterator[Draft]]
_ENCODERS = ("resnet18", "mit_b0", "mobilenet_v2", "efficientnet-b0", "tu-resnet18")


def names(family: str) -> list[str]:
    return list(_drafts(family))


def name_of(family: str, name: str) -> str:
    """What the net of a model is called."""
    return fit_for_a_file(f"{family}/{name}")


def packaged(family: str, name: str) -> Net | LeftOut:
    """The model by the first way of building it that runs."""
    found: Net | LeftOut = LeftOut(name_of(family, name), "no way to build it is known")
    try:
        for net, feeds in _drafts(family)[name]():
            found = running(net, feeds)
            if isinstance(found, Net):
                return found
    except Exception as error:  # a file that is not a text, a configuration without defaults
        found = LeftOut(name_of(family, name), f"no text: {type(error).__name__}")
    return found


@lru_cache
def _drafts(family: str) -> Mapping[str, Drafts]:
    """The models by name. The package is imported here, so that processes forked later need not do it."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    load_torchvision()
    if family == "transformers":
        return _transformers()
    if family in ("vit-pytorch", "x-transformers"):
        return _classes(family)
    return {"torchvision": _torchvision, "timm": _timm, "smp": _smp}[family]()


def _text(module: str) -> str:
    """The file of an installed module."""
    file = inspect.getsourcefile(importlib.import_module(module))
    assert file is not None
    package = module if file.endswith("__init__.py") else module.rpartition(".")[0]
    return standing_alone(Path(file).read_text(encoding="utf-8"), package)


def _timm() -> dict[str, Drafts]:
    timm = importlib.import_module("timm")

    def drafts(name: str) -> Iterator[Draft]:
        text = _text(timm.model_entrypoint(name).__module__)
        yield Net(name_of("timm", name), text, (), name, kwargs={"pretrained": False}), of_timm

    return {name: partial(drafts, name) for name in timm.list_models()}


def _torchvision() -> dict[str, Drafts]:
    models = importlib.import_module("torchvision.models")

    def drafts(name: str) -> Iterator[Draft]:
        builder = inspect.unwrap(models.get_model_builder(name))
        # A name can be registered only once.
        text = _text(builder.__module__).replace("@register_model()", "@(lambda builder: builder)")
        weights = [each for each in ("weights", "weights_backbone") if each in builder.__annotations__]
        net = Net(name_of("torchvision", name), text, (), builder.__name__, kwargs=dict.fromkeys(weights))
        videos = [image(3, 8, 64, 64), image(3, 16, 112, 112)]
        yield net, lambda _: [image(3, 64, 64), *videos, image(3, 128, 128) * 2, image(3, 224, 224)]

    return {name: partial(drafts, name) for name in models.list_models()}


def _smp() -> dict[str, Drafts]:
    """Each architecture on a few encoders: its decoder and the model in one file."""
    smp = importlib.import_module("segmentation_models_pytorch")

    def drafts(kind: type[nn.Module], name: str, encoder: str) -> Iterator[Draft]:
        decoder = kind.__module__.rpartition(".")[0] + ".decoder"
        text = _text(decoder) + re.sub(rf"\nfrom {decoder} import .*", "\n", _text(kind.__module__))
        kwargs = {"encoder_name": encoder, "encoder_weights": None}
        yield Net(name, text, (), kind.__name__, kwargs=kwargs), lambda _: [image(3, 64, 64), image(3, 224, 224)]

    found: dict[str, Drafts] = {}
    for architecture, kind in smp.MODEL_ARCHITECTURES_MAPPING.items():
        for encoder in ("tu-vit_tiny_patch16_224",) if architecture == "dpt" else _ENCODERS:
            name = f"{architecture}-{encoder}"
            found[name] = partial(drafts, kind, name_of("smp", name), encoder)
    return found


def _classes(family: str) -> dict[str, Drafts]:
    from benchmarks.oracle.sweep.classes import classes

    return {one.name: partial(_made, name_of(family, one.name), partial(of_class, one)) for one in classes(family)}


def _transformers() -> dict[str, Drafts]:
    from benchmarks.oracle.sweep.transformers import architectures

    return {
        one.name: partial(_made, name_of("transformers", one.name), partial(of_architecture, one))
        for one in architectures()
    }


def _made(name: str, factories: Callable[[], Iterator[Factory]]) -> Iterator[Draft]:
    for factory in factories():
        yield Net(name, _text(factory.module) + factory.text, (), FACTORY), factory.feeds

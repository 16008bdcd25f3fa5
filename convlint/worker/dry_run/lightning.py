"""Lightning's loop in small: one round of what its Trainer does with a module and its data."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Self

import torch

from convlint.worker.dry_run.patches import Patches
from convlint.worker.user_code.frameworks import CLASSES

_MODULE: Any = CLASSES["lightning.LightningModule"]
_PACKAGES = ("pytorch_lightning", "lightning", "lightning.pytorch")


class StandInDataModule:
    """What loaders of a data module need."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.hparams: Any = {}

    save_hyperparameters = _MODULE.save_hyperparameters

    def __new__(cls, *_: Any, **__: Any) -> Self:
        made = super().__new__(cls)
        made.hparams = {}
        return made


class StandInTrainer:
    """A trainer of one round."""

    def __init__(self, *_: Any, **given: Any) -> None:
        self.max_epochs = given.get("max_epochs", 1)
        self.current_epoch = self.global_step = 0
        self.logger = self.callback_metrics = SimpleNamespace()
        self.num_devices = self.world_size = 1
        self.estimated_stepping_batches = 1000

    def fit(self, model: Any, train: Any = None, val: Any = None, datamodule: Any = None, **given: Any) -> None:
        train = given.get("train_dataloaders", given.get("train_dataloader", train))
        datamodule, train = (train, None) if hasattr(train, "train_dataloader") else (datamodule, train)
        source = self._begin(model, datamodule, "fit")
        with suppress(Exception):
            model.configure_optimizers()
        model.train()
        self._steps(model, train if train is not None else _loader(source, "train_dataloader"), "training_step")
        model.eval()
        found = given.get("val_dataloaders", val)
        self._steps(model, found if found is not None else _loader(source, "val_dataloader"), "validation_step")
        model.train()

    def test(self, model: Any = None, loaders: Any = None, datamodule: Any = None, **given: Any) -> None:
        self._evaluate("test", model, given.get("dataloaders", loaders), datamodule)

    def validate(self, model: Any = None, loaders: Any = None, datamodule: Any = None, **given: Any) -> None:
        self._evaluate("validation", model, given.get("dataloaders", loaders), datamodule)

    def predict(self, model: Any = None, loaders: Any = None, datamodule: Any = None, **given: Any) -> None:
        self._evaluate("predict", model, given.get("dataloaders", loaders), datamodule)

    def _evaluate(self, stage: str, model: Any, loaders: Any, datamodule: Any) -> None:
        if model is None:
            return
        source = self._begin(model, datamodule, stage)
        model.eval()
        name = {"validation": "val"}.get(stage, stage)
        self._steps(model, loaders if loaders is not None else _loader(source, f"{name}_dataloader"), f"{stage}_step")

    def _begin(self, model: Any, datamodule: Any, stage: str) -> Any:
        for one in (datamodule, model):
            if one is not None:
                vars(one)["trainer"] = self
                setup = getattr(one, "setup", None)
                if callable(setup):
                    setup(stage)
        return [one for one in (datamodule, model) if one is not None]

    def _steps(self, model: Any, loaders: Any, name: str) -> None:
        step = getattr(model, name, None)
        if step is None or loaders is None:
            return
        for loader in loaders if isinstance(loaders, list | tuple) else [loaders]:
            for number, batch in enumerate(loader):
                with torch.set_grad_enabled(name == "training_step"):
                    step(batch, number)


def _loader(sources: list[Any], name: str) -> Any:
    for one in sources:
        make = getattr(one, name, None)
        if callable(make):
            return make()
    return None


def adapt(module: Any, patches: Patches) -> None:
    """Have an installed Lightning train in the same small way."""
    for name in ("fit", "test", "validate", "predict"):
        patches.put(module.Trainer, name, getattr(StandInTrainer, name))
    for name in ("_begin", "_evaluate", "_steps"):
        patches.put(module.Trainer, name, getattr(StandInTrainer, name))


TABLE: dict[str, Any] = {
    **{f"{package}.LightningDataModule": StandInDataModule for package in _PACKAGES},
    **{f"{package}.Trainer": StandInTrainer for package in _PACKAGES},
    **{f"{package}.seed_everything": lambda *_, **__: 0 for package in _PACKAGES},
}

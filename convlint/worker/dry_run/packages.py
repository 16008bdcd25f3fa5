"""Packages that are not here and are known well enough, those that only report, and changes to those that are here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from convlint.facts import Reason
from convlint.worker.dry_run import datasets, lightning, noise, reporting
from convlint.worker.dry_run.files import ProgramFiles, absent
from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.tables import absent_table
from convlint.worker.dry_run.tokenizers import StandInTokenizer
from convlint.worker.user_code.imports import Importer
from convlint.worker.user_code.standins import Known


class PatchingImporter(Importer):
    """Changes packages as they are imported."""

    def adapt(self, files: ProgramFiles, patches: Patches) -> None:
        """From now on, with what there is of files."""
        self._adapting = (files, patches)
        self._done: set[str] = set()
        self._look()

    def _import(self, name: str, globals: Mapping[str, Any], fromlist: Sequence[str]) -> Any:
        found = super()._import(name, globals, fromlist)
        self._look()
        return found

    def _look(self) -> None:
        files, patches = self._adapting
        for name, change in _CHANGES.items():
            if name in sys.modules and name not in self._done:
                self._done.add(name)
                change(sys.modules[name], files, patches)


def _of_datasets(module: Any, _: ProgramFiles, patches: Patches) -> None:
    datasets.adapt(module, patches)


def _of_images(module: Any, files: ProgramFiles, patches: Patches) -> None:
    patches.put(module, "open", files.read(module.open, lambda path: noise.photo(str(path))))
    patches.put(module.Image, "save", lambda *_, **__: None)
    patches.put(module.Image, "show", lambda *_, **__: None)


def _of_tables(module: Any, files: ProgramFiles, patches: Patches) -> None:
    for name in ("read_csv", "read_table", "read_excel", "read_json", "read_pickle", "read_parquet", "read_hdf"):
        if hasattr(module, name):
            patches.put(module, name, files.read(getattr(module, name), absent_table))


def _of_tokenizers(module: Any, _: ProgramFiles, patches: Patches) -> None:
    base = module.PreTrainedTokenizerBase
    original = base.from_pretrained.__func__
    patches.put(base, "from_pretrained", classmethod(_tokenizer(original)))


def _of_automatic_tokenizers(module: Any, _: ProgramFiles, patches: Patches) -> None:
    original = module.AutoTokenizer.from_pretrained.__func__
    patches.put(module.AutoTokenizer, "from_pretrained", classmethod(_tokenizer(original)))


def _tokenizer(original: Callable[..., Any]) -> Callable[..., Any]:
    def from_pretrained(cls: Any, name: Any, *args: Any, **given: Any) -> Any:
        try:
            return original(cls, name, *args, **{**given, "local_files_only": True})
        except Exception:
            return StandInTokenizer(str(name))

    return from_pretrained


def _of_lightning(module: Any, _: ProgramFiles, patches: Patches) -> None:
    lightning.adapt(module, patches)


def _of_arrays(module: Any, files: ProgramFiles, patches: Patches) -> None:
    patches.put(module, "File", files.read(module.File, absent))


def _of_volumes(module: Any, files: ProgramFiles, patches: Patches) -> None:
    patches.put(module, "load", files.read(module.load, _Volume))


def _of_pixels(module: Any, files: ProgramFiles, patches: Patches) -> None:
    original = module.imread

    def imread(path: Any, flags: int = 1) -> Any:
        return files.read(lambda found: original(found, flags), lambda _: _Cv2.imread(path, flags))(path)

    patches.put(module, "imread", imread)
    for name in ("imshow", "imwrite", "waitKey", "destroyAllWindows"):
        patches.put(module, name, lambda *_, **__: None)


_CHANGES: dict[str, Callable[[Any, ProgramFiles, Patches], None]] = {
    "torchvision.datasets": _of_datasets,
    "PIL.Image": _of_images,
    "pandas": _of_tables,
    "h5py": _of_arrays,
    "pytorch_lightning": _of_lightning,
    "lightning.pytorch": _of_lightning,
    "transformers.tokenization_utils_base": _of_tokenizers,
    "transformers.models.auto.tokenization_auto": _of_automatic_tokenizers,
    "nibabel": _of_volumes,
    "cv2": _of_pixels,
}


class _Volume:
    """An image of nibabel."""

    affine = np.eye(4)

    def __init__(self, _: Any) -> None:
        self.dataobj = noise.volume()
        self.shape = self.dataobj.shape

    def get_fdata(self, *_: Any, **__: Any) -> Any:
        return self.dataobj

    get_data = get_fdata


class _Cv2:
    """What preparing images takes of OpenCV."""

    @staticmethod
    def imread(_: Any, flags: int = 1) -> Any:
        width, height = noise.size()
        return noise.pixels(height, width, 1 if flags == 0 else 3)

    @staticmethod
    def resize(image: Any, dsize: Any = None, *_: Any, fx: float = 1.0, fy: float = 1.0, **__: Any) -> Any:
        height, width = image.shape[:2]
        if dsize is None:
            dsize = (round(width * fx), round(height * fy))
        rows = np.arange(int(dsize[1])) * height // int(dsize[1])
        columns = np.arange(int(dsize[0])) * width // int(dsize[0])
        made = image[rows][:, columns]
        return made[..., 0] if made.ndim == 3 and made.shape[2] == 1 else made

    @staticmethod
    def convert(image: Any, code: str, *_: Any, **__: Any) -> Any:
        if code.endswith("2GRAY"):
            return image[..., 0]
        if code.startswith("GRAY2"):
            return np.repeat(image[..., None], 3, axis=-1)
        return image[..., ::-1] if code in ("BGR2RGB", "RGB2BGR") else image

    @staticmethod
    def same(image: Any, *_: Any, **__: Any) -> Any:
        return image


_CODES: tuple[str, ...] = (
    "BGR2RGB",
    "RGB2BGR",
    "BGR2GRAY",
    "RGB2GRAY",
    "GRAY2RGB",
    "GRAY2BGR",
    "BGR2HSV",
    "RGB2HSV",
    "HSV2RGB",
)
_CODES += ("HSV2BGR", "BGR2YCrCb", "RGB2LAB", "BGR2LAB", "LAB2RGB", "LAB2BGR", "BGR2YUV")
_CONSTANTS = ("INTER_NEAREST", "INTER_LINEAR", "INTER_CUBIC", "INTER_AREA", "INTER_LANCZOS4", "BORDER_CONSTANT")
TABLE: dict[str, Any] = {
    "cv2.imread": _Cv2.imread,
    "cv2.resize": _Cv2.resize,
    "cv2.cvtColor": _Cv2.convert,
    "cv2.flip": _Cv2.same,
    "cv2.GaussianBlur": _Cv2.same,
    "cv2.imwrite": lambda *_, **__: True,
    "cv2.IMREAD_GRAYSCALE": 0,
    "cv2.IMREAD_COLOR": 1,
    "cv2.IMREAD_UNCHANGED": -1,
    **{f"cv2.COLOR_{code}": code for code in _CODES},
    **{f"cv2.{name}": number for number, name in enumerate(_CONSTANTS)},
    "nibabel.load": _Volume,
    **lightning.TABLE,
    **reporting.TABLE,
}
"""By dotted name."""


def known(others: Known) -> Known:
    """What is known of names of absent packages, after what `others` know."""

    def find(name: str, why: Reason) -> Any:
        found = others(name, why)
        return TABLE.get(name) if found is None else found

    return find

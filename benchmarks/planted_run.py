"""One model of a repository in real torch: the child of planted.py. It prints what became of it as JSON."""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import os
import random
import sys
import traceback
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

_SIZES = (64, 32, 128, 224, 16, 8, 256, 28, 96, 4, 10, 512, 1)


def main() -> None:
    asked = json.loads(sys.argv.pop())
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print("\n>>>" + json.dumps(_told(asked)), flush=True)
    sys.stdout.flush()
    os._exit(0)  # whatever threads the project started


def _told(asked: dict[str, Any]) -> dict[str, Any]:
    file = Path(asked["file"]).resolve()
    try:
        module = _imported(file)
        model = _built(module, asked["target"], asked["construction"], asked["arguments"])
    except Exception as error:
        return _error(error, file)
    chosen = [asked["sizes"]] if asked["sizes"] is not None else list(_choices(asked["inputs"]))
    told: dict[str, Any] = {"error": "no sizes"}
    for sizes in chosen:
        try:
            _run(model, asked["inputs"], sizes)
        except Exception as error:
            told = _error(error, file)
            continue
        kinds = [type(one) for one in model.modules()]
        classes = sorted({kind.__name__ for kind in kinds if kind.__module__ == module.__name__})
        return {"sizes": sizes, "classes": classes, "modules": len(kinds)}
    if asked["sizes"] is not None:
        told["other"] = _other(model, asked["inputs"], asked["sizes"]) or _otherwise_built(module, asked)
    return told


def _otherwise_built(module: types.ModuleType, asked: dict[str, Any]) -> str | None:
    """Other arguments, where they are guessed, with which the model runs: two numbers that must have been in step."""
    if asked["construction"] is not None:
        return None
    given = {name: ast.literal_eval(text) for name, text in asked["arguments"].items()}
    numbers = [name for name, value in given.items() if type(value) is int and value > 1]
    for one, other in itertools.permutations(numbers, 2):
        for value in (given[other], given[other] // 2, given[other] * 2):
            texts = {name: repr(held) for name, held in {**given, one: value}.items()}
            inputs = [
                shape | {"shape": [value if size == given[one] else size for size in shape["shape"] or []]}
                for shape in asked["inputs"]
            ]
            for fed in (inputs, asked["inputs"]):
                try:
                    _run(_built(module, asked["target"], None, texts), fed, asked["sizes"])
                except Exception:
                    continue
                return ", ".join(f"{name}={text}" for name, text in texts.items())
    return None


def _other(model: nn.Module, inputs: list[dict[str, Any]], sizes: dict[str, int]) -> str | None:
    """Another input that the model takes: with that it is not a mistake, but a model of other data."""
    tried = [(varied, sizes) for varied in itertools.islice(_varied(inputs), 40)]
    tried += [(inputs, others) for others in itertools.islice(_choices(inputs), 5)]
    if all(sum(isinstance(size, str) and size != "B" for size in one["shape"] or []) < 2 for one in inputs):
        free = sizes.keys() - {"B"}  # signals, which may be long
        tried += [(inputs, sizes | dict.fromkeys(free, length)) for length in (8192, 65536)]
    for varied, others in tried:
        try:
            _run(model, varied, others)
        except Exception:
            continue
        return f"{[one['shape'] for one in varied]} with {others}"
    return None


def _varied(inputs: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """One number of one input changed as mutants change them, two dims swapped, or one dim more or less."""
    for place, one in enumerate(inputs):
        shape = one["shape"] or []
        for number, size in enumerate(shape):
            if isinstance(size, int):
                for grown in (size + 1, 2 * size, size + 16, size - 1, size // 2):
                    yield _with(inputs, place, [*shape[:number], max(grown, 1), *shape[number + 1 :]])
        for first, second in itertools.combinations(range(1, len(shape)), 2):
            swapped = list(shape)
            swapped[first], swapped[second] = shape[second], shape[first]
            yield _with(inputs, place, swapped)
        yield _with(inputs, place, [*shape[:1], 16, *shape[1:]])
        if len(shape) > 2:
            yield _with(inputs, place, [shape[0], *shape[2:]])


def _with(inputs: list[dict[str, Any]], place: int, shape: list[Any]) -> list[dict[str, Any]]:
    return [*inputs[:place], inputs[place] | {"shape": shape}, *inputs[place + 1 :]]


def _error(error: Exception, file: Path) -> dict[str, Any]:
    rows = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return {"error": f"{type(error).__name__}: {error}"[:300], "rows": rows}


def _imported(file: Path) -> types.ModuleType:
    """As a module of its package if it has one, from the repository's root or the folder that holds the package."""
    root = Path.cwd().resolve()
    sys.path[:1] = [str(root), str(file.parent)]
    error: Exception | None = None
    for folder in [file.parent, *file.parent.parents]:
        if not folder.is_relative_to(root):
            break
        name = ".".join((*file.relative_to(folder).parent.parts, file.stem))
        sys.path.insert(0, str(folder))
        try:
            module = importlib.import_module(name)
            if Path(module.__file__ or "").resolve() == file:
                return module
        except Exception as raised:
            error = error or raised
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)
    raise ImportError(str(error))


def _built(module: types.ModuleType, target: str, construction: str | None, arguments: dict[str, str]) -> nn.Module:
    """By its defaults, by the guessed arguments, or by the call that the report names."""
    torch.manual_seed(0)
    made = getattr(module, target)
    if isinstance(made, nn.Module):
        return made
    if construction is None:
        model = made(**{name: ast.literal_eval(text) for name, text in arguments.items()})
    elif construction.startswith(f"{target}(") or f".{target}(" in construction:
        try:
            model = eval(f"{target}({construction.partition('(')[2]}", dict(vars(module)))  # noqa: S307
        except (NameError, SyntaxError):  # names of the script that calls it
            model = made()
    else:
        model = made()
    if not isinstance(model, nn.Module):
        raise TypeError("not a module")
    return model


def _choices(inputs: list[dict[str, Any]]) -> Iterator[dict[str, int]]:
    """Numbers for the symbols: 2 for the batch, one number for all others, then each on its own."""
    names = sorted({size for one in inputs for part in one["shape"] or () for size in [part] if isinstance(size, str)})
    others = [name for name in names if name != "B"]
    batch = {"B": 2} if "B" in names else {}
    for size in _SIZES if others else _SIZES[:1]:
        yield batch | dict.fromkeys(others, size)
    drawn = random.Random(0)
    for _ in range(12 if len(others) > 1 else 0):
        yield batch | {name: drawn.choice(_SIZES) for name in others}


def _run(model: nn.Module, inputs: list[dict[str, Any]], sizes: dict[str, int]) -> None:
    torch.manual_seed(0)
    values = [_value(one, sizes) for one in inputs]
    for is_training in (True, False):
        model.train(is_training)
        with torch.no_grad():
            model(*values)


def _value(one: dict[str, Any], sizes: dict[str, int]) -> Any:
    if one["shape"] is None:
        raise ValueError("an input that is not a tensor")
    shape = [sizes[size] if isinstance(size, str) else size for size in one["shape"]]
    dtype = getattr(torch, one["dtype"])
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(shape, dtype=dtype)
    return torch.randint(0, 2, shape).to(dtype)


if __name__ == "__main__":
    main()

"""From a hint to the inputs that it speaks of, by evaluating the user's expressions in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from convlint.inputspec import InputSpec
from convlint.jobs import Expression, Hint
from convlint.worker.analysis.inference.images import image_sizes
from convlint.worker.trace.input import BATCH

Evaluate = Callable[[Expression], Any]
CallArguments = Callable[[Expression], tuple[tuple[Any, ...], dict[str, Any]]]


class _NoInput(Exception):
    """A value that convlint has no way to say."""


class DeclaredInput(NamedTuple):
    """What one hint says of the inputs, in the order of forward's parameters.

    The batch of an example is a symbol in `inputs`, since what holds for one batch has to hold for any. A model that
    works for the one in the example only can be fed with `exact`.
    """

    inputs: tuple[InputSpec, ...]
    exact: tuple[InputSpec, ...]


def told(hint: Hint, names: Sequence[str], evaluate: Evaluate, call_arguments: CallArguments) -> DeclaredInput | None:
    """The inputs of a hint, whose expressions are evaluated once; None where they cannot be."""
    return _told(names, lambda: _reader(hint, evaluate, call_arguments))


def held(value: Any, names: Sequence[str]) -> DeclaredInput | None:
    """The inputs that an example speaks of as Lightning reads it: a tuple or a dict has one for each argument."""
    args, kwargs = ((), value) if isinstance(value, Mapping) else (value if type(value) is tuple else (value,), {})
    return _told(names, lambda: lambda keeps_batch: _of_call(args, kwargs, keeps_batch=keeps_batch))


def fed(specs: Sequence[InputSpec]) -> DeclaredInput | None:
    """The inputs of a call as it was made, with the batch as a symbol where it can be told from other sizes."""
    args = [_blank(spec) for spec in specs if spec.name is None]
    kwargs = {spec.name: _blank(spec) for spec in specs if spec.name is not None}
    return _told((), lambda: lambda keeps_batch: _of_call(args, kwargs, keeps_batch=keeps_batch))


def _blank(spec: InputSpec) -> Any:
    """A value with the shape of an input, and no contents."""
    if spec.shape is not None:
        return torch.empty(spec.shape, dtype=getattr(torch, spec.dtype), device="meta")  # type: ignore[arg-type]
    if spec.list is not None:
        return [_blank(item) for item in spec.list]
    if spec.dict is not None:
        return {key: _blank(item) for key, item in spec.dict.items()}
    return spec.value


def _told(names: Sequence[str], reader: Callable[[], Callable[[bool], Sequence[InputSpec]]]) -> DeclaredInput | None:
    try:
        read = reader()
        inputs, exact = (_in_order(read(keeps_batch), names) for keeps_batch in (False, True))
    except Exception:  # whatever the user's code raises
        return None
    return DeclaredInput(inputs, exact) if inputs else None


def _reader(hint: Hint, evaluate: Evaluate, call_arguments: CallArguments) -> Callable[[bool], Sequence[InputSpec]]:
    """From whether the batch is kept to the inputs."""
    if hint.kind == "call" and hint.call is not None:
        args, kwargs = call_arguments(hint.call)
        return lambda keeps_batch: _of_call(args, kwargs, keeps_batch=keeps_batch)
    if hint.kind == "shape" and hint.shape is not None:
        value = evaluate(hint.shape)
        return lambda keeps_batch: _of_shape(value, has_batch=hint.has_batch, keeps_batch=keeps_batch)
    if hint.kind == "image":
        image = _of_image(hint, call_arguments)
        return lambda _: (image,)
    return lambda _: hint.inputs


def _in_order(inputs: Sequence[InputSpec], names: Sequence[str]) -> tuple[InputSpec, ...]:
    """A parameter given by its name takes its place, as far as those before it are given."""
    ordered = [spec for spec in inputs if spec.name is None]
    named = {spec.name: spec for spec in inputs if spec.name is not None}
    while len(ordered) < len(names) and names[len(ordered)] in named:
        ordered.append(named.pop(names[len(ordered)]).model_copy(update={"name": None}))
    return (*ordered, *named.values())


def _of_call(args: Sequence[Any], kwargs: Mapping[str, Any], *, keeps_batch: bool) -> tuple[InputSpec, ...]:
    batch = None if keeps_batch else _batch([*args, *kwargs.values()])
    positional = [_spec(value, None, batch) for value in args]
    return (*positional, *(_spec(value, name, batch) for name, value in kwargs.items()))


def _spec(value: Any, name: str | None, batch: int | None) -> InputSpec:
    if isinstance(value, torch.Tensor):
        if value.is_nested or value.layout is not torch.strided:
            raise _NoInput
        return InputSpec(name=name, shape=_shape(value, batch), dtype=str(value.dtype).removeprefix("torch."))
    if _is_plain(value):
        return InputSpec(name=name, value=list(value) if isinstance(value, tuple) else value)
    # Lists and tuples themselves: a PackedSequence is a tuple as well, and no list of its parts.
    if type(value) in (list, tuple):
        return InputSpec(name=name, list=tuple(_spec(item, None, batch) for item in value))
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return InputSpec(name=name, dict={key: _spec(item, None, batch) for key, item in value.items()})
    raise _NoInput


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple) and type(value) in (list, tuple, torch.Size):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def _batch(values: Sequence[Any]) -> int | None:
    """The number of examples in a call; None where it cannot be told from other sizes."""
    tensors = [tensor for tensor in _tensors(values) if tensor.dim() > 1]
    if not tensors or _is_one_image(tensors):
        return None
    batch = int(tensors[0].shape[0])
    if batch == 1:
        # Of a state [1, 1, H] next to an input [1, F] either may be the batch.
        return 1 if len(tensors) == 1 or all(list(tensor.shape).count(1) == 1 for tensor in tensors) else None
    return batch if all(list(tensor.shape).count(batch) == 1 for tensor in tensors[1:]) else _shared(tensors)


def _shared(tensors: Sequence[torch.Tensor]) -> int | None:
    firsts = {int(tensor.shape[0]) for tensor in tensors}
    return firsts.pop() if len(firsts) == 1 else None


def _is_one_image(tensors: Sequence[torch.Tensor]) -> bool:
    """`torch.randn(3, 224, 224)`, which layers for images take without a batch."""
    return any(
        tensor.dim() == 3 and tensor.shape[0] in (1, 3) and tensor.shape[1] == tensor.shape[2] >= 8
        for tensor in tensors[:1]
    )


def _tensors(values: Any) -> list[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        return [values]
    if isinstance(values, Mapping):
        values = list(values.values())
    if type(values) in (list, tuple):
        return [tensor for value in values for tensor in _tensors(value)]
    return []


def _shape(tensor: torch.Tensor, batch: int | None) -> tuple[int | str, ...]:
    sizes: list[int | str] = [int(size) for size in tensor.shape]
    if batch in sizes:
        # The state of an RNN has its batch in the middle.
        dim = 0 if sizes[0] == batch else sizes.index(batch)
        if dim == 0 or batch != 1:
            sizes[dim] = BATCH
    return tuple(sizes)


def _of_shape(value: Any, *, has_batch: bool, keeps_batch: bool) -> tuple[InputSpec, ...]:
    """A tuple of sizes, or several of them: in a list, or by the names of parameters."""
    shapes: list[tuple[str | None, Any]]
    if isinstance(value, Mapping):
        shapes = [(str(name), shape) for name, shape in value.items()]
    elif isinstance(value, list | tuple) and value and all(isinstance(one, list | tuple) for one in value):
        shapes = [(None, shape) for shape in value]
    else:
        shapes = [(None, value)]
    return tuple(
        InputSpec(name=name, shape=_sizes(shape, has_batch=has_batch, keeps_batch=keeps_batch))
        for name, shape in shapes
    )


def _sizes(value: Any, *, has_batch: bool, keeps_batch: bool) -> tuple[int | str, ...]:
    sizes = [_whole(size) for size in (value if isinstance(value, list | tuple) else (value,))]
    head: list[int | str] = [BATCH]
    if has_batch:
        first, *sizes = sizes
        head = [first] if keeps_batch and first > 0 else head
    if any(size <= 0 for size in sizes):
        raise _NoInput
    return (*head, *sizes)


def _whole(value: Any) -> int:
    """Numbers of numpy too, but none that would have to be rounded."""
    number = int(value)
    if isinstance(value, bool | str) or number != value:
        raise _NoInput
    return number


def _of_image(hint: Hint, call_arguments: CallArguments) -> InputSpec:
    steps = [(step.name, *call_arguments(step.call)) for step in hint.steps]
    channels, height, width = image_sizes(hint.size, steps)
    if not hint.is_flat:
        return InputSpec(shape=(BATCH, channels, "H" if height is None else height, "W" if width is None else width))
    if height is None or width is None:
        raise _NoInput
    return InputSpec(shape=(BATCH, channels * height * width))

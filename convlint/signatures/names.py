"""Whether the keys of a signature fit together, and every name that they use is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import Parameter
from typing import Final

from convlint.complaint import suggestion
from convlint.signatures.arguments import parse_arguments
from convlint.signatures.notation import ANY, ELLIPSIS, Dimension, Name, Rest, factors_of, names_in
from convlint.signatures.parse import parse_expression, parse_shape
from convlint.signatures.schema import SignatureEntry

_FREE: Final = frozenset({ANY, ELLIPSIS})


class MistakeInKey(ValueError):
    """What is wrong with one key of a signature."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


def checked(entry: SignatureEntry) -> SignatureEntry:
    """The entry as it is. Raises MistakeInKey."""
    _check_kind(entry)
    given = _parameters(entry)
    _check_inputs(entry)
    if entry.pattern is not None or any(p.kind is Parameter.VAR_KEYWORD for p in given):
        return entry  # the call itself brings names
    known = {p.name for p in given} | set(entry.let) | set(entry.data) | _bound(entry) | _FREE
    for key, texts in _uses(entry):
        for name in texts:
            if name not in known:
                raise MistakeInKey(key, f'nothing gives a value to "{name}"{suggestion(name, sorted(known - _FREE))}')
    return entry


def _check_kind(entry: SignatureEntry) -> None:
    if (entry.name is None) == (entry.layer is None):
        raise MistakeInKey("name", "a signature has exactly one of name, for a function, and layer, for a class")
    for key in ("constructor", "parameters"):
        if entry.layer is None and getattr(entry, key):
            raise MistakeInKey(key, "is for a layer, and this is the signature of a function")


def _parameters(entry: SignatureEntry) -> tuple[Parameter, ...]:
    """Of the constructor and of the call."""
    texts = (entry.constructor, entry.arguments or "")
    return tuple(p for text in texts for p in parse_arguments(text).parameters.values())


def _check_inputs(entry: SignatureEntry) -> None:
    _check_keys(entry)
    fixed = {p.name for p in _parameters(entry)} | set(entry.let)
    for name, form in entry.by_name.items():
        shape = parse_shape(form.text)
        if sum(isinstance(dim, Rest) and dim.name not in fixed for dim in shape) > 1:
            raise MistakeInKey(f"inputs.{name}", f'"{form.text}" has two parts of any length')
        itself = next((dim.name for dim in shape if isinstance(dim, Name) and dim.name in entry.by_name), None)
        if itself is not None:
            raise MistakeInKey(f"inputs.{name}", f'"{itself}" is an input itself; give the size another name')


def _check_keys(entry: SignatureEntry) -> None:
    """The inputs and the pattern are among the parameters."""
    takes = None if entry.arguments is None else list(parse_arguments(entry.arguments).parameters)
    for key in entry.inputs:
        if not key.isdigit() and (takes is None or key not in takes):
            raise MistakeInKey(f"inputs.{key}", f'"{key}" is not among the arguments{suggestion(key, takes or ())}')
        if key.isdigit() and takes is not None and int(key) >= len(takes):
            raise MistakeInKey("inputs", f"there are {len(entry.inputs)} inputs, but {len(takes)} arguments")
    if entry.pattern is not None and entry.pattern not in {p.name for p in _parameters(entry)}:
        raise MistakeInKey("pattern", f'"{entry.pattern}" is not a parameter')


def _uses(entry: SignatureEntry) -> Iterator[tuple[str, Iterable[str]]]:
    """The names that each key uses and does not bind."""
    for name, form in entry.by_name.items():
        parts = (dim for dim in parse_shape(form.text) if not _binds(dim))
        yield f"inputs.{name}", [used for dim in parts for used in names_in(dim)]
    for i, output in enumerate(entry.output):
        condition = [] if output.when is None else names_in(parse_expression(output.when))
        yield _at("output", i, entry.output), [*_of_shape(output.shape), *condition]
    for name, weight in entry.parameters.items():
        yield f"parameters.{name}", [*_of_shape(weight.shape), *([weight.argument] if weight.argument else ())]
    for key in ("when", "where"):
        conditions: tuple[str, ...] = getattr(entry, key)
        for i, text in enumerate(conditions):
            yield _at(key, i, conditions), names_in(parse_expression(text))
    for key in ("let", "data"):
        table: dict[str, str] = getattr(entry, key)
        for name, text in table.items():
            yield f"{key}.{name}", names_in(parse_expression(text))


def _at(key: str, index: int, items: tuple[object, ...]) -> str:
    return key if len(items) == 1 else f"{key}[{index}]"


def _of_shape(text: str | None) -> Iterator[str]:
    for dim in parse_shape(text) if text is not None else ():
        yield from names_in(dim)


def _binds(dim: Dimension) -> bool:
    """Whether a dimension may give a name its value: the `h` of `(h p)` as well, where p is known."""
    return isinstance(dim, Name | Rest) or len(factors_of(dim)) != 1


def _bound(entry: SignatureEntry) -> set[str]:
    """The names that the shapes of the inputs give values to."""
    found: set[str] = set()
    for form in entry.by_name.values():
        for dim in parse_shape(form.text):
            if _binds(dim):
                found.update(names_in(dim))
    return found

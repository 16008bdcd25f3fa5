"""The inputs of forward that nobody confirmed, as a line of configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from convlint.config.schema import DTYPES
from convlint.facts import UNCONFIRMED, Dim, InputFact, ModelFacts
from convlint.remedies.helps import helps
from convlint.remedies.placeholders import IMAGE, plain_or_shape, shape
from convlint.remedies.stanza import EntryKey, string, table, value

_BATCH: Final = "B"


Listed = tuple[str, InputFact | None]
"""An input by its name, and what is known of it."""


def inputs_of(model: ModelFacts) -> tuple[EntryKey, ...]:
    """`inputs = [...]` for all that forward takes; nothing where no other input would help, or none can be said."""
    listed = _listed(model)
    if not _takes_settings(model):
        return ()
    if not listed and helps(model.reason, "inputs"):
        return (EntryKey("inputs", f"[{table({'shape': value(IMAGE)})}]", ("what forward takes",)),)
    unsure = [name for name, fact in listed if fact is None or fact.origin in UNCONFIRMED]
    is_pinned = not unsure and helps(model.reason, "sizes") and any(_is_open(fact) for fact in model.inputs)
    if not unsure and not is_pinned:
        return ()
    owners = list(dict.fromkeys(_owner(name, fact) for name, fact in listed))
    toml = _array(listed, by_name=_are_named(owners, model), is_pinned=is_pinned)
    return (EntryKey("inputs", toml, tuple(_unknown(model, listed, is_pinned=is_pinned))),)


def _takes_settings(model: ModelFacts) -> bool:
    """Whether other inputs would help, and a configuration can say them."""
    is_mistaken = model.reason is not None and model.reason.kind == "stops-at-finding"
    return not is_mistaken and not any(fact.is_attribute for fact in model.inputs)


def _array(listed: Sequence[Listed], *, by_name: bool, is_pinned: bool) -> str:
    """The inputs as TOML, the parts of one parameter put together."""
    found: dict[str, list[tuple[str | int | None, dict[str, str]]]] = {}
    for name, fact in listed:
        pairs, _ = _entry(name, fact, is_pinned=is_pinned)
        key = fact.within[1] if fact is not None and fact.within is not None else None
        found.setdefault(_owner(name, fact), []).append((key, pairs))
    named = ({"name": string(owner), **_whole(parts)} if by_name else _whole(parts) for owner, parts in found.items())
    return f"[{', '.join(map(table, named))}]"


def _unknown(model: ModelFacts, listed: Sequence[Listed], *, is_pinned: bool) -> Iterator[str]:
    """The inputs that are to be filled in."""
    is_guess_built = bool(model.required)  # with guessed arguments, on which the sizes may depend
    # Guessed shapes that raise errors: other ranks than those tried may be right.
    is_doubtful = helps(model.reason, "inputs") and not helps(model.reason, "sizes")
    for name, fact in listed:
        _, is_known = _entry(name, fact, is_pinned=is_pinned)
        is_vague = is_doubtful and fact is not None and _is_open(fact)
        if is_guess_built or is_vague or not is_known:
            yield name


def _owner(name: str, fact: InputFact | None) -> str:
    return fact.within[0] if fact is not None and fact.within is not None else name


def _whole(parts: list[tuple[str | int | None, dict[str, str]]]) -> dict[str, str]:
    """An input as TOML from its parts: itself where there is but one, else a list or dict."""
    keys = [key for key, _ in parts]
    if keys == [None]:
        return parts[0][1]
    if isinstance(keys[0], str):
        return {"dict": table({str(key): table(pairs) for key, pairs in parts})}
    return {"list": f"[{', '.join(table(pairs) for _, pairs in parts)}]"}


def _listed(model: ModelFacts) -> list[Listed]:
    """What was fed, and what forward takes besides."""
    fed = {_owner(fact.name, fact) for fact in model.inputs}
    return [*((fact.name, fact) for fact in model.inputs), *((name, None) for name in model.takes if name not in fed)]


def _are_named(names: Sequence[str], model: ModelFacts) -> bool:
    """Whether forward gets them by name: where there are several, or one that it need not be given."""
    if any(fact.is_numbered for fact in model.inputs):
        return False  # these are the places of `*inputs`
    return len(names) > 1 or bool(model.takes and names[0] not in model.takes)


def _is_open(fact: InputFact) -> bool:
    """Whether it could have other sizes: those that nobody gave, or what the configuration says."""
    is_declared = fact.origin == "configuration"
    return is_declared or any(isinstance(size, str) and size != _BATCH for size in fact.shape or ())


def _entry(name: str, fact: InputFact | None, *, is_pinned: bool) -> tuple[dict[str, str], bool]:
    """An input as TOML, and whether all of it is known."""
    if fact is None:
        return {"shape": value(IMAGE)}, False
    if fact.shape is None:
        return _without_shape(name), False
    is_guess = fact.origin in UNCONFIRMED
    sizes = fact.shape
    if is_guess or is_pinned:
        sizes = shape(sizes, keep=_BATCH if is_pinned else "BELN")
    return dict(_tensor(sizes, fact.dtype)), not is_guess and sizes == fact.shape


def _tensor(sizes: tuple[Dim, ...], dtype: str | None) -> Iterator[tuple[str, str]]:
    yield "shape", value(sizes)
    if dtype is not None and dtype != "float32" and dtype in DTYPES:
        yield "dtype", string(dtype)


def _without_shape(name: str) -> dict[str, str]:
    found = plain_or_shape(name)
    return {"shape": value(found)} if isinstance(found, tuple) else {"value": value(found)}

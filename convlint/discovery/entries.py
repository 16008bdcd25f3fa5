"""The factories and instances worth a check of their own, because they lead to what no class leads to by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from convlint.discovery.project import Symbol
from convlint.discovery.survey import Survey

# Nothing can be made up for arguments of such names.
_OPAQUE = {
    *("backbone", "decoder", "discriminator", "encoder", "generator", "layer", "model", "module", "net", "vit"),
    *("arch", "args", "cfg", "conf", "config", "configs", "flags", "hparams", "name", "opt", "options", "opts"),
    *("fn", "func", "function", "param", "params", "settings", "student", "teacher"),
}


def is_likely(survey: Survey, symbol: Symbol, required: Collection[str] | None) -> bool:
    """Whether it can be built, as far as one can tell: it is called somewhere, or needs nothing out of the way."""
    return _OPAQUE.isdisjoint(required or ()) or bool(survey.free_calls(symbol))


def find_factories(survey: Survey, paths: Collection[str]) -> list[Symbol]:
    """Factories that can be called bare, and others that lead to something that those do not."""
    public = [symbol for symbol in survey.census.factories if symbol.path in paths and _is_public(survey, symbol)]
    needy = [symbol for symbol in public if _needs_arguments(survey, symbol)]
    bare = _bare_factories(survey, [symbol for symbol in public if not _needs_arguments(survey, symbol)])
    provided = {made for symbol in bare for made in survey.census.class_graph.built(symbol).classes}
    others = [symbol for symbol in needy if _is_needed(survey, symbol, provided)]
    others = [symbol for symbol in others if not _returned(survey, symbol, [*bare, *others], bare_only=False)]
    return [*bare, *others]


def _bare_factories(survey: Survey, candidates: Collection[Symbol]) -> list[Symbol]:
    """Of factories without required arguments, those that lead on and that no other one merely returns."""
    leading = [symbol for symbol in candidates if _leads_on(survey, symbol)]
    return [symbol for symbol in leading if not _returned(survey, symbol, leading, bare_only=True)]


def _needs_arguments(survey: Survey, symbol: Symbol) -> bool:
    """Whether a factory has parameters without a default."""
    function = survey.census.class_graph.project.function_of(symbol)
    return function is not None and bool(function.required)


def find_instances(survey: Survey, paths: Collection[str], factories: Collection[Symbol]) -> list[Symbol]:
    """Values that are not merely the site of a class or factory that is checked anyway."""
    census = survey.census
    class_graph, project = census.class_graph, census.class_graph.project
    found = []
    for symbol in census.instances:
        value = project.value_of(symbol)
        if symbol.path not in paths or not _is_public(survey, symbol) or value is None or value.call is None:
            continue
        meaning = project.meaning(symbol.path, value.call)
        is_site = meaning in factories or meaning in census.classes
        # What a script makes in passing is at most a site, but for a model that has no class.
        is_passing = value.is_scripted and bool(class_graph.built(symbol).classes)
        if class_graph.is_changed(symbol) or (not is_site and not is_passing and _leads_on(survey, symbol)):
            found.append(symbol)
    return found


def _is_public(survey: Survey, symbol: Symbol) -> bool:
    return symbol not in survey.helpers and not symbol.name.startswith("_")


def _leads_on(survey: Survey, symbol: Symbol) -> bool:
    census = survey.census
    built = census.class_graph.built(symbol)
    found = [census.classes[made] for made in built.classes if made in census.classes]
    if found and not census.class_graph.is_changed(symbol):
        return any(made.has_forward and not made.is_bare for made in found)
    is_function = census.class_graph.project.function_of(symbol) is not None
    return (
        bool(found)
        or built.is_sequential
        or (built.is_module and (is_function or census.class_graph.is_changed(symbol)))
    )


def _is_needed(survey: Survey, symbol: Symbol, provided: Collection[Symbol]) -> bool:
    """Of a factory that needs arguments."""
    function, built = survey.census.class_graph.project.function_of(symbol), survey.census.class_graph.built(symbol)
    if function is None or not _leads_on(survey, symbol) or not is_likely(survey, symbol, function.required):
        return False
    is_vague = not built.classes and not built.is_sequential and not survey.census.class_graph.is_changed(symbol)
    if is_vague:  # an annotation alone may be of anything
        return not function.takes_module and bool(survey.free_calls(symbol))
    return not built.classes or not built.classes.issubset({*provided, *survey.blocks})


def _returned(survey: Survey, symbol: Symbol, entries: Iterable[Symbol], *, bare_only: bool) -> bool:
    """`def build(): return resnet18()` says nothing that `resnet18` does not say."""
    project = survey.census.class_graph.project
    function = project.function_of(symbol)
    if function is None or survey.census.class_graph.is_changed(symbol):
        return False
    meanings = {
        project.meaning(symbol.path, name) for name in (function.bare_returns if bare_only else function.returns)
    }
    return any(entry in meanings and entry != symbol for entry in entries)

"""All of discovery in one step: walk, sieve, parse, and find the models."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from convlint.discovery.behind import Behind
from convlint.discovery.hints import HintFinder
from convlint.discovery.place import ImportPath, locate
from convlint.discovery.prefilter import imported_words, mentions_modules, sources_of_bases
from convlint.discovery.project import Member, Project, Symbol, module_file
from convlint.discovery.references import absolute_name
from convlint.discovery.roots import FoundModel, describe, find_models
from convlint.discovery.scripts import find_scripts
from convlint.discovery.source import decode, read
from convlint.discovery.survey import Census, Survey, take_census, take_survey
from convlint.discovery.walk import Excludes, FoundFile, python_files, walk
from convlint.facts import Failure, Span
from convlint.filenames import display
from convlint.jobs import UserFile
from convlint.readme import is_readme

# So many files next to the linted ones are looked through for users of their classes, and no more.
_MOST_NEIGHBOURS = 2000


@dataclass(frozen=True, slots=True)
class LintedFile:
    """A file that holds a model or cannot be read."""

    path: str
    filename: str
    targets: tuple[str, ...] = ()  # of `file.py:Net` on the command line
    place: ImportPath | None = None
    models: tuple[FoundModel, ...] = ()
    definitions: dict[str, FoundModel] = field(default_factory=dict)  # all that a configuration may name
    files: dict[str, UserFile] = field(default_factory=dict)  # by path: where sites and hints of its models stand
    failure: Failure | None = None
    broken_cells: tuple[Failure, ...] = ()  # of a notebook, whose other cells are read


@dataclass(frozen=True, slots=True)
class Discovery:
    files: tuple[LintedFile, ...]
    looked_at: frozenset[str]  # every Python file below the paths
    problems: tuple[str, ...]  # wrong paths and directives
    behind: Callable[[str, str], tuple[LintedFile, ...]] = lambda *_: ()
    """The files, with the models that a factory or an instance stands for, named by its file and name."""
    scripts: tuple[tuple[LintedFile, frozenset[str]], ...] = ()
    """Those of the files that build models when they are run, each with the paths of all files that it imports."""


def discover(paths: Sequence[str], excludes: Excludes, is_named: Callable[[str], bool] = lambda _: False) -> Discovery:
    """Find the models below the paths. `is_named` says of a file that the configuration names a model of."""
    found = walk(paths, excludes)
    project = Project()
    broken, later = _sieved(project, found.files.values(), is_named)
    census = _grow(project, later, found.files)
    if census.classes:
        census = _add_neighbours(project, census, found.files, excludes)
    survey = take_survey(census)
    evidence = HintFinder(survey, is_named)
    models = find_models(survey, found.files, evidence.asked(found.files))
    files = (_linted(file, project, survey, evidence, models[file.path], broken) for file in found.files.values())
    kept = sorted((file for file in files if file is not None), key=lambda file: file.filename)
    misplaced = [problem for file in kept for problem in evidence.problems(file.path)]
    stood_for = Behind(survey, models)
    by_path = {file.path: file for file in kept if file.place is not None}

    def behind(path: str, target: str) -> tuple[LintedFile, ...]:
        return tuple(
            _holding(by_path[home], evidence.with_hints(home, held), project)
            for home, held in stood_for.of(path, target).items()
            if home in by_path
        )

    started = find_scripts(survey, found.files)
    scripts = tuple((file, started[file.path]) for file in kept if file.path in started and file.path in by_path)
    return Discovery(tuple(kept), frozenset(found.files), (*found.problems, *misplaced), behind, scripts)


def _sieved(
    project: Project, files: Iterable[FoundFile], is_named: Callable[[str], bool]
) -> tuple[dict[str, Failure], dict[str, FoundFile]]:
    """Parse the files that speak of modules or are named; give the unreadable ones, and those that may matter later."""
    broken: dict[str, Failure] = {}
    later: dict[str, FoundFile] = {}
    for file in files:
        data = _read(file.path)
        if isinstance(data, Failure):
            broken[file.path] = data
        elif file.explicit or mentions_modules(data) or is_named(file.path):
            project.add(file.path, file.given, data)
        else:
            later[file.path] = file
    return broken, later


def _holding(file: LintedFile, models: tuple[FoundModel, ...], project: Project) -> LintedFile:
    return replace(file, models=models, files=_files(project, models))


def _read(path: str) -> bytes | Failure:
    """The bytes of a file that holds text and whose name can be printed."""
    filename = display(path)
    if not _is_printable(filename):
        shown = os.fsencode(filename).decode("utf-8", "replace")
        at = Span(filename=shown, row=1, column=1, end_row=1, end_column=1)
        return Failure(kind="unreadable", message="its name is not valid UTF-8", at=at)
    data = read(path, filename)
    if isinstance(data, Failure):
        return data
    if b"\0" in data:
        text = decode(data, filename)
        return text if isinstance(text, Failure) else data
    return data


def _is_printable(filename: str) -> bool:
    try:
        filename.encode()
    except UnicodeEncodeError:
        return False
    return True


def _grow(project: Project, later: dict[str, FoundFile], linted: Collection[str]) -> Census:
    """Parse the files that the sieve left, as far as they import something that has to do with models."""
    words: dict[str, frozenset[str]] = {}
    for path, file in later.items():
        data = read(path, path)
        if isinstance(data, Failure):
            continue
        if _has_base_elsewhere(data, file, linted):
            project.add(path, file.given, data)
        else:
            words[path] = imported_words(data)
    while True:
        census = take_census(project)
        names = _names(census)
        chosen = [path for path, imported in words.items() if not imported.isdisjoint(names)]
        if not chosen:
            return census
        for path in chosen:
            project.add(path, later[path].given)
            del words[path]


def _has_base_elsewhere(data: bytes, file: FoundFile, linted: Collection[str]) -> bool:
    """Whether a class has a base from a file of the project that is not linted, hence not known yet."""
    place: ImportPath | None = None
    for source in sources_of_bases(data):
        place = place or locate(file.path, file.given, relative_imports=True)
        module = absolute_name(source, place.package)
        found = (module_file(folder, module) for folder in place.search_path)
        if any(path is not None and path not in linted for path in found):
            return True
    return False


def _names(census: Census) -> set[str]:
    """What an import of a model is bound to mention: its name or its module's."""
    symbols = (*census.classes, *census.factories, *census.instances)
    names = {symbol.name for symbol in symbols}
    for path in {symbol.path for symbol in symbols}:
        folder, base = os.path.split(path)
        names.add(os.path.basename(folder) if base == "__init__.py" else base.removesuffix(".py"))
    return names


def _add_neighbours(project: Project, census: Census, linted: Collection[str], excludes: Excludes) -> Census:
    """Parse the files next to the linted ones that import from them, and may use their classes as blocks."""
    members = project.parsed()
    names = _names(census)
    homes = {symbol.path: members[symbol.path].place for symbol in census.classes}
    folders = dict.fromkeys(folder for place in homes.values() for folder in _neighbourhood(place))
    looked: set[str] = set()
    for folder, root, is_deep in folders:
        for path in python_files(folder, excludes) if is_deep else _scripts(folder):
            if path in linted or path in project.members or path in looked:
                continue
            looked.add(path)
            if len(looked) > _MOST_NEIGHBOURS:
                return take_census(project)
            data = read(path, path)
            if not isinstance(data, Failure) and not imported_words(data).isdisjoint(names):
                project.add(path, root, data)
    return take_census(project)


def _neighbourhood(place: ImportPath) -> Iterator[tuple[str, str, bool]]:
    """The top package of a file or the folder of a script, then the scripts, READMEs and tests of its project: each
    with the project's folder, and whether folders below it count."""
    top, root, home = place.search_path[0], place.root, os.path.dirname(place.path)
    if "." in place.module or os.path.basename(place.path) == "__init__.py":
        yield os.path.join(top, place.module.partition(".")[0]), root, True
    yield from ((folder, root, False) for folder in (home, top, root))
    yield from ((os.path.join(root, name), root, True) for name in ("tests", "test"))


def _scripts(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(".py") or is_readme(name)]


def _linted(
    file: FoundFile,
    project: Project,
    survey: Survey,
    evidence: HintFinder,
    models: tuple[FoundModel, ...],
    broken: dict[str, Failure],
) -> LintedFile | None:
    """The outcome for one file; None for a file that has nothing to do with models."""
    member = broken.get(file.path) or project.members.get(file.path)
    filename = display(file.path)
    if isinstance(member, Failure):
        filename = member.at.filename if member.at else filename
        return LintedFile(file.path, filename, file.targets, failure=member)
    if member is None:
        return None
    outline = member.outline
    names = {*outline.classes, *outline.functions, *outline.values, *outline.scripted}
    described = (describe(survey, Symbol(file.path, name)) for name in sorted(names))
    models, definitions = evidence.added(file, models, {model.target: model for model in described})
    files = _files(project, [*models, *definitions.values()])
    return LintedFile(
        file.path,
        filename,
        file.targets,
        member.place,
        models,
        definitions,
        files,
        broken_cells=member.broken_cells,
    )


def _files(project: Project, models: Iterable[FoundModel]) -> dict[str, UserFile]:
    """Where the expressions of the models stand."""
    paths = sorted({expression.path for model in models for expression in model.expressions()})
    members = {path: project.members[path] for path in paths}
    return {path: _user_file(member.place) for path, member in members.items() if isinstance(member, Member)}


def _user_file(place: ImportPath) -> UserFile:
    return UserFile(filename=display(place.path), module=place.module, search_path=place.search_path)

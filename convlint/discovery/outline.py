"""What the syntax of one file says: imports, classes, functions and values, and what each refers to."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from convlint.discovery.nodes import nodes_of
from convlint.discovery.references import changes_of, dotted, imports_of, references_of
from convlint.discovery.returning import constructors_in, decorators, maker, returned_calls

# A function that trains or writes something is none that merely builds a model.
_WORKING_NAMES = (
    "main",
    "train",
    "fit",
    "test",
    "run",
    "eval",
    "load",
    "demo",
    "export",
    "convert",
    "download",
)
_WORKING_CALLS = frozenset({"backward", "step", "fit", "save"})


@dataclass(frozen=True, slots=True)
class ClassOutline:
    name: str
    row: int
    bases: tuple[str, ...]  # dotted, as written
    has_forward: bool
    is_abstract: bool  # its forward only raises, or it has abstract methods
    required: tuple[str, ...] | None  # constructor arguments without a default; None: no constructor of its own
    references: frozenset[str]
    constructors: tuple[str, ...] = ()  # its methods that construct one: `from_config`


@dataclass(frozen=True, slots=True)
class FunctionOutline:
    name: str
    row: int
    required: tuple[str, ...]
    returns: tuple[str, ...]  # what its return statements call
    bare_returns: tuple[str, ...]  # those of them that are called without an argument
    changes: tuple[str, ...]  # what it calls for a new attribute of what it returns: `model.fc = nn.Linear(...)`
    annotation: str | None
    takes_module: bool  # an argument is annotated as a module
    does_work: bool  # trains, saves or the like
    references: frozenset[str]


@dataclass(frozen=True, slots=True)
class ValueOutline:
    name: str
    row: int
    call: str | None  # `model = Net(3)` -> "Net"
    alias: str | None  # `Base = nn.Module` -> "nn.Module"
    references: frozenset[str]
    is_scripted: bool = False  # bound below `if __name__ == "__main__"`
    changes: tuple[str, ...] = ()  # `model.fc = nn.Linear(...)`, later on -> "nn.Linear"


@dataclass(slots=True)
class Outline:
    imports: dict[str, str] = field(default_factory=dict)  # local name -> absolute dotted name
    stars: list[str] = field(default_factory=list)
    classes: dict[str, ClassOutline] = field(default_factory=dict)
    functions: dict[str, FunctionOutline] = field(default_factory=dict)
    values: dict[str, ValueOutline] = field(default_factory=dict)
    scripted: dict[str, ValueOutline] = field(default_factory=dict)  # values bound below `if __name__ == "__main__"`


def has_relative_imports(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.level for node in _top_level(tree.body))


def outline(tree: ast.Module, package: str) -> Outline:
    """Outline of a parsed file; `package` is what its relative imports start from."""
    result = Outline()
    changes: list[ast.stmt] = []
    for statement in _top_level(tree.body):
        for imported in imports_of([statement], package):
            if imported.local is None:
                result.stars.append(imported.full)
            else:
                result.imports.setdefault(imported.local, imported.full)
        match statement:
            case ast.ClassDef():
                result.classes[statement.name] = _outline_class(statement)
            case ast.FunctionDef():
                result.functions[statement.name] = _outline_function(statement)
            case ast.Assign() | ast.AnnAssign():
                _bind(result.values, statement)
                changes.append(statement)
            case _:
                pass
    for statement in _main_statements(tree):
        _bind(result.scripted, statement, is_scripted=True)
        changes.append(statement)
    _change([result.values, result.scripted], changes)
    return result


def _bind(values: dict[str, ValueOutline], statement: ast.stmt, *, is_scripted: bool = False) -> None:
    match statement:
        case ast.Assign(value=ast.Constant()):
            return  # `except ImportError: nn = None` does not take the import's place
        case ast.Assign(value=value):
            names = [target for target in statement.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name() as name, value=ast.expr() as value):
            names = [name]
        case _:
            return
    for name in names:
        found = _outline_value(name, value, is_scripted)
        # `model = nn.DataParallel(model)` is no other model.
        if name.id not in values or name.id not in {used.partition(".")[0] for used in found.references}:
            values[name.id] = found


def _change(tables: list[dict[str, ValueOutline]], statements: list[ast.stmt]) -> None:
    for name, calls in changes_of(statements).items():
        for values in tables:
            if name in values:
                values[name] = replace(values[name], changes=tuple(calls))


def _main_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """What runs where the file is started as a script."""
    for statement in tree.body:
        if isinstance(statement, ast.If) and is_main(statement.test):
            yield from _top_level(statement.body)


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run on import, also below `if`, `try` and `with`."""
    pending = list(body)[::-1]
    while pending:
        statement = pending.pop()
        match statement:
            case ast.If():
                taken = [] if _never_on_import(statement.test) else statement.body
                pending.extend(reversed([*taken, *statement.orelse]))
            case ast.Try() | ast.TryStar():
                handled = [inner for handler in statement.handlers for inner in handler.body]
                pending.extend(reversed([*statement.body, *statement.orelse, *handled, *statement.finalbody]))
            case ast.With():
                pending.extend(reversed(statement.body))
            case _:
                yield statement


def _never_on_import(test: ast.expr) -> bool:
    """`if __name__ == "__main__"` and `if TYPE_CHECKING`."""
    return is_main(test) or (dotted(test) or "").rpartition(".")[2] == "TYPE_CHECKING"


def is_main(test: ast.expr) -> bool:
    """`if __name__ == "__main__"`."""
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _outline_class(node: ast.ClassDef) -> ClassOutline:
    forward: ast.FunctionDef | None = None
    constructor: ast.FunctionDef | None = None
    has_forward = is_abstract = False
    for statement in node.body:
        match statement:
            case ast.FunctionDef(name="forward"):
                forward, has_forward = statement, True
            case ast.FunctionDef(name="__init__"):
                constructor = statement
            case ast.Assign(targets=[ast.Name(id="forward")]):
                has_forward = True
            case _:
                pass
        is_abstract |= isinstance(statement, ast.FunctionDef) and "abstractmethod" in decorators(statement)
    if forward is not None:
        is_abstract |= _only_raises(forward)
    bases = [dotted(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases]
    return ClassOutline(
        name=node.name,
        row=node.lineno,
        bases=tuple(base for base in bases if base),
        has_forward=has_forward,
        is_abstract=is_abstract,
        required=_required_of(node, constructor),
        references=references_of(node.body),
        constructors=tuple(constructors_in(node)),
    )


def _required_of(node: ast.ClassDef, constructor: ast.FunctionDef | None) -> tuple[str, ...] | None:
    if constructor is not None:
        return _required(constructor.args)[1:]  # without self
    if "dataclass" in decorators(node):
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign) and item.value is None]
        return tuple(field.target.id for field in fields if isinstance(field.target, ast.Name))
    return None


def _outline_function(node: ast.FunctionDef) -> FunctionOutline:
    body = list(nodes_of(node.body))
    calls = [(dotted(call.func), call) for call in returned_calls(body)]
    return FunctionOutline(
        name=node.name,
        row=node.lineno,
        required=_required(node.args),
        returns=tuple(name for name, _ in calls if name),
        bare_returns=tuple(name for name, call in calls if name and not call.args and not call.keywords),
        changes=_changes_of_returned(body),
        annotation=dotted(node.returns) if node.returns else None,
        takes_module=any((dotted(one.annotation) or "").endswith("Module") for one in node.args.args),
        does_work=_does_work(node, body),
        references=references_of([node]),
    )


def _changes_of_returned(body: list[ast.AST]) -> tuple[str, ...]:
    """What is called for new attributes of the variables that are returned."""
    returned = {inner.value.id for inner in body if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Name)}
    return tuple(call for name, found in changes_of(body).items() if name in returned for call in found)


def _does_work(node: ast.FunctionDef, body: list[ast.AST]) -> bool:
    """Whether a function trains, saves or yields, by its name or by what it calls."""
    if node.name.lower().startswith(_WORKING_NAMES) or "fixture" in decorators(node):
        return True
    if any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in body):
        return True
    methods = {call.func.attr for call in body if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)}
    return not methods.isdisjoint(_WORKING_CALLS)


def _outline_value(name: ast.Name, value: ast.expr, is_scripted: bool) -> ValueOutline:
    call = dotted(maker(value).func) if isinstance(value, ast.Call) else None
    return ValueOutline(name.id, name.lineno, call, dotted(value), references_of([ast.Expr(value)]), is_scripted)


def _required(arguments: ast.arguments) -> tuple[str, ...]:
    """The arguments without a default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    without = positional[: len(positional) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    keyword = [argument for argument, default in pairs if default is None]
    return tuple(argument.arg for argument in [*without, *keyword])


def _only_raises(function: ast.FunctionDef) -> bool:
    """A body of nothing but a docstring and `raise`, `pass` or `...`."""
    body = [
        statement
        for statement in function.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]
    return all(isinstance(statement, ast.Raise | ast.Pass) for statement in body)

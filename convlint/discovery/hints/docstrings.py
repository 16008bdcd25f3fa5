"""What docstrings say: shapes in prose, and example calls in their code."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from convlint.discovery.hints.comments import Said
from convlint.discovery.hints.definition import Definition, docstring_of
from convlint.discovery.hints.scopes import Function
from convlint.discovery.hints.shapes import Sizes, first_shape
from convlint.discovery.references import dotted
from convlint.discovery.source import parse
from convlint.facts import Failure
from convlint.jobs import Expression

_INPUT = re.compile(r"^\W*(?:shape\W+)?(?:inputs?|shape)\b\W*?(?::|=)", re.I)
_RESULT = re.compile(r"^\W*(?:outputs?|returns?|yields?|raises)\b", re.I)
_CODE_NEXT = re.compile(r"(?:::|^\s*(?:examples?|usage)\b.*:?)\s*$", re.I)
_MAKERS = frozenset(
    {
        "rand",
        "randn",
        "randint",
        "zeros",
        "ones",
        "empty",
        "full",
        "arange",
        "tensor",
        "FloatTensor",
        "LongTensor",
        "Tensor",
        "float32",
        "float64",
        "int32",
        "int64",
        "long",
        "bool",
        "uint8",
    }
)


@dataclass(frozen=True, slots=True)
class DocstringExample:
    """An example call in a docstring."""

    call: Expression
    site: Expression | None  # the construction next to it
    what: str


@dataclass(frozen=True, slots=True)
class _Docstring:
    text: str
    row: int
    path: str


def said_in_docstrings(definition: Definition) -> list[Said]:
    """The shapes of forward's parameters, from its own docstring or that of its class."""
    forward = definition.forward
    if forward is None:
        return []
    names = [parameter.arg for parameter in forward.parameters]
    constructor = definition.constructor
    taken = {argument.arg for argument in constructor.args.args} if constructor else set()
    found: dict[str, Said] = {}
    own = _docstring(forward.node, forward.view.path)
    of_class = _docstring(definition.node, definition.view.path)
    for docstring, known in ((own, names), (of_class, [name for name in names if name not in taken])):
        for said in _said(docstring, known, forward.required) if docstring else ():
            found.setdefault(said.parameter, said)
    return [found[name] for name in names if name in found]


def written_examples(definition: Definition, name: str) -> list[DocstringExample]:
    """The calls in the docstrings of the class, its forward and the module; `name` is what constructs the model."""
    result: list[DocstringExample] = []
    path = definition.view.path
    module = _docstring(definition.view.member.tree, path)
    nodes = [definition.node, *([definition.forward.node] if definition.forward else [])]
    for docstring in (*(_docstring(node, path) for node in nodes), module):
        if docstring is not None:
            # The docstring of a module speaks of any class in it.
            result.extend(one for one in _examples(docstring, name) if one.site or docstring is not module)
    return result


def _docstring(node: ast.Module | ast.ClassDef | Function, path: str) -> _Docstring | None:
    found = docstring_of(node)
    return _Docstring(found[1], found[0], path) if found else None


def _said(docstring: _Docstring, names: list[str], required: list[str]) -> Iterator[Said]:
    lines = docstring.text.split("\n")
    for number, line in enumerate(lines):
        if _RESULT.match(line):
            # What follows `Returns:` is not an input, unless a new section begins.
            if line.strip().lower().startswith(("return", "yield")):
                return
            continue
        row = docstring.row + number
        following = lines[number + 1] if number + 1 < len(lines) else ""
        for name in names:
            sizes = _shape_of(name, line, following)
            if sizes:
                yield Said(name, row, sizes)
        match = _INPUT.match(line)
        sizes = first_shape(line[match.end() :]) if match else None
        if sizes and names and names[:1] == required[:1]:
            yield Said(names[0], row, sizes)


def _shape_of(name: str, line: str, following: str) -> Sizes | None:
    """The shape in `x (Tensor): (B, C)`, or in the line that follows `x:`."""
    match = re.match(
        rf"\W*(?:param\s+)?{re.escape(name)}[`*]*\s*(?:\([^)]*\))?\s*[:=]|\W*{re.escape(name)}\s*\((?=.*shape)",
        line,
    )
    if match is None:
        return None
    rest = line[match.end() :]
    return first_shape(rest if rest.strip() else following)


def _examples(docstring: _Docstring, name: str) -> Iterator[DocstringExample]:
    for row, text in _code(docstring):
        yield from _calls(_parsed(text), row, name, docstring.path)


def _code(docstring: _Docstring) -> Iterator[tuple[int, str]]:
    """The pieces of code in a docstring, and the line that each begins on."""
    lines = docstring.text.split("\n")
    prompts = [(number, line.strip()) for number, line in enumerate(lines) if line.strip().startswith((">>>", "..."))]
    if prompts:
        first, last = prompts[0][0], prompts[-1][0]
        code = dict(prompts)
        # Results become empty lines, so that the rows stay.
        yield docstring.row + first, "\n".join(code.get(number, "")[4:] for number in range(first, last + 1))
        return
    start: int | None = None
    for number, line in enumerate(lines):
        if line.strip().startswith("```"):
            if start is not None:
                yield docstring.row + start, textwrap.dedent("\n".join(lines[start:number]))
            start = number + 1 if start is None else None
        elif _CODE_NEXT.search(line) and start is None:
            inside = _indented(lines, number)
            if inside:
                yield docstring.row + number + 1, textwrap.dedent("\n".join(inside))


def _indented(lines: list[str], number: int) -> list[str]:
    """The lines after one that are indented deeper."""
    depth = len(lines[number]) - len(lines[number].lstrip())
    found: list[str] = []
    for line in lines[number + 1 :]:
        if line.strip() and len(line) - len(line.lstrip()) <= depth and number:
            break
        found.append(line)
    return found


def _parsed(text: str) -> ast.Module:
    tree = parse(text, "<docstring>")
    if not isinstance(tree, Failure):
        return tree
    # With prose between the lines of code each is taken by itself, an empty one for what is none.
    lines = [parse(line.strip(), "<docstring>") for line in text.split("\n")]
    return ast.parse("\n".join("" if isinstance(line, Failure) else _one_line(line) for line in lines))


def _one_line(tree: ast.Module) -> str:
    text = ast.unparse(tree)
    return "" if "\n" in text else text


def _calls(tree: ast.Module, row: int, name: str, path: str) -> Iterator[DocstringExample]:
    known: dict[str, ast.expr] = {}
    for statement in tree.body:
        for call in (node for node in ast.walk(statement) if isinstance(node, ast.Call)):
            is_example, site = _model(call.func, known, name)
            if not is_example or not (call.args or call.keywords):
                continue
            whole = _filled(call, known)
            if isinstance(whole, ast.Call) and _is_literal(
                [*whole.args, *(keyword.value for keyword in whole.keywords)]
            ):
                whole.func = ast.Name(id="forward", ctx=ast.Load())
                at = row + call.lineno - 1
                built = Expression(text=site, path=path, row=at) if site else None
                yield DocstringExample(Expression(text=ast.unparse(whole), path=path, row=at), built, ast.unparse(call))
        match statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                known[target] = _filled(value, known)
            case _:
                pass


def _model(function: ast.expr, known: dict[str, ast.expr], name: str) -> tuple[bool, str | None]:
    """Whether it is the model that is called, and how it was constructed."""
    if isinstance(function, ast.Attribute) and function.attr in ("forward", "eval", "cuda"):
        function = function.value
    if isinstance(function, ast.Name):
        value = known.get(function.id)
        if value is None:
            return function.id in ("model", "net", "self", "m", "module", "layer"), None
        function = value
    if isinstance(function, ast.Call) and (dotted(function.func) or "").rpartition(".")[2] == name:
        return True, ast.unparse(function)
    return False, None


def _is_literal(nodes: list[ast.expr]) -> bool:
    """Tensors made of numbers, so that nothing depends on names that only the docstring has."""
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id != "torch":
                return False
            if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.attr not in _MAKERS:
                return False
    return any(isinstance(inner, ast.Call) for node in nodes for inner in ast.walk(node))


def _filled(node: ast.expr, known: dict[str, ast.expr]) -> ast.expr:
    """A copy with the variables replaced by what they are."""
    result = _Filler(known).visit(ast.parse(ast.unparse(node), mode="eval").body)
    assert isinstance(result, ast.expr)
    return result


class _Filler(ast.NodeTransformer):
    def __init__(self, known: dict[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)

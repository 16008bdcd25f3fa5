"""Heads that do not divide the features, and states with the sizes of other layers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from torch import fx, nn

from convlint.facts import Split
from convlint.worker.analysis.edits.case import Candidate, EditCase, number
from convlint.worker.analysis.edits.rebuild import is_editable
from convlint.worker.analysis.edits.syntax import SourceExpression, argument_of, replaced, shown_call
from convlint.worker.analysis.verdict.blame import linear_behind
from convlint.worker.stack.constructor_arguments import argument_places, default_in
from convlint.worker.stack.parsed_file import source_of
from convlint.worker.trace.trail import Requirement

_SIZED = frozenset(
    {"zeros", "ones", "randn", "rand", "empty", "full", "new_zeros", "new_ones", "new_empty", "new_full"}
)


def split_of(case: EditCase) -> Split | None:
    """The division with a rest after a reshape: 512 features, 12 heads of 42."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement) or requirement.name != "elements":
        return None
    actual, expected = number(requirement.actual), number(requirement.expected)
    target = _target(case.node)
    if actual is None or expected is None:
        return None
    for i, j in permutations(range(len(target)), 2):
        parts, each = target[i], target[j]
        if not isinstance(parts, int) or not isinstance(each, int) or min(parts, each) < 2:
            continue
        whole, rest = divmod(actual * parts * each, expected)
        if rest == 0 and whole % parts and whole // parts == each and _is_share(case, i, j):
            return Split(whole=whole, parts=parts, each=each, name=_name(case, i))
    return None


def _is_share(case: EditCase, parts: int, each: int) -> bool:
    """Whether one size of a reshape is written as something divided by the other one."""
    divisor, quotient = _argument(case, parts), _argument(case, each)
    if divisor is None or quotient is None:
        return False
    meant = {divisor.text, _assigned(divisor)}
    for text in (quotient.text, _assigned(quotient)):
        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Div):
            return ast.unparse(node.right) in meant
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) == "int":
            inner = node.args[0]
            return isinstance(inner, ast.BinOp) and ast.unparse(inner.right) in meant
    return False


def _assigned(part: SourceExpression) -> str:
    """What a name or an attribute of self is set to in its file, else the text itself."""
    source = source_of(part.filename)
    for node in ast.walk(source.tree) if source is not None else ():
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == part.text:
            return ast.unparse(node.value)
    return part.text


def splits(case: EditCase) -> Iterator[Candidate]:
    """Numbers of heads next to the given one that divide the features."""
    split = split_of(case)
    if split is None:
        return
    expression = _argument(case, _target(case.node).index(split.parts))
    slot = _origin(case, expression) if expression is not None else None
    if slot is None or not isinstance(slot.node, ast.Constant) or not is_editable(slot.filename, case.built.is_user):
        return
    for one in _next_divisors(split):
        yield Candidate("number", (replaced(slot, str(one)),), str(one), slot.span, 0)


def _next_divisors(split: Split) -> list[int]:
    """The largest below the number of parts, if that is more than 1, and the smallest above it."""
    divisors = [one for one in range(2, split.whole + 1) if split.whole % one == 0]
    below = [one for one in divisors if one < split.parts]
    above = [one for one in divisors if one > split.parts]
    return [*below[-1:], *above[:1]]


def _target(node: fx.Node) -> list[object]:
    """The sizes that a reshape is given."""
    given: list[object] = list(node.args[1:])
    first = given[0] if len(given) == 1 else None
    return list(first) if isinstance(first, (list, tuple)) else given


def _argument(case: EditCase, index: int) -> SourceExpression | None:
    whole = case.written()
    if whole is None or not isinstance(whole.node, ast.Call):
        return None
    given = whole.node.args
    if case.node.op != "call_method":
        given = given[1:]
    if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
        given = given[0].elts
    if any(isinstance(one, ast.Starred) for one in given) or index >= len(given):
        return None
    return whole.part(given[index])


def _name(case: EditCase, index: int) -> str:
    part = _argument(case, index)
    text = part.text.lower() if part is not None else ""
    return next((word for word in ("heads", "groups") if word.rstrip("s") in text), "parts")


def _origin(case: EditCase, part: SourceExpression) -> SourceExpression | None:
    """The constant that an expression in forward comes from: a literal, or a constructor's argument by way of self."""
    if isinstance(part.node, ast.Constant):
        return part
    if not isinstance(part.node, ast.Attribute) or not isinstance(part.node.value, ast.Name):
        return None
    block = str(case.node.meta["block"])
    module = case.built.model.get_submodule(block) if block else case.built.model
    source = source_of(part.filename)
    for function in source.functions.values() if source is not None else ():
        if function.name != "__init__":
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == part.text:
                return _parameter(case, part.filename, function, node.value, module)
    return None


def _parameter(
    case: EditCase, filename: str, function: ast.FunctionDef | ast.AsyncFunctionDef, value: ast.expr, module: nn.Module
) -> SourceExpression | None:
    if isinstance(value, ast.Constant):
        return SourceExpression(filename, value)
    names = [arg.arg for arg in function.args.args][1:]
    if not isinstance(value, ast.Name) or value.id not in names:
        return None
    found = list(argument_places(case.built.chain(module), value.id, names))
    if found:
        return SourceExpression(*found[-1])
    default = default_in(function, value.id)
    return SourceExpression(filename, default) if default is not None else None


def states(case: EditCase) -> Iterator[Candidate]:
    """The calls that make a hidden state, with the sizes that the layer takes."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement) or requirement.name != "hidden_state":
        return
    wanted = _sizes(str(requirement.expected))
    found = [one for state in _made(case) for one in _resized(case, state, wanted)]
    if found:
        changes = (replaced(one.part, one.size) for one in found)
        by_place = {(change.at.row, change.at.column): change for change in changes}
        yield Candidate("state", tuple(by_place.values()), found[0].code, found[0].part.span, 1)


@dataclass(frozen=True)
class _Resized:
    """A size in the call that makes a state, and the one that is to stand there."""

    part: SourceExpression
    size: str
    code: str  # the call with it, shortened


def _resized(case: EditCase, state: fx.Node, wanted: Sequence[str]) -> Iterator[_Resized]:
    """The sizes in the call that makes a state which are not those that the layer takes."""
    written = case.written(state)
    actual = [str(size) for size in state.meta["outputs"][0].shape]
    if written is None or not isinstance(written.node, ast.Call) or len(actual) != len(wanted):
        return
    sizes = _given_sizes(written)
    rest = ", ..." if len(sizes) > 1 else ""
    for old, new, part in zip(actual, wanted, sizes, strict=False):
        if old != new and new.isdigit():
            first = new if part is sizes[0] else sizes[0].text
            yield _Resized(part, new, f"{written.part(written.node.func).text}({first}{rest})")


def _made(case: EditCase) -> list[fx.Node]:
    """The calls among the operands that make a tensor of given sizes."""
    given = case.node.args[1] if len(case.node.args) > 1 else case.node.kwargs.get("hx")
    nodes = [node for node in (given if isinstance(given, (list, tuple)) else [given]) if isinstance(node, fx.Node)]
    return [node for node in nodes if str(node.meta.get("name", "")).rpartition(".")[2] in _SIZED]


def _given_sizes(written: SourceExpression) -> list[SourceExpression]:
    assert isinstance(written.node, ast.Call)
    given = written.node.args
    if len(given) >= 1 and isinstance(given[0], ast.Tuple | ast.List):
        given = given[0].elts
    return [written.part(one) for one in given]


def _sizes(text: str) -> list[str]:
    return re.findall(r"[^\[\], ]+", text)


def folded(case: EditCase) -> Iterator[Candidate]:
    """`x.flatten(1)` for a view that takes another number of features, and a Linear for those that come."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement) or requirement.name != "batch":
        return
    actual, whole = number(requirement.actual), case.written()
    behind = linear_behind(case.node, requirement.expected)
    if actual is None or behind is None or whole is None or not isinstance(whole.node, ast.Call):
        return
    if not isinstance(whole.node.func, ast.Attribute) or case.node.op != "call_method" or len(_target(case.node)) != 2:
        return
    made = case.constructor(behind.meta["layer"])
    part = argument_of(made.node, "in_features", ("in_features",)) if made is not None else None  # type: ignore[arg-type]
    if made is None or part is None:
        return
    text = f"{whole.part(whole.node.func.value).atom}.flatten(1)"
    changes = (replaced(whole, text), replaced(made.part(part), str(actual)))
    code = f"{text}` and `{shown_call(made, part, str(actual))}"
    yield Candidate("rank", changes, code, None, 1)

"""What a call of an operator with a signature needs, and what it gives."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import sympy
import torch

from convlint.facts import Reason
from convlint.signatures.notation import Expression, Item, Name, Rest, names_in
from convlint.signatures.parse import NotationError, parse_expression, parse_shape
from convlint.signatures.schema import InputForm, OutputForm, SignatureEntry
from convlint.worker.ops.call import Call
from convlint.worker.ops.dtype import casts_by_itself, dtype_name
from convlint.worker.ops.op import Op
from convlint.worker.ops.signatures.binding import DeclaredSize, InputBinding
from convlint.worker.ops.signatures.layer import SignatureLayer, operator_of
from convlint.worker.ops.signatures.operator import Operator, bound
from convlint.worker.ops.signatures.scope import CallScope, Undetermined
from convlint.worker.user_code.unavailable import Unavailable
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.sizes import Size, at_least

SIZE: Final = "signature"
CONDITION: Final = "signature_condition"
"""Requirements, as rules name them."""
_LIKELY: Final = {"float": "float32", "integer": "int64", "complex": "complex64"}
"""The dtype to convert to, of each kind."""


def check_operator(call: Call, operator: Operator) -> None:
    """State what the signature requires, and set the result. Raises Unavailable where it does not say it."""
    try:
        _Check(call, operator, *_chosen(call, operator)).run()
    except Undetermined as error:
        raise Unavailable(Reason(kind="signature-misfit", name=operator.name, detail=str(error))) from None


def check_layer(call: Call) -> None:
    """The same for a layer."""
    assert isinstance(call.layer, SignatureLayer)
    check_operator(call, operator_of(call.layer))


OPS: Final = (Op(layers=(SignatureLayer,), check=check_layer),)


Given = dict[str, tuple[InputForm, Any]]


def _chosen(call: Call, operator: Operator) -> tuple[SignatureEntry, CallScope, Given]:
    """The first signature that is about this call and whose inputs have the ranks that came; else the first."""
    found: list[tuple[SignatureEntry, CallScope, Given]] = []
    problem: Undetermined | None = None
    for entry in operator.entries:
        try:
            scope, given = _scope(call, operator, entry)
            if not all(scope.holds(parse_expression(text)) for text in entry.when):
                continue
        except Undetermined as error:
            problem = error
            continue
        found.append((entry, scope, given))
        trial = InputBinding(CallScope(dict(scope.values), scope.made))
        trial.bind(given)
        if not trial.wrong:
            return entry, scope, given
    if not found:
        raise problem or Undetermined("no `when` of it holds")
    return found[0]


def _scope(call: Call, operator: Operator, entry: SignatureEntry) -> tuple[CallScope, Given]:
    try:
        arguments = bound(entry, tuple(call.args), call.kwargs)
    except TypeError as error:
        raise Undetermined(str(error)) from None
    forms = entry.by_name if entry.pattern is None else _patterned(entry, {**operator.given, **arguments})
    given = {name: (form, arguments[name]) for name, form in forms.items() if arguments.get(name) is not None}
    for name, (form, value) in given.items():
        parts = value if form.parts is not None else (value,)
        if not isinstance(parts, list | tuple) or not all(isinstance(one, torch.Tensor) for one in parts):
            raise Undetermined(f"`{name}` is a {type(value).__name__}")
    # Sizes of a constructor must be met, so that they count before an input of the same name does.
    plain = {name: value for name, value in arguments.items() if name not in given}
    return CallScope(
        {**plain, **operator.given, **{name: value for name, (_, value) in given.items()}}, entry.let
    ), given


def _patterned(entry: SignatureEntry, arguments: Mapping[str, Any]) -> dict[str, InputForm]:
    """The inputs as the pattern that is given declares them: `b c h w -> b (h w) c`."""
    left, _, _ = _sides(entry, arguments)
    return {name: InputForm(shape=left, dtype=form.dtype) for name, form in entry.by_name.items()}


def _sides(entry: SignatureEntry, arguments: Mapping[str, Any]) -> tuple[str, str, str]:
    text = arguments[str(entry.pattern)]
    if not isinstance(text, str) or "->" not in text:
        raise Undetermined(f"`{entry.pattern}` is not a pattern")
    left, arrow, right = text.partition("->")
    try:
        parse_shape(left), parse_shape(right)
    except NotationError as error:
        raise Undetermined(str(error)) from None
    return left.strip(), arrow, right.strip()


class _Check:
    """One call held against one signature."""

    def __init__(self, call: Call, operator: Operator, entry: SignatureEntry, scope: CallScope, given: Given) -> None:
        self._call, self._operator, self._entry = call, operator, entry
        self._scope, self._given = scope, given
        self._tensors = list(tensors_in((call.args, call.kwargs)))

    def run(self) -> None:
        self._check_dtypes()
        binding = InputBinding(self._scope)
        binding.bind(self._given)
        for one in binding.wrong:
            operand = f"{self._operand(one.tensor)}.rank"
            self._call.require("rank", operand, sympy.false, actual=one.tensor.dim(), expected=one.expected)
            self._call.tainted = True
        if not binding.wrong:
            for place in binding.places:
                self._check_size(place)
            for text in self._entry.where:
                self._check_condition(text)
        self._call.result = self._result()

    def _operand(self, x: torch.Tensor) -> str:
        return f"inputs[{next(i for i, one in enumerate(self._tensors) if one is x)}]"

    # -- requirements ---------------------------------------------------------------------------------------

    def _check_dtypes(self) -> None:
        for form, value in self._given.values():
            kinds = [kind.strip() for kind in form.dtype.split("|")] if form.dtype is not None else []
            for x in tensors_in(value) if kinds else ():
                if not any(_is_of(x, kind) for kind in kinds) and not (x.is_floating_point() and casts_by_itself()):
                    expected = _LIKELY.get(kinds[0], kinds[0])
                    facts = {"actual": dtype_name(x), "expected": expected}
                    self._call.require("dtype", f"{self._operand(x)}.dtype", sympy.false, **facts)

    def _check_size(self, place: DeclaredSize) -> None:
        try:
            condition, expected = place.condition(self._scope)
        except Undetermined:
            return  # it is made of the sizes of an input that this call does not have
        self._call.require(
            SIZE,
            f"{self._operand(place.tensor)}.shape[{place.axis}]",
            condition,
            actual=place.size,
            expected=expected,
            argument=self._argument(place.dim),
            value=place.size if isinstance(place.dim, Name | Rest) else None,
            detail=f"dimension {place.axis} of `{place.input}` (`{self._given[place.input][0].text}`)",
        )

    def _argument(self, dim: Expression | Rest) -> str | None:
        """The argument of a layer's constructor that declares a size."""
        name = dim.name if isinstance(dim, Name | Rest | Item) else None
        return name if self._call.layer is not None and name in self._operator.given else None

    def _check_condition(self, text: str) -> None:
        expression = parse_expression(text)
        try:
            condition = self._scope.condition(expression)
        except Undetermined:
            return
        self._call.require(
            CONDITION,
            "inputs",
            condition,
            actual=", ".join(self._numbers(expression)) or "other sizes",
            expected=f"`{text}`",
        )

    def _numbers(self, expression: Expression) -> Iterator[str]:
        """The names in a condition that are plain numbers, with these."""
        for name in dict.fromkeys(names_in(expression)):
            value = self._scope.get(name)
            if isinstance(value, int | float | str | None) or (
                isinstance(value, tuple) and all(isinstance(one, int) for one in value)
            ):
                yield f"{name} = {value}"

    # -- the result -----------------------------------------------------------------------------------------

    def _result(self) -> Any:
        for name, text in self._entry.data.items():
            self._scope.bind(name, self._undecided(self._scope.size(parse_expression(text))))
        forms = self._entry.output
        made = tuple(self._output(form) for form in forms)
        names = tuple(form.name for form in forms if form.name is not None)
        if names and len(names) == len(made):
            return _record_of(self._operator.name.rpartition(".")[2], names)(*made)
        if len(made) == 1 and not self._entry.is_tuple:
            return made[0]
        return made or None

    def _output(self, form: OutputForm) -> torch.Tensor | None:
        if form.when is not None and not self._scope.holds(parse_expression(form.when)):
            return None
        shape = form.shape if self._entry.pattern is None else _sides(self._entry, self._scope.values)[2]
        sizes = [self._positive(size) for size in self._scope.sizes(parse_shape(shape))]
        first = self._first()
        return self._call.ledger.fresh(tuple(sizes), first, self._dtype(form, first))

    def _first(self) -> torch.Tensor:
        """The first input, whose dtype and mode the result has."""
        if not self._tensors:
            raise Undetermined("it gets no tensor")
        return next((x for _, value in self._given.values() for x in tensors_in(value)), self._tensors[0])

    def _positive(self, size: Size) -> Size:
        """A size that is not below 0, which is a requirement; where it is not met, 1."""
        fits = at_least(size, 0)
        if fits is sympy.true or isinstance(size, torch.SymInt):
            return size
        self._call.require(CONDITION, "output", fits, actual=size, expected="an output size of 0 or more")
        self._call.tainted = True
        return 1

    def _dtype(self, form: OutputForm, first: torch.Tensor) -> torch.dtype:
        if form.dtype is None:
            return first.dtype
        like = self._scope.values.get(form.dtype)
        found = like.dtype if isinstance(like, torch.Tensor) else like if like is not None else form.dtype
        found = getattr(torch, found) if isinstance(found, str) else found
        if not isinstance(found, torch.dtype):
            raise Undetermined(f"its dtype would be {found!r}")
        return found

    def _undecided(self, most: Size) -> Size:
        """A size that data decides."""
        return self._call.ledger.undecided(most, self._first())


@lru_cache(maxsize=64)
def _record_of(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)  # noqa: PYI024  # its fields are data


def _is_of(x: torch.Tensor, kind: str) -> bool:
    match kind:
        case "float":
            return x.is_floating_point()
        case "complex":
            return x.is_complex()
        case "bool":
            return x.dtype is torch.bool
        case "integer":
            return not (x.is_floating_point() or x.is_complex() or x.dtype is torch.bool)
        case _:
            return dtype_name(x) == kind

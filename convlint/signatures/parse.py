"""The parser of the notation of signatures.

    shape      = { dimension }
    dimension  = "..." | "*" name [ "[" [expression] ":" [expression] "]" ] | sum
    expression = or [ "if" or "else" expression ]
    or         = and { "or" and }            and  = not { "and" not }
    not        = "not" not | comparison      comparison = sum [ ("==" | "<=" | ... | "is" | "is not") sum ]
    sum        = term { ("+" | "-") term }   term = unary { ("*" | "//" | "/" | "%") unary }
    unary      = "-" unary | atom            atom = number | text | name | item | call | "(" ... ")"

Dimensions are separated by spaces, and an operator between two goes on with the first: `b (h - k)//s + 1` has two
dimensions. A `*` with a space before and none after begins a new one. `(h w)` is the product of its parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from convlint.signatures.notation import (
    COMPARISONS,
    ELLIPSIS,
    FUNCTIONS,
    SUMS,
    TERMS,
    Binary,
    Choice,
    Constant,
    Dimension,
    Expression,
    Function,
    Item,
    Name,
    Product,
    Rest,
    Shape,
    Unary,
)

_TOKEN: Final = re.compile(
    r"(?P<number>\d+(\.\d+)?)|(?P<text>'[^']*'|\"[^\"]*\")|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\.\.\.|//|==|!=|<=|>=|[-+*/%<>()\[\]:,])"
)
_CONSTANTS: Final = {"True": True, "False": False, "None": None}
_WORDS: Final = ("if", "else", "and", "or", "not", "is")


class NotationError(ValueError):
    """A shape or a condition that cannot be read; the message says where."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "number", "text", "name", "sign", "end"
    text: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def parse_shape(text: str) -> Shape:
    """The dimensions of `"b (h - k + 2*p)//s + 1"`. Raises NotationError."""
    parser = _Parser(text)
    shape = parser.dimensions()
    parser.finish()
    return shape


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """Raises NotationError."""
    parser = _Parser(text)
    found = parser.expression()
    parser.finish()
    return found


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TOKEN.match(text, position)
        if match is None:
            raise NotationError(f"{text!r}: {text[position]!r} at column {position + 1} is not part of the notation")
        found.append(_Token(str(match.lastgroup), match.group(), position, match.end()))
        position = match.end()
    return [*found, _Token("end", "", position, position)]


class _Parser:
    """Reads one text from its first token to its last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    # -- tokens ---------------------------------------------------------------------------------------------

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in ("sign", "name") and self._next.text in texts

    def _skip(self, text: str) -> bool:
        if self._is(text):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise self._error(f"`{text}` is missing")

    def _touches(self) -> bool:
        """Whether nothing stands between the last token and the next."""
        return self._at > 0 and self._tokens[self._at - 1].end == self._next.start

    def _error(self, problem: str) -> NotationError:
        token = self._next
        where = "at its end" if token.kind == "end" else f"before {token.text!r} (column {token.start + 1})"
        return NotationError(f"{self._text!r}: {problem} {where}")

    def finish(self) -> None:
        if self._next.kind != "end":
            raise self._error("the notation ends")

    # -- shapes ---------------------------------------------------------------------------------------------

    def dimensions(self) -> tuple[Dimension, ...]:
        found: list[Dimension] = []
        while self._next.kind != "end" and not self._is(")"):
            found.append(self._dimension())
        return tuple(found)

    def _dimension(self) -> Dimension:
        if self._skip(ELLIPSIS):
            return Rest(ELLIPSIS)
        return self._rest() if self._begins_rest() else self._sum()

    def _begins_rest(self) -> bool:
        following = self._tokens[self._at + 1] if self._is("*") else None
        return following is not None and following.kind == "name" and following.start == self._next.end

    def _rest(self) -> Rest:
        self._expect("*")
        name = self._take().text
        if not (self._touches() and self._skip("[")):
            return Rest(name)
        start = None if self._is(":") else self.expression()
        self._expect(":")
        stop = None if self._is("]") else self.expression()
        self._expect("]")
        return Rest(name, start, stop)

    # -- expressions ----------------------------------------------------------------------------------------

    def expression(self) -> Expression:
        then = self._or()
        if not self._skip("if"):
            return then
        condition = self._or()
        self._expect("else")
        return Choice(condition, then, self.expression())

    def _or(self) -> Expression:
        return self._chain(("or",), self._and)

    def _and(self) -> Expression:
        return self._chain(("and",), self._not)

    def _not(self) -> Expression:
        return Unary("not", self._not()) if self._skip("not") else self._comparison()

    def _comparison(self) -> Expression:
        left = self._sum()
        if not self._is(*COMPARISONS):
            return left
        operator = self._take().text
        if operator == "is" and self._skip("not"):
            operator = "is not"
        return Binary(operator, left, self._sum())

    def _sum(self) -> Expression:
        return self._chain(SUMS, self._term)

    def _term(self) -> Expression:
        return self._chain(TERMS, self._unary)

    def _chain(self, operators: tuple[str, ...], part: Callable[[], Expression]) -> Expression:
        found = part()
        while self._is(*operators) and not (self._begins_rest() and not self._touches()):
            operator = self._take().text
            found = Binary(operator, found, part())
        return found

    def _unary(self) -> Expression:
        return Unary("-", self._unary()) if self._skip("-") else self._atom()

    def _atom(self) -> Expression:
        token = self._next
        if self._skip("("):
            return self._parenthesis()
        if token.kind not in ("number", "text", "name") or token.text in _WORDS:
            raise self._error("a size or a value is missing")
        self._take()
        if token.kind == "number":
            return Constant(float(token.text) if "." in token.text else int(token.text))
        if token.kind == "text":
            return Constant(token.text[1:-1])
        return Constant(_CONSTANTS[token.text]) if token.text in _CONSTANTS else self._name(token.text)

    def _name(self, name: str) -> Expression:
        if self._touches() and self._is("(") and name in FUNCTIONS:
            self._take()
            arguments = [self.expression()]
            while self._skip(","):
                arguments.append(self.expression())
            self._expect(")")
            return Function(name, tuple(arguments))
        if self._touches() and self._skip("["):
            index = self.expression()
            self._expect("]")
            return Item(name, index)
        return Name(name)

    def _parenthesis(self) -> Expression:
        """One expression, or the product of several dimensions."""
        if self._is(ELLIPSIS, ")") or self._begins_rest():
            factors = self.dimensions()
        else:
            first = self.expression()
            factors = (first, *self.dimensions())
            if len(factors) == 1:
                self._expect(")")
                return first
        self._expect(")")
        return Product(factors)

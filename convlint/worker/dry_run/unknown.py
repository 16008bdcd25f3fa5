"""A value that the dry run cannot have: it absorbs whatever is done with it, and never becomes a number."""

from __future__ import annotations

import types
from typing import Any, NoReturn

from convlint.facts import Reason
from convlint.worker.user_code.standins import Known, StandIn, stood_in
from convlint.worker.user_code.unavailable import Unavailable


class Unknowable(BaseException):
    """A number, a length or the contents of an unknown value is asked for.

    No Exception, so that no handler of a library takes it for an error of its own.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


branches: list[Reason] = []
"""Why decisions of the program rest on something unknown: what follows them proves nothing."""


class UnknownValue(StandIn):
    """Attributes, items, results and sums of an unknown value are unknown as well."""

    def derived(self, name: str) -> UnknownValue:
        return UnknownValue(f"{self._name}{name}", self._why, self._known)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and isinstance(args[0], (type, types.FunctionType)):
            return args[0]  # used as a decorator
        return self.derived("()")

    def __getitem__(self, _: Any) -> UnknownValue:
        return self.derived("[]")

    def __delitem__(self, _: Any) -> None:
        pass

    def __bool__(self) -> bool:
        branches.append(self._why)
        return True

    def __contains__(self, _: Any) -> bool:
        branches.append(self._why)
        return True

    def _absorb(self, *_: Any, **__: Any) -> UnknownValue:
        return self.derived("")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _absorb
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _absorb
    __neg__ = __pos__ = __abs__ = __invert__ = __and__ = __rand__ = __xor__ = __lshift__ = __rshift__ = _absorb
    __lt__ = __le__ = __gt__ = __ge__ = _absorb
    __array_ufunc__ = __array_function__ = _absorb

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise Unknowable(self._why)

    __len__ = __iter__ = __next__ = __int__ = __float__ = __index__ = __complex__ = __round__ = _refuse
    __array__ = __trunc__ = __floor__ = __ceil__ = _refuse

    @classmethod
    def __torch_function__(cls, _: Any, __: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = first_unknown((args, kwargs or {}))
        return NotImplemented if found is None else UnknownValue(vars(found)["_name"], reason_of(found))


def first_unknown(value: Any, depth: int = 4) -> StandIn | None:
    """The first value among some, and inside of containers, that is not known."""
    if isinstance(value, StandIn):
        return value
    if depth and type(value) in (list, tuple, set):
        return next((one for item in value if (one := first_unknown(item, depth - 1)) is not None), None)
    if depth and isinstance(value, dict):
        return next((one for item in value.values() if (one := first_unknown(item, depth - 1)) is not None), None)
    return None


def reason_of(value: StandIn) -> Reason:
    reason: Reason = vars(value)["_why"]
    return reason


def made_of(name: str, why: Reason, known: Known) -> Any:
    """What is in the place of a name of an absent package while a program runs."""
    return stood_in(name, why, known, UnknownValue)


def why_unknown(error: BaseException) -> Reason | None:
    """The reason that an error carries, where it is due to something that is not known."""
    return error.reason if isinstance(error, Unknowable | Unavailable) else None

"""Stand-ins for packages that are not installed: inert as long as nothing depends on what they would do.

They can be imported from, called, subclassed and used as decorators. Where a decision or a tensor operation would
depend on one, Unavailable names the package.
"""

from __future__ import annotations

import types
from abc import ABC
from collections.abc import Callable, Iterator
from typing import Any, Generic, NoReturn, Self

from torch import nn

from convlint.facts import Reason
from convlint.worker.user_code.unavailable import Unavailable

touched: list[Reason] = []
"""Why each stand-in that was called is one: a failure soon after is likely to be due to that."""


Known = Callable[[str, Reason], Any]
"""What is known of a name of a package that is not there, and why it is not; None where nothing is."""


def _of_frameworks(name: str, _: Reason) -> Any:
    from convlint.worker.user_code.frameworks import CLASSES

    return CLASSES.get(name)


class StandIn:
    """Something of a package that is not there; attributes, items and results of it are stand-ins as well."""

    def __init__(self, name: str, why: Reason, known: Known = _of_frameworks) -> None:
        self.__dict__.update(_name=name, _why=why, _known=known, __name__=name.rpartition(".")[2], __doc__=None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        made = stood_in(f"{self._name}.{name}", self._why, self._known, type(self))
        self.__dict__[name] = made
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        touched.append(self._why)
        if len(args) == 1 and not kwargs and isinstance(args[0], (type, types.FunctionType)):
            return args[0]  # used as a decorator
        return type(self)(f"{self._name}()", self._why, self._known)

    def __getitem__(self, _: Any) -> StandIn:
        return type(self)(f"{self._name}[]", self._why)

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """A base class that is not there leaves a class that remembers what it lacks: a module, as far as it may be."""
        real = [base for base in bases if isinstance(base, type)]
        if any(issubclass(base, nn.Module) for base in real):
            return ()
        kind = AbsentModule if all(base in (object, ABC, Generic) for base in real) else _Absent
        return (type(self.__name__, (kind,), {"_convlint_absent": self._why}),)

    def __instancecheck__(self, _: Any) -> bool:
        return False

    def __subclasscheck__(self, _: Any) -> bool:
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __or__(self, _: Any) -> StandIn:
        return self

    __ror__ = __or__

    def __repr__(self) -> str:
        return f"<{self._name}, which is not there>"

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    @classmethod
    def __torch_function__(cls, _: Any, __: Any, args: Any = (), kwargs: Any = None) -> NoReturn:
        raise Unavailable(lacking((args, kwargs or {})) or Reason(kind="package-absent"))

    def _refuse(self, *_: Any) -> Any:
        raise Unavailable(self._why)

    __bool__ = __len__ = __iter__ = __next__ = __int__ = __float__ = __index__ = __contains__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __neg__ = __matmul__ = __rmatmul__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _inside(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _inside(item)
    else:
        yield value


class _Absent:
    """Base of the classes whose own base is not there."""

    _convlint_absent: Reason | None = None


class AbsentModule(_Absent, nn.Module):
    """Base of the classes whose own base is not there, and which may be models: they have what nn.Module has.

    Whatever else they ask of their base is not known, so that it ends what they do.
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        if self._convlint_absent is not None:
            touched.append(self._convlint_absent)
        nn.Module.__init__(self)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__") or self._convlint_absent is None:
                raise
        raise Unavailable(Reason(kind="base-absent", name=name, inner=self._convlint_absent))

    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()


def lacks(value: Any) -> Reason | None:
    """Why a class, or the class of a value, is not what its author wrote; None where it is, or runs all the same."""
    if isinstance(value, StandIn):
        reason: Reason = vars(value)["_why"]
        return reason
    kind = value if isinstance(value, type) else type(value)
    if issubclass(kind, AbsentModule) and kind.forward is not nn.Module.forward:
        return None
    absent: Reason | None = getattr(kind, "_convlint_absent", None)
    return absent


def lacking(values: Any) -> Reason | None:
    """Why some of these values, or of their items, is a stand-in; None where none is."""
    return next((lacks(value) for value in _inside(values) if isinstance(value, StandIn)), None)


def stood_in(name: str, why: Reason, known: Known, kind: type[StandIn] = StandIn) -> Any:
    """What is in the place of a name of a package that is not there: what is known of it, else a stand-in."""
    found = _of_frameworks(name, why)
    if found is None:
        found = known(name, why)
    return kind(name, why, known) if found is None else found


class Weights(dict[Any, Any]):
    """The content of a file of weights that is not there: nothing in it, whatever part of it is asked for."""

    def __missing__(self, _: Any) -> Weights:
        return Weights()

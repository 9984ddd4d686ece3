"""Methods that a base class asks of its subclasses: those that they must bring, and those that they may bring.

What must be there is marked by `abc.abstractmethod`. The base derives from `Abstract`, so that a class that lacks one
cannot be made into an object, and the error says which method to write.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar

from powertrain import _core

_ABSTRACT = "__isabstractmethod__"
_METHODS = (FunctionType, classmethod, staticmethod, property)

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T", bound="Abstract")


class MissingMethodError(_core.Error, TypeError):
    """A class that lacks a method which its base asks for: `[class] received; expected; how to fix it`."""


class _Signature:
    """What the constructor of a class takes, for `help` and editors.

    Before 3.11.4 Python's `inspect` took a `__new__` that is inherited before an `__init__` that is, and so showed
    `(*args, **kwargs)`.
    """

    def __get__(self, value: object, cls: type) -> inspect.Signature:
        for base in cls.__mro__ if value is None else ():
            if base is Abstract or "__new__" in vars(base):
                break
            if "__init__" in vars(base):
                found = inspect.signature(vars(base)["__init__"])
                return found.replace(parameters=list(found.parameters.values())[1:])
        raise AttributeError("__signature__")  # as if it were not there: inspect looks itself


class Abstract:
    """A base class some of whose methods are abstract."""

    __signature__ = _Signature()

    def __new__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        absent = lacking(cls)
        if absent:
            raise missing(cls, absent[0])
        new: Any = super().__new__
        return new(cls) if new is object.__new__ else new(cls, *args, **kwargs)


def optional(method: F) -> F:
    """Mark a method that a base names and a subclass may bring."""
    method.optional = True  # type: ignore[attr-defined]
    return method


def needed_unless(*others: str) -> Callable[[F], F]:
    """Mark a method that a subclass must bring, unless it brings one of others in whose place it stands."""

    def mark(method: F) -> F:
        method.needed_unless = others  # type: ignore[attr-defined]
        return method

    return mark


def overridden(value: Any, name: str) -> bool:
    """Whether an object, or a class, has a method that its base only names."""
    cls = value if isinstance(value, type) else type(value)
    found = _held(cls, name)
    return found is not None and not (
        _mark(found, "optional") or _mark(found, "needed_unless") or _mark(found, _ABSTRACT)
    )


def lacking(cls: type) -> list[str]:
    """The methods that a class must have and has not, in the order in which its bases name them."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found.update(vars(base))
    return [name for name, value in found.items() if isinstance(value, _METHODS) and _is_lacking(cls, value, found)]


def _is_lacking(cls: type, value: Any, found: Mapping[str, Any]) -> bool:
    if _mark(value, _ABSTRACT):
        return True
    others = _mark(value, "needed_unless")
    if not others:
        return False
    base = next(base for base in reversed(cls.__mro__) if any(one is value for one in vars(base).values()))
    return all(found[other] is _held(base, other) for other in others)


def _held(cls: type, name: str) -> Any:
    """An attribute of a class as it stands there, or in its bases."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


def _mark(method: Any, name: str) -> Any:
    return getattr(getattr(method, "__func__", method), name, None)


def missing(value: Any, name: str) -> MissingMethodError:
    """The error of a method that an object, or a class, lacks."""
    cls = value if isinstance(value, type) else type(value)
    kind, asked = cls.__name__, _held(cls, name)
    taken = ", ".join(inspect.signature(asked).parameters) if isinstance(asked, FunctionType) else "self, ..."
    return MissingMethodError(f"[{kind}] it has no {name}; expected that method; write def {name}({taken}) in {kind}")

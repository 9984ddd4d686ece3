"""Attributes that an object of the engine does not have: an error of ours that shows what was probably meant."""

from __future__ import annotations

import difflib
from typing import Any

from powertrain import _core
from powertrain.errors import hints
from powertrain.errors.counterparts import TABLES


class UnknownAttributeError(_core.Error, AttributeError):
    """An attribute that an object does not have. The text is made when it is read, since many only ask."""

    def __init__(self, cls: type, wanted: str) -> None:
        super().__init__(cls, wanted)
        self.cls, self.wanted = cls, wanted

    def __str__(self) -> str:
        where = self.cls.__name__
        written = next((known[self.wanted] for base in self.cls.__mro__
                        if self.wanted in (known := TABLES.get(base.__name__, {}))), None)  # fmt: skip
        there = [name for name in dir(self.cls) if not name.startswith("_")]
        close = difflib.get_close_matches(self.wanted, there, 1)
        fix = f"write {written}" if written else f"did you mean {close[0]}?" if close else f"see dir({where})"
        return f"[{where}] {self.wanted}; expected an attribute of {where}; {fix}"


class NoInterfaceError(_core.Error, AttributeError):
    """A protocol that a tensor does not speak where it is: whoever asks with hasattr finds that it has none."""


def missing(self: Any, name: str) -> Any:
    """The `__getattr__` of the engine's classes, behind those of their own that a class has."""
    cls = type(self)
    own = next((found for base in cls.__mro__ if (found := vars(base).get("__getattr__")) not in (None, missing)), None)
    if own is not None:
        return own(self, name)
    if not name.startswith("_") and hasattr(cls, name):  # a property that failed: what it says itself
        return object.__getattribute__(self, name)
    raise UnknownAttributeError(cls, name)


def unknown(cls: type, name: str) -> AttributeError:
    """The error for an attribute that an object of a class written in C++ does not have."""
    return hints.unknown(cls.__name__, name) if cls.__name__ in ("Slot", "Tensor") else UnknownAttributeError(cls, name)

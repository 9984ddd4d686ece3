"""Averages of F1, precision and recall over the classes, under the names of scikit-learn's scorers: `f1_macro` in a
recipe is `pt.metrics.F1(average="macro")` in a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.metrics import F1, Precision, Recall

__all__ = [
    "F1Macro",
    "F1Micro",
    "F1Weighted",
    "PrecisionMacro",
    "PrecisionMicro",
    "PrecisionWeighted",
    "RecallMacro",
    "RecallMicro",
    "RecallWeighted",
]


@dataclass(frozen=True)
class _Macro:
    average: ClassVar[str] = "macro"


@dataclass(frozen=True)
class _Micro:
    average: ClassVar[str] = "micro"


@dataclass(frozen=True)
class _Weighted:
    average: ClassVar[str] = "weighted"


class F1Macro(F1):
    """The mean of the F1 of the classes that occur."""

    Params = _Macro


class F1Micro(F1):
    """The F1 of the rows of all classes together, which is the accuracy where each row has one class."""

    Params = _Micro


class F1Weighted(F1):
    """The mean of the F1 of the classes, weighted by how often they occur."""

    Params = _Weighted


class PrecisionMacro(Precision):
    """The mean of the precision of the classes that occur."""

    Params = _Macro


class PrecisionMicro(Precision):
    """The precision of the rows of all classes together, which is the accuracy where each row has one class."""

    Params = _Micro


class PrecisionWeighted(Precision):
    """The mean of the precision of the classes, weighted by how often they occur."""

    Params = _Weighted


class RecallMacro(Recall):
    """The mean of the recall of the classes that occur."""

    Params = _Macro


class RecallMicro(Recall):
    """The recall of the rows of all classes together, which is the accuracy where each row has one class."""

    Params = _Micro


class RecallWeighted(Recall):
    """The mean of the recall of the classes, weighted by how often they occur."""

    Params = _Weighted


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)

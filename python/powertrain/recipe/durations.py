"""The small languages inside a recipe's strings: durations ("20 epochs") and limits (">= 0.98")."""

from __future__ import annotations

import math
import operator
import re
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

_MOST_DIGITS = 15  # steps that no run takes, and floats count exactly
UNITS = ("steps", "epochs", "examples", "tokens", "env_steps", "rounds")


@dataclass(frozen=True)
class Duration:
    """An amount of training: `20 epochs`, `2_000 steps`, `150_000 env_steps`.

    Example
        >>> from powertrain.recipe import Duration
        >>> Duration(20, 'epochs').amount
        20
    """

    amount: int
    unit: str
    expected: ClassVar[str] = (
        'an amount and a unit, such as "20 epochs" or "2_000 steps" (units: ' + ", ".join(UNITS) + ")"
    )

    @classmethod
    def parse(cls, value: object) -> Duration | None:
        if isinstance(value, cls):
            return value
        found = re.fullmatch(r"\s*([0-9][0-9_,]*)\s*([a-z_]+)\s*", value) if isinstance(value, str) else None
        digits = found[1].replace("_", "").replace(",", "").lstrip("0") if found else ""
        if found is None or len(digits) > _MOST_DIGITS:
            return None
        amount = int(digits or "0")
        unit = next((unit for unit in UNITS if found[2] in (unit, unit.removesuffix("s"))), None)
        return cls(amount, unit) if unit and amount > 0 else None

    def __str__(self) -> str:
        return f"{self.amount:,} {self.unit if self.amount != 1 else self.unit.removesuffix('s')}"


@dataclass(frozen=True)
class Limit:
    """What a result is held to: `">= 0.98"`, `"< 2.0"`; a bare number is an upper limit, as for seconds.

    Example
        >>> from powertrain.recipe import Limit
        >>> Limit('>=', 0.98).bound
        0.98
    """

    sign: str
    bound: float
    expected: ClassVar[str] = 'a limit such as ">= 0.98" or a number that is the most allowed'
    SIGNS: ClassVar[dict[str, Any]] = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}

    @classmethod
    def parse(cls, value: object) -> Limit | None:
        if isinstance(value, cls):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
            return cls("<=", float(value))
        pattern = r"\s*(>=|<=|>|<)\s*(-?[0-9][0-9_]*(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s*"
        found = re.fullmatch(pattern, value) if isinstance(value, str) else None
        bound = float(found[2].replace("_", "")) if found else math.inf
        return cls(found[1], bound) if found and math.isfinite(bound) else None

    def met(self, value: float) -> bool:
        return bool(self.SIGNS[self.sign](value, self.bound))  # a NaN meets no limit

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"

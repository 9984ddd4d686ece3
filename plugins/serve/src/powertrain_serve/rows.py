"""Rows and texts of JSON, checked, as a run takes them: a list of texts, or the columns of a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from powertrain_serve.errors import RefusedError

TEXT = {"text": "text"}


def columns_of(rows: Sequence[Any], takes: Mapping[str, str]) -> dict[str, list[Any]]:
    """The columns of rows; each row needs every column, with None for a gap, and what else it has is left out."""
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RefusedError(
                400, f"example {at} is not an object; expected columns such as {', '.join(takes)[:200]}; name them"
            )
        for name in takes:
            if name not in row:
                raise RefusedError(
                    400, f"row {at} has no {name}; expected a value, or null where it is missing; send all columns"
                )
    return {name: [_value(row[name], name, kind, at) for at, row in enumerate(rows)] for name, kind in takes.items()}


def texts_of(given: Sequence[Any]) -> list[str]:
    if not all(isinstance(one, str) for one in given):
        raise RefusedError(400, "examples that are not texts; expected texts; put them in quotes")
    return list(given)


def _value(value: Any, name: str, kind: str, at: int) -> Any:
    if value is None:
        return None
    expected, value_of = _KINDS[kind]
    try:
        return value_of(value)
    except (TypeError, ValueError, OverflowError):
        shown = str(value) if len(str(value)) <= 40 else f"{str(value)[:37]}..."
        raise RefusedError(
            400, f"{name} is {shown!r} in row {at}; expected {expected}, or null for a gap; correct the value"
        ) from None


def _number(value: Any) -> float:
    if not isinstance(value, (bool, int, float)):
        raise TypeError(value)
    if not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _moment(value: Any) -> datetime:
    """A date in ISO's form, in Greenwich where it names no zone."""
    found = datetime.fromisoformat(_text(value).replace("Z", "+00:00"))
    return found.astimezone(timezone.utc).replace(tzinfo=None) if found.tzinfo else found


_KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "number": ("a finite number", _number),
    "category": ("a text", _text),
    "date": ("a date such as 2024-05-31", _moment),
}

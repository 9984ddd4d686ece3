"""The JSON files of a run: written so that any text survives, read so that whatever is in them is what they promise.

A file may have been cut off, edited, or made by a stranger. What is read is compared with a *shape* before it is used:

    int (from 0, of 63 bits), float, str, bool    such a value
    [shape]                                       a list of such
    {...: shape}                                  a table of any names
    {"name": shape}                               a table that has these
    (shape,)                                      such a value or null
"""

from __future__ import annotations

import json
from typing import Any

from powertrain.io.plain_json import dumps

LIMIT = 1 << 63
DEEPEST = 64
ANYTHING = object()
WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
# What `finite` writes for numbers that JSON does not have.
NOT_FINITE = ("nan", "inf", "-inf")


class MisfitError(ValueError):
    """A value that does not have its shape; says where in the file it stands."""


def to_json(value: Any, **how: Any) -> bytes:
    """JSON as UTF-8. Half of a surrogate pair, as in a file name that is no UTF-8, stays what it is: an escape."""
    return dumps(value, ensure_ascii=False, default=str, **how).encode("utf-8", "backslashreplace")


def from_json(raw: bytes, shape: Any) -> Any:
    """What a file holds; a MisfitError where it is no JSON or has another shape."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:  # cut off, no UTF-8, numbers of 5,000 digits, nested without end
        raise MisfitError("it is not a complete JSON text") from error
    demand_shallow(value)
    return fitted(value, shape)


def fitted(value: Any, shape: Any, where: str = "") -> Any:
    """The value, its numbers made floats where the shape says so."""
    if shape is ANYTHING:
        return value
    if isinstance(shape, tuple):
        return None if value is None else fitted(value, shape[0], where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise _misfit(where, "a list")
        return [fitted(item, shape[0], f"{where}[{at}]") for at, item in enumerate(value)]
    if isinstance(shape, dict):
        return _table(value, shape, where)
    if shape is float:
        return _number(value, where)
    if not isinstance(value, shape) or (shape is int and (isinstance(value, bool) or not 0 <= value < LIMIT)):
        raise _misfit(where, WORDS[shape])
    return value


def _table(value: Any, shape: dict[Any, Any], where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _misfit(where, "a table")
    for name in shape:
        if name is not ... and name not in value:
            raise MisfitError(f"{where or 'it'} has no {name}")
    other = shape.get(..., ANYTHING)
    return {name: fitted(item, shape.get(name, other), f"{where}.{name}".lstrip(".")) for name, item in value.items()}


def _number(value: Any, where: str) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return float(value)
    too_large = isinstance(value, int) and abs(value) >= LIMIT
    if isinstance(value, bool) or not isinstance(value, (int, float)) or too_large:
        raise _misfit(where, "a number")
    return float(value)


def _misfit(where: str, wanted: str) -> MisfitError:
    return MisfitError(f"{where or 'what it holds'} is not {wanted}")


def demand_shallow(value: Any, deepest: int = DEEPEST) -> None:
    """Refuse tables in tables in tables: whoever walks them would come to the end of the stack."""
    if deepest == 0:
        raise MisfitError("it is nested too deeply")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        demand_shallow(one, deepest - 1)

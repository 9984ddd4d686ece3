"""JSON that every reader takes: it has no NaN and no infinity, so these are written as texts."""

from __future__ import annotations

import json
import math
from typing import Any


def finite(value: Any) -> Any:
    """The same tables and lists, with "nan", "inf" and "-inf" for numbers that are not finite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def dumps(value: Any, **settings: Any) -> str:
    """`json.dumps` of what is finite.

    >>> dumps({"loss": float("nan")})
    '{"loss": "nan"}'
    """
    return json.dumps(finite(value), allow_nan=False, **settings)

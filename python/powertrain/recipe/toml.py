"""Tables as TOML text: for recipes that were given as Python dictionaries, and for settings laid over a recipe."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from powertrain._core import DType
from powertrain.io.plain_number import plain_number

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def document(tables: Mapping[str, Any]) -> str:
    """One line for each section."""
    return "".join(f"{_key(name)} = {value_text(value)}\n" for name, value in tables.items())


def value_text(value: Any) -> str:
    """One value: a text, a number, a list or a table of such."""
    value = plain_number(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (str, Path)):
        return _quoted(str(value))
    if isinstance(value, DType):
        return _quoted(value.name)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {value_text(one)}" for name, one in value.items()) + " }"
    raise TypeError(f"a {type(value).__name__} has no form in TOML")


def is_plain(value: Any) -> bool:
    """Whether a value can stand in a recipe's text."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and is_plain(one) for name, one in value.items())
    return isinstance(plain_number(value), (bool, int, float, str, Path, DType))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """A text of JSON is one of TOML, but for the one control character that JSON lets stand."""
    return json.dumps(text, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")

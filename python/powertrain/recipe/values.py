"""What TOML can say and a recipe cannot hold, found before anything walks the tables: integers of more than 64 bits,
times, and depths at which a walk would fail, or take for ever."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
DEEPEST = 32  # levels of tables and lists; the deepest that a recipe means anything by are six
LARGEST = 2**63 - 1
TOO_DEEP = "nested too deeply"

# Quoted strings and comments, in which dots mean nothing. One without an end goes to the end of the text or line, so
# that each character is looked at once.
_QUOTED = re.compile(
    r'"{3}(?:[^\\]|\\.)*?(?:"{3}|\Z)|' + r"'{3}.*?(?:'{3}|\Z)|" + r'"(?:[^"\\\n]|\\.)*"?|' + r"'[^'\n]*'?|#[^\n]*",
    re.DOTALL,
)
# The parser of TOML takes a time that grows with the square of the parts of a key.
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{DEEPEST}}}")


def demand_short_keys(text: str) -> None:
    """Refuse keys of very many parts, a.b.c and so on, before the text is parsed."""
    if _LONG_KEY.search(_QUOTED.sub("q", text)):
        raise RecursionError(TOO_DEEP)


def demand_depth(value: Any) -> None:
    """Refuse what is nested deeper than `DEEPEST`. It keeps a list of what is left instead of calling itself."""
    left = [(value, 0)]
    while left:
        here, depth = left.pop()
        if depth > DEEPEST:
            raise RecursionError(TOO_DEEP)
        if isinstance(here, (dict, list)):
            left.extend((item, depth + 1) for item in (here.values() if isinstance(here, dict) else here))


def strange_values(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Values of kinds that nothing in a recipe takes, each with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strange_values(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from strange_values(item, (*path, at))
    elif isinstance(value, int) and not -LARGEST - 1 <= value <= LARGEST:
        # Its digits are not shown: of very many, Python makes no text.
        yield path, f"received an integer of {value.bit_length():,} bits; expected one from -2^63 to 2^63 - 1"
    elif isinstance(value, (datetime.date, datetime.time)):
        yield path, f'received the time {value}; expected a number or a text; write "{value}"'

"""How messages about settings show a value, and the name that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from powertrain.io.printable import printable


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` when one of the known words is close, else nothing."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:
        close = [name for name in names if name.lower() == word.lower()]
    begun = [name for name in names if len(word) > 2 and name.startswith(word)]  # acc for accuracy
    if not close and len(begun) == 1:
        close = begun
    return f"; did you mean {close[0]}?" if close else ""


def show(value: object) -> str:
    """A received value as TOML would write it, cut to one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    if isinstance(value, (list, tuple)):
        text = "[" + ", ".join(show(item) for item in value) + "]"
    if isinstance(value, Mapping):
        text = "{ " + ", ".join(f"{key} = {show(item)}" for key, item in value.items()) + " }"
    text = printable(text)
    return text if len(text) <= 60 else text[:57] + "..."

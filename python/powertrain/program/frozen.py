"""Which Python arguments of a compiled function changed, from the two texts that its signatures have of them.

The text of an argument (`cpp/bindings/tree.cpp`): "T" for a tensor, brackets around what a container holds, and the
repr of anything else with a comma behind it. A keyword has its name and "=" in front.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

_CAUSE: Final = "the Python arguments changed from "
_QUOTED: Final = re.compile(r"b?('(\\.|[^'\\])*'|\"(\\.|[^\"\\])*\")")
_KEYWORD: Final = re.compile(r"([^\W\d]\w*)=")


def changed(names: Sequence[str], cause: str) -> str | None:
    """The cause of a retrace with the arguments by name; None where the texts do not tell which."""
    if not cause.startswith(_CAUSE):
        return None
    before, _, after = cause.removeprefix(_CAUSE).partition(" to ")
    olds, news = list(_arguments(before)), list(_arguments(after))
    if [name for name, _ in olds] != [name for name, _ in news] or " to " in after:
        return None
    found = []
    for place, ((name, old), (_, new)) in enumerate(zip(olds, news, strict=True)):
        if old != new:
            called = name or (names[place] if place < len(names) else f"number {place + 1}")
            found.append(f"{called} from {_shown(old)} to {_shown(new)}")
    return f"the Python arguments changed: {', '.join(found)}" if found else None


def positional(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments that may be given by position."""
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [one.name for one in given if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]


def _shown(text: str) -> str:
    """Of one argument, as its user knows it."""
    return "a tensor" if text == "T" else text.removesuffix(",")


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    """The name, empty for a positional one, and the text of each argument."""
    place = 0
    while place < len(text):
        keyword = _KEYWORD.match(text, place)
        begin = keyword.end() if keyword else place
        place = _end(text, begin)
        yield keyword[1] if keyword else "", text[begin:place]


def _end(text: str, begin: int) -> int:
    """Where the argument that begins at `begin` ends."""
    if text.startswith("T", begin) and not text.startswith("True,", begin):
        return begin + 1
    place, depth = begin, 0
    while place < len(text):
        quoted = _QUOTED.match(text, place)
        if quoted:
            place = quoted.end()
            continue
        one = text[place]
        place += 1
        depth += (one in "([{") - (one in ")}]")
        if depth == 0 and one == ",":
            return place
        if depth == 0 and one in ")}" and text[begin] in "([{":  # a complex number has a comma behind it
            return place + text.startswith(",", place)
    return place

"""Text for people: the one place that prints.

Much of it comes from outside: keys of a recipe, names of classes, the text of somebody's exception. Control characters
are shown instead of sent, since a terminal takes them for commands; and a terminal that knows only ASCII gets what
comes nearest, never an exception.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from powertrain.io.printable import printable

SPACES = "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"  # of which a text may have others than the usual one
# What stands for signs of ours where only ASCII goes. Of letters, the accents go.
PLAIN = {
    "·": "-", "±": "+/-", "×": "x", "–": "-", "—": "-", "…": "...", "→": "->", "≤": "<=", "≥": ">=", "≈": "~",
    "µ": "u", "μ": "u", "‘": "'", "’": "'", "“": '"', "”": '"', "°": " deg", "²": "^2", "³": "^3", "\u00a0": " ",
}  # fmt: skip


def visible(text: str) -> str:
    """A text of one or more lines whose control characters can be seen and do nothing."""
    return printable(text, keep="\n\t" + SPACES)


def one_line(text: object) -> str:
    """The same, with line ends and tabs shown too: for names, which stand inside a line."""
    return printable(str(text), keep=SPACES)


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Rows of a table as lines: the first `left` columns begin together, and the others end together."""
    shown = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    ]


def byte_count(count: float) -> str:
    """In words, such as 1.25 GB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"


def fitting(text: str, encoding: str) -> str:
    """A text that an encoding can hold: what it cannot is put as near as it can."""
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        return "".join(_nearest(sign, encoding) for sign in text)


def _nearest(sign: str, encoding: str) -> str:
    try:
        sign.encode(encoding)
        return sign
    except UnicodeEncodeError:
        bare = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
        return PLAIN.get(sign) or bare or ascii(sign)[1:-1]


def say(text: object = "", stream: TextIO | None = None, *, flush: bool = False, end: str = "\n") -> None:
    """Print a text and a line end, to standard output where no stream is given."""
    stream = sys.stdout if stream is None else stream
    if stream is not None:  # a program without a console has none
        encoding = getattr(stream, "encoding", None) or "utf-8"
        print(fitting(visible(str(text)), encoding), file=stream, flush=flush, end=end)


def complain(text: object) -> None:
    """Print to standard error; where nobody reads that, nobody is told."""
    try:
        say(text, sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Let a stream that nobody reads lead nowhere: what is left in its buffer would raise once more when it closes."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):  # a stream of somebody's own, without a descriptor
        pass

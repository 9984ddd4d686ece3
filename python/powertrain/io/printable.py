"""Text from outside, made safe to show: a terminal obeys control characters, and reads what a person would not see."""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    r"""Return the text with every character that does not print written as its escape.

    These are control characters, marks that turn the direction of writing, other invisible ones, and lone surrogates.
    Characters in `keep` stay, for example "\n" in a message of several lines.

    >>> printable("model\x1b[31m")
    'model\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in keep else ascii(sign)[1:-1] for sign in text)

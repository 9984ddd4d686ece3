"""HTML that cannot be broken by what it tells: the one place that escapes."""

from __future__ import annotations

import html as standard
from collections.abc import Iterable

from powertrain.io.console import visible


class Html(str):
    """Text that is markup already. Whatever else is put into markup is escaped."""

    __slots__ = ()


def html(template: str, *values: object) -> Html:
    """Markup of ours with values in the place of each {}.

    >>> html("<td>{}</td>", "a<b")
    '<td>a&lt;b</td>'
    """
    return Html(template.format(*(markup(value) for value in values)))


def as_it_stands(source: str) -> Html:
    """A script or a style that is a file of this package: it is nobody's data."""
    return Html(source)


def joined(values: Iterable[object], between: str = "") -> Html:
    """Values one after the other, with markup of ours between them."""
    return Html(between.join(markup(value) for value in values))


def markup(value: object) -> Html:
    """A value as markup: itself, or escaped, for texts and attributes alike."""
    return value if isinstance(value, Html) else Html(standard.escape(visible(str(value))))

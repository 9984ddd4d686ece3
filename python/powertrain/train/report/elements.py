"""What the sections of the report are made of: tables, paragraphs, and what stands in the place of a picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from powertrain.plugin.section import Section
from powertrain.train.report.markup import Html, html, joined

NOTHING = Html("")
LONG = 28  # characters of a cell that may be broken into lines


def charts_module() -> Any:
    """The module that draws, or None where matplotlib is not there or does not work."""
    try:
        from powertrain.train.report import charts
    except ImportError:
        return None
    return charts


def left_out(what: str) -> Html:
    return html('<p class="quiet">{} left out: matplotlib is not installed (pip install "powertrain[cli]").</p>', what)


def paragraphs(lines: Sequence[str]) -> Html:
    return joined(html("<p>{}</p>", line) for line in lines)


def raised(error: Exception) -> str:
    from powertrain.plugin.importing import in_words

    return f"raised {in_words(error).splitlines()[0]}; expected no exception; fix it, then `powertrain report RUN`."


def table_of(rows: Sequence[Sequence[str]], kind: str = "numbers") -> Html:
    """The first row is the head. Long cells are broken into lines; where a page is still too narrow for the table, the
    table alone moves sideways."""
    head, *body = rows
    made = [joined(_cell(cell, "th") for cell in head)]
    made += [joined(_cell(cell, "td") for cell in row) for row in body]
    table = html('<table class="{}">{}</table>', kind, joined(html("<tr>{}</tr>", row) for row in made))
    return html('<div class="scroll" tabindex="0">{}</div>', table)


def _cell(text: str, tag: str) -> Html:
    long = " class=long" if len(text) > LONG and not isinstance(text, Html) else ""
    return html("<{}{}>{}</{}>", tag, long, text, tag)


def players(sounds: Mapping[str, bytes]) -> Html:
    """A player for each WAV file, which stands in the page."""
    made = [
        html('<figure><figcaption>{}</figcaption><audio controls src="data:audio/wav;base64,{}"></audio></figure>',
             name, base64.b64encode(sound).decode())
        for name, sound in sounds.items()
    ]  # fmt: skip
    return html('<div class="sounds">{}</div>', joined(made)) if made else NOTHING


def section_html(section: Section) -> Html:
    """Sentences, a table, a picture, sounds."""
    table, picture, draw = table_of(section.rows, "words") if section.rows else NOTHING, NOTHING, charts_module()
    if section.draw is not None and draw is not None:
        try:
            picture = draw.drawn(section.draw, section.title)
        except Exception as error:
            picture = html('<p class="bad">The picture is left out: drawing it {}</p>', raised(error))
    elif section.draw is not None:
        picture = left_out("The picture is")
    parts = (paragraphs(section.lines), table, picture, players(section.sounds))
    return html("<h2>{}</h2>{}", section.title, joined(parts))

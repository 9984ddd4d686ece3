"""The page of `powertrain check`: what was found, with the examples that look wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from powertrain.plugin.section import Section
from powertrain.train.checking.findings import Checked
from powertrain.train.explain.explanation import is_picture
from powertrain.train.report.elements import NOTHING, paragraphs, section_html, table_of
from powertrain.train.report.markup import Html, html, joined
from powertrain.train.report.page import page_of
from powertrain.train.report.pictures import pictures

if TYPE_CHECKING:
    from powertrain.typing import Array

PICTURES = 32
LISTED = 100


def check_page(name: str, data: Checked, lines: Sequence[str]) -> Html:
    """The page of what was found."""
    parts = [
        paragraphs(lines[:1]),
        _summary(data),
        _labels(data),
        *(_examples(data, kind) for kind in ("duplicates across parts", "near duplicates", "outliers")),
        _classes(data),
        *(section_html(section) for section in data.dataset.sections),
    ]
    return page_of(f"{name}: the data", parts)


def _summary(data: Checked) -> Html:
    if not data.findings:
        return html('<p class="good">Nothing was found.</p>')
    rows = [("what", "how many", "in words"), *((one.kind, f"{one.count:,}", one.text) for one in data.findings)]
    serious = [one.kind for one in data.findings if one.serious]
    warned = html('<p class="bad">Scores on held-out parts are too good: {}.</p>', ", ".join(serious))
    said = html(
        '<p class="quiet">An example is named by its part and its number there. Look before you drop: what is far from '
        "the others, or hard, may be what matters. <code>powertrain help guides/data-quality</code> explains each.</p>"
    )
    return joined((warned if serious else NOTHING, html("<h2>What was found</h2>"), table_of(rows, "words"), said))


def _labels(data: Checked) -> Html:
    issues = data.issues
    if issues is None or not len(issues):
        return NOTHING
    labels = data.dataset.class_names
    rows, other = issues.rows[:LISTED], issues.suggested[:LISTED]
    titles = [
        f"{data.where(row)}: {labels[data.y[row]]}, or {labels[at]}?" for row, at in zip(rows, other, strict=True)
    ]
    said = paragraphs(
        [
            f"{issues.noise:.1%} of the labels are estimated to be wrong, by a model that is right on "
            f"{data.accuracy:.1%} of what it has not seen. The most doubtful are first: the label, and what the "
            "model says."
        ]
    )
    head = html("<h2>Labels that look wrong</h2>{}", said)
    shown = _pictures(data, rows, titles)
    if shown is not None:
        return joined((head, shown))
    words = [
        (data.where(row), labels[data.y[row]], labels[at], f"{issues.scores[row]:.3f}")
        for row, at in zip(rows, other, strict=True)
    ]
    return joined(
        (head, table_of((("example", "label", "it looks like", "probability of the label"), *words), "words"))
    )


def _examples(data: Checked, kind: str) -> Html:
    """Pictures of what was found; of other examples the table above has the numbers."""
    found = next((one for one in data.findings if one.kind == kind), None)
    rows = np.array(found.rows[:PICTURES] if found else (), dtype=np.int64)
    shown = _pictures(data, rows, [data.where(int(row)) for row in rows]) if len(rows) else None
    return NOTHING if shown is None else html("<h2>{}</h2>{}", kind.capitalize(), shown)


def _pictures(data: Checked, rows: Array, titles: Sequence[str]) -> Html | None:
    """None where examples are no pictures."""
    if not is_picture(data.x.shape[1:]):
        return None
    return pictures(data.x[rows[:PICTURES]], titles[:PICTURES], "an example")


def _classes(data: Checked) -> Html:
    """How many examples of each class the parts have."""
    if not data.dataset.kind.classes:
        return NOTHING
    parts = list(dict.fromkeys(data.parts.tolist()))
    labels = data.dataset.class_names
    counts = {part: np.bincount(data.y[data.parts == part], minlength=len(labels)) for part in parts}
    rows = tuple((label, *(f"{counts[part][at]:,}" for part in parts)) for at, label in enumerate(labels[:LISTED]))
    return section_html(Section("Classes", rows=(("class", *parts), *rows)))

"""Interactive charts for HTML pages, of curves and of distributions: the script and style that draw them, and the data
of a chart.

A page has `script()` and `style()`, and for each chart an element whose attribute data-curves holds `curve_chart(...)`
as JSON, or data-heat `heat_chart(...)`. A page that a server keeps up to date calls `new CurveChart(element, data)` or
`new HeatChart(element, data)`, and then `update(data)`.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.modules import answer_calls
from powertrain.io.console import one_line

_HERE = Path(__file__).parent
MOST_POINTS = 500  # of a line: a screen has no more columns to show them in
MOST_COLUMNS = 64  # of a band
RARE = 0.02
DIGITS = 6


@functools.cache
def script() -> str:
    """What draws the charts, to stand in a script element: uPlot with its licence, CurveChart and HeatChart."""
    ours = f"{_text('curve_chart.js')}\n{_text('heat_chart.js')}"
    return f"/*\n{_text('uplot/LICENSE')}*/\n{_text('uplot/uPlot.iife.min.js')}\n{ours}"


@functools.cache
def style() -> str:
    return f"{_text('uplot/uPlot.min.css')}\n{_text('curve_chart.css')}\n{_text('heat_chart.css')}"


def script_source(text: str) -> str:
    """What a content security policy calls the script element that holds a text, in script-src."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def curve_chart(title: str, across: str, lines: Mapping[str, Sequence[tuple[int, float]]]) -> dict[str, Any]:
    """The data of a chart of finite points, which has lines by name; `across` names the horizontal axis.

    >>> curve_chart("loss", "step", {"train": [(10, 0.5), (20, 0.25)]})
    {'title': 'loss', 'across': 'step', 'lines': [{'name': 'train', 'x': [10, 20], 'y': [0.5, 0.25]}]}
    """
    made = []
    for name, points in lines.items():
        kept = [points[at] for at in _shown(np.array([value for _, value in points]))]
        made.append({
            "name": one_line(name),
            "x": [x for x, _ in kept],
            "y": [float(f"{y:.{DIGITS}g}") for _, y in kept],
        })  # fmt: skip
    return {"title": one_line(title), "across": one_line(across), "lines": made}


def heat_chart(
    title: str, across: str, bands: Mapping[str, Sequence[tuple[int, NDArray[Any]]]], lowest: int
) -> dict[str, Any]:
    """The data of a chart of distributions over time, in bands by name. A column of a band holds the share of zeros,
    then that of each power of two from `2 ** lowest` on. Powers of the chart are those that hold RARE of a column or
    more; what is beyond them counts to the first or the last of them.

    >>> heat_chart("a", "step", {"a": [(10, np.array([0, 0, 0, 1.0])), (20, np.array([1.0, 0, 0, 0]))]}, -3)["bands"]
    [{'name': 'a', 'x': [10, 20], 'columns': ['00ff', 'ff00']}]
    """
    kept = {name: _apart(columns) for name, columns in bands.items()}
    shares = {name: np.stack([column for _, column in columns]) for name, columns in kept.items()}
    used = np.flatnonzero(np.max([one[:, 1:].max(axis=0) for one in shares.values()], axis=0) >= RARE)
    first, last = (int(used[0]), int(used[-1])) if used.size else (0, 0)
    made = [
        {
            "name": one_line(name),
            "x": [x for x, _ in columns],
            "columns": [row.tobytes().hex() for row in _levels(_within(shares[name], first, last))],
        }
        for name, columns in kept.items()
    ]
    return {"title": one_line(title), "across": one_line(across), "lowest": lowest + first, "bands": made}


def _apart(columns: Sequence[tuple[int, NDArray[Any]]]) -> list[tuple[int, NDArray[Any]]]:
    """At most MOST_COLUMNS columns, about as far from each other; the last one is among them."""
    least = (columns[-1][0] - columns[0][0]) / (MOST_COLUMNS - 1)
    kept = [columns[-1]]
    for column in reversed(columns[:-1]):
        if kept[-1][0] - column[0] >= least:
            kept.append(column)
    return kept[::-1]


def _within(shares: NDArray[Any], first: int, last: int) -> NDArray[Any]:
    """Of each row the share of zeros, and those from one power to another."""
    powers = shares[:, 1:]
    made = powers[:, first : last + 1].copy()
    made[:, 0] += powers[:, :first].sum(axis=1)
    made[:, -1] += powers[:, last + 1 :].sum(axis=1)
    return np.hstack([shares[:, :1], made])


def _levels(shares: NDArray[Any]) -> NDArray[np.uint8]:
    """Shares as numbers up to 255; one that is above 0 does not become 0."""
    return np.clip(np.round(255 * shares), np.where(shares > 0, 1, 0), 255).astype(np.uint8)


def _shown(values: NDArray[np.float64]) -> list[int]:
    """The places of at most MOST_POINTS values: both ends, and of each stretch the lowest and the highest, so that no
    peak is lost."""
    if len(values) <= MOST_POINTS:
        return list(range(len(values)))
    kept = {0, len(values) - 1}
    for stretch in np.array_split(np.arange(len(values)), MOST_POINTS // 2 - 1):
        kept |= {int(stretch[values[stretch].argmin()]), int(stretch[values[stretch].argmax()])}
    return sorted(kept)


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


answer_calls(__name__)

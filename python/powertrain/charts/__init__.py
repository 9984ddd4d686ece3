"""Interactive charts of curves for HTML pages: the script and style that draw them, and the data of a chart.

A page has `script()` and `style()`, and for each chart an element whose attribute data-curves holds `curve_chart(...)`
as JSON. A page that a server keeps up to date calls `new CurveChart(element, data)`, and then `update(data)`.
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
DIGITS = 6


@functools.cache
def script() -> str:
    """What draws the charts, to stand in a script element: uPlot with its licence, and CurveChart."""
    return f"/*\n{_text('uplot/LICENSE')}*/\n{_text('uplot/uPlot.iife.min.js')}\n{_text('curve_chart.js')}"


@functools.cache
def style() -> str:
    return f"{_text('uplot/uPlot.min.css')}\n{_text('curve_chart.css')}"


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

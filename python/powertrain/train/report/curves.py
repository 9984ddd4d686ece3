"""The curves of a run: charts that a script draws, and a picture of them where no script runs, and on paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from powertrain.charts import curve_chart
from powertrain.io.plain_json import dumps
from powertrain.train.report import elements
from powertrain.train.report.elements import NOTHING, left_out
from powertrain.train.report.markup import Html, html, joined

Lines: TypeAlias = dict[str, list[tuple[int, float]]]
MOST_CHARTS = 24  # more would not be looked at, only drawn for minutes


def curves_by_metric(history: Sequence[Mapping[str, Any]], units: Mapping[str, str]) -> dict[str, Lines]:
    """Of each metric, the loss first, its lines by the part that was measured."""
    found: dict[str, Lines] = {}
    for event in history:
        for name, value in event["values"].items() if event["event"] == "metrics" else ():
            if math.isfinite(value):
                part, _, metric = name.partition(".")
                unit = units.get(metric)
                title = f"{metric} ({unit})" if unit else metric
                found.setdefault(title, {}).setdefault(part, []).append((event["step"], value))
    order = sorted(found, key=lambda title: (title != "loss", title))
    return {title: found[title] for title in order[:MOST_CHARTS]}


def curves_section(history: Sequence[Mapping[str, Any]], units: Mapping[str, str]) -> Html:
    by_metric = curves_by_metric(history, units)
    if not by_metric:
        return NOTHING
    data = (dumps(curve_chart(title, "step", lines)) for title, lines in by_metric.items())
    charts = joined(html('<div data-curves="{}"></div>', one) for one in data)
    draw = elements.charts_module()
    still = draw.curves(by_metric) if draw else left_out("The picture of the curves is")
    return html('<h2>Curves</h2><div class="curve-charts">{}</div><div class="still">{}</div>', charts, still)

"""The curves of a run: charts that a script draws, and a picture of them where no script runs, and on paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from powertrain.charts import curve_chart
from powertrain.io.plain_json import dumps
from powertrain.train.evaluate.curve_words import curves_in_words
from powertrain.train.report import elements
from powertrain.train.report.elements import NOTHING, left_out, paragraphs
from powertrain.train.report.markup import Html, html, joined

Lines: TypeAlias = dict[str, list[tuple[int, float]]]
MOST_CHARTS = 24  # more would not be looked at, only drawn for minutes


def curves_of(history: Sequence[Mapping[str, Any]]) -> dict[str, Lines]:
    """Of each metric, the loss first, its lines by the part that was measured."""
    found: dict[str, Lines] = {}
    for event in history:
        for name, value in event["values"].items() if event["event"] == "metrics" else ():
            if math.isfinite(value):
                part, _, metric = name.partition(".")
                found.setdefault(metric, {}).setdefault(part, []).append((event["step"], value))
    return {metric: found[metric] for metric in sorted(found, key=lambda metric: (metric != "loss", metric))}


def last_training_loss(history: Sequence[Mapping[str, Any]]) -> float:
    """The loss of the last steps that were measured, which may be NaN; 0 where none is logged."""
    logged = [event["values"] for event in history if event["event"] == "metrics"]
    return next((float(one["train.loss"]) for one in reversed(logged) if "train.loss" in one), 0.0)


def curves_section(history: Sequence[Mapping[str, Any]], units: Mapping[str, str], stops: bool) -> Html:
    """All curves, and what those of the loss say. `stops` says whether the run keeps its best weights."""
    found = curves_of(history)
    if not found:
        return NOTHING
    shown = list(found)[:MOST_CHARTS]
    titled = {f"{metric} ({units[metric]})" if units.get(metric) else metric: found[metric] for metric in shown}
    data = (dumps(curve_chart(title, "step", lines)) for title, lines in titled.items())
    charts = joined(html('<div data-curves="{}"></div>', one) for one in data)
    draw = elements.charts_module()
    still = draw.curves(titled) if draw else left_out("The picture of the curves is")
    words = paragraphs(curves_in_words(found.get("loss", {}), stops))
    return html('<h2>Curves</h2>{}<div class="curve-charts">{}</div><div class="still">{}</div>', words, charts, still)

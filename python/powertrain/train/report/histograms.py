"""The histograms of a run in its report: charts that a script draws, and pictures where none runs, and on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from powertrain.io.plain_json import dumps
from powertrain.train.histograms import bins
from powertrain.train.histograms.charts import charts_of
from powertrain.train.report import elements
from powertrain.train.report.elements import NOTHING, left_out
from powertrain.train.report.markup import Html, html, joined


def histograms_section(history: Sequence[Mapping[str, Any]]) -> Html:
    """How gradients, weights and activations were distributed."""
    kept = bins.by_step(history)
    made = charts_of({step: {name: bins.magnitudes(one) for name, one in kept[step].items()} for step in kept})
    if not made:
        return NOTHING
    shown = joined(html('<div data-heat="{}"></div>', dumps(chart)) for chart in made)
    draw = elements.charts_module()
    still = joined(draw.bands(chart) for chart in made) if draw else left_out("The picture of the histograms is")
    return html('<h2>Inside the layers</h2><div class="curve-charts">{}</div><div class="still">{}</div>', shown, still)

"""Pictures for the page of `powertrain monitor`. Imported only where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from powertrain.monitor.features import CategoryFeature, Counts, Feature
from powertrain.monitor.history import History
from powertrain.train.report.charts import plain, tag
from powertrain.train.report.markup import Html, joined

MOST_BARS = 12
BEFORE, NOW = "0.6", "C1"


def over_time(history: History, names: Sequence[str], limit: float) -> Html:
    """The PSI of some features, window by window."""
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    axes = figure.add_subplot()
    for name in names:
        if points := history.points(name):
            axes.plot(*zip(*points, strict=True), marker=".", label=plain(name))
    axes.axhline(limit, color="gray", linewidth=1, linestyle="--", label="limit")
    axes.set(xlabel="examples", ylabel="PSI")
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    return tag(figure, "PSI over time of " + ", ".join(names))


def distributions(pairs: Sequence[tuple[Feature, Counts]]) -> Html:
    """A picture for each feature: the reference beside the window. One each, so that a narrow page stacks them."""
    return joined(_distribution(feature, counts) for feature, counts in pairs)


def _distribution(feature: Feature, counts: Counts) -> Html:
    figure = Figure(figsize=(4.2, 2.8), layout="constrained")
    axes = figure.add_subplot()
    before, now = (one / max(one.sum(), 1) for one in (feature.reference.bins, counts.bins))
    if isinstance(feature, CategoryFeature) or feature.discrete:
        levels = feature.levels if isinstance(feature, CategoryFeature) else [f"{edge:.4g}" for edge in feature.edges]
        shown = np.argsort(-(before + now), kind="stable")[:MOST_BARS]
        names = [plain((*levels, "other")[at])[:20] for at in shown]
        places = np.arange(len(shown))
        axes.bar(places - 0.2, before[shown], 0.4, color=BEFORE, label="training")
        axes.bar(places + 0.2, now[shown], 0.4, color=NOW, label="now")
        axes.set_xticks(places, names, rotation=90 if sum(map(len, names)) > 40 else 0, fontsize=8)
        axes.set_ylabel("share")
    else:
        edges = np.array(feature.edges)
        widths = np.diff(edges)
        for shares, colour, label in ((before, BEFORE, "training"), (now, NOW, "now")):
            inside = shares[1:-1].copy()
            inside[0] += shares[0]  # what is at the smallest value or below it
            axes.stairs(inside / widths, edges, color=colour, label=label, linewidth=1.5, fill=colour == BEFORE)
        if now[-1] > 0:
            axes.annotate(f"{now[-1]:.1%} above", (0.98, 0.6), xycoords="axes fraction", ha="right", fontsize=8)
        axes.set_ylabel("density")
    axes.set_title(plain(feature.name), fontsize=10)
    axes.legend(loc="best", fontsize=8)
    return tag(figure, f"distribution of {feature.name}")

"""The page of a suggestion: what was looked at, what was compared, why one is chosen, what more rows would bring."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from powertrain.plugin.section import Section
from powertrain.train.choosing import words
from powertrain.train.choosing.growth import Growth
from powertrain.train.choosing.suggestion import Suggestion
from powertrain.train.report.elements import NOTHING, section_html
from powertrain.train.report.markup import Html, html
from powertrain.train.report.page import page_of

POINTS = 100  # of the curve


def suggestion_page(found: Suggestion, recipe: str) -> Html:
    """The page, which stands alone as the report of a run does."""
    sections = [_choice(found), _compared(found), *_growth(found), _looked(found), *found.asked.sections()]
    written = html("<h2>Recipe</h2><pre>{}</pre>", recipe) if recipe else NOTHING
    return page_of(f"A model for {found.asked.name}", [*map(section_html, sections), written])


def _choice(found: Suggestion) -> Section:
    if found.choice is None:
        return Section("What is suggested", ("It was stopped before the first fold was measured.",))
    chosen = found.choice.chosen
    value = f"{found.asked.metric} {chosen.mean:.4g}, {words.between(chosen)}"
    said = [f"{chosen.candidate.name}: {chosen.candidate.words} ({value}).", *found.choice.why]
    clock = words.cut(found)
    return Section("What is suggested", (*said, *([f"Attention: {clock}."] if clock else [])))


def _looked(found: Suggestion) -> Section:
    return Section("What was seen", rows=(("what", "how"), *found.asked.lines()))


def _compared(found: Suggestion) -> Section:
    left = tuple(f"{name}: {why}." for name, why in words.others(found))
    said = (
        f"Each was trained on {found.comparison.folds} folds of {found.asked.rows:,} rows. The interval is that of "
        "Student's t over the folds. Since the folds share training rows, it is somewhat too narrow.",
        *left,
    )
    shown = found.comparison.compared
    draw = (lambda figure: _draw_compared(figure, found)) if shown else None
    return Section("What was compared", said, tuple(words.table(found)), draw)


def _draw_compared(figure: Any, found: Suggestion) -> None:
    from powertrain.train.report.charts import plain

    sign = 1 if found.lower_is_better else -1
    shown = sorted(found.comparison.compared, key=lambda one: sign * one.mean)
    figure.set_size_inches(8.4, 1.2 + 0.3 * len(shown))
    axes = figure.add_subplot()
    for at, one in enumerate(shown):
        chosen = found.choice is not None and one is found.choice.chosen
        half = 0.0 if math.isnan(one.interval[0]) else one.mean - one.interval[0]
        axes.errorbar(one.mean, at, xerr=half, marker="o", capsize=3, color="C1" if chosen else "C0")
    axes.set_yticks(range(len(shown)), [plain(one.candidate.name) for one in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel(plain(f"{found.asked.metric}, with its 95 % interval"))
    axes.grid(axis="x", alpha=0.3)
    figure.set_layout_engine("constrained")


def _growth(found: Suggestion) -> list[Section]:
    if found.watched is None:
        return []
    growth = found.watched.growth
    title = "How much data is enough"
    if growth is None:
        return [Section(title, (f"Not known: {found.watched.problem}.",))]
    said = (
        *words.growth_words(found, growth),
        "The curve is a n^-b + c, fitted by least squares weighted by n. The interval is a bootstrap over the folds: "
        "it is that of the fit, and does not cover rows unlike these.",
    )
    drawn = growth
    return [Section(title, said, tuple(words.growth_table(found, growth)), lambda figure: _draw(figure, found, drawn))]


def _draw(figure: Any, found: Suggestion, growth: Growth) -> None:
    from powertrain.train.report.charts import plain

    axes = figure.add_subplot()
    most = max(one.rows for one in growth.ahead)
    rows = np.geomspace(float(growth.rows.min()), most, POINTS)
    made = np.stack([law(rows) for law in growth.laws])
    low, high = np.quantile(made, [0.025, 0.975], axis=0)
    axes.fill_between(rows, low, high, alpha=0.2, color="C0", label="95 % interval of the curve")
    axes.plot(rows, growth.law(rows), color="C0", label="curve")
    axes.plot(growth.rows.ravel(), growth.errors.ravel(), ".", color="gray", label="a fold")
    axes.plot(growth.rows.mean(axis=1), growth.errors.mean(axis=1), "o", color="C1", label="mean of the folds")
    axes.axvline(growth.now, color="gray", linewidth=1, linestyle="--", label=f"all {growth.now:,} rows")
    what = found.asked.metric if found.lower_is_better else f"1 - {found.asked.metric}"
    axes.set(xscale="log", xlabel="training rows", ylabel=plain(what))
    axes.grid(alpha=0.3)
    axes.legend(loc="best")
    figure.set_layout_engine("constrained")

"""The page of a search: the best value by trial, each setting against the value, what counts, and all trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.plugin.section import Section, columns_section
from powertrain.train.report.elements import NOTHING, section_html, table_of
from powertrain.train.report.markup import Html, html
from powertrain.train.report.page import page_of
from powertrain.tuning.space import Numbers, Space

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.tuning.found import Tuned
    from powertrain.tuning.study import Trial

MOST_PLOTS, IN_A_ROW = 24, 3
LABEL = 24  # letters of a choice below an axis


def search_page(title: str, found: Tuned, space: Space) -> Html:
    """All of it as HTML that stands alone."""
    complete = found.ranked()
    parts = [
        _summary(found),
        section_html(_progress(found)) if complete else NOTHING,
        section_html(_settings(found, space)) if complete else NOTHING,
        section_html(_importance(found)) if found.importances else NOTHING,
        html("<h2>Trials</h2><div class=wide>{}</div>", _table(found)),
        html("<h2>What was searched</h2>{}", table_of([("setting", "values"), *((k, str(v)) for k, v in space.items())],
                                                      "words")),
    ]  # fmt: skip
    return page_of(title, parts)


def _summary(found: Tuned) -> Html:
    counts = ", ".join(f"{count:,} {state}" for state, count in found.counts().items() if count)
    better = "lower" if found.lower else "higher"
    about = html("<p>Trials: {}. Compared by {} (validation); {} is better.</p>", counts, found.metric, better)
    if found.best is None:
        return about
    value = f"{found.best.value:.4g}"
    best = html("<p><b>Trial {} is the best: {} {}.</b></p>", found.best.number, found.metric, value)
    if not found.scores:
        return html("{}{}<p>The search is not finished, so the test part has not been measured.</p>", about, best)
    values = ", ".join(f"{name} {value:.4g}" for name, value in found.scores.items())
    once = "it was measured for this trial alone, once all trials were done" if found.part == "test" else ""
    return html("{}{}<p>On the {} part: {}{}.</p>", about, best, found.part, values, f"; {once}" if once else "")


def _progress(found: Tuned) -> Section:
    complete = [one for one in found.trials if one.state == "complete"]
    numbers, values = [one.number for one in complete], np.array([one.value for one in complete])
    reached = (np.minimum if found.lower else np.maximum).accumulate(values)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(numbers, values, ".", label="a trial")
        axes.step(numbers, reached, where="post", label="the best so far")
        axes.set(xlabel="trial", ylabel=_plain(found.metric))
        axes.grid(alpha=0.3)
        axes.legend(loc="best")

    return Section("Best value by trial", draw=draw)


def _settings(found: Tuned, space: Space) -> Section:
    keys = list(space)[:MOST_PLOTS]
    complete = found.ranked()

    def draw(figure: Figure) -> None:
        rows = math.ceil(len(keys) / IN_A_ROW)
        figure.set_size_inches(12.6 / IN_A_ROW * min(len(keys), IN_A_ROW), 3.2 * rows)
        figure.set_layout_engine("constrained")
        for at, key in enumerate(keys, 1):
            axes = figure.add_subplot(rows, min(len(keys), IN_A_ROW), at)
            _draw_setting(axes, key, space[key], complete)
            axes.set(title=_plain(key), ylabel=_plain(found.metric))
            axes.grid(alpha=0.3)

    return Section("Each setting and the value", ("A dot is a complete trial; the best one is marked.",), draw=draw)


def _draw_setting(axes: Any, key: str, one: Any, complete: Sequence[Trial]) -> None:
    values = [trial.value for trial in complete]
    if isinstance(one, Numbers):
        across = [float(trial.settings[key]) for trial in complete]
        if one.log:
            axes.set_xscale("log")
            if one.high >= 10 * one.low:  # else the labels between powers of ten are all that there are
                axes.xaxis.set_minor_formatter("")
        edge = 0.03  # of the range that was searched, on both sides
        ratio = (one.high / one.low) ** edge if one.log else 1.0
        beside = 0.0 if one.log else edge * (one.high - one.low)
        axes.set_xlim(one.low / ratio - beside, one.high * ratio + beside)
    else:
        across = [float(one.values.index(trial.texts[key])) for trial in complete]
        axes.set_xticks(range(len(one.values)), [_plain(text)[:LABEL] for text in one.values])
        axes.set_xlim(-0.5, len(one.values) - 0.5)
    axes.plot(across, values, ".")
    axes.plot(across[:1], values[:1], "o", color="C1")


def _importance(found: Tuned) -> Section:
    lines = (
        "How much each setting decides whether a trial is among the better ones (PED-ANOVA), within its range.",
        "With few trials this is a hint, not a measurement.",
    )
    names, values = list(found.importances), np.array(list(found.importances.values()))
    return columns_section("What counts", names, values, "importance", lines=lines)


def _table(found: Tuned) -> Html:
    keys = list(dict.fromkeys(key for one in found.trials for key in one.texts))
    rows = [("trial", "state", found.metric, *keys, "evaluations", "seconds", "why")]
    for one in found.trials:
        value = f"{one.value:.4g}" if one.state == "complete" else ""
        settings, made = [one.texts.get(key, "") for key in keys], (str(one.evaluations), f"{one.seconds:.1f}")
        rows.append((str(one.number), one.state, value, *settings, *made, one.reason))
    return table_of(rows)


def _plain(text: str) -> str:
    """Between two dollars matplotlib would look for a formula."""
    return text.replace("$", r"\$")

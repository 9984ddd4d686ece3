"""The page of `powertrain monitor`: which features have moved, how, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from powertrain.monitor.comparison import Row, largest, summary
from powertrain.plugin.section import columns_section
from powertrain.train.report import elements
from powertrain.train.report.elements import NOTHING, left_out, section_html, table_of
from powertrain.train.report.markup import Html, html, joined
from powertrain.train.report.page import page_of

if TYPE_CHECKING:
    from powertrain.monitor import Event, Monitor

DRAWN = 6  # features
LISTED = 100
_HEAD = ("feature", "problems", "test", "statistic", "p", "PSI", "JS", "moved", "missing", "outside", "unseen", "kind")


def drift_page(name: str, monitor: Monitor, events: Sequence[Event]) -> Html:
    """The page of a monitor that has compared a window at least."""
    rows = largest(monitor.rows)
    parts = [
        _summary(monitor),
        _alarms(events),
        _table(rows),
        _sizes(rows),
        _history(monitor, rows),
        _features(monitor, rows),
    ]
    return page_of(f"{name}: traffic beside the profile", parts)


def _summary(monitor: Monitor) -> Html:
    state = monitor.state()
    limits = monitor.limits
    found = ", ".join(f"{problem} in {count}" for problem, count in summary(monitor.rows).items())
    diagnosis = html('<span class="bad">{}</span>', found) if found else html('<span class="good">no problem</span>')
    sentences = [
        html(
            "<p>{} examples were observed; the last {} are compared with the profile of the training: {}.</p>",
            f"{state['examples']:,}", f"{state['window']:,}", diagnosis,
        ),
        html(
            "<p>A feature has drifted where its test has p &lt; {} after correction for {} rows ({}) and its PSI is at "
            "least {}.</p>", f"{limits.alpha:g}", len(monitor.rows), limits.correction, f"{limits.psi:g}",
        ),
    ]  # fmt: skip
    performance = next((row for row in monitor.rows if row.kind == "performance"), None)
    if performance is not None:
        words = (performance.name, f"{performance.before:.4g}", f"{performance.now:.4g}", f"{performance.examples:,}")
        sentences.append(html("<p>The {} was {} and is {}, on {} labelled examples.</p>", *words))
    return joined(sentences, "\n")


def _alarms(events: Sequence[Event]) -> Html:
    if not events:
        return html("<h2>Alarms</h2><p>None.</p>")
    shown = joined(html('<li class="{}">{}</li>', "bad" if one.on else "good", one.text()) for one in events[-LISTED:])
    return html("<h2>Alarms</h2><ul>{}</ul>", shown)


def _table(rows: Sequence[Row]) -> Html:
    more = html("<p>{} more are not shown.</p>", len(rows) - LISTED) if len(rows) > LISTED else NOTHING
    table = table_of((_HEAD, *(_cells(row) for row in rows[:LISTED])))
    said = html(
        '<p class="quiet">PSI: population stability index. JS: Jensen-Shannon distance. Moved: Wasserstein distance in '
        "deviations of the reference. Missing, outside and unseen are shares of the examples. "
        "<code>powertrain help ideas/drift</code> explains drift.</p>"
    )
    return html('<h2>Features</h2><div class="wide">{}</div>{}{}', table, more, said)


def _cells(row: Row) -> tuple[str, ...]:
    def number(value: float, form: str = ".3f") -> str:
        return "" if value != value else format(value, form)

    shares = (f"{share:.1%}" for share in (row.missing, row.outside, row.unseen))
    measured = (number(row.psi), number(row.jensen_shannon), number(row.wasserstein, ".2f"))
    return (
        row.name, ", ".join(row.problems), row.test, number(row.statistic, ".4g"), number(row.p, ".2g"), *measured,
        *shares, row.kind,
    )  # fmt: skip


def _sizes(rows: Sequence[Row]) -> Html:
    known = [row for row in rows if row.psi == row.psi]
    if not known:
        return NOTHING
    names, values = [row.name for row in known], np.array([row.psi for row in known])
    return section_html(columns_section("How far each has moved", names, values, "PSI"))


def _history(monitor: Monitor, rows: Sequence[Row]) -> Html:
    names = [row.name for row in rows if row.psi == row.psi][:DRAWN]
    if len(monitor.history) < 2 or not names:
        return NOTHING
    draw = elements.charts_module()
    if draw is None:
        return html("<h2>Over time</h2>{}", left_out("The lines are"))
    from powertrain.train.report.drift_charts import over_time

    return html("<h2>Over time</h2>{}", over_time(monitor.history, names, monitor.limits.psi))


def _features(monitor: Monitor, rows: Sequence[Row]) -> Html:
    names = [row.name for row in rows if row.psi == row.psi][:DRAWN]
    pairs = {feature.name: (feature, counts) for _, feature, counts in monitor.counts()}
    draw = elements.charts_module()
    if not names or draw is None:
        return html("<h2>Distributions</h2>{}", left_out("They are")) if names else NOTHING
    from powertrain.train.report.drift_charts import distributions

    return html("<h2>Distributions</h2>{}", distributions([pairs[name] for name in names]))

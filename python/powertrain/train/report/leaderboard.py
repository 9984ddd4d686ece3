"""leaderboard.html: the runs of a folder in one table, which can be sorted, with links to their reports."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from powertrain.data.source import evenly_spaced
from powertrain.io.files import Files
from powertrain.train.folder.run_folder import REPORT, RunError, RunFolder
from powertrain.train.folder.summaries import RunSummary, day_and_time, differing, ended, summaries
from powertrain.train.report.curves import curves_of
from powertrain.train.report.elements import NOTHING, table_of
from powertrain.train.report.markup import Html, html, joined
from powertrain.train.report.page import page_of

PAGE = "leaderboard.html"
SCRIPT = Path(__file__).with_name("leaderboard.js")
STYLE = """
body { max-width: 96rem }
.sortable th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer }
.sortable th[aria-sort=descending] button::after { content: " ↓"; content: " ↓" / "" }
.sortable th[aria-sort=ascending] button::after { content: " ↑"; content: " ↑" / "" }
svg.curve { width: 7.5rem; height: 2rem; fill: none; stroke: currentColor; stroke-width: 1.5; vertical-align: middle }
"""
MOST_METRICS = 8
CURVE_POINTS, WIDE, HIGH = 60, 120, 32  # of a small curve


class Cell(NamedTuple):
    """What a cell shows, and what it is sorted by."""

    shown: str
    value: float | str


EMPTY = Cell("", "")


def write_leaderboard(root: Path) -> Path:
    """Write the page of the runs in a folder beside them, and return its path."""
    found = summaries(root)
    if not found:
        raise RunError(f"[report --all] received {root}; expected a folder with runs; powertrain train makes them")
    finished = [one for one in found if one.state == "finished"]
    parts = [_table(finished), _settings(finished), _others([one for one in found if one.state != "finished"])]
    page = page_of(f"Leaderboard of {root}", parts, script=SCRIPT.read_text(encoding="utf-8"), style=STYLE)
    Files(root).replace(PAGE, page.encode())
    return root / PAGE


def _table(finished: Sequence[RunSummary]) -> Html:
    if not finished:
        return html("<p>No run is finished.</p>")
    # The metrics that most runs have come first; the loss, which says least of two different models, last.
    counted = Counter(name for one in finished for name in one.scores)
    metrics = sorted(counted, key=lambda name: (name == "loss", -counted[name]))[:MOST_METRICS]
    head = (
        "run",
        "recipe",
        "judged on",
        *metrics,
        "loss by step",
        "parameters",
        "steps",
        "seconds",
        "Wh",
        "ended (UTC)",
    )
    rows = sorted((_row(one, metrics) for one in finished), key=lambda row: float(row[-1].value or 0), reverse=True)
    return html(
        '<div class="scroll wide" tabindex="0"><table class="sortable"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>",
        joined(html('<th scope="col">{}</th>', name) for name in head),
        joined(html("<tr>{}</tr>", joined(map(_cell, row))) for row in rows),
    )


def _row(one: RunSummary, metrics: Sequence[str]) -> list[Cell]:
    results, scores, history = one.results or {}, one.scores, one.history()
    name = one.path.name
    link = html('<a href="{}">{}</a>', f"./{quote(os.fsencode(name))}/{REPORT}", name)
    when = ended(history)
    return [
        Cell(link if RunFolder(one.path).files.there(REPORT) else name, name),
        Cell(one.recipe, one.recipe),
        Cell(results["part"], results["part"]),
        *(_number(scores.get(metric), ".4g") for metric in metrics),
        _curve(curves_of(history).get("loss", {})),
        _number(results.get("parameters"), ","),
        _number(results["steps"], ","),
        _number(results["seconds"], ",.1f"),
        _number(results["energy"]["watt_hours"], ".4g"),
        Cell(day_and_time(when), "" if when is None else when.timestamp()),
    ]


def _number(value: float | None, form: str) -> Cell:
    """A number; one that is not finite is sorted as none at all."""
    return EMPTY if value is None else Cell(format(value, form), value if math.isfinite(value) else "")


def _cell(cell: Cell) -> Html:
    return html('<td data-value="{}">{}</td>', cell.value, cell.shown)


def _curve(lines: dict[str, list[tuple[int, float]]]) -> Cell:
    """A small curve of the loss on held-out examples, or else on those of training; sorted by its last value."""
    part = next((part for part in ("valid", "train") if len(lines.get(part, ())) > 1), "")
    if not part:
        return EMPTY
    points = np.array(lines[part], dtype=np.float64)
    points = points[evenly_spaced(len(points), CURVE_POINTS)]
    low, high = points.min(axis=0), points.max(axis=0)
    placed = (points - low) / np.maximum(high - low, 1e-300)
    drawn = " ".join(f"{1 + x * (WIDE - 2):.1f},{HIGH - 1 - y * (HIGH - 2):.1f}" for x, y in placed)
    said = f"{part} loss from {points[0, 1]:.4g} to {points[-1, 1]:.4g}"
    picture = html(
        '<svg class="curve" viewBox="0 0 {} {}" role="img" aria-label="{}"><polyline points="{}"/></svg>',
        WIDE, HIGH, said, drawn,
    )  # fmt: skip
    return Cell(picture, points[-1, 1])


def _settings(finished: Sequence[RunSummary]) -> Html:
    """Of each recipe with several runs, the settings in which they differ."""
    shown = []
    for recipe in dict.fromkeys(one.recipe for one in finished):
        runs = [one for one in finished if one.recipe == recipe]
        keys = differing(one.settings for one in runs)
        if keys:
            rows = [(one.path.name, *(one.settings.get(key, "") for key in keys)) for one in runs]
            shown.append(
                html("<h3>{}</h3><div class=wide>{}</div>", recipe, table_of((("run", *keys), *rows), "words"))
            )
    return html("<h2>Settings that differ</h2>{}", joined(shown)) if shown else NOTHING


def _others(runs: Sequence[RunSummary]) -> Html:
    if not runs:
        return NOTHING
    rows = [(one.path.name, one.recipe, one.state, f"{one.steps:,}", one.problem) for one in runs]
    return html("<h2>Not finished</h2>{}", table_of((("run", "recipe", "state", "steps", "why"), *rows), "words"))

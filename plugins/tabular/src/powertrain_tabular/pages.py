"""What the report says about a table: its parts, what is odd, what leaks, and how the target is spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from powertrain.plugin import Section, bin_edges
from powertrain_tabular.cleaning import Finding
from powertrain_tabular.frame import PLURAL, Frame

SHOWN_GAPS = 12
SHOWN_CLASSES = 20
SHOWN_LETTERS = 40  # of their names beside each other


def sections(
    frame: Frame, target: str, findings: Sequence[Finding], leaked: Sequence[Finding], parts: Mapping[str, int]
) -> tuple[Section, ...]:
    kinds = [column.kind for column in frame.columns.values()]
    sizes = ", ".join(f"{part} {count:,}" for part, count in parts.items())
    about = f"{frame.count:,} rows ({sizes}), {len(kinds)} columns: " + ", ".join(
        f"{kinds.count(kind)} of {PLURAL[kind]}" for kind in dict.fromkeys(kinds)
    )
    clean = "Nothing odd was found." if not findings else ""
    tight = "No leak was found: rows, time and single columns were looked at." if not leaked else ""
    return (
        Section("The table", (about,), draw=lambda figure: _draw(figure, frame, target)),
        Section("What is odd about it", (clean,) if clean else (), _rows(findings)),
        Section("Leakage check", (tight,) if tight else (), _rows(leaked)),
    )


def _rows(findings: Sequence[Finding]) -> tuple[tuple[str, ...], ...]:
    if not findings:
        return ()
    return (("what", "column", "how"), *((one.kind, one.column or "rows", one.text) for one in findings))


def _draw(figure: Any, frame: Frame, target: str) -> None:
    """The target, and the columns with the most gaps."""
    column = frame[target]
    gaps = {name: float(one.missing.mean()) for name, one in frame.columns.items() if one.missing.any()}
    left = figure.add_subplot(1, 2 if gaps else 1, 1)
    found, counts = np.unique(
        column.values.astype(str) if column.kind == "category" else column.values, return_counts=True
    )
    if len(found) <= SHOWN_CLASSES:
        names = [str(value) if column.kind == "category" else f"{value:g}" for value in found]
        left.bar(names, counts)
        if sum(map(len, names)) > SHOWN_LETTERS:
            left.tick_params(axis="x", rotation=90)
    else:
        left.hist(column.values, bins=bin_edges(column.values).tolist())
        left.locator_params(axis="x", nbins=5)
        left.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    left.set(title=target, ylabel="rows")
    if gaps:
        most = sorted(gaps.items(), key=lambda item: -item[1])[:SHOWN_GAPS]
        right = figure.add_subplot(1, 2, 2)
        bars = right.barh([name for name, _ in most][::-1], [100 * share for _, share in most][::-1])
        right.bar_label(bars, fmt="%.2g", padding=3)
        # From 0 to what there is, and room for the numbers: on a scale to 100 %, a few gaps could not be seen.
        right.set_ylim(-0.6, max(len(most), 4) - 0.4)  # a single bar would fill the picture
        right.set(title="gaps", xlabel="% of the rows", xlim=(0, 120 * most[0][1]))
    figure.set_layout_engine("constrained")

"""A page that a plugin adds to the report, and what several draw: how much each named column counts, histograms."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.typing import Array

BINS = 40
MOST = 20  # bars
LONGEST = 40  # letters of a name


@dataclasses.dataclass(frozen=True)
class Section:
    """What data, a model or a strategy says in the report: sentences, a table whose first row is its head, a picture.

    `draw` gets an empty `matplotlib.figure.Figure`, where matplotlib is there.

    Example
        >>> from powertrain.plugin import Section
        >>> Section('Words', lines=('two texts',)).title
        'Words'
    """

    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    draw: Callable[[Figure], None] | None = None

    def png(self) -> bytes | None:
        """The picture as a PNG file; None where there is none, or matplotlib is not installed."""
        if self.draw is None or importlib.util.find_spec("matplotlib") is None:
            return None
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure, buffer = Figure(figsize=(8.4, 3.4)), io.BytesIO()
        FigureCanvasAgg(figure)
        self.draw(figure)
        figure.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def columns_section(
    title: str,
    names: Sequence[str],
    values: Array,
    label: str,
    *,
    lines: Sequence[str] = (),
    signed: bool = False,
) -> Section:
    """The columns that count most, the largest above. `label` says what the length of a bar is; where values are
    `signed`, those above and below zero have colours of their own.

    Example
        >>> from powertrain.plugin import columns_section
        >>> columns_section('Weights', ['a', 'b'], np.array([0.5, 2.0]), 'size').title
        'Weights'
    """
    sizes = np.asarray(values, dtype=np.float64)
    shown = np.argsort(-np.abs(sizes), kind="stable")[:MOST]
    idle = int(np.count_nonzero(sizes == 0))
    rest = [f"{idle:,} of {len(names):,} columns count for nothing."] if idle else []
    if len(sizes) > len(shown):
        rest.append(f"The {len(shown)} of {len(sizes):,} that count most are shown.")
    chosen = [(_short(names[at]), float(sizes[at])) for at in shown]
    said = (*lines, " ".join(rest)) if rest else tuple(lines)
    return Section(title, said, draw=lambda figure: _draw(figure, chosen, label, signed))


def bin_edges(values: Array) -> NDArray[np.float64]:
    """Return the edges of 40 bins of a histogram, from the smallest finite value to the largest.

    Where floats cannot tell that many edges apart, it is one bin around the values. NumPy and matplotlib raise there.

    Example
        >>> bin_edges(np.array([0.0, 40.0, np.nan]))[:3].tolist(), len(bin_edges(np.array([3.0, 3.0])))
        ([0.0, 1.0, 2.0], 2)
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    edges = np.linspace(low, high, BINS + 1)
    if (np.diff(edges) > 0).all() and np.isfinite(edges).all():
        return edges
    beside = max(abs(low), abs(high), 1.0) * 1e-6
    return np.array([low - beside, high + beside])


def _short(name: str) -> str:
    shown = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
    return shown.replace("$", r"\$")  # between two, matplotlib would look for a formula


def _draw(figure: Any, chosen: Sequence[tuple[str, float]], label: str, signed: bool) -> None:
    figure.set_size_inches(8.4, 1.1 + 0.27 * max(len(chosen), 3))
    axes = figure.add_subplot()
    names, values = [name for name, _ in chosen], np.array([value for _, value in chosen])
    colours = ["C0" if value >= 0 else "C3" for value in values] if signed else "C0"
    bars = axes.barh(range(len(values)), values, color=colours)
    axes.set_yticks(range(len(values)), names, fontsize=9)
    axes.set_ylim(max(len(values), 3) - 0.4, -0.6)
    axes.bar_label(bars, fmt="%.2g", padding=3, fontsize=8)
    axes.margins(x=0.12)
    axes.axvline(0, color="gray", linewidth=1)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.set_xlabel(label)
    figure.set_layout_engine("constrained")

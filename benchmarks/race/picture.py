"""Results as pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from race.figures import Entry, Result

# Colours that people with any colour vision tell apart (Okabe & Ito 2008), and shapes for print.
STYLES = {
    "powertrain": ("#D55E00", "D"),
    "powertrain eager": ("#D55E00", "D"),
    "torch eager": ("#56B4E9", "o"),
    "torch": ("#0072B2", "s"),
    "torch fused": ("#0072B2", "s"),
    "torch compile": ("#CC79A7", "^"),
    "jax": ("#009E73", "v"),
    "mlx": ("#999999", "P"),
    "numpy": ("#E69F00", "X"),
}


def save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=140, bbox_inches="tight")


def times(value: float, position: object = None) -> str:
    return f"{value:g}×"


def some_times(value: float, position: object = None) -> str:
    """Between the powers of ten only 2, 3 and 5, so that the labels have room."""
    return times(value) if f"{value:e}"[0] in "235" else ""


def plain(value: float, position: object = None) -> str:
    """1, 2 and 5 of each decade, as people write them."""
    if f"{value:e}"[0] not in "125":
        return ""
    return f"{value:g}" if value < 1e4 else f"{value:.0e}".replace("e+0", "e")


def dots(found: Sequence[Result], label: Callable[[Result], str], title: str, path: Path) -> None:
    """A row for each task, a dot for each framework: its time over Powertrain's, so right of 1 is slower than it."""
    found = [result for result in found if result.ours.turns]
    figure = Figure(figsize=(9, 1.7 + 0.42 * len(found)))
    axes = figure.add_subplot()
    names: dict[str, None] = {}
    for at, result in enumerate(found):
        axes.axhline(at, color="#dddddd", linewidth=0.8, zorder=0)
        low, high = result.interval()
        if result.ratio is not None and low == low:
            axes.plot([low, high], [at, at], color="#555555", linewidth=4, alpha=0.45, solid_capstyle="butt", zorder=1)
        for entry in result.entries:
            if entry.turns:
                names[entry.framework] = None
                _dot(axes, entry, entry.median / result.ours.median, at)
    axes.axvline(1, color=STYLES["powertrain"][0], linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(times))
    axes.xaxis.set_minor_formatter(FuncFormatter(some_times))
    axes.tick_params(axis="x", which="both", labelsize=8)
    rows = [f"{label(result)}  ({_short(result.ours.median)})" for result in found]
    axes.set_yticks(range(len(found)), rows)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_xlabel("time over Powertrain's: right of the line is slower than Powertrain")
    axes.set_title(title, loc="left", fontsize=11)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    for name in names:
        colour, marker = STYLES[name]
        axes.plot([], [], marker, color=colour, label=name)
    axes.plot([], [], color="#555555", linewidth=4, alpha=0.45, label="95 % interval of the best peer")
    if any(entry.wrong for result in found for entry in result.entries):
        axes.plot([], [], "o", markerfacecolor="none", color="#555555", label="hollow: losses differ")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    save(figure, path)


def _dot(axes: Axes, entry: Entry, x: float, y: float) -> None:
    colour, marker = STYLES[entry.framework]
    face = "none" if entry.wrong else colour
    axes.plot([x], [y], marker, color=colour, markerfacecolor=face, markersize=7, zorder=3)


def _short(ms: float) -> str:
    return f"{ms * 1e3:.0f} µs" if ms < 1 else f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def lines(panels: Mapping[str, Sequence[tuple[float, Result]]], title: str, path: Path) -> None:
    """Step time against the size of the work, log-log; one panel for each kind of growth."""
    figure = Figure(figsize=(5.2 * len(panels), 4.2))
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    for at, (what, points) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, len(panels), at)
        for name in dict.fromkeys(entry.framework for _, result in points for entry in result.entries):
            found = [
                (size, entry.median)
                for size, result in points
                for entry in result.entries
                if entry.framework == name and entry.turns
            ]
            if found:
                colour, marker = STYLES[name]
                sizes, values = zip(*found, strict=True)
                width = 2.2 if name == "powertrain" else 1.2
                axes.plot(sizes, values, marker=marker, color=colour, label=name, linewidth=width, markersize=5)
        axes.set(xscale="log", yscale="log", xlabel=what, ylabel="ms a step")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(plain))
        axes.yaxis.set_minor_formatter(FuncFormatter(plain))
        axes.grid(alpha=0.3, which="both", linewidth=0.5)
        axes.legend(loc="best", frameon=False, fontsize=8)
    figure.tight_layout()
    save(figure, path)

"""Pictures for the report, as HTML image tags with the PNG inside. Imported only where matplotlib is installed."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from powertrain.io.console import one_line
from powertrain.plugin.section import bin_edges
from powertrain.train.report.markup import Html, html, joined

if TYPE_CHECKING:
    from powertrain.train.evaluate.calibration import Reliability, Thresholds

WIDTH = 12.6  # inches of what is as wide as the page
IN_A_ROW = 3
MOST_LETTERS = 200


def tag(figure: Figure, alt: str) -> Html:
    """A figure as an image tag. No pyplot: it keeps global state, and a window system is not needed."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    picture = base64.b64encode(buffer.getvalue()).decode()
    return html('<img alt="{}" src="data:image/png;base64,{}">', alt, picture)


def drawn(draw: Callable[[Figure], None], alt: str) -> Html:
    """A figure that somebody else draws."""
    figure = Figure(figsize=(8.4, 3.4))
    draw(figure)
    return tag(figure, alt)


def plain(text: str) -> str:
    """Words of somebody's data as they are: between two dollars matplotlib would look for a formula."""
    return one_line(text)[:MOST_LETTERS].replace("$", r"\$")


def curves(by_metric: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]) -> Html:
    """One plot for each metric, with a line for each part that was measured."""
    # A part has one colour in all plots.
    parts = dict.fromkeys(part for lines in by_metric.values() for part in lines)
    colours = {part: f"C{at}" for at, part in enumerate(parts)}
    rows, columns = -(-len(by_metric) // IN_A_ROW), min(len(by_metric), IN_A_ROW)
    figure = Figure(figsize=(WIDTH / IN_A_ROW * columns, 3.2 * rows), layout="constrained")
    for at, (title, lines) in enumerate(by_metric.items(), 1):
        axes = figure.add_subplot(rows, columns, at)
        for part, points in lines.items():
            marker = "." if len(points) < 30 else None
            axes.plot(*zip(*points, strict=True), label=plain(part), color=colours[part], marker=marker)
        axes.set(title=plain(title), xlabel="step")
        axes.grid(alpha=0.3)
        axes.legend(loc="best")
    return tag(figure, "curves of " + ", ".join(by_metric))


def bands(chart: Mapping[str, Any]) -> Html:
    """The chart of `charts.heat_chart` as a picture: a row for each band."""
    rows = chart["bands"]
    figure = Figure(figsize=(WIDTH * 2 / IN_A_ROW, 0.6 + 0.55 * len(rows)), layout="constrained")
    places = figure.subplots(len(rows), sharex=True, squeeze=False)[:, 0]
    for axes, band in zip(places, rows, strict=True):
        shares = np.array([list(bytes.fromhex(column)) for column in band["columns"]]).T / 255
        steps = np.array(band["x"], dtype=np.float64)
        edges = np.append(steps, steps[-1] + (steps[-1] - steps[-2] if len(steps) > 1 else 1))
        sizes = chart["lowest"] + np.arange(-1, len(shares))  # zeros are in the lowest row
        axes.pcolormesh(edges, sizes, np.sqrt(shares), cmap="Blues", vmin=0, vmax=0.7)
        axes.set_yticks([sizes[1], sizes[-1]], [f"{2.0**size:.0e}" for size in (sizes[1], sizes[-1])], fontsize=6)
        axes.set_ylabel(plain(band["name"]), rotation=0, ha="right", va="center", fontsize=8, labelpad=12)
    places[-1].set_xlabel(chart["across"])
    figure.suptitle(plain(chart["title"]))
    return tag(figure, f"{chart['title']} of each layer")


def confusion(counts: NDArray[Any], labels: Sequence[str]) -> Html:
    """The confusion matrix."""
    figure = Figure()
    draw_confusion(figure, counts, labels)
    return tag(figure, "confusion matrix")


def draw_confusion(figure: Figure, counts: NDArray[Any], labels: Sequence[str]) -> None:
    """Rows are what is true, columns what the model said; colours are shares of a row."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = [plain(label) for label in labels]
    size = min(10.0, 2.5 + 0.4 * len(labels))
    figure.set_size_inches(size, size)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="the model said", ylabel="it is")
    if len(labels) <= 30:
        axes.set_xticks(range(len(labels)), labels, rotation=90 if len(labels) * max(map(len, labels)) > 24 else 0)
        axes.set_yticks(range(len(labels)), labels)
        for row, column in np.argwhere(counts > 0):
            colour = "white" if shares[row, column] > 0.5 else "black"
            number = f"{int(counts[row, column])}"
            axes.text(column, row, number, ha="center", va="center", fontsize=7, color=colour)


def draw_answers(figure: Figure, truth: NDArray[Any], said: NDArray[Any], unit: str = "") -> None:
    """Numbers that a model said against what they are, and how far it was off."""
    counted = f" ({plain(unit)})" if unit else ""
    figure.set_size_inches(8.4, 3.6)
    figure.set_layout_engine("constrained")
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    ends = [min(truth.min(), said.min()), max(truth.max(), said.max())]
    left.plot(ends, ends, color="gray", linewidth=1, zorder=0)
    left.scatter(truth, said, s=8, alpha=0.5, linewidths=0)
    left.set(title="what the model said", xlabel=f"it is{counted}", ylabel=f"the model said{counted}")
    right.hist(said - truth, bins=bin_edges(said - truth).tolist())
    right.axvline(0, color="gray", linewidth=1)
    right.set(title="how far it was off", xlabel=f"the model said less what it is{counted}", ylabel="examples")


def calibration(two: Thresholds | None, held: Reliability | None, labels: Sequence[str]) -> Html:
    """Two classes: found against falsely taken, and precision against recall. Any: what was said against what came. One
    picture each, so that a narrow page stacks them."""
    labels = [plain(label) for label in labels]
    made = []
    if two is not None:
        name = labels[1]
        made.append(_panel(f"ROC of {name}", lambda axes: _draw_roc(axes, two, name)))
        made.append(_panel(f"Precision and recall of {name}", lambda axes: _draw_precision(axes, two, name)))
    if held is not None:
        made.append(_panel("Are its probabilities right?", lambda axes: _draw_reliability(axes, held, labels)))
    return html('<div class="panels">{}</div>', joined(made))


def _panel(title: str, draw: Callable[[Any], None]) -> Html:
    figure = Figure(figsize=(WIDTH / IN_A_ROW, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid(alpha=0.3)
    draw(axes)
    return tag(figure, title)


def _draw_roc(axes: Any, two: Thresholds, name: str) -> None:
    axes.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle="--", label="guessing")
    axes.plot([0, *two.false], [0, *two.recall], label=f"area {two.area:.3f}")
    axes.set(xlabel=f"false positive rate: share of the others taken for {name}")
    axes.set(ylabel=f"recall: share of {name} that is found")
    axes.plot(two.false[two.usual], two.recall[two.usual], "o", color="C1", label="where it decides")
    axes.legend(loc="lower right")


def _draw_precision(axes: Any, two: Thresholds, name: str) -> None:
    share = two.precision[-1]
    axes.axhline(share, color="gray", linewidth=1, linestyle="--", label=f"guessing: {share:.2f}")
    axes.step(two.recall, two.precision, where="post", label=f"average precision {two.average_precision:.3f}")
    axes.set(
        xlabel=f"recall: share of {name} that is found", ylabel=f"precision: share of predicted {name} that is right"
    )
    axes.plot(two.recall[two.usual], two.precision[two.usual], "o", color="C1", label="where it decides")
    axes.legend(loc="lower left")


def _draw_reliability(axes: Any, held: Reliability, labels: Sequence[str]) -> None:
    of = f"of {labels[1]}" if len(labels) == 2 else "of its answer"
    came = f"share that is {labels[1]}" if len(labels) == 2 else "share that is right"
    shares, known = held.counts / held.counts.sum(), held.known()
    axes.bar(held.said, shares, width=0.06, color="lightgray", label="share of the examples", zorder=0)
    axes.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle="--", label="ideal")
    axes.errorbar(known.said, known.right, yerr=known.intervals(), marker="o", capsize=3, label="measured (95 %)")
    axes.set(xlabel=f"predicted probability {of}", ylabel=came)
    # Beneath the axes: within them, intervals may be anywhere.
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, fontsize=7.5, frameon=False)

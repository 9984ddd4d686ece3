"""Pictures for the report, as HTML image tags with the PNG inside. Imported only where matplotlib is installed."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from powertrain.io.console import one_line
from powertrain.plugin.section import bin_edges
from powertrain.train.report.markup import Html, html

if TYPE_CHECKING:
    from powertrain.train.evaluate.calibration import Reliability, Thresholds

WIDTH = 12.6  # inches of what is as wide as the page
IN_A_ROW = 3
MOST_LETTERS = 200
TITLE = 18  # letters above a small picture


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
        axes.legend()
    return tag(figure, "curves of " + ", ".join(by_metric))


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
    """Two classes: found against falsely taken, and precision against recall. Any: what was said against what came."""
    labels = [plain(label) for label in labels]
    count = 2 * (two is not None) + (held is not None)
    figure = Figure(figsize=(WIDTH / IN_A_ROW * count, 4.2), layout="constrained")
    panels = [figure.add_subplot(1, count, at + 1) for at in range(count)]
    for axes in panels:
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.grid(alpha=0.3)
    if two is not None:
        found, precise = panels[:2]
        name = labels[1]
        found.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle="--", label="guessing")
        found.plot([0, *two.false], [0, *two.recall], label=f"area {two.area:.3f}")
        found.set(title=f"ROC of {name}", xlabel=f"false positive rate: share of the others taken for {name}")
        found.set(ylabel=f"recall: share of {name} that is found")
        share = two.precision[-1]
        precise.axhline(share, color="gray", linewidth=1, linestyle="--", label=f"guessing: {share:.2f}")
        precise.step(two.recall, two.precision, where="post", label=f"average precision {two.average_precision:.3f}")
        precise.set(title=f"Precision and recall of {name}", xlabel=f"recall: share of {name} that is found")
        precise.set(ylabel=f"precision: share right of what it calls {name}")
        for axes, across, up in ((found, two.false, two.recall), (precise, two.recall, two.precision)):
            axes.plot(across[two.usual], up[two.usual], "o", color="C1", label="where it decides")
        found.legend(loc="lower right")
        precise.legend(loc="lower left")
    if held is not None:
        axes, everywhere = panels[-1], held.said
        of = f"of {labels[1]}" if len(labels) == 2 else "of its answer"
        shares, held = held.counts / held.counts.sum(), held.known()
        axes.bar(everywhere, shares, width=0.06, color="lightgray", label="share of the examples", zorder=0)
        axes.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle="--", label="as it should be")
        axes.errorbar(held.said, held.right, yerr=held.intervals(), marker="o", capsize=3, label="as it is (95 %)")
        came = f"share that is {labels[1]}" if len(labels) == 2 else "share that is right"
        axes.set(title="Do its probabilities hold?", xlabel=f"probability {of} that it said", ylabel=came)
        # Beneath the axes: within them, intervals may be anywhere.
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, fontsize=7.5, frameon=False)
    return tag(figure, "how sure it is")


def images(pixels: NDArray[Any], titles: Sequence[str], alt: str) -> Html:
    """Small pictures with a title each, eight in a row."""
    columns = 8
    rows = -(-len(titles) // columns)
    # Broken where a longer line would run into the next picture's.
    titles = [textwrap.fill(plain(title), TITLE) for title in titles]
    lines = 1 + max((title.count("\n") for title in titles), default=0)
    figure = Figure(figsize=(1.5 * columns, (1.55 + 0.15 * lines) * rows))
    for at, title in enumerate(titles):
        picture = pixels[at].astype(np.float64)
        picture = picture[..., 0] if picture.ndim == 3 and picture.shape[-1] == 1 else picture
        low, high = picture.min(), picture.max()
        axes = figure.add_subplot(rows, columns, at + 1)
        axes.imshow((picture - low) / max(high - low, 1e-12), cmap="gray")
        axes.set_title(title, fontsize=7)
        axes.axis("off")
    return tag(figure, alt)

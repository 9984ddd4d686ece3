"""Pictures for the report, as HTML image tags with the PNG inside. Imported only where matplotlib is installed."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

WIDTH = 12.6  # inches of what is as wide as the page
IN_A_ROW = 3
TITLE = 18  # letters above a small picture


def tag(figure: Figure, alt: str) -> str:
    """A figure as an image tag. No pyplot: it keeps global state, and a window system is not needed."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return f'<img alt="{alt}" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def drawn(draw: Callable[[Figure], None], alt: str) -> str:
    """A figure that somebody else draws."""
    figure = Figure(figsize=(8.4, 3.4))
    draw(figure)
    return tag(figure, alt)


def curves(lines: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """One plot for each metric, with its training and validation lines in it."""
    kinds = sorted({name.partition(".")[2] for name in lines}, key=lambda kind: (kind != "loss", kind))
    # A part has one colour in all plots.
    colours = {part: f"C{at}" for at, part in enumerate(dict.fromkeys(name.partition(".")[0] for name in lines))}
    rows = -(-len(kinds) // IN_A_ROW)
    figure = Figure(figsize=(WIDTH / IN_A_ROW * min(len(kinds), IN_A_ROW), 3.2 * rows), layout="constrained")
    for at, kind in enumerate(kinds, 1):
        axes = figure.add_subplot(rows, min(len(kinds), IN_A_ROW), at)
        for name, points in lines.items():
            part, _, metric = name.partition(".")
            if metric == kind:
                steps, values = zip(*points, strict=True)
                axes.plot(steps, values, label=part, color=colours[part], marker="." if len(steps) < 30 else None)
        axes.set(title=kind, xlabel="step")
        axes.grid(alpha=0.3)
        axes.legend()
    return tag(figure, "curves of " + ", ".join(kinds))


def confusion(counts: NDArray[Any], labels: Sequence[str]) -> str:
    """Rows are what is true, columns what the model said; colours are shares of a row."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(10.0, 2.5 + 0.4 * len(labels))
    figure = Figure(figsize=(size, size))
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
    return tag(figure, "confusion matrix")


def answers(truth: NDArray[Any], said: NDArray[Any]) -> str:
    """Numbers that a model said against what they are, and how far it was off."""
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    ends = [min(truth.min(), said.min()), max(truth.max(), said.max())]
    left.plot(ends, ends, color="gray", linewidth=1, zorder=0)
    left.scatter(truth, said, s=8, alpha=0.5, linewidths=0)
    left.set(title="what the model said", xlabel="it is", ylabel="the model said")
    right.hist(said - truth, bins=40)
    right.axvline(0, color="gray", linewidth=1)
    right.set(title="how far it was off", xlabel="the model said less what it is", ylabel="examples")
    return tag(figure, "answers")


def images(pixels: NDArray[Any], titles: Sequence[str], alt: str) -> str:
    """Small pictures with a title each, eight in a row."""
    columns = 8
    rows = -(-len(titles) // columns)
    # Broken where a longer line would run into the next picture's.
    titles = [textwrap.fill(title, TITLE) for title in titles]
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

"""The page of a report on the groups of k-means: how many rows each has, and what its middle looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import evenly_spaced, untransformed
from powertrain.plugin import Run, Section, points_section
from powertrain.solvers import principal_components

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 5000  # training rows that are looked at
MOST_CLUSTERS = 40  # that are shown, the largest first
COLOURED = 20
COLUMNS = 10  # pictures side by side


def clusters_section(run: Run, clusters: int) -> Section:
    """The training rows by their nearest centre. Middles are drawn where the examples are pictures, as they were before
    the transforms; else the rows along two principal components."""
    source: Any = run.dataset.train
    rows = evenly_spaced(len(source), MOST_ROWS)
    fields, raw = source.fetch(rows), np.asarray(untransformed(source).fetch(rows)["x"])
    groups = np.asarray(run.predict(fields["x"])).argmax(axis=1)
    sizes = np.bincount(groups, minlength=clusters)
    shown = np.argsort(-sizes, kind="stable")[:MOST_CLUSTERS]
    some = (
        f"{len(rows):,} evenly spaced training rows" if len(rows) < len(source) else f"The {len(rows):,} training rows"
    )
    empty = int((sizes == 0).sum())
    lines = [f"{some}, each with its nearest centre." + (f" {empty} of {clusters} have none." if empty else "")]
    known = run.dataset.task == "classification"
    head = ("cluster", "rows", "share", *(("mostly", "share of it") if known else ()))
    table = [head, *(_row(run, at, groups, fields["y"] if known else None) for at in shown)]
    if known:
        lines.append("Training saw no classes: the table says which one a cluster mostly holds.")
    if _are_pictures(raw):
        middles = [raw[groups == at].mean(axis=0) if sizes[at] else np.zeros(raw.shape[1:]) for at in shown]
        titles = [f"{at}: {sizes[at]:,}" for at in shown]
        lines.append("Below the table: the mean of each cluster, with its number and how many rows it has.")
        return Section("Clusters", tuple(lines), tuple(table), lambda figure: _draw(figure, np.array(middles), titles))
    x = np.asarray(fields["x"], np.float32).reshape(len(rows), -1)
    if min(x.shape) < 2 or clusters > COLOURED:
        return Section("Clusters", tuple(lines), tuple(table))
    found = principal_components(x, 2)
    names = [f"cluster {at}" for at in range(clusters)]
    axes = ("first principal component", "second")
    points = points_section("", (x - found.mean) @ found.components.T, groups, names, axes=axes)
    return Section("Clusters", tuple(lines), tuple(table), points.draw)


def _row(run: Run, at: int, groups: NDArray[Any], y: NDArray[Any] | None) -> tuple[str, ...]:
    mine = groups == at
    count = int(mine.sum())
    row = (str(at), f"{count:,}", f"{count / len(groups):.1%}")
    if y is None:
        return row
    if not count:
        return (*row, "", "")
    classes = np.bincount(np.asarray(y)[mine])
    return (*row, run.dataset.class_names[classes.argmax()], f"{classes.max() / count:.0%}")


def _are_pictures(x: NDArray[Any]) -> bool:
    return x.ndim == 3 or (x.ndim == 4 and x.shape[-1] in (1, 3))


def _draw(figure: Figure, pictures: NDArray[Any], titles: list[str]) -> None:
    """All on one scale, the largest clusters first."""
    low, high = float(pictures.min()), float(pictures.max())
    shown = (pictures - low) / max(high - low, 1e-12)
    shown = shown[..., 0] if shown.ndim == 4 and shown.shape[-1] == 1 else shown
    deep = -(-len(shown) // COLUMNS)
    figure.set_size_inches(1.0 * COLUMNS, 1.25 * deep)
    figure.set_layout_engine("constrained")
    for at, (picture, title) in enumerate(zip(shown, titles, strict=True)):
        axes = figure.add_subplot(deep, COLUMNS, at + 1)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.axis("off")

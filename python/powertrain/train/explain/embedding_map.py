"""A map of examples: those that the model takes for alike lie near each other (van der Maaten and Hinton 2008)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.source import evenly_spaced
from powertrain.errors.boundary import export
from powertrain.plugin.section import draw_points
from powertrain.train.explain.explanation import Explanation
from powertrain.train.explain.nearest import embedded
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array

MOST = 2000  # examples on a map
FEWEST = 10
PERPLEXITY = 30.0  # neighbours that count
NEIGHBOURS = 10  # by which a map is measured
MOST_CLASSES = 20  # that have a colour
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EmbeddingMap(Explanation):
    """Examples on a plane, near each other where the model takes them for alike. Distances between groups that lie
    apart, and their sizes, say little.

    * `points`: float64 [examples, 2].
    * `embedding`: float64 [examples, size], what the last layer of the model is given.
    * `rows`: int64 [examples], their numbers among the given ones, evenly spaced where there are more than 2,000.
    * `kept`: of the 10 nearest of each example in the embedding, the share that is among its 10 nearest on the map.
    * `targets`: their classes or numbers, None where they were not given; `labels`: the names of the classes.
    """

    points: Floats
    embedding: Floats = field(repr=False)
    rows: NDArray[np.int64] = field(repr=False)
    kept: float
    targets: Array | None = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    folder: Path = field(repr=False)
    method: str = "map"

    def draw(self, figure: Figure) -> None:
        if self.targets is None or self.labels:
            draw_points(figure, self.points, self.targets, self.labels, ("", ""))
            axes = figure.axes[0]
        else:
            figure.set_size_inches(6.8, 5.2)
            axes = figure.add_subplot()
            shades = axes.scatter(self.points[:, 0], self.points[:, 1], s=9, c=self.targets)
            figure.colorbar(shades, label="target")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(f"{len(self.points):,} examples, near where they are alike to the model", fontsize=9)

    def __repr__(self) -> str:
        return f"EmbeddingMap({len(self.points):,} examples, {self.kept:.2f} of their {NEIGHBOURS} nearest are kept)"


def embedding_map(run: TrainRun, x: Array, targets: Array | None, seed: int, folder: Path) -> EmbeddingMap:
    """Of inputs as the model gets them, after the transforms."""
    rows = evenly_spaced(len(x), MOST)
    if len(rows) < FEWEST:
        raise RunError(
            f"[explain] received {len(x)} examples for a map; expected {FEWEST} or more; some hundreds show groups"
        )
    embedding = embedded(run, x[rows])
    if not np.isfinite(embedding).all():
        raise RunError(
            "[explain] the embeddings of the examples are not finite; expected numbers; look at the examples, or train "
            "with a lower rate"
        )
    points = _points(embedding, seed)
    shown, labels = _coloured(run, None if targets is None else targets[rows])
    kept = _kept(embedding, points)
    return EmbeddingMap(points, embedding, rows, kept, shown, labels, folder)


def _points(embedding: Floats, seed: int) -> Floats:
    """The places of openTSNE, with exact neighbours and one thread, so that the same seed gives the same map."""
    try:
        from openTSNE import TSNE
    except ImportError as error:
        raise RunError(
            f"[explain] openTSNE cannot be imported ({error}); expected it, since it makes the map; pip install "
            '"powertrain[maps]"'
        ) from None
    made = TSNE(
        perplexity=min(PERPLEXITY, (len(embedding) - 1) / 3),
        neighbors="exact",
        negative_gradient_method="bh",
        random_state=seed,
        n_jobs=1,
    ).fit(np.ascontiguousarray(embedding))
    return np.asarray(made, np.float64)


def _coloured(run: TrainRun, targets: Array | None) -> tuple[Array | None, tuple[str, ...]]:
    """Targets that can be shown by colours, and the names of the classes."""
    if targets is None:
        return None, ()
    if run.dataset.kind.classes:
        names = tuple(run.dataset.class_names)
        return (targets, names) if len(names) <= MOST_CLASSES else (None, ())
    return (np.asarray(targets, np.float64).reshape(len(targets)), ()) if targets[0].size == 1 else (None, ())


def _kept(embedding: Floats, points: Floats) -> float:
    count = min(NEIGHBOURS, len(points) - 1)
    near = [_nearest(places, count) for places in (embedding, points)]
    both = [len(np.intersect1d(a, b)) for a, b in zip(*near, strict=True)]
    return float(np.mean(both)) / count


def _nearest(places: Floats, count: int) -> Any:
    lengths = np.square(places).sum(axis=1)
    apart = lengths[:, None] + lengths - 2 * places @ places.T
    np.fill_diagonal(apart, np.inf)
    return np.argpartition(apart, count - 1, axis=1)[:, :count]


export(globals())

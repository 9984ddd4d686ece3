"""Pages of the report of self-supervised strategies: a map of held-out pictures, and pictures beside changed ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import spaced_examples
from powertrain.plugin import Run, Section, pictures_section, points_section
from powertrain.solvers import principal_components

MOST, MOST_CLASSES = 1000, 20  # pictures on the map, classes that have a colour
NEIGHBOURS = 5
AXES = ("first principal component", "second")
SHOWN = 10  # pictures side by side


def held_out(run: Run, count: int) -> dict[str, NDArray[Any]]:
    """Evenly spaced examples of the part that the run is judged by."""
    fields = spaced_examples(run.dataset.splits[run.dataset.judged_part], count)
    return {**fields, "x": np.asarray(fields["x"], np.float32)}


def map_section(run: Run) -> list[Section]:
    """Held-out pictures at the two principal components of their places, coloured by class where there are labels."""
    fields = held_out(run, MOST)
    places = np.asarray(run.predict(fields["x"]), np.float32).reshape(len(fields["x"]), -1)
    if min(places.shape) < 2:
        return []
    points = places @ principal_components(places).components[:2].T
    known = run.dataset.task == "classification" and run.dataset.outputs <= MOST_CLASSES
    lines = [f"{len(points):,} held-out pictures at the two principal components of their places."]
    if known:
        share = same_class(places, np.asarray(fields["y"]))
        lines.append(f"Of the {NEIGHBOURS} nearest of each, {share:.0%} are of its class. Training saw no classes.")

    shown = (np.asarray(fields["y"]), run.dataset.class_names) if known else (None, ())
    return [points_section("Map of what was learned", points, *shown, axes=AXES, lines=lines)]


def together_section(pictures: NDArray[Any], captions: NDArray[Any]) -> Section:
    """The places of pictures and those of their captions, in one plane."""
    both = np.concatenate([pictures, captions])
    found = principal_components(both, 2)
    lines = (
        f"{len(pictures):,} held-out pictures and their captions, in one space, at its two principal components. "
        "Where the two kinds lie apart, what tells them apart is not what they show.",
    )
    kinds = np.repeat([0, 1], [len(pictures), len(captions)])
    points = (both - found.mean) @ found.components.T
    return points_section("Map of what was learned", points, kinds, ("pictures", "captions"), axes=AXES, lines=lines)


def same_class(places: NDArray[Any], y: NDArray[Any]) -> float:
    """The share of the nearest neighbours of each place that are of its class."""
    lengths = np.square(places).sum(axis=1)
    apart = lengths[:, None] + lengths - 2 * places @ places.T
    np.fill_diagonal(apart, np.inf)
    near = np.argpartition(apart, min(NEIGHBOURS, len(y) - 1) - 1, axis=1)[:, : min(NEIGHBOURS, len(y) - 1)]
    return float((y[near] == y[:, None]).mean())


def beside_section(title: str, x: NDArray[Any], others: dict[str, NDArray[Any]], lines: tuple[str, ...]) -> Section:
    """Held-out pictures in a row, and below each what was made of it; all on the scale of the first row."""
    rows = {"held out": x, **others}
    low, high = float(x.min()), float(x.max())
    shown = np.concatenate([made.reshape(x.shape) for made in rows.values()])
    scaled = (shown - low) / max(high - low, 1e-12)
    return pictures_section(title, scaled, columns=len(x), rows=tuple(rows), lines=lines)

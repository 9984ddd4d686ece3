"""A map of held-out examples in the report: by what the last layer is given, or by the first numbers that a transform
made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powertrain.data.source import spaced_examples
from powertrain.plugin.section import Section, points_section
from powertrain.solvers import principal_components
from powertrain.train.evaluate.evaluation import own_losses
from powertrain.train.explain.embedding_map import FEWEST, MOST_CLASSES
from powertrain.train.explain.nearest import embedded

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

TITLE = "Map of examples"
MOST = 500  # examples on the map: what they cost is a pass through the model


def pages(run: TrainRun) -> list[Section]:
    """Examples of classes on a plane, near each other where they are alike to the model. Of a model that is given the
    inputs as they are and has learned no place for them, only where a transform has."""
    part, kinds = run.dataset.judged_part, run.dataset.class_names if run.dataset.kind.classes else ()
    source = run.dataset.splits.get(part)
    if source is None or len(source) < FEWEST:
        return []
    if not 2 <= len(kinds) <= MOST_CLASSES or own_losses(run.strategy) is not None:
        return []
    fields = spaced_examples(source, MOST)
    x = np.asarray(fields["x"])
    flat, places = x.reshape(len(x), -1), embedded(run, x)
    if places.shape[1] < 2 or not np.isfinite(places).all():
        return []
    axis = run.dataset.transforms[-1].AXIS if run.dataset.transforms else ""
    if places.shape != flat.shape or not np.array_equal(places, flat):
        found = principal_components(places, 2)
        places, axis = (places - found.mean) @ found.components.T, "principal component"
        where = "at the first two principal components of what the last layer is given"
    elif axis:
        places, where = places[:, :2], f"at the first two {axis}s of the inputs"
    else:
        return []
    said = f"{len(x):,} examples of {part}, {where}. Classes that overlap here may be apart in other directions."
    axes = (f"first {axis}", "second")
    return [points_section(TITLE, places, np.asarray(fields["y"]), kinds, axes=axes, lines=(said,))]

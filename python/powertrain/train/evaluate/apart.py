"""Whether the parts of a data set are of one distribution, by what `pt.monitor` compares windows with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.monitor.columns import of_inputs
from powertrain.monitor.comparison import Limits, Row, compare, largest
from powertrain.monitor.features import CategoryFeature, Feature, feature_of
from powertrain.plugin.importing import in_words
from powertrain.train.evaluate.reference import SomeExamples, profiled

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.train.run.train_run import TrainRun

TARGET = "target"
MOST_OF_RUN = 2_000  # examples of each part of a run, whose reading may take long
SHOWN = 5  # columns of a part
MOST_TARGETS = 16  # numbers of a target
# Values beyond the range of train are no sign: of few rows some always lie there.
SIGNS = {"drift", "missing"}

Fields = Mapping[str, NDArray[Any]]  # of some examples: x, and y where they have targets


def apart(dataset: DataModule, examples: Mapping[str, Fields]) -> dict[str, list[Row]]:
    """The columns, and the targets, that are distributed otherwise in a part than in train: by part, the farthest
    first. Of pictures and other examples of many numbers, mean, deviation and both ends of each are columns."""
    parts = {part: _columns(dataset, fields) for part, fields in examples.items()}
    if "train" not in parts:
        return {}
    features: dict[str, Any] = {name: _feature(dataset, name, values) for name, values in parts.pop("train").items()}
    found = {}
    for part, values in parts.items():
        shared = [one for name, one in features.items() if name in values]
        compared = compare([("input", one, one.count(values[one.name])) for one in shared], Limits())
        found[part] = [row for row in largest(compared) if SIGNS & {*row.problems}]
    return {part: differing for part, differing in found.items() if differing}


def told_apart(run: TrainRun, examples: SomeExamples) -> dict[str, list[str]]:
    """The same of some examples of a run's parts, in words. Nobody's mistake in it costs a run its results."""
    parts = [part for part in run.dataset.splits if part != "unlabelled"]
    if not profiled(run) or len(parts) < 2:
        return {}
    try:
        found = apart(run.dataset, {part: examples.of(part, MOST_OF_RUN) for part in parts})
    except Exception as error:  # of whatever kind: data are anybody's
        run.display.warn(f"[{run.folder.path}] its parts were not compared: {in_words(error)}")
        return {}
    return {part: [how(row) for row in rows[:SHOWN]] for part, rows in found.items()}


def how(row: Row) -> str:
    """How far a column is from that of train."""
    return f"{row.name} (PSI {row.psi:.2g})" if "drift" in row.problems else f"{row.name} ({row.missing:.1%} missing)"


def _feature(dataset: DataModule, name: str, values: NDArray[Any]) -> Feature:
    """The reference of a column. All classes are known, also those that train has none of."""
    known = name == TARGET and dataset.kind.classes
    return CategoryFeature.of(name, values.tolist(), dataset.class_names) if known else feature_of(name, values)


def _columns(dataset: DataModule, fields: Fields) -> dict[str, NDArray[Any]]:
    """Columns by name, and those of the targets: classes as texts, since they have no order."""
    y = fields.get("y")
    found = of_inputs(fields["x"], dataset.columns)
    if y is None or y.ndim > 2 or y.dtype.kind not in "biuf":
        return found
    if dataset.kind.classes:
        return {**found, TARGET: np.array(dataset.class_names, dtype=object)[y.reshape(len(y), -1)[:, 0]]}
    y = y.reshape(len(y), -1)
    shown = range(min(y.shape[1], MOST_TARGETS))
    return {**found, **{f"{TARGET} {at}" if y.shape[1] > 1 else TARGET: y[:, at] for at in shown}}

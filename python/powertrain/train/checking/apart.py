"""Whether the parts of a data set are of one distribution, with what `pt.monitor` compares windows by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.source import evenly_spaced
from powertrain.monitor.columns import of_inputs
from powertrain.monitor.comparison import Limits, Row, compare, largest
from powertrain.monitor.features import CategoryFeature, Feature, feature_of

if TYPE_CHECKING:
    from powertrain.train.checking.findings import Checked

TARGET = "target"
MOST_ROWS = 10_000  # of a part
MOST_TARGETS = 16  # numbers of a target
# Values beyond the range of train are no sign: of few rows some always lie there.
SIGNS = {"drift", "missing"}


def apart(data: Checked) -> dict[str, list[Row]]:
    """The columns, and the targets, that are distributed otherwise in a part than in train: by part, the farthest
    first. Of pictures and other examples of many numbers, mean, deviation and both ends of each are columns."""
    rows = {part: _some(np.flatnonzero(data.parts == part)) for part in dict.fromkeys(data.parts.tolist())}
    if "train" not in rows:
        return {}
    train = _columns(data, rows.pop("train"))
    features: dict[str, Any] = {name: _feature(data, name, values) for name, values in train.items()}
    found = {}
    for part, chosen in rows.items():
        values = _columns(data, chosen)
        compared = compare([("input", one, one.count(values[name])) for name, one in features.items()], Limits())
        found[part] = [row for row in largest(compared) if SIGNS & {*row.problems}]
    return {part: differing for part, differing in found.items() if differing}


def _feature(data: Checked, name: str, values: NDArray[Any]) -> Feature:
    """The reference of a column. All classes are known, also those that train has none of."""
    known = name == TARGET and data.dataset.kind.classes
    return CategoryFeature.of(name, values.tolist(), data.dataset.class_names) if known else feature_of(name, values)


def _some(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[evenly_spaced(len(rows), MOST_ROWS)]


def _columns(data: Checked, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Of some examples the columns by name, and their targets: classes as texts, since they have no order."""
    y = data.y[rows].reshape(len(rows), -1)
    if data.dataset.kind.classes:
        targets = {TARGET: np.array(data.dataset.class_names, dtype=object)[y[:, 0]]}
    else:
        shown = range(min(y.shape[1], MOST_TARGETS))
        targets = {f"{TARGET} {at}" if y.shape[1] > 1 else TARGET: y[:, at] for at in shown}
    return {**of_inputs(data.x[rows], data.dataset.columns), **targets}

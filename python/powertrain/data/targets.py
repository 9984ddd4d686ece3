"""Targets on the scale that a model learns them on, and the way back to the unit that people count in.

Parts of a data set keep their targets as they are: training alone sees the other scale (`Learned`), and what evaluates
or predicts brings outputs back (`TargetScale.original`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.dataset import Dataset
from powertrain.data.errors import DataError
from powertrain.data.order import Cursor
from powertrain.data.source import Array, Fields, Indices, Source, anew, by_rows, fetch_training, whole

Floats = NDArray[np.float64]
SCALES = ("none", "log", "log1p", "standardize")


class TargetScale:
    """A scale of targets with what was fitted on the training part, and the unit of the targets themselves.

    Example
        >>> scale = TargetScale("log", unit="dollars")
        >>> learned = scale.learned(np.array([100.0, 200.0]))
        >>> scale.original(learned).round(2).tolist()
        [100.0, 200.0]
    """

    def __init__(
        self, name: str = "none", unit: str = "", mean: Array | float = 0.0, deviation: Array | float = 1.0
    ) -> None:
        self.name, self.unit = name, unit
        self.mean, self.deviation = np.asarray(mean, np.float64), np.asarray(deviation, np.float64)

    @classmethod
    def fit(cls, name: str, unit: str, train: Source) -> TargetScale:
        """The scale of a training part."""
        if name == "none":
            return cls(name, unit)
        y = whole(train, "y").astype(np.float64)
        made = cls(name, unit)
        made.check(y, "target of train")
        y = made._curved(y)
        deviation = y.std(axis=0)
        # A target that never varies is learned as 0.
        return cls(name, unit, y.mean(axis=0), np.where(deviation > 0, deviation, 1.0))

    def check(self, y: Array, where: str) -> None:
        """Refuse targets that have no logarithm."""
        least = {"log": 0.0, "log1p": -1.0}.get(self.name)
        if least is None or not y.size:
            return
        wrong = np.flatnonzero(y.reshape(len(y), -1).min(axis=1) <= least)
        if wrong.size:
            value = float(y.reshape(len(y), -1)[wrong[0]].min())
            other = 'scale = "log1p", which takes 0' if self.name == "log" and value == 0 else 'scale = "standardize"'
            raise DataError(
                where, f"{value:g} in row {int(wrong[0]):,} for the scale {self.name}",
                f"expected targets above {least:g}", f"take {other}, or leave the row out",
            )  # fmt: skip

    @property
    def changes(self) -> bool:
        """Whether a model learns other numbers than the targets."""
        return self.name != "none"

    @property
    def formula(self) -> str:
        """What is learned, in symbols."""
        formulas = {"log": "log(y)", "log1p": "log(1 + y)"}
        curved = formulas.get(self.name, "y")
        return curved if self._plain else f"({curved} - mean) / deviation"

    @property
    def _plain(self) -> bool:
        """Whether nothing is subtracted and divided: without a scale, and of logarithms in runs of version 0.1."""
        return not self.mean.any() and bool((self.deviation == 1).all())

    def _curved(self, y: Array) -> Array:
        return np.log(y) if self.name == "log" else np.log1p(y) if self.name == "log1p" else y

    def learned(self, y: Array) -> Array:
        """Targets as a model learns them, in float32."""
        if not self.changes:
            return y
        values = self._curved(y.astype(np.float64))
        flat = values.reshape(len(values), -1)  # in whichever shape, as in `original`
        made = ((flat - self.mean.reshape(-1)) / self.deviation.reshape(-1)).reshape(values.shape)
        return made.astype(np.float32)

    def original(self, outputs: Array) -> Array:
        """Outputs of a model in the unit of the targets, in float64: one that is too large becomes an infinity.

        Of tensors in a trace it gives tensors, so that an export has it too."""
        if not self.changes:
            return outputs
        values = outputs.astype(np.float64)
        with np.errstate(over="ignore"):
            if not self._plain:
                # A model gives the outputs of one example in a row, whatever the shape of its targets.
                flat = values.reshape(len(values), -1) * self.deviation.reshape(-1) + self.mean.reshape(-1)
                values = flat.reshape(values.shape)
            return np.exp(values) if self.name == "log" else np.expm1(values) if self.name == "log1p" else values

    def state(self) -> dict[str, Array]:
        """What was fitted, as named arrays."""
        return {} if self._plain and self.name != "standardize" else {"mean": self.mean, "deviation": self.deviation}

    @classmethod
    def restored(cls, name: str, unit: str, state: Mapping[str, Array]) -> TargetScale:
        """The scale of a run, from what its checkpoint holds: of logarithms in version 0.1, nothing."""
        made = cls(name, unit)
        if name == "standardize" or state:
            mean, deviation = (np.asarray(state.get(key, np.nan), np.float64) for key in ("mean", "deviation"))
            if mean.shape != deviation.shape or not (np.isfinite(mean).all() and (deviation > 0).all()):
                raise DataError(
                    "target", f"a mean {list(mean.shape)} and a deviation {list(deviation.shape)}",
                    "expected finite numbers of one shape", "restore the checkpoint of the run",
                )  # fmt: skip
            made.mean, made.deviation = mean, deviation
        return made

    def in_unit(self, power: int) -> str:
        """The unit to a power: "dollars", "dollars^2"; empty without a unit, or of a number without one."""
        return "" if not self.unit or power == 0 else self.unit if power == 1 else f"{self.unit}^{power}"


class Learned(Dataset):
    """A source whose targets are those that a model learns."""

    def __init__(self, source: Source, scale: TargetScale) -> None:
        self.source, self.scale = source, scale

    def __len__(self) -> int:
        return len(self.source)

    @property
    def by_row(self) -> bool:
        """Whether a target has the same bits whatever others come with it: logarithms of whole arrays need not."""
        return self.scale.name in ("none", "standardize")

    @anew("source")
    @by_rows("source")
    def fetch(self, indices: Indices) -> Fields:
        return self.mapped(self.source.fetch(indices))

    @by_rows("source")
    def fetch_changed(self, indices: Indices, seed: int, call: Cursor) -> Fields:
        return self.mapped(fetch_training(self.source, indices, seed, call))

    def mapped(self, fields: Fields) -> Fields:
        return {**fields, "y": self.scale.learned(fields["y"])}


def fitted(name: str, unit: str, dataset: Any) -> TargetScale:
    """The target scale of a recipe for a data set, which has to be of numbers."""
    kind = dataset.kind
    if kind.classes or kind.tokens or kind.plays:
        raise DataError(
            "target", f"scale = {name!r}, unit = {unit!r} for a {dataset.task} task",
            "expected targets that are numbers", "leave the section target out",
        )  # fmt: skip
    made = TargetScale.fit(name, unit, dataset.train)
    if made.changes:
        for part, source in dataset.splits.items():
            made.check(whole(source, "y"), f"target of {part}")
    return made

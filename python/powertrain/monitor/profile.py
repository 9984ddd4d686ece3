"""The reference profile of a model: what its inputs and outputs were when it was trained, as a small JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.io.records import MisfitError, fitted, from_json, to_json
from powertrain.monitor.columns import of_inputs, of_outputs, representation
from powertrain.monitor.errors import MonitorError
from powertrain.monitor.features import CategoryFeature, Counts, Feature, NumberFeature, feature_of

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Floats = NDArray[np.float64]
FORMAT = 1
_COUNTS = {"bins": [int], "missing": int}
_NUMBER = {**_COUNTS, "name": str, "edges": [float], "mean": float, "deviation": float, "discrete": bool}
_CATEGORY = {**_COUNTS, "name": str, "levels": [str], "whole": bool}
_SCORES = {"measure": str, "mean": float, "deviation": float, "examples": int}
_SHAPE = {
    "format": int, "labels": ([str],), "inputs": [{"name": str}], "columns": [{"name": str}],
    "outputs": [{"name": str}],
    "representation": ({"mean": [float], "covariance": [[float]], "examples": int},),
    "scores": (_SCORES,),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of rows of numbers, such as a model's representations of its inputs.

    Example
        >>> pt.monitor.Moments.of(np.array([[1.0], [3.0]])).mean.tolist()
        [2.0]
    """

    mean: Floats
    covariance: Floats
    examples: int

    @classmethod
    def of(cls, rows: Any) -> Moments:
        rows = np.asarray(rows, dtype=np.float64)
        mean = rows.mean(axis=0)
        apart = rows - mean
        return cls(mean, apart.T @ apart / max(len(rows) - 1, 1), len(rows))


@dataclass(frozen=True)
class Scores:
    """How well a model did on held-out examples: the mean of a measure that each example has, and its deviation. The
    `measure` is "accuracy" or "squared error".

    Example
        >>> pt.monitor.Scores.of("accuracy", np.array([1.0, 1.0, 0.0, 1.0])).mean
        0.75
    """

    measure: str
    mean: float
    deviation: float
    examples: int

    @classmethod
    def of(cls, measure: str, values: Any) -> Scores:
        values = np.asarray(values, dtype=np.float64)
        return cls(measure, float(values.mean()), float(values.std(ddof=1 if len(values) > 1 else 0)), len(values))


@dataclass(frozen=True, eq=False)
class Profile:
    """What is kept of the examples that a model was trained on: never an example, only counts and moments.

        inputs          the numbers of an example as `predict` takes it, or four statistics of each where there are many
        columns         the columns of a table as its file has them, before they became numbers; empty of other data
        outputs         the class and its probability, or the numbers that the model gives
        labels          names of the classes; None where outputs are no classes
        threshold       the probability from which on the second of two classes is the answer; None: the larger one is
        representation  mean and covariance of the outputs (at most 64 numbers of each)
        scores          how well the model did on held-out examples

    Example
        >>> profile = pt.monitor.Profile.of(np.array([[1.0], [2.0], [4.0]]))
        >>> profile.inputs[0].edges, pt.monitor.Profile.from_json(profile.to_json()) == profile
        ((1.0, 2.0, 4.0), True)
    """

    inputs: tuple[Feature, ...]
    columns: tuple[Feature, ...] = ()
    outputs: tuple[Feature, ...] = ()
    labels: tuple[str, ...] | None = None
    threshold: float | None = None
    representation: Moments | None = None
    scores: Scores | None = None

    @classmethod
    def of(
        cls,
        inputs: TensorLike,
        outputs: TensorLike | None = None,
        *,
        names: Sequence[str] = (),
        labels: Sequence[str] | None = None,
        threshold: float | None = None,
        table: Mapping[str, TensorLike] | None = None,
        scores: Scores | None = None,
    ) -> Profile:
        """The profile of some inputs [examples, ...] and outputs [examples, ...]; they need not be of the same
        examples. With `labels` the outputs are logits. `table` are columns as they were read."""
        made = () if outputs is None else _outputs(of_outputs(outputs, labels, threshold), labels)
        known = None if outputs is None else Moments.of(representation(outputs))
        return cls(
            tuple(feature_of(name, values) for name, values in of_inputs(inputs, names).items()),
            tuple(feature_of(name, values) for name, values in (table or {}).items()),
            made, None if labels is None else tuple(labels), threshold, known, scores,
        )  # fmt: skip

    def to_json(self) -> bytes:
        """The profile as a JSON file."""
        known, scores = self.representation, self.scores
        return to_json(
            {
                "format": FORMAT,
                "labels": None if self.labels is None else list(self.labels),
                **({} if self.threshold is None else {"threshold": self.threshold}),
                **{name: [_table(one) for one in getattr(self, name)] for name in ("inputs", "columns", "outputs")},
                "representation": known and {
                    "mean": known.mean.tolist(), "covariance": known.covariance.tolist(), "examples": known.examples,
                },
                "scores": scores and vars(scores),
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, raw: bytes) -> Profile:
        """The profile of a JSON file; a MonitorError where it is damaged."""
        try:
            found = from_json(raw, _SHAPE)
            if found["format"] != FORMAT:
                raise MisfitError(f"it has format {found['format']}; this version reads {FORMAT}")
            known, scores = found["representation"], found["scores"]
            inputs, columns, outputs = (
                tuple(_feature(one) for one in found[name]) for name in ("inputs", "columns", "outputs")
            )
            return cls(
                inputs,
                columns,
                outputs,
                None if found["labels"] is None else tuple(found["labels"]),
                _threshold(found),
                None if known is None else _moments(known),
                None if scores is None else Scores(**{name: scores[name] for name in _SCORES}),
            )
        except MisfitError as error:
            raise MonitorError(
                f"[profile] {error}; expected a profile that powertrain train wrote; restore it, or train again"
            ) from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self.to_json() == other.to_json()


def _threshold(table: Mapping[str, Any]) -> float | None:
    """The threshold of a file, which only some have."""
    if "threshold" not in table:
        return None
    found: float = fitted(table["threshold"], float, "threshold")
    if not 0 < found < 1 or table["labels"] is None or len(table["labels"]) != 2:
        raise MisfitError("the threshold is none of two classes")
    return found


def _outputs(found: Mapping[str, Any], labels: Sequence[str] | None) -> tuple[Feature, ...]:
    """The outputs' features; a class that the examples do not have is a level all the same."""
    return tuple(
        CategoryFeature.of(name, values.tolist(), labels) if name == "class" and labels is not None
        else feature_of(name, values)
        for name, values in found.items()
    )  # fmt: skip


def _table(feature: Feature) -> dict[str, Any]:
    counts = {"bins": feature.reference.bins.tolist(), "missing": feature.reference.missing}
    if isinstance(feature, CategoryFeature):
        return {"name": feature.name, "levels": list(feature.levels), "whole": feature.whole, **counts}
    named = {name: getattr(feature, name) for name in ("name", "mean", "deviation", "discrete")}
    return {**named, "edges": list(feature.edges), **counts}


def _feature(table: Mapping[str, Any]) -> Feature:
    """One feature of a file; its bins must be those of its edges or levels."""
    shape = _CATEGORY if "levels" in table else _NUMBER
    one = fitted(table, shape, _named(table))
    bins = np.array(one["bins"], dtype=np.int64)
    if "levels" in one:
        wanted = len(one["levels"]) + 1
        made: Feature = CategoryFeature(one["name"], tuple(one["levels"]), Counts(bins, one["missing"]), one["whole"])
    else:
        edges = np.array(one["edges"])
        wanted = len(edges) + 1
        if not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
            raise MisfitError(f"the edges of {one['name']} are not in ascending order")
        ends = (float(edges[0]), float(edges[-1])) if len(edges) else (np.inf, -np.inf)
        counts = Counts(bins, one["missing"], 0, 0, *ends)
        made = NumberFeature(one["name"], tuple(one["edges"]), counts, one["mean"], one["deviation"], one["discrete"])
    if len(bins) != wanted:
        raise MisfitError(f"{one['name']} has {len(bins)} counts for {wanted} bins")
    return made


def _named(table: Mapping[str, Any]) -> str:
    return f"the feature {table['name']}"


def _moments(known: Mapping[str, Any]) -> Moments:
    mean, covariance = np.array(known["mean"]), known["covariance"]
    if any(len(row) != len(mean) for row in covariance) or len(covariance) != len(mean):
        raise MisfitError("the covariance is not as wide as the mean")
    return Moments(mean, np.array(covariance).reshape(len(mean), len(mean)), known["examples"])

"""Permutation importance (Breiman 2001): how much worse a run gets when one column is shuffled among the examples."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.boundary import export
from powertrain.plugin.section import columns_section
from powertrain.plugin.wording import suggestion
from powertrain.train.evaluate.predict import outputs
from powertrain.train.explain.explanation import Explanation, columns_of_file
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array


@dataclass(frozen=True, eq=False)
class Importance(Explanation):
    """How much the score falls when a column is shuffled: 0 for a column that the run does not use.

    * `columns`: their names.
    * `values`: float64 [columns], the mean over the shuffles: positive where the run gets worse.
    * `deviations`: float64 [columns], over the shuffles.
    * `each`: float64 [columns, shuffles].
    * `metric`: what was measured, and `score` its value before anything was shuffled.
    """

    columns: tuple[str, ...]
    each: NDArray[np.float64]
    metric: str
    score: float
    folder: Path = field(repr=False)
    method: str = "permutation"

    @property
    def values(self) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.each.mean(axis=1)
        return found

    @property
    def deviations(self) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.each.std(axis=1)
        return found

    def draw(self, figure: Figure) -> None:
        label = f"by how much {self.metric} gets worse when the column is shuffled (it is {self.score:.4g})"
        values = self.values
        # What cannot be seen beside the largest is drawn as nothing: half of such numbers are below zero by chance.
        values = np.where(np.abs(values) < np.abs(values).max() / 1000, 0, values)
        section = columns_section("", self.columns, values, label, signed=bool((values < 0).any()))
        assert section.draw is not None
        section.draw(figure)

    def __repr__(self) -> str:
        order = np.argsort(-self.values, kind="stable")[:3]
        most = ", ".join(f"{self.columns[at]} {self.values[at]:.3g}" for at in order)
        left = len(self.columns) - len(order)
        return f"Importance({self.metric} {self.score:.4g}; {most}{f', and {left} more' if left else ''})"


def importance(
    run: TrainRun, x: Array, y: Array, metric: str | None, repeats: int, seed: int, folder: Path
) -> Importance:
    """Of rows of numbers, as the data set has them before its transforms."""
    if x.ndim != 2:
        raise RunError(
            f"[explain] received examples of shape {list(x.shape[1:])}; expected rows of columns, each of which can be "
            'shuffled; take method="gradients"'
        )
    chosen, name = _metric(run, metric)
    groups = columns_of_file(run, x.shape[1])
    base = _score(run, chosen, x, y)
    sign = 1.0 if chosen.lower_is_better else -1.0
    each = np.empty((len(groups), repeats))
    draw = np.random.Generator(np.random.Philox(key=seed))
    for at, places in enumerate(groups.values()):
        for number in range(repeats):
            shuffled = x.copy()
            # What one column of a file was made into goes together: a row keeps being a row that there may be.
            shuffled[:, places] = x[draw.permutation(len(x))][:, places]
            each[at, number] = sign * (_score(run, chosen, shuffled, y) - base)
    return Importance(tuple(groups), each, name, base, folder)


def _metric(run: TrainRun, name: str | None) -> tuple[Any, str]:
    """A metric of the run: the one that is named, or the accuracy, r2, or else the first."""
    assert run.evaluations.evaluator is not None
    known = {
        key: one
        for key, one in run.evaluations.evaluator.metrics.items()
        if key not in ("loss", "confusion", "perplexity")
    }
    if name is None:
        name = next((one for one in ("accuracy", "r2") if one in known), next(iter(known), None))
    if name not in known:
        wanted = (
            f"one of {', '.join(known)}{suggestion(name or '', list(known))}" if known else "a run that has metrics"
        )
        raise RunError(f"[explain] received metric={name!r}; expected {wanted}")
    return known[name], name


def _score(run: TrainRun, metric: Any, x: Array, y: Array) -> float:
    measured = copy.copy(metric)
    measured.reset()
    measured.update(outputs(run, x), y)
    return float(measured.compute())


export(globals())

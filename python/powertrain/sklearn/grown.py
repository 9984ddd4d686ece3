"""Trees behind `trees.py`: the models of powertrain-tabular, which LightGBM fits, on the arrays that `fit` is given."""

from __future__ import annotations

import dataclasses
import numbers
import os
from typing import Any

import numpy as np

from powertrain.errors.boundary import MissingModuleError
from powertrain.plugin import Inputs, PluginError, registry
from powertrain.sklearn.checks import EstimatorError
from powertrain.solvers.tall import Array, Floats

DISTRIBUTION = "powertrain-tabular"


@dataclasses.dataclass
class Grown:
    """What was fitted, as the text of the model's own `dump`: so it is copied and pickled, and read when needed."""

    where: str
    model: str
    params: dict[str, Any]
    inputs: Inputs
    data: bytes
    centre: float = 0.0
    scale: float = 1.0
    _read: Any = None

    def __call__(self, x: Array) -> Floats:
        """Logarithms of each class's share, or values, [rows, outputs]."""
        model, state = self._model()
        return np.asarray(model.answer(state, x), dtype=np.float64) * self.scale + self.centre

    def importances(self) -> Floats:
        """Each feature's share of what all splits gained."""
        model, state = self._model()
        return np.asarray(model.importances(state))

    def _model(self) -> Any:
        if self._read is None:
            model = built(self.where, self.model, self.params, self.inputs)
            self._read = model, model.load(self.data)
        return self._read

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_read": None}


def grow(where: str, name: str, params: dict[str, Any], x: Array, y: Any, weight: Any, classes: int | None) -> Grown:
    """Fit a model of powertrain-tabular. `y`: class numbers, or values where classes is None.

    Values are grown on a scale of their own. LightGBM keeps them in float32, and makes no split that gains less than
    1e-15: small values, and those far from 0, would not be told apart.
    """
    centre, scale = 0.0, 1.0
    if classes is None:
        centre = float(np.average(y, weights=weight if np.any(weight) else None))
        scale = float(np.abs(y - centre).max()) or 1.0
        y = (y - centre) / scale
    inputs = Inputs("regression" if classes is None else "classification", (x.shape[1],), classes or 1)
    model = built(where, name, params, inputs)
    state = model.fit({"x": x.astype(np.float32), "y": y, "weight": weight}, None)
    return Grown(where, name, params, inputs, model.dump(state), centre, scale, (model, state))


def built(where: str, name: str, params: dict[str, Any], inputs: Inputs) -> Any:
    """The model of a name, or an error with the line that installs it."""
    try:
        plugin: Any = registry().find("model", f"{DISTRIBUTION}/{name}").load()
    except PluginError as error:
        raise MissingModuleError(
            f"[{where}] {DISTRIBUTION} is not installed; expected it and LightGBM, which grows the trees; "
            f'pip install "{DISTRIBUTION}[trees]"'
        ) from error
    return plugin.build(plugin.Params(**params), inputs)


def threads(where: str, jobs: int | None) -> int:
    """As many as scikit-learn's n_jobs means: 1 without it, all processors of -1."""
    whole_number = isinstance(jobs, numbers.Integral) and not isinstance(jobs, bool)
    if jobs is not None and (not whole_number or jobs == 0):
        raise EstimatorError(
            f"[{where}] n_jobs = {jobs!r}; expected None, a number of threads or -1 for all processors; write n_jobs=-1"
        )
    return 1 if jobs is None else max(1, (os.cpu_count() or 1) + 1 + jobs) if jobs < 0 else max(1, jobs)

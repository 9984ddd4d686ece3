"""The constant answer: what any model must beat."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import HostModel, Inputs, ModelError

SMALLEST = 1e-7  # share of a class that has no training row, whose logarithm is still a usable logit


class Constant(HostModel):
    """Answers each row alike: with the shares of the classes in the training part, or with the mean of its targets."""

    weighs = True

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.task, self.outputs = inputs.task, inputs.outputs

    @classmethod
    def build(cls, params: Any, inputs: Inputs) -> Constant:
        if inputs.task not in ("classification", "regression"):
            raise ModelError(
                f"[constant] a {inputs.task} task; expected classes or numbers to predict; choose another model"
            )
        return cls(inputs)

    def fit(self, train: Any, valid: Any | None) -> list[float]:
        y, weight = np.asarray(train["y"]), train.get("weight")
        if self.task == "regression":
            means = np.average(y.reshape(len(y), -1).astype(np.float64), axis=0, weights=weight)
            return [float(mean) for mean in means]
        counts = np.bincount(y.astype(np.int64), weight, self.outputs)
        return [float(share) for share in np.log(np.maximum(counts / counts.sum(), SMALLEST))]

    def answer(self, state: list[float], x: Any) -> NDArray[Any]:
        return np.tile(np.asarray(state, np.float32), (len(x), 1))

    def dump(self, state: list[float]) -> bytes:
        return json.dumps(state, allow_nan=False).encode()

    def load(self, data: bytes) -> list[float]:
        state = [float(value) for value in json.loads(data)]
        if len(state) != self.outputs or not np.isfinite(state).all():
            raise ModelError(
                f"[constant] a state of {len(state)} numbers; expected {self.outputs} finite ones; restore the "
                "checkpoint of the run"
            )
        return state

"""The nearest mean: a classifier that another model must beat, and the smallest model that fits itself."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin.host_model import HostModel
from powertrain.plugin.model_inputs import check_task
from powertrain.plugin.params import NoParams
from powertrain.plugin.protocols import Inputs

Means = NDArray[np.float32]


class NearestMean(HostModel):
    """A row is of the class whose mean is nearest; the logit is minus half the squared distance (as if each class were
    normal with one variance). A class without rows has its mean at zero.

    Example
        >>> from powertrain.builtin.models import NearestMean
        >>> model = NearestMean(outputs=2)
        >>> means = model.fit({"x": np.array([[0.0], [1.0], [9.0]]), "y": np.array([0, 0, 1])}, None)
        >>> model.answer(means, np.array([[8.0]])).argmax(axis=1).tolist()
        [1]
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs

    @classmethod
    def build(cls, params: NoParams, inputs: Inputs) -> NearestMean:
        check_task("nearest-mean", inputs, "classification")
        return cls(inputs.outputs)

    def fit(self, train: Any, valid: Any | None) -> Means:
        rows = _rows(train["x"])
        counts = np.bincount(train["y"], minlength=self.outputs)
        means = np.zeros((self.outputs, rows.shape[1]))
        np.add.at(means, train["y"], rows)
        return np.asarray(means / np.maximum(counts, 1)[:, None], dtype=np.float32)

    def answer(self, state: Means, x: Any) -> NDArray[Any]:
        apart = _rows(x)[:, None] - state
        return np.asarray(-0.5 * np.square(apart).sum(axis=2), dtype=np.float32)

    def dump(self, state: Means) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, state, allow_pickle=False)
        return buffer.getvalue()

    def load(self, data: bytes) -> Means:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))


def _rows(x: Any) -> NDArray[np.float64]:
    return np.asarray(x, dtype=np.float64).reshape(len(x), -1)

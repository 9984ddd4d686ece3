"""scikit-learn's kernel machines behind the engine's protocol. What they learned is arrays: the rows that matter and
their weights, from which answers are computed here."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import HostModel, Inputs, ModelError, param

State = dict[str, NDArray[Any]]


class KernelSVM(HostModel):
    """A support vector machine with a Gaussian kernel; classes by one against one, numbers by its regression.

    The logit of a class is its share of the votes, and the sum of its margins where votes are equal.
    """

    probabilities = False  # shares of votes

    @dataclass(frozen=True)
    class Params:
        C: float = param(1.0, above=0, doc="how much a row on the wrong side costs")
        gamma: float | None = param(None, above=0, doc="gamma of the kernel (default: 1 / (features * variance))")
        epsilon: float = param(0.1, low=0, doc="errors of a number below it cost nothing")

    def __init__(self, params: Params, inputs: Inputs) -> None:
        super().__init__()
        self.params, self.task, self.outputs = params, inputs.task, inputs.outputs

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> KernelSVM:
        if inputs.task not in ("classification", "regression") or (inputs.task == "regression" and inputs.outputs > 1):
            raise ModelError(
                f"[kernel-svm] {inputs.outputs} outputs of {inputs.task}; expected classes or one number; choose "
                "another model"
            )
        return cls(params, inputs)

    def fit(self, train: Any, valid: Any | None) -> State:
        try:
            from sklearn.svm import SVC, SVR
        except ImportError as error:
            raise ModelError(
                f"[kernel-svm] scikit-learn cannot be imported ({error}); expected it; pip install scikit-learn"
            ) from None
        x = np.asarray(train["x"], dtype=np.float64).reshape(len(train["x"]), -1)
        params = self.params
        gamma = params.gamma or 1 / (x.shape[1] * max(float(x.var()), 1e-12))
        if self.task == "regression":
            made = SVR(C=params.C, gamma=gamma, epsilon=params.epsilon)
            made.random_state = 0  # libsvm's seed, which SVR does not take, is drawn from everybody's numbers otherwise
            made.fit(x, train["y"])
            classes, counts = np.zeros(1, np.int64), np.array([len(made.support_)])
        else:
            made = SVC(C=params.C, gamma=gamma, random_state=0).fit(x, train["y"])
            classes, counts = made.classes_.astype(np.int64), made.n_support_
        return {
            "vectors": made.support_vectors_, "weights": np.asarray(made.dual_coef_), "shift": made.intercept_,
            "classes": classes, "counts": np.asarray(counts, dtype=np.int64), "gamma": np.array(gamma),
        }  # fmt: skip

    def answer(self, state: State, x: Any) -> NDArray[Any]:
        rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
        vectors = state["vectors"]
        # Row by row, so that a row is answered alike alone and among others.
        near = np.stack([np.exp(-state["gamma"] * np.square(vectors - row).sum(axis=1)) for row in rows])
        if self.task == "regression":
            return (near * state["weights"][0]).sum(axis=1)[:, None] + state["shift"]
        return self._votes(state, near)

    def _votes(self, state: State, near: NDArray[Any]) -> NDArray[Any]:
        """libsvm's one against one: rows of the weights are those of the other class (Chang & Lin 2011, section 7)."""
        classes, edges = state["classes"], np.concatenate([[0], np.cumsum(state["counts"])])
        votes, margins = np.zeros((len(near), self.outputs)), np.zeros((len(near), self.outputs))
        pair = 0
        for i in range(len(classes)):
            for j in range(i + 1, len(classes)):
                first, second = slice(edges[i], edges[i + 1]), slice(edges[j], edges[j + 1])
                margin = (near[:, first] * state["weights"][j - 1, first]).sum(axis=1)
                margin = margin + (near[:, second] * state["weights"][i, second]).sum(axis=1)
                # With two classes scikit-learn turns the sign around.
                margin = (margin + state["shift"][pair]) * (-1 if len(classes) == 2 else 1)
                votes[:, classes[i]] += margin > 0
                votes[:, classes[j]] += margin <= 0
                margins[:, classes[i]] += margin
                margins[:, classes[j]] -= margin
                pair += 1
        # A difference of votes is never outweighed by margins.
        return votes + margins / (3 * (np.abs(margins) + 1))

    def dump(self, state: State) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, **state)  # type: ignore[arg-type]
        return buffer.getvalue()

    def load(self, data: bytes) -> State:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

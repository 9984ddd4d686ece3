"""Linear models solved as a whole: least squares with penalties from one pass over the data, and any smooth loss by
L-BFGS over all rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.builtin.models import LinearModel
from powertrain.plugin import Batch, ModelError, Run, Step, Strategy, param
from powertrain.solvers import coordinate_descent, minimize

Floats = NDArray[np.float64]
EXAMPLE = Path(__file__).parent / "examples" / "people.csv"
MOST_SWEEPS = 10_000
SMALLEST_GAP = 1e-10  # in units of the variance of y


class LeastSquares(Strategy):
    """Linear regression, ridge (l2), lasso (l1), or both: the products of the features come from one pass.

    It minimizes mean((y - x coef - intercept)^2) / 2 + l1 sum |coef| + l2 sum coef^2 / 2, without the intercept.
    `run = { until = "1 round" }`.
    """

    @dataclass(frozen=True)
    class Params:
        l2: float = param(0.0, low=0, doc="weight of the squares of the coefficients")
        l1: float = param(0.0, low=0, doc="weight of their sizes: the larger it is, the more are zero")

    needs: ClassVar[tuple[str, ...]] = ("model",)
    example_recipe: ClassVar[str] = f"""\
data     = {{ use = "table", path = "{EXAMPLE}", target = "age", split = {{ valid = 0.2 }} }}
model    = "linear"
strategy = {{ use = "least-squares", l2 = 0.1 }}
run      = {{ until = "9 rounds", batch_size = 32 }}
"""

    def setup(self, run: Run) -> None:
        if run.dataset.task != "regression" or run.dataset.outputs != 1:
            raise ModelError(
                f"[least-squares] {run.dataset.outputs} outputs of {run.dataset.task}; expected one number; use "
                "full-batch for classes"
            )
        self.weight, self.bias = _slots("least-squares", run.model())
        self.part = run.data("train")

    def products(self, t: Step, batch: Batch) -> Any:
        weight = pt.reshape(batch.weight, (-1, 1))
        rows = pt.concat([batch.x, pt.reshape(batch.y, (-1, 1)), pt.ones_like(weight)], axis=1)
        return pt.matmul(pt.permute_dims(rows * weight), rows)

    def round(self, run: Run) -> None:
        (products,) = run.fold(self.products, self.part)
        count = products[-1, -1]
        means = products[-1, :-1] / count
        covariance = products[:-1, :-1] / count - np.outer(means, means)
        variance = max(float(covariance[-1, -1]), 0.0)
        coef = solve(covariance[:-1, :-1], covariance[:-1, -1], variance, self.params.l1, self.params.l2)
        self.weight.value = pt.tensor(coef.astype(np.float32).reshape(self.weight.shape))
        self.bias.value = pt.tensor(np.array([means[-1] - means[:-1] @ coef], dtype=np.float32))

    def predict(self, t: Step, batch: Batch) -> Any:
        return pt.matmul(batch.x, pt.reshape(self.weight.value, (-1, 1))) + self.bias.value


def solve(covariance: Floats, right: Floats, variance: float, l1: float, l2: float) -> Floats:
    """The minimum of c^T covariance c / 2 - right^T c + l1 |c| + l2 c^T c / 2: by eigenvectors, or, with l1, by
    coordinate descent."""
    if l1 > 0:
        return coordinate_descent(covariance, right, variance, l1=l1, l2=l2, tol=SMALLEST_GAP, max_iter=MOST_SWEEPS).x
    values, vectors = np.linalg.eigh(covariance + l2 * np.eye(len(right)))
    # float32 products cannot tell a direction of so little variance from none.
    kept = values > len(values) * np.finfo(np.float32).eps * max(float(values[-1]), 0.0)
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    return np.asarray(vectors @ (inverse * (vectors.T @ right)))


class FullBatch(Strategy):
    """Any model by L-BFGS on all training rows: the mean loss and l2 / 2 times its squared weights, without biases.

    With `linear` and the usual loss of classes it is logistic regression, with `squared-hinge` a linear support vector
    machine. A round is up to `iterations` steps from where the last one ended.
    """

    @dataclass(frozen=True)
    class Params:
        l2: float = param(0.0, low=0, doc="weight of the squares of the weights, over the rows")
        iterations: int = param(50, low=1, doc="steps of a round")

    needs: ClassVar[tuple[str, ...]] = ("model",)

    def setup(self, run: Run) -> None:
        self.model, self.part = run.model(), run.data("train")
        self.loss = run.loss()
        self.named = [(name, slot) for name, slot in self.model.named_parameters() if slot.trainable]
        self.slots = [slot for _, slot in self.named]
        if not self.slots:
            raise ModelError(
                f"[full-batch] the model {type(self.model).__name__} has no parameter to train; expected one that has; "
                "leave strategy out of the recipe"
            )

    def sums(self, t: Step, batch: Batch) -> Any:
        def total() -> Any:
            return pt.sum(self.loss(self.model(batch.x), batch.y) * batch.weight)

        value, gradients = pt.nn.value_and_grad(self.slots, total)()
        return (value, pt.sum(batch.weight), *gradients)

    def round(self, run: Run) -> None:
        def function(flat: Floats) -> tuple[float, Floats]:
            self._set(flat)
            value, count, *gradients = run.fold(self.sums, self.part)
            held = self._held(flat)
            gradient = np.concatenate([np.ravel(one) for one in gradients]) / count
            return float(value / count) + self.params.l2 / 2 * float(held @ held), gradient + self.params.l2 * held

        start = np.concatenate([np.ravel(slot.numpy()).astype(np.float64) for slot in self.slots])
        end = minimize(
            function, start, tol=1e-7, max_iter=self.params.iterations, rounding=float(np.finfo(np.float32).eps)
        )
        self._set(end.x)

    def _set(self, flat: Floats) -> None:
        at = 0
        for slot in self.slots:
            slot.value = pt.tensor(flat[at : at + slot.size].astype(np.float32).reshape(slot.shape))
            at += slot.size

    def _held(self, flat: Floats) -> Floats:
        """The weights alone: a bias is not held down."""
        kept = [np.full(slot.size, float(len(slot.shape) > 1)) for slot in self.slots]
        return flat * np.concatenate(kept)


def squared_hinge(output: Any, target: Any) -> pt.Tensor:
    """The loss of a linear support vector machine, of each class against the others: max(0, 1 - margin)^2, summed."""
    classes = output.shape[-1]
    sign = pt.astype(F.one_hot(target, classes), output.dtype) * 2 - 1
    return pt.sum(pt.square(pt.relu(1 - sign * output)), axis=-1)


def _slots(where: str, model: Any) -> tuple[Any, Any]:
    if not isinstance(model, LinearModel):
        raise ModelError(f'[{where}] the model {type(model).__name__}; expected linear; write model = "linear"')
    named = dict(model.named_parameters())
    weight = next(slot for name, slot in named.items() if name.endswith("weight"))
    bias = next(slot for name, slot in named.items() if name.endswith("bias"))
    return weight, bias

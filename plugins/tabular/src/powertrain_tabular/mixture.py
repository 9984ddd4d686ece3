"""Gaussian mixtures by expectation maximization (Dempster et al. 1977), and the rows that stand out from one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import DataError, evenly_spaced
from powertrain.plugin import Batch, Run, Section, Step, Strategy, param
from powertrain.solvers import kmeans, kmeans_plusplus
from powertrain_tabular.covariances import FORMS, Covariance, Floats, log_norm, with_least
from powertrain_tabular.linear import EXAMPLE
from powertrain_tabular.mixture_page import mixture_section

MOST_SEEDED = 20_000  # rows from which the groups begin
ROWS = 4096  # of one prediction
TINY = 10 * np.finfo(np.float64).eps  # rows of a component that has none


class Mixture(Strategy):
    """Rows as drawn from some normal distributions. A round is one step of expectation maximization over all of them;
    the first also finds where to begin, by k-means."""

    @dataclass(frozen=True)
    class Params:
        components: int = param(8, low=1, high=1024, doc="how many normal distributions")
        covariance: str = param("full", choices=tuple(FORMS), doc="full, diag, spherical; tied: one full for all")
        least: float = param(1e-6, above=0, doc="added to each variance, so that none is zero")
        seed: int = param(0, low=0, doc="draws the first centres, by k-means++")

    needs: ClassVar[tuple[str, ...]] = ()

    def setup(self, run: Run) -> None:
        self.part = run.data("train")
        count, features = self.params.components, int(np.prod(run.dataset.inputs().shape))
        self.form: Covariance = FORMS[self.params.covariance](count, features)
        # In float64: densities are products of many small numbers, and covariances differences of large ones.
        self.weights = run.slot("weights", np.full(count, 1 / count))
        self.means = run.slot("means", np.zeros((count, features)))
        self.covariances = run.slot("covariances", np.ones(self.form.shape))
        self.factors = run.slot("factors", np.ones(self.form.shape))  # of their inverses
        self.offsets = run.slot("offsets", np.zeros(count))  # log densities at the means, with the weights

    def round(self, run: Run) -> None:
        if run.progress.rounds == 0:
            self._begin()
            self._step(run, self.moments_of_groups)
        self._step(run, self.moments)

    def apart(self, batch: Batch) -> Any:
        """Differences of the rows from the means: [components, rows, features]."""
        x = pt.astype(pt.reshape(batch.x, (1, batch.x.shape[0], -1)), "float64")
        return x - pt.expand_dims(self.means.value, 1)

    def log_shares(self, batch: Batch) -> Any:
        """The log of each component's share of the density of a row: [rows, components]."""
        whitened = self.form.whitened(self.apart(batch), self.factors.value)
        return self.offsets.value - 0.5 * pt.permute_dims(pt.sum(pt.square(whitened), axis=2))

    def moments(self, t: Step, batch: Batch) -> Any:
        """What a step of the algorithm needs, of rows that belong to components as far as their densities say."""
        return self._sums(batch, pt.softmax(self.log_shares(batch), axis=-1))

    def moments_of_groups(self, t: Step, batch: Batch) -> Any:
        """The same of rows that belong to the nearest mean alone."""
        near = pt.argmin(pt.sum(pt.square(self.apart(batch)), axis=2), axis=0)
        return self._sums(batch, pt.astype(F.one_hot(near, self.params.components), "float64"))

    def _sums(self, batch: Batch, shares: Any) -> Any:
        apart = self.apart(batch)
        mine = pt.permute_dims(shares * pt.reshape(pt.astype(batch.weight, "float64"), (-1, 1)))
        first = pt.sum(apart * pt.expand_dims(mine, -1), axis=1)
        return pt.sum(mine, axis=1), first, self.form.squares(apart, mine)

    def likelihood(self, t: Step, batch: Batch) -> Any:
        weight = pt.astype(batch.weight, "float64")
        return pt.sum(pt.logsumexp(self.log_shares(batch), axis=1) * weight), pt.sum(weight)

    def _step(self, run: Run, moments: Callable[..., Any]) -> None:
        counts, first, squares = run.fold(moments, self.part)
        # The sums are of differences from the old means: squares of rows far from zero would lose all digits.
        total = counts + TINY
        step = first / total[:, None]
        self._take(counts, self.means.numpy() + step, self.form.estimate(total, step, squares))

    def _take(self, counts: Floats, means: Floats, covariances: Floats) -> None:
        total = counts + TINY
        covariances = with_least(self.form, covariances, self.params.least)
        factors = self.form.factors(covariances)
        weights = total / total.sum()
        offsets = np.log(weights) + self.form.log_scale(factors) - log_norm(self.form.features)
        made = (weights, means, covariances, factors, offsets)
        slots = (self.weights, self.means, self.covariances, self.factors, self.offsets)
        for slot, value in zip(slots, made, strict=True):
            slot.value = pt.tensor(np.ascontiguousarray(value))

    def _begin(self) -> None:
        """The centres of k-means on some of the rows."""
        rows = self.part.rows(weights=True)["x"]
        rows = rows.reshape(len(rows), -1).astype(np.float32)
        count = self.params.components
        if len(rows) < count:
            raise DataError(
                "mixture", f"{len(rows)} rows for {count} components", "expected one for each", "lower components"
            )
        some = rows[evenly_spaced(len(rows), MOST_SEEDED)]
        found = kmeans(some, kmeans_plusplus(some, count, seed=self.params.seed))
        self.means.value = pt.tensor(found.centers.astype(np.float64))

    def criteria(self, run: Run) -> dict[str, float]:
        """The mean log-likelihood of a training row, and by how much more numbers it was bought: BIC and AIC, of which
        less is better (Schwarz 1978, Akaike 1974)."""
        total, rows = (float(value) for value in run.fold(self.likelihood, self.part))
        numbers = self.form.numbers + self.form.components * (self.form.features + 1) - 1
        return {
            "log-likelihood": total / rows,
            "numbers": numbers,
            "BIC": numbers * float(np.log(rows)) - 2 * total,
            "AIC": 2 * numbers - 2 * total,
        }

    def sections(self, run: Run) -> Sequence[Section]:
        """What was found, and what it is worth."""
        rows = self.part.rows(weights=True)["x"]
        matrices = self.form.matrices(self.covariances.numpy())
        return [mixture_section(self.criteria(run), self.weights.numpy(), self.means.numpy(), matrices, rows)]


class GaussianMixture(Mixture):
    """A mixture that groups rows. The loss is minus the log of the density of a row. `predict` gives the log of each
    component's share of it, so that the largest is the component that a row belongs to."""

    def losses(self, t: Step, batch: Batch) -> Any:
        return pt.astype(-pt.logsumexp(self.log_shares(batch), axis=1), "float32")

    def predict(self, t: Step, batch: Batch) -> Any:
        return pt.astype(self.log_shares(batch), "float32")

    def answer(self, output: Any) -> dict[str, object]:
        """The component that a row belongs to, how surely, and the log of the density there."""
        largest = float(np.max(output))
        shares = np.exp(output.astype(np.float64) - largest)
        log_density = largest + float(np.log(shares.sum()))
        return {
            "group": int(np.argmax(output)),
            "probability": round(float(shares.max() / shares.sum()), 6),
            "log_density": round(log_density, 6),
        }


class Outliers(Mixture):
    """Rows where a mixture of the training rows is thin are class 1. Nothing is learned from labels: they say how good
    it is.

    The logit is minus the log of a row's density, less that of the training row that stands at `share`, by asinh: far
    from the usual rows differences of it say nothing.
    """

    @dataclass(frozen=True)
    class Params(Mixture.Params):
        components: int = param(1, low=1, high=1024, doc="how many normal distributions; 1 is the Mahalanobis distance")
        share: float = param(0.05, above=0, below=1, doc="share of the training rows that are taken for outliers")

    task: ClassVar[str] = "classification"
    example_recipe: ClassVar[str] = f"""\
data     = {{ use = "table", path = "{EXAMPLE}", target = "bought", split = {{ valid = 0.2 }} }}
strategy = "outliers"
run      = {{ until = "3 rounds", batch_size = 32 }}
"""

    def setup(self, run: Run) -> None:
        super().setup(run)
        if run.dataset.outputs != 2:
            raise DataError(
                "outliers", f"{run.dataset.outputs} classes", "expected two, usual rows and outliers",
                "map the classes to 0 and 1 in the data",
            )  # fmt: skip
        self.limit = run.slot("limit", np.zeros(()))

    def round(self, run: Run) -> None:
        super().round(run)
        x = self.part.rows(weights=True)["x"]
        self.limit.value = pt.zeros((), dtype="float64")
        scores = [run.predict(x[start : start + ROWS])[:, 1] for start in range(0, len(x), ROWS)]
        limit = np.quantile(np.sinh(np.concatenate(scores).astype(np.float64)), 1 - self.params.share)
        self.limit.value = pt.tensor(np.float64(limit))

    def predict(self, t: Step, batch: Batch) -> Any:
        above = -pt.logsumexp(self.log_shares(batch), axis=1) - self.limit.value
        score = pt.asinh(pt.astype(above, "float32"))  # of float64 ONNX Runtime has no asinh
        return pt.stack([pt.zeros_like(score), score], axis=1)

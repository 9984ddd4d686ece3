"""What is learned without targets: k-means as a strategy, principal components as a transform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import DataError, evenly_spaced
from powertrain.plugin import Batch, Run, Section, Step, Strategy, Transform, param
from powertrain.solvers import kmeans_plusplus, principal_components
from powertrain_tabular.clusters_page import clusters_section

MOST_SEEDED = 20_000  # rows from which the first centres are drawn


class KMeans(Strategy):
    """k-means: a round moves the centres to the means of their rows. The loss is the squared distance from the nearest.

    `predict` gives minus the squared distance from each centre, so that the largest is the nearest.
    """

    @dataclass(frozen=True)
    class Params:
        clusters: int = param(8, low=1, doc="how many centres")
        seed: int = param(0, low=0, doc="draws the first ones, by k-means++")

    needs: ClassVar[tuple[str, ...]] = ()

    def setup(self, run: Run) -> None:
        self.part = run.data("train")
        features = int(np.prod(run.dataset.inputs().shape))
        self.centres = run.slot("centres", np.zeros((self.params.clusters, features), np.float32))

    def squares(self, batch: Batch) -> Any:
        """The squared distance of each row from each centre."""
        x = pt.reshape(batch.x, (batch.x.shape[0], -1))
        centres = self.centres.value
        lengths = pt.sum(x * x, axis=1, keepdims=True) + pt.sum(centres * centres, axis=1)
        return pt.maximum(lengths - 2 * pt.matmul(x, pt.permute_dims(centres)), 0)

    def sums(self, t: Step, batch: Batch) -> Any:
        x = pt.reshape(batch.x, (batch.x.shape[0], -1))
        mine = F.one_hot(pt.argmin(self.squares(batch), axis=1), self.params.clusters)
        mine = mine * pt.reshape(batch.weight, (-1, 1))
        return pt.matmul(pt.permute_dims(mine), x), pt.sum(mine, axis=0)

    def round(self, run: Run) -> None:
        if run.progress.rounds == 0:
            self._seed()
        sums, counts = run.fold(self.sums, self.part)
        old = self.centres.numpy().astype(np.float64)
        # A centre without rows stays where it is.
        moved = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], old)
        self.centres.value = pt.tensor(moved.astype(np.float32))

    def _seed(self) -> None:
        x = self.part.rows()["x"]
        x = x.reshape(len(x), -1).astype(np.float32)
        if len(x) < self.params.clusters:
            raise DataError(
                "k-means",
                f"{len(x)} rows for {self.params.clusters} clusters",
                "expected one for each",
                "lower clusters",
            )
        some = x[evenly_spaced(len(x), MOST_SEEDED)]
        self.centres.value = pt.tensor(kmeans_plusplus(some, self.params.clusters, seed=self.params.seed))

    def losses(self, t: Step, batch: Batch) -> Any:
        return pt.min(self.squares(batch), axis=1)

    def predict(self, t: Step, batch: Batch) -> Any:
        return -self.squares(batch)

    def answer(self, output: Any) -> dict[str, object]:
        """The group whose centre is nearest, and how far that is."""
        nearest = int(np.argmax(output))
        return {"group": nearest, "distance": round(float(np.sqrt(max(0.0, -float(output[nearest])))), 6)}

    def sections(self, run: Run) -> Sequence[Section]:
        """The groups that were found."""
        return [clusters_section(run, self.params.clusters)]


class PCA(Transform):
    """The principal components of the training rows, as many as are asked for or there are."""

    TORCH_CALL = "(x.float().flatten(1) - {mean}) @ {components}.T"
    AXIS = "principal component"

    @dataclass(frozen=True)
    class Params:
        components: int = param(16, low=1, doc="how many")
        whiten: bool = param(False, doc="divide each by its deviation")

    def __init__(self, mean: NDArray[Any], components: NDArray[Any]) -> None:
        self.mean, self.components = mean, components

    @classmethod
    def build(cls, params: Params, x: NDArray[Any]) -> PCA:
        rows = x.reshape(len(x), -1).astype(np.float32)
        if len(rows) < 2:
            raise DataError("pca", f"{len(rows)} training row", "expected two or more", "bring more data")
        found = principal_components(rows)
        kept = found.components[: params.components]
        if params.whiten:
            deviations = np.sqrt(found.variances[: params.components])
            kept = kept / np.where(deviations > 0, deviations, 1)[:, None]
        return cls(found.mean, np.ascontiguousarray(kept, dtype=np.float32))

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        rows = np.subtract(x.reshape(len(x), -1), self.mean, dtype=np.float32)
        made: Any = pt.matmul(rows, np.ascontiguousarray(self.components.T))
        return made if isinstance(x, pt.Tensor) else np.asarray(made.numpy())  # a tensor where it is exported

    def state(self) -> dict[str, NDArray[Any]]:
        return {"mean": self.mean, "components": self.components}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.mean, self.components = np.asarray(state["mean"]), np.asarray(state["components"])

"""Ways of learning that are not supervised, as a file beside the recipe: the Trainer knows none of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from powertrain.train.folder.checkpoint import Checkpoints
from running import results, run

KMEANS = '''
"""k-means: the centroids are a slot, a round is one pass over the examples. No model, no optimizer."""

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Strategy


class KMeans(Strategy):
    needs = ()

    def setup(self, run):
        self.data = run.data("train")
        first = run.dataset.train.fetch(np.arange(10) * 7)["x"].reshape(10, -1)
        self.centroids = run.slot("centroids", first)
        self.passes = run.blob("passes", list, lambda value: bytes(value), list)

    def distances(self, x):
        rows = pt.reshape(x, (x.shape[0], -1))
        centroids = self.centroids.value
        cross = pt.matmul(rows, pt.permute_dims(centroids, (1, 0)))
        return pt.sum(pt.square(centroids), axis=1) - 2.0 * cross

    def assign(self, t, batch):
        chosen = F.one_hot(pt.argmin(self.distances(batch.x), axis=1), 10)
        chosen = pt.astype(chosen, "float32") * pt.reshape(batch.weight, (batch.x.shape[0], 1))
        rows = pt.reshape(batch.x, (batch.x.shape[0], -1))
        return pt.matmul(pt.permute_dims(chosen, (1, 0)), rows), pt.sum(chosen, axis=0)

    def round(self, run):
        sums, counts = run.fold(self.assign, self.data)
        assert counts.sum() == len(run.dataset.train)
        self.centroids.value = pt.tensor((sums / np.maximum(counts, 1)[:, None]).astype(np.float32))
        self.passes.value.append(run.progress.rounds)

    def predict(self, t, batch):
        return -self.distances(batch.x)
'''

RECIPE = """\
data      = { use = "digits", split = { test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
strategy  = "./kmeans.py:KMeans"
run       = { until = "UNTIL rounds", batch_size = 100, save_seconds = 0 }
report    = { baseline = false }
"""


def lloyd(rounds: int) -> np.ndarray:
    """The same in NumPy, in float64."""
    from powertrain.builtin.data import Digits

    dataset = Digits.build(Digits.Params(), Path()).split({"test": 0.2}, stratify=True)
    x = dataset.train.fetch(np.arange(len(dataset.train)))["x"].reshape(-1, 64) * 0.0625
    centroids = x[np.arange(10) * 7]
    for _ in range(rounds):
        chosen = np.square(x[:, None] - centroids).sum(axis=2).argmin(axis=1)
        centroids = np.stack([x[chosen == k].mean(axis=0) for k in range(10)])
    return centroids


def slots(path: Path) -> dict[str, np.ndarray]:
    found, problems = Checkpoints(path).latest()
    assert found is not None and not problems
    return found.arrays


def test_k_means_is_a_strategy_and_resumes_exactly(tmp_path: Path) -> None:
    (tmp_path / "kmeans.py").write_text(KMEANS)
    (tmp_path / "kmeans.toml").write_text(RECIPE.replace("UNTIL", "6"))
    whole = results(run(["train", "kmeans.toml", "--run", "whole", "--json"], tmp_path))
    run(["train", "kmeans.toml", "--set", "run.until=2 rounds", "--run", "parts", "--json"], tmp_path)
    parts = results(run(["train", "kmeans.toml", "--run", "parts", "--resume", "--json"], tmp_path))
    assert parts["hash"] == whole["hash"]
    saved = slots(tmp_path / "parts")
    np.testing.assert_allclose(saved["centroids"], lloyd(6), rtol=1e-5, atol=1e-6)
    assert saved["passes"].tolist() == [0, 1, 2, 3, 4, 5]


FORK = '''
"""Trains a copy for some steps, keeps half of the way that it went: a line search with one try."""

import powertrain as pt
from powertrain.builtin.strategies.supervised import Supervised


class Half(Supervised):
    def round(self, run):
        slots = run.model().parameters()
        before = [slot.numpy().copy() for slot in slots]
        with run.fork("model"):
            run.loop(self.step, self.data, 3)
            after = [slot.numpy().copy() for slot in slots]
        for slot, old, new in zip(slots, before, after):
            assert (slot.numpy() == old).all() and not (new == old).all()
            slot.value = pt.tensor((old + new) / 2)
'''


def test_a_fork_leaves_the_slots_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "half.py").write_text(FORK)
    recipe = RECIPE.replace("UNTIL", "4").replace("./kmeans.py:KMeans", "./half.py:Half")
    recipe += 'model = "linear"\noptimizer = { use = "sgd", lr = 0.1 }\n'
    (tmp_path / "half.toml").write_text(recipe)
    assert results(run(["train", "half.toml", "--run", "a", "--json"], tmp_path))["steps"] == 12
    saved = slots(tmp_path / "a")
    # The optimizer was forked as well, so it is where it began.
    assert saved["optimizer.updates"] == 0 and saved["progress"][0] == 12

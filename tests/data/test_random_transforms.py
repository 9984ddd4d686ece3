"""Random transforms: training batches alone see them, at their place, as a function of (seed, place, batch)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin import losses
from powertrain.data import ArrayDataset, DataLoader, DataModule, Draw, Scale, Standardize, Subset
from powertrain.data.order import CHANGES, Cursor
from powertrain.plugin import Inputs, NoParams, RandomTransform
from running import results, run


class Shift(RandomTransform):
    """Adds a whole number to each example."""

    BUILT: ClassVar[list[Inputs]] = []

    @classmethod
    def build(cls, params: NoParams, inputs: Inputs) -> Shift:
        cls.BUILT.append(inputs)
        return cls()

    def change(self, fields: dict[str, Any], draw: Draw) -> dict[str, Any]:
        x = fields["x"]
        return {**fields, "x": x + draw.integers(1000, (len(x), 1)).astype(np.float32)}


@dataclass(frozen=True)
class ScaleParams:
    by: float = 2.0
    shift: float = 0.0


def dataset(*plugins: tuple[Any, Any]) -> DataModule:
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    source = ArrayDataset(x=x, y=np.arange(20) % 2)
    made = DataModule("d", "classification", {"train": source}, 2).split({"valid": 0.2}, ordered=True)
    return made.transformed(plugins)


def batches(data: Any, workers: int = 0, changes: bool = True, seed: int = 5) -> list[list[float]]:
    loader = DataLoader(
        data, 4, shuffle=True, seed=seed, num_workers=workers, augment=changes, endless=True, pad_last=True
    )
    return [batch.x.reshape(-1).tolist() for batch, _ in zip(loader, range(9), strict=False)]


def test_training_batches_are_changed_and_all_others_are_not() -> None:
    data, plain = dataset((Shift, NoParams())), dataset()
    assert batches(data.train) != batches(plain.train)
    assert batches(data.train, changes=False) == batches(plain.train)
    rows = np.arange(4)
    assert (data.splits["valid"].fetch(rows)["x"] == plain.splits["valid"].fetch(rows)["x"]).all()
    assert data.transforms == () and len(data.chain) == 1


def test_changes_depend_on_seed_and_batch_not_on_workers_or_on_where_a_loader_began() -> None:
    data = dataset((Shift, NoParams()))
    wanted = batches(data.train)
    assert batches(data.train, workers=3) == wanted and batches(data.train, seed=6) != wanted
    loader = DataLoader(data.train, 4, shuffle=True, seed=5, augment=True, endless=True)
    iterator = iter(loader)
    for _ in range(5):
        next(iterator)
    other = DataLoader(data.train, 4, shuffle=True, seed=5, augment=True, endless=True)
    other.load_state_dict(loader.state_dict())
    assert next(iter(other)).x.reshape(-1).tolist() == wanted[5]
    subset = DataLoader(Subset(data.train, range(8)), 4, shuffle=True, seed=5, augment=True)
    assert next(iter(subset)).x.max() > 100


def test_what_is_fitted_after_a_change_is_fitted_without_it() -> None:
    data = dataset((Shift, NoParams()), (Standardize, Standardize.Params()), (Shift, NoParams()))
    plain = dataset((Standardize, Standardize.Params()))
    assert data.transforms[0].state()["mean"].tolist() == plain.transforms[0].state()["mean"].tolist()
    assert [inputs.shape for inputs in Shift.BUILT[-2:]] == [(2,), (2,)]
    assert Shift.BUILT[-1].dtype == "float32" and Shift.BUILT[-1].outputs == 2


def test_two_of_a_kind_draw_apart_and_in_their_places() -> None:
    one = dataset((Shift, NoParams()), (Scale, ScaleParams()))
    two = dataset((Scale, ScaleParams()), (Shift, NoParams()))
    rows, call = np.arange(4), Cursor(0, 4)
    x = dataset().train.fetch(rows)["x"]

    def drawn(place: int) -> Any:
        return Draw(9, CHANGES + place, call).integers(1000, (4, 1))

    assert (one.train.fetch_changed(rows, 9, call)["x"] == (x + drawn(0)) * 2).all()  # type: ignore[attr-defined]
    assert (two.train.fetch_changed(rows, 9, call)["x"] == x * 2 + drawn(1)).all()  # type: ignore[attr-defined]


def test_a_draw_has_even_numbers_and_whole_permutations() -> None:
    draw = Draw(1, CHANGES, Cursor(2, 3))
    numbers = draw.uniform((10_000,), -1, 3)
    assert numbers.min() >= -1 and numbers.max() < 3 and abs(numbers.mean() - 1) < 0.05
    assert np.bincount(draw.integers(5, (10_000,))).min() > 1800
    assert sorted(draw.permutation(50).tolist()) == list(range(50))
    first, second = (Draw(1, CHANGES, call).uniform((4,)).tolist() for call in (Cursor(0, 1), Cursor(1, 0)))
    assert first != second


def test_cross_entropy_takes_class_shares() -> None:
    logits = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    labels = np.arange(6) % 4
    shares = np.eye(4, dtype=np.float32)[labels]
    for smoothing in (0.0, 0.1):
        one = losses.cross_entropy(pt.tensor(logits), pt.tensor(labels), smoothing=smoothing).numpy()
        other = losses.cross_entropy(pt.tensor(logits), pt.tensor(shares), smoothing=smoothing).numpy()
        np.testing.assert_allclose(one, other, rtol=1e-5)


NOISY = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }, "./noise.py:Noise"]
model     = { use = "mlp", hidden = [16] }
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "4 epochs", batch_size = 64, seed = 3, save_seconds = 0 }
report    = { baseline = false }
"""
NOISE = """\
from powertrain.plugin import RandomTransform


class Noise(RandomTransform):
    def change(self, fields, draw):
        return {**fields, "x": fields["x"] + draw.uniform(fields["x"].shape).astype("float32")}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "noisy.toml").write_text(NOISY)
    (tmp_path / "noise.py").write_text(NOISE)
    return tmp_path


def test_a_run_that_goes_on_later_ends_with_the_same_bits(folder: Path) -> None:
    whole = results(run(["train", "noisy.toml", "--run", "a", "--json"], folder))
    run(["train", "noisy.toml", "--run", "b", "--set", "run.until=2 epochs"], folder)
    resumed = results(run(["train", "noisy.toml", "--run", "b", "--resume", "--json"], folder))
    assert resumed["hash"] == whole["hash"]
    workers = results(run(["train", "noisy.toml", "--run", "c", "--set", "run.num_workers=0", "--json"], folder))
    assert workers["hash"] == whole["hash"]
    plain = results(run(["train", "noisy.toml", "--run", "d", "--set", "features=[]", "--json"], folder))
    assert plain["hash"] != whole["hash"]

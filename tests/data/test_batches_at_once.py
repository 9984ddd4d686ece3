"""Quick batches are made several at a time: they are those that are made one by one, in the same turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataLoader, Subset, prefetch, transforms
from powertrain.data.dataset import Mapped
from powertrain.data.transforms import Transformed

X = np.random.default_rng(0).normal(size=(53, 4, 4)).astype(np.float32)
Y = np.arange(53)
SOURCES: dict[str, Any] = {
    "arrays": lambda: ArrayDataset({"x": X, "y": Y}),
    "weights": lambda: ArrayDataset({"x": X, "y": Y, "weight": Y.astype(np.float32)}),
    "subset": lambda: Subset(ArrayDataset({"x": X, "y": Y}), np.arange(40)[::-1]),
}


def taken(source: Any, quick: bool, count: int, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> list[Any]:
    """So many batches, each with where the loader stands behind it."""
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 1e9 if quick else 0.0)
    monkeypatch.setattr(prefetch, "_TRIALS", 1)
    monkeypatch.setattr(prefetch, "_BLOCK_SECONDS", 1e9)
    loader = DataLoader(source, 8, seed=3, num_workers=1, **settings)
    found: list[Any] = []
    for batch in loader:
        state = {key: np.asarray(value).tolist() for key, value in loader.state_dict().items()}
        found.append(({name: value.tolist() for name, value in batch.arrays.items()}, batch.indices.tolist(), state))
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize("settings", [
    {"shuffle": True}, {"shuffle": True, "endless": True, "pad_last": True, "augment": True}, {"drop_last": True},
    {"pad_last": True}, {"sampler": range(39, 2, -1)}, {"shuffle": True, "augment": True},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("name", ["arrays", "weights", "subset"])
def test_they_are_those_made_one_by_one(name: str, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    inner = DataLoader._make_many

    def counted(self: DataLoader, picks: Any) -> Any:
        calls.append(len(picks))
        return inner(self, picks)

    monkeypatch.setattr(DataLoader, "_make_many", counted)
    one_by_one = taken(SOURCES[name](), False, 30, monkeypatch, **settings)
    assert not calls
    assert taken(SOURCES[name](), True, 30, monkeypatch, **settings) == one_by_one
    assert max(calls) > 1


def test_where_that_fails_each_is_made_in_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one = taken(SOURCES["arrays"](), False, 30, monkeypatch, shuffle=True)
    inner = DataLoader._make

    def fail(self: DataLoader, picks: Any) -> Any:
        raise OSError("row 37 is damaged")

    def fail_alone(self: DataLoader, pick: Any) -> Any:
        return fail(self, [pick]) if pick.indices[0] == one_by_one[4][1][0] else inner(self, pick)

    monkeypatch.setattr(DataLoader, "_make_many", fail)
    assert taken(SOURCES["arrays"](), True, 30, monkeypatch, shuffle=True) == one_by_one
    monkeypatch.setattr(DataLoader, "_make", fail_alone)
    assert taken(SOURCES["arrays"](), True, 4, monkeypatch, shuffle=True) == one_by_one[:4]
    with pytest.raises(OSError, match="row 37 is damaged"):
        taken(SOURCES["arrays"](), True, 30, monkeypatch, shuffle=True)


def test_what_is_computed_of_rows_is_computed_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product of more rows may have other bits, and random changes are drawn for a batch."""
    monkeypatch.setattr(DataLoader, "_make_many", lambda self, picks: pytest.fail("made together"))
    arrays = SOURCES["arrays"]()
    scaled = Transformed(arrays, [transforms.Scale(0.5)])
    for source in (Mapped(arrays, lambda fields: fields), scaled, Subset(scaled, np.arange(40)), arrays):
        settings = {"collate_fn": list} if source is arrays else {}
        assert len(list(DataLoader(source, 4, num_workers=1, **settings))) > prefetch._TRIALS


def test_a_run_reads_arrays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """With any number of workers the same bits."""
    found = set()
    for workers, seconds in ((0, 0.0), (1, 1e9), (2, 1e9), (2, 0.0)):
        monkeypatch.setattr(prefetch, "_QUICK_SECONDS", seconds)
        pt.random.seed(5)
        model = pt.nn.Linear(16, 53)
        run = pt.fit(
            model=pt.nn.Sequential(pt.nn.Flatten(), model), data=(X, Y), epochs=3, batch_size=4, seed=2, verbose=False,
            run={"num_workers": workers},
        )  # fmt: skip
        found.add(np.asarray(run.model.state_dict()["1.weight"]).tobytes())
    assert len(found) == 1

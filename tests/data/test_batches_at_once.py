"""Quick batches are made several at a time: they are those that are made one by one, in the same turns."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from loader_blocks import counted_blocks
from powertrain import _core
from powertrain.data import ArrayDataset, DataLoader, Subset, prefetch, transforms
from powertrain.data.dataset import Mapped
from powertrain.data.order import permutation, raw_bits
from powertrain.data.pairs import WithClassWeights, WithWeights
from powertrain.data.targets import Learned, TargetScale
from powertrain.data.transforms import Transformed

X = np.random.default_rng(0).normal(size=(53, 4, 4)).astype(np.float32)
Y = np.arange(53)
BYTES = np.random.default_rng(1).integers(0, 256, (53, 4, 4), np.uint8)


def standardized() -> TargetScale:
    scale = TargetScale("standardize", "")
    scale.mean, scale.deviation = np.array(0.3), np.array(1.7)
    return scale


SOURCES: dict[str, Any] = {
    "arrays": lambda: ArrayDataset({"x": X, "y": Y}),
    "weights": lambda: ArrayDataset({"x": X, "y": Y, "weight": Y.astype(np.float32)}),
    "subset": lambda: Subset(ArrayDataset({"x": X, "y": Y}), np.arange(40)[::-1]),
    "transforms": lambda: Transformed(
        Subset(ArrayDataset({"x": BYTES, "y": Y}), np.arange(51)),
        [
            transforms.Scale(1 / 255, 0.1), transforms.Standardize(BYTES[0] / 300, BYTES[1] / 200 + 1),
            transforms.Channel(), transforms.Flatten(),
        ],
    ),
    "targets": lambda: Learned(ArrayDataset({"x": X, "y": X[:, 0, 0]}), standardized()),
    "weights over weights": lambda: WithWeights(
        ArrayDataset({"x": X, "y": Y, "weight": Y.astype(np.float32)}), np.linspace(0, 1, 53, dtype=np.float32)
    ),
}  # fmt: skip


class Noise(pt.data.RandomTransform):
    def change(self, fields: dict[str, Any], draw: Any) -> dict[str, Any]:
        return {**fields, "x": fields["x"] + draw.uniform(fields["x"].shape)}


class Changing(ArrayDataset):
    """Changes its rows itself, for each batch anew."""

    def fetch_changed(self, indices: Any, seed: int, call: Any) -> dict[str, Any]:
        return {**self.fetch(indices), "call": np.full(len(indices), call.position)}


class Half(pt.data.Transform):
    """Does not say whether rows are alone."""

    def __call__(self, x: Any) -> Any:
        return x / 2


def taken(
    source: Any, quick: bool, count: int, monkeypatch: pytest.MonkeyPatch, *, workers: int = 1, **settings: Any
) -> list[Any]:
    """So many batches, each with where the loader stands behind it."""
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 1e9 if quick else 0.0)
    monkeypatch.setattr(prefetch, "_TRIALS", 1)
    monkeypatch.setattr(prefetch, "_BLOCK_SECONDS", 1e9)
    if "batch_sampler" not in settings:
        settings = {"batch_size": 8, **settings}
    loader = DataLoader(source, seed=3, num_workers=workers, **settings)
    found: list[Any] = []
    for batch in loader:
        state = {key: np.asarray(value).tolist() for key, value in loader.state_dict().items()}
        found.append(({name: value.tolist() for name, value in batch.arrays.items()}, batch.indices.tolist(), state))
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize("settings", [
    {"shuffle": True}, {"shuffle": True, "endless": True, "pad_last": True, "augment": True}, {"drop_last": True},
    {"pad_last": True}, {"sampler": range(39, 2, -1)}, {"shuffle": True, "augment": True}, {"batch_size": 1},
    {"batch_size": 53, "shuffle": True, "endless": True}, {"batch_size": 60, "pad_last": True, "endless": True},
    {"batch_size": 39, "sampler": range(39), "endless": True},
    {"batch_sampler": [[0], [3, 1], [2], [5, 5, 5]]}, {"sampler": pt.data.WeightedRandomSampler(np.ones(39), 100)},
], ids=lambda settings: ", ".join(settings))  # fmt: skip
@pytest.mark.parametrize("name", SOURCES)
def test_they_are_those_made_one_by_one(name: str, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted_blocks(monkeypatch)
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
    arrays = SOURCES["arrays"]()
    shares = ArrayDataset({"x": X, "y": np.eye(53, dtype=np.float32)})
    half, noise = Transformed(arrays, [Half(None)]), Transformed(arrays, [transforms.Scale(0.5), Noise(None)])
    sources = (
        Mapped(arrays, lambda fields: fields), half, noise, Subset(half, np.arange(40)), Changing({"x": X}), arrays,
        WithClassWeights(shares, np.linspace(1, 2, 53, dtype=np.float32)), Learned(arrays, TargetScale("log1p", "")),
    )  # fmt: skip
    for source in sources:
        settings = {"collate_fn": list} if source is arrays else {"augment": True, "shuffle": True}
        one_by_one = list(DataLoader(source, 4, num_workers=0, seed=1, **settings))
        with monkeypatch.context() as within:
            within.setattr(prefetch, "_QUICK_SECONDS", 1e9)
            within.setattr(DataLoader, "_make_many", lambda self, picks: pytest.fail("made together"))
            made = list(DataLoader(source, 4, num_workers=1, seed=1, **settings))
        assert len(made) > prefetch._TRIALS
        if source is not arrays:
            alike = [{name: value.tolist() for name, value in batch.arrays.items()} for batch in made]
            assert alike == [{name: value.tolist() for name, value in batch.arrays.items()} for batch in one_by_one]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("name", ["transforms", "weights"])
def test_any_place_can_be_resumed_from(name: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"shuffle": True, "endless": True, "pad_last": True, "augment": True}
    whole = taken(SOURCES[name](), False, 22, monkeypatch, **settings)
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 1e9)
    for at, (_, _, state) in enumerate(whole[:15]):
        loader = DataLoader(SOURCES[name](), 8, seed=3, num_workers=workers, **settings)
        loader.load_state_dict(state)
        for (arrays, rows, _), batch in zip(whole[at + 1 :], loader, strict=False):
            assert {name: value.tolist() for name, value in batch.arrays.items()} == arrays
            assert batch.indices.tolist() == rows


def test_a_batch_is_the_same_in_every_way_of_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 1e9)
    made = {}
    for workers in (0, 1):
        loader = DataLoader(SOURCES["weights"](), 8, num_workers=workers, pad_last=True, shuffle=True, endless=True)
        made[workers] = [batch for batch, _ in zip(loader, range(20), strict=False)]
    for alone, together in zip(made[0], made[1], strict=True):
        assert len(alone) == len(together) and alone.keys() == together.keys()
        assert alone.cursor.tolist() == together.cursor.tolist() and alone.has_weights == together.has_weights
        assert [one.tolist() for one in alone] == [one.tolist() for one in together]
        assert together.x.tolist() == together["x"].tolist() == together[0].tolist() == alone.x.tolist()
        assert repr(alone) == repr(together) and alone.for_a_step()[0] == together.for_a_step()[0]


def test_a_quick_batch_costs_few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a network that steps in 0.1 ms a batch may take a few microseconds: calls are counted, since times vary."""
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 1e9)
    monkeypatch.setattr(prefetch, "_BLOCK_SECONDS", 1e9)
    x = np.zeros((1280, 4), np.uint8)
    source = Transformed(Subset(ArrayDataset(x=x, y=np.arange(1280)), np.arange(1280)), [transforms.Scale(0.5)])
    loader = iter(DataLoader(source, 10, shuffle=True, num_workers=1, pad_last=True, endless=True, augment=True))
    for _ in range(100):
        next(loader)
    calls: list[str] = []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    try:
        for _ in range(256):
            next(loader)
    finally:
        sys.setprofile(before)
    # Three generators for each, two calls more where nobody made it ahead; others for 64 batches together.
    assert len(calls) < 7 * 256, Counter(calls).most_common(20)


def test_a_permutation_is_the_stable_order_of_its_words() -> None:
    for count in (*range(20), 63, 64, 65, 1000, 70_001):
        for seed, stream, call in ((3, 1, 5), (2**64 - 1, 64, 2**40), (-1, 1, 0)):
            words = raw_bits(seed, stream, call, count)
            assert permutation(count, seed, stream, call).tolist() == np.argsort(words, kind="stable").tolist()


@pytest.mark.parametrize("high", [1, 2, 50, 2**62, 2**63])
def test_equal_words_keep_their_order(high: int) -> None:
    """Whether they are spread over all words, or over few of them."""
    words = np.random.default_rng(0).integers(0, high, 1000, dtype=np.uint64)
    words[500:] = words[:500]
    assert _core.sorting_order(words).tolist() == np.argsort(words, kind="stable").tolist()
    assert _core.sorting_order(~words).tolist() == np.argsort(~words, kind="stable").tolist()


def test_rows_of_a_permutation_are_counted() -> None:
    with pytest.raises(ValueError, match=r"\[permutation\] -1 rows; expected a number >= 0; pass how many there are"):
        _core.permutation(-1, 0, 0, 0)


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


def test_large_batches_are_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several would not stay in a cache until the steps read them."""
    made = taken(SOURCES["transforms"](), True, 12, monkeypatch, endless=True)
    monkeypatch.setattr(prefetch, "_MOST_BYTES", 8 * (16 * 4 + 8 + 4) * 2 - 1)  # x, y and weights of two batches
    monkeypatch.setattr(DataLoader, "_make_many", lambda self, picks: pytest.fail("made together"))
    assert taken(SOURCES["transforms"](), True, 12, monkeypatch, endless=True) == made


@pytest.mark.parametrize("workers", [1, 2])
def test_as_many_are_made_together_as_the_consumer_says(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short turn of a loader that knows its pace is one block, across the end of an epoch, and no thread."""
    source = ArrayDataset({"x": X, "y": Y})
    settings: dict[str, Any] = {"shuffle": True, "pad_last": True, "endless": True}
    one_by_one = taken(source, False, 16, monkeypatch, workers=0, **settings)
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 1e9)
    sizes = counted_blocks(monkeypatch)
    loader = DataLoader(source, 8, seed=3, num_workers=workers, **settings)
    loader._pace = prefetch.Pace(1e-6, 1)
    found: list[Any] = []
    for _ in range(2):
        before = threading.active_count()
        loader.expect(8)
        batches = iter(loader)
        found += [next(batches).arrays["y"].tolist() for _ in range(8)]
        assert threading.active_count() <= before  # one of an earlier turn may end
        del batches
    assert sizes == [8, 8]
    assert found == [arrays["y"] for arrays, _, _ in one_by_one]

"""Orders that are computed as they are read: permutations from a key, and rows that are shuffled in blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import powertrain as pt
from powertrain.data import DataLoader, RandomSampler, Subset, order_pieces
from powertrain.data.blocks import BlockOrder, Blocks, blocks_of
from powertrain.data.order import OFFSETS, SHUFFLE, Cursor, Draw, permutation
from powertrain.data.order_pieces import SORTED_BELOW, Ascending, Drawn, KeyedPermutation, shuffled


def keyed(count: int, seed: int = 0, call: int = 0) -> np.ndarray[Any, Any]:
    return KeyedPermutation(count, seed, SHUFFLE, call)[:]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12, 97, 1000, 16_383, 16_384, 16_385, 99_999])
def test_every_row_comes_once(count: int) -> None:
    assert (np.sort(keyed(count)) == np.arange(count)).all()


def test_slices_are_those_of_the_whole() -> None:
    order = KeyedPermutation(50_000, 3, SHUFFLE, 1)
    whole = order[:]
    for start, stop in ((0, 64), (16_380, 16_390), (40_000, 90_000), (7, 7), (10, 49_000)):
        assert (order[start:stop] == whole[start:stop]).all()


def test_orders_depend_on_seed_and_call_alone() -> None:
    assert keyed(40)[:8].tolist() == [16, 5, 4, 24, 3, 35, 17, 34]
    assert (keyed(1000, 1) != keyed(1000, 2)).any() and (keyed(1000, 1, 0) != keyed(1000, 1, 1)).any()


def uniformity(draw: Any, count: int = 600, trials: int = 2000) -> float:
    """The p-value of a chi-square test: of two places, each pair of rows is as likely (rows in six parts)."""
    places = np.array([0, 1, 2, 299, 300, 599])
    parts = np.array([draw(count, trial)[places] for trial in range(trials)]) * 6 // count
    values = [
        stats.chisquare(np.bincount(6 * parts[:, i] + parts[:, j], minlength=36)).pvalue
        for i in range(len(places))
        for j in range(i)
    ]
    return float(min(values) * len(values))  # Bonferroni's bound: the pairs are not independent


def test_rows_at_two_places_are_as_uniform_as_in_orders_that_are_sorted() -> None:
    assert uniformity(keyed) > 1e-3
    assert uniformity(lambda count, trial: permutation(count, trial, SHUFFLE, 0)) > 1e-3
    assert uniformity(lambda count, trial: (np.arange(count) + 7 * trial) % count) < 1e-9  # a shift is no such order


@pytest.mark.parametrize("draw", [keyed, lambda count, seed: permutation(count, seed, SHUFFLE, 0)])
def test_neighbours_of_a_large_order_are_independent(draw: Any) -> None:
    """Where a row comes and where the next comes, in 32 parts each; and how far neighbours are apart."""
    count = 1 << 20
    order = draw(count, 5)
    parts = order * 32 // count
    for step in (1, 2, 64, 1024):
        table = np.zeros((32, 32))
        np.add.at(table, (parts[:-step], parts[step:]), 1)
        assert 1e-4 < stats.chisquare(table.ravel()).pvalue < 1 - 1e-4
    ascents = int((np.diff(order) > 0).sum())
    assert abs(ascents - (count - 1) / 2) < 5 * np.sqrt((count + 1) / 12)


def test_from_four_million_rows_on_an_order_takes_no_memory() -> None:
    assert isinstance(shuffled(SORTED_BELOW - 1, 0, SHUFFLE, 0), np.ndarray)
    order = shuffled(1 << 50, 0, SHUFFLE, 0)
    rows = order[1 << 49 : (1 << 49) + 1000]
    assert len(np.unique(rows)) == 1000 and rows.min() >= 0 and rows.max() < 1 << 50 and np.diff(rows).std() > 1 << 48


def test_small_data_keeps_the_order_that_it_had() -> None:
    data = pt.data.TensorDataset(np.arange(10))
    (batch,) = DataLoader(data, 10, shuffle=True, seed=1)
    assert batch.x.tolist() == permutation(10, 1, SHUFFLE, 0).tolist() == [0, 6, 5, 3, 4, 9, 7, 8, 2, 1]


class Numbers:
    """Rows that are their own numbers; more of them than could be held."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def fetch(self, indices: Any) -> dict[str, Any]:
        return {"x": np.array(indices)}


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_loader_of_a_trillion_rows_begins_at_once_and_resumes(shuffle: bool) -> None:
    def first(loader: DataLoader, count: int) -> list[Any]:
        iterator = iter(loader)
        return [next(iterator).x.tolist() for _ in range(count)]

    data = Numbers(1 << 40)
    wanted = first(DataLoader(data, 64, shuffle=shuffle, seed=2), 6)
    for workers in (1, 2, 8):
        assert first(DataLoader(data, 64, shuffle=shuffle, seed=2, num_workers=workers), 6) == wanted
    loader = DataLoader(data, 64, shuffle=shuffle, seed=2, num_workers=2)
    assert first(loader, 3) == wanted[:3]
    state = loader.state_dict()
    assert state == {"epoch": 0, "position": 192, "seed": 2}
    resumed = DataLoader(data, 64, shuffle=shuffle, seed=2)
    resumed.load_state_dict(state)
    assert first(resumed, 3) == wanted[3:]


def test_the_last_batch_is_padded_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first rows of the epoch, however its order is made."""
    monkeypatch.setattr(order_pieces, "SORTED_BELOW", 8)
    *_, last = DataLoader(Numbers(10), 4, shuffle=True, pad_last=True, seed=1)
    whole = keyed(10, 1).tolist()
    assert last.indices.tolist() == [*whole[8:], *whole[:2]] and last.weight.tolist() == [1, 1, 0, 0]
    (single,) = DataLoader(Numbers(3), 8, pad_last=True)
    assert single.indices.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_a_sampler_of_a_larger_data_set_is_refused() -> None:
    with pytest.raises(pt.data.DataError, match="rows 0 to 9 of the sampler; expected rows from 0 to 2"):
        next(iter(DataLoader(Numbers(3), sampler=pt.data.SequentialSampler(range(10)))))
    assert len(Ascending(5)[3:9]) == 2


# ---------------------------------------------------------------- blocks

EDGES = np.array([0, 4, 5, 12, 20, 21, 30])


def test_blocks_come_together_and_in_another_order_each_epoch() -> None:
    orders = [BlockOrder(Blocks(EDGES, 2), 3, epoch) for epoch in (0, 1)]
    for order in orders:
        assert sorted(order[:].tolist()) == list(range(30)) and len(order) == 30
        blocks = np.searchsorted(EDGES, order[:], side="right")
        windows = [set(blocks[begin:end].tolist()) for begin, end in ends(order)]
        assert [len(window) for window in windows] == [2, 2, 2] and set.union(*windows) == {1, 2, 3, 4, 5, 6}
    assert orders[0][:].tolist() != orders[1][:].tolist()
    assert orders[0][7:19].tolist() == BlockOrder(Blocks(EDGES, 2), 3, 0)[:].tolist()[7:19]


def ends(order: BlockOrder) -> list[tuple[int, int]]:
    found, at = [], 0
    while at < len(order):
        begin, rows = order.piece(at)
        assert begin == at
        found.append((at, at + len(rows)))
        at += len(rows)
    return found


class InBlocks(Numbers):
    def __init__(self, edges: Any, together: int) -> None:
        super().__init__(int(edges[-1]))
        self.blocks = Blocks(np.asarray(edges), together)


def test_few_blocks_are_shuffled_as_memory_is() -> None:
    data = InBlocks(EDGES, 6)
    assert (RandomSampler(data).rows(2, 1) == permutation(30, 1, SHUFFLE, 2)).all()
    assert (RandomSampler(InBlocks(EDGES, 5)).rows(2, 1) != permutation(30, 1, SHUFFLE, 2)).any()


def test_what_is_made_of_blocks_has_them_too() -> None:
    data = InBlocks(EDGES, 2)
    part = Subset(data, [29, 3, 0, 13, 28, 2, 19, 25])
    blocks = blocks_of(pt.data.Mapped(part, lambda fields: fields))
    assert blocks is not None and blocks.edges.tolist() == [0, 3, 5, 8] and blocks.together == 2
    rows = RandomSampler(part).rows(0, 1)
    assert sorted(rows.tolist()) == list(range(8))
    first = {int(np.searchsorted(EDGES, part.indices[row], side="right")) for row in rows[:5]}
    assert len(first) == 2
    assert blocks_of(pt.data.TensorDataset(np.zeros(3))) is None and blocks_of([1, 2]) is None


def test_rows_drawn_from_all_are_read_piece_by_piece() -> None:
    """In any order of reading those of one draw of all words; of ten billion rows as soon as of ten."""
    words = Draw(3, OFFSETS, Cursor(2, 1)).words((40_000,))
    wanted = (words % np.uint64(1000)).astype(np.int64)
    order = Drawn(1000, 40_000, 3, Cursor(2, 1))
    for start, stop in ((16_380, 16_390), (0, 64), (39_000, 90_000), (7, 7), (10, 39_000)):
        assert (order[start:stop] == wanted[start:stop]).all()
    many = range(10_000_000_000)
    assert len(RandomSampler(many, True)) == len(many)
    rows = RandomSampler(many, True, seed=1).order(0)
    assert (rows[:5] == RandomSampler(many, True, 5, seed=1).rows(0)).all()
    far = rows[9_999_999_990:]
    assert len(set(far.tolist())) == 10 and far.max() < len(many)

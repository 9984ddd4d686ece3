"""Batches that are made together: taken several at once, one by one, or both."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from powertrain.data import ArrayDataset, DataLoader, prefetch
from powertrain.data.block import Block, blocks
from powertrain.data.in_memory import dataset_of
from powertrain.data.loader import DataLoader as Loader
from powertrain.data.order import Cursor, Pick
from powertrain.data.picks import JoinedPicks, OnePick
from powertrain.data.prefetch import MOST_AT_ONCE, Pace, _Cell, _Shared
from powertrain.recipe.durations import Duration
from powertrain.recipe.sections import RunSection
from powertrain.train.run.sources import TrainSource


def loader(rows=100, batch=8, **settings) -> Loader:
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    data = ArrayDataset({"x": x, "y": np.arange(rows)})
    return DataLoader(data, batch, shuffle=True, seed=3, pad_last=True, endless=True, num_workers=1, **settings)


def flat(made) -> list[Block]:
    """Blocks and batches of `ahead`, as lists of batches."""
    return made.batches() if isinstance(made, Block) else [made]


def first_batches(count: int, together: bool, one: Loader | None = None):
    one, found, several = one or loader(), [], 0
    ahead = one.ahead(together=together)
    while len(found) < count:
        made, pick = next(ahead)
        several += isinstance(made, Block)
        found += flat(made)
        one.move_behind(pick)
    ahead.close()
    return found[:count], several


def test_batches_of_blocks_are_those_made_one_by_one():
    found, several = first_batches(300, together=True)
    wanted, none = first_batches(300, together=False)
    assert several > 2 and none == 0
    for a, b in zip(found, wanted, strict=True):
        assert a.indices.tolist() == b.indices.tolist()
        assert a.cursor.tolist() == b.cursor.tolist()
        assert len(a) == len(b)
        for name in ("x", "y", "weight"):
            assert a.arrays[name].tolist() == b.arrays[name].tolist()


def block() -> Block:
    one = loader()
    one.expect(400)
    ahead = one.ahead(together=True)
    made = next(made for made, _ in ahead if isinstance(made, Block) and len(made) > 13)
    ahead.close()
    return made


def test_a_block_has_its_batches_behind_each_other():
    made = block()
    batches = made.batches()
    assert len(batches) == len(made)
    assert made.names == ("x", "y", "weight")
    for at, batch in enumerate(batches):
        for stacked, array in zip(made.stacked(), batch.arrays.values(), strict=True):
            assert stacked[at].tolist() == array.tolist()
    assert made.examples == sum(len(batch) for batch in batches) < 8 * len(made)  # the last of an epoch is padded


def test_parts_of_parts_are_parts():
    made = block()
    part = made.part(2, 10).part(3, 5)
    assert len(part) == 2
    assert [one.indices.tolist() for one in part.batches()] == [one.indices.tolist() for one in made.batches()[5:7]]
    assert part.stacked()[0].tolist() == made.stacked()[0][5:7].tolist()
    assert part.end.cursor == made.batches()[6]._pick.cursor


def test_sizes_that_differ_are_blocks_of_their_own():
    sizes = [4, 4, 2, 2, 2, 4]
    picks = [Pick(np.arange(size), np.ones(size, np.float32), Cursor(0, at)) for at, size in enumerate(sizes)]
    joined = JoinedPicks([OnePick(pick) for pick in picks])
    x = np.arange(sum(sizes), dtype=np.float32)
    made = blocks({"x": x}, joined, True)
    assert [(len(one), one.stacked()[0].shape) for one in made] == [(2, (2, 4)), (3, (3, 2)), (1, (1, 4))]
    assert np.concatenate([one.stacked()[0].ravel() for one in made]).tolist() == x.tolist()
    assert sum(one.examples for one in made) == len(x)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_turns_of_all_lengths_end(workers):
    """A worker that waits for room may not keep the consumer from making a batch, nor the other way round."""

    def take():
        one = loader(rows=400, batch=4)
        one.num_workers = workers
        ahead = one.ahead(together=True)
        random = np.random.default_rng(workers)
        for turn in random.integers(1, 60, 200):
            one.expect(int(turn))
            while turn > 0:
                made, _ = next(ahead)
                turn -= len(flat(made))
        ahead.close()
        done.set()

    done = threading.Event()
    threading.Thread(target=take, daemon=True).start()
    assert done.wait(60)


def test_the_end_of_a_stream_of_batches_is_the_end():
    x = np.arange(1000, dtype=np.float32).reshape(-1, 2)
    one = DataLoader(ArrayDataset({"x": x, "y": np.arange(500)}), 1, pad_last=True, num_workers=2)
    one.expect(500)
    for _ in range(3):
        assert sum(len(flat(made)) for made, _ in one.ahead(together=True)) == 500
        one.load_state_dict({"epoch": 0, "position": 0})


def source() -> TrainSource:
    x = np.arange(300, dtype=np.float32).reshape(100, 3)
    module = dataset_of((x, np.arange(100) % 3))
    return TrainSource(module.splits["train"], module, RunSection(until=Duration(1, "epochs"), batch_size=8), 3)


def indices(batches) -> list[list[int]]:
    return [batch.indices.tolist() for batch in batches]


def test_turns_of_a_source_that_is_closed_between_go_on():
    plain, closed = source(), source()
    for count in (5, 40, 1, 13, 60):
        assert indices(closed.take(count)) == indices(plain.take(count))
        assert closed.array().tolist() == plain.array().tolist()
        closed.close()
    plain.close()


def test_one_by_one_and_several_at_once_may_alternate():
    plain, mixed = source(), source()
    for count, most in ((20, 1), (64, 3), (40, 1), (64, 64), (9, 2)):
        wanted = indices(plain.take(count))
        taken, found = mixed.take(count), []
        while (made := taken.several(most)) is not None:
            found += flat(made)
            assert mixed.array().tolist() == found[-1].cursor.tolist()
            assert len(flat(made)) <= most
        assert indices(found) == wanted
    plain.close()
    mixed.close()


def two(weights=False):
    """A source of eights beside one of twenties, whose epochs end at other places."""
    made = []
    for seed, (rows, size) in enumerate(((50, 8), (130, 20))):
        x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
        weight = np.linspace(0, 2, rows, dtype=np.float32) if weights else None
        module = dataset_of((x, np.arange(rows) % 3), sample_weight=weight)
        made.append(
            TrainSource(module.splits["train"], module, RunSection(until=Duration(1, "epochs"), batch_size=size), seed)
        )
    return made[0].beside(free=made[1]), made


@pytest.mark.parametrize("weights", [False, True])
def test_batches_beside_others_come_several_at_once(weights):
    (plain, parts), (mixed, others) = two(weights), two(weights)
    several = 0
    for count, most in ((20, 64), (64, 3), (7, 1), (200, 64), (2, 9), (1, 64)):
        wanted = list(plain.take(count))
        taken, found = mixed.take(count), []
        while (made := taken.several(most)) is not None:
            several += isinstance(made, Block) and len(made) > 1
            if isinstance(made, Block):
                assert made.end.cursor == tuple(others[0].array().tolist())
                assert made.names == ("x", "y", "free_x", "free_y", "free_weight", "weight")
                assert [array.shape[1] for array in made.stacked()] == [8, 8, 20, 20, 20, 8]
                assert made.has_weights == weights
            found += flat(made)
        for one, other in zip(found, wanted, strict=True):
            assert one.cursor.tolist() == other.cursor.tolist()
            assert list(one.arrays) == list(other.arrays)
            for name, array in one.arrays.items():
                assert array.tolist() == other.arrays[name].tolist()
        assert [one.array().tolist() for one in others] == [one.array().tolist() for one in parts]
    assert several > 5
    for one in (*parts, *others):
        one.close()


def test_batches_that_were_only_looked_at_are_made_again_after_a_resume():
    _, (source, _) = two()
    list(source.take(40))
    cursor = source.array()
    assert source.there(64) > 0
    assert source.array().tolist() == cursor.tolist()
    wanted = indices(source.take(20))
    source.restore(cursor)
    assert indices(source.take(20)) == wanted
    source.close()


def planned(taken: int, seconds: float, turn: tuple[int, int]) -> int:
    """Batches of the next block."""
    shared = _Shared(lambda pick: None, iter(()), 2, None, Pace(seconds, 1), MOST_AT_ONCE, True)
    shared.taken, shared.turn = taken, turn
    return shared._count()


def test_short_turns_share_a_block():
    assert planned(1000, 1e-6, (1001, 1)) == MOST_AT_ONCE  # a step for each turn
    assert planned(1000, 1e-6, (1020, 30)) == 230  # 20 are left of this one
    assert planned(1000, 1e-6, (1300, 300)) == 150
    assert planned(8, 1e-6, (9, 1)) == 8  # nobody may ask for more


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when a test says so."""
    made = SimpleNamespace(now=0.0, perf_counter=lambda: made.now)
    monkeypatch.setattr(prefetch, "time", made)
    return made


def filled(shared, count: int) -> None:
    """Makes one cell of so many batches."""
    cell = _Cell(count)
    cell.picks = JoinedPicks([OnePick(Pick(np.arange(4), np.ones(4, np.float32), Cursor(0, 4)))] * count)
    shared.fill(cell)


def test_a_busy_machine_does_not_make_blocks_small(clock):
    took = iter([1e-6] * 4 + [0.1] * 4 + [1e-6] * 4)

    def make(pick):
        clock.now += next(took)

    shared = _Shared(make, iter(()), 2, None, Pace(1e-6, 1), MOST_AT_ONCE, True)
    shared.taken = 1000
    for _ in range(3):
        filled(shared, 4)
        assert shared._count() == MOST_AT_ONCE


def test_batches_that_prove_to_be_quick_later_come_in_blocks_too(clock):
    took = iter([0.01] * 5 + [1e-6] * 3)

    def make(pick):
        clock.now += next(took)

    shared = _Shared(make, iter(()), 2, None, Pace(), MOST_AT_ONCE, True)
    for number in range(1, 7):
        filled(shared, 1)
        assert shared.quick == (number == 6)

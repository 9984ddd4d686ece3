"""Batches that are made together: taken several at once, one by one, or both."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from powertrain.data import ArrayDataset, DataLoader
from powertrain.data.block import Block
from powertrain.data.in_memory import dataset_of
from powertrain.data.loader import DataLoader as Loader
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
    one, found, blocks = one or loader(), [], 0
    ahead = one.ahead(together=together)
    while len(found) < count:
        made, pick = next(ahead)
        blocks += isinstance(made, Block)
        found += flat(made)
        one.move_behind(pick)
    ahead.close()
    return found[:count], blocks


def test_batches_of_blocks_are_those_made_one_by_one():
    found, blocks = first_batches(300, together=True)
    wanted, none = first_batches(300, together=False)
    assert blocks > 2 and none == 0
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
    from powertrain.data.block import blocks
    from powertrain.data.order import Cursor, Pick
    from powertrain.data.picks import JoinedPicks, OnePick

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

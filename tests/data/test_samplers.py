"""Samplers: the rows of an epoch as a function of (seed, epoch), in the shares that were asked for; resumed exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import (
    BatchSampler,
    BucketBatchSampler,
    DataError,
    DataLoader,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

WEIGHTS = np.array([0.0, 1.0, 2.5, 0.0, 6.5])
MADE: dict[str, Any] = {
    "sequential": lambda **_: SequentialSampler(range(9)),
    "random": lambda **more: RandomSampler(range(9), **more),
    "part": lambda **more: RandomSampler(range(9), num_samples=4, **more),
    "twice": lambda **more: RandomSampler(range(9), num_samples=20, **more),
    "replaced": lambda **more: RandomSampler(range(9), True, 20, **more),
    "subset": lambda **more: SubsetRandomSampler([1, 5, 8, 3], **more),
    "weighted": lambda **more: WeightedRandomSampler(WEIGHTS, 20, **more),
    "weighted once": lambda **more: WeightedRandomSampler(WEIGHTS, 3, False, **more),
}
LENGTHS = {"part": 4, "twice": 20, "replaced": 20, "subset": 4, "weighted": 20, "weighted once": 3}


@pytest.mark.parametrize("name", MADE)
def test_rows_are_a_function_of_seed_and_epoch(name: str) -> None:
    sampler, again = MADE[name](seed=4), MADE[name](seed=4)
    epochs = [sampler.rows(epoch).tolist() for epoch in range(6)]
    assert [again.rows(epoch).tolist() for epoch in reversed(range(6))] == epochs[::-1]
    assert len(sampler) == len(epochs[0]) == LENGTHS.get(name, 9) and list(sampler) == epochs[0]
    if name != "sequential":
        assert len({tuple(rows) for rows in epochs}) > 1
        assert [MADE[name](seed=5).rows(epoch).tolist() for epoch in range(6)] != epochs
        assert [MADE[name]().rows(epoch, 4).tolist() for epoch in range(6)] == epochs, "the seed of the loader"
        drawn = [MADE[name](generator=pt.random.Generator(seed)).rows(0).tolist() for seed in range(6)]
        assert len({tuple(rows) for rows in drawn}) > 1


def test_orders_without_replacement_have_every_row_as_often() -> None:
    assert sorted(RandomSampler(range(9)).rows(3).tolist()) == list(range(9))
    twice = RandomSampler(range(9), num_samples=20).rows(1)
    assert sorted(twice[:9].tolist()) == sorted(twice[9:18].tolist()) == list(range(9))
    assert sorted(SubsetRandomSampler([1, 5, 8, 3]).rows(2).tolist()) == [1, 3, 5, 8]


def test_draws_come_in_the_shares_of_the_weights() -> None:
    counts = np.bincount(WeightedRandomSampler(WEIGHTS, 20_000, seed=1).rows(0), minlength=5)
    wanted = 20_000 * WEIGHTS / WEIGHTS.sum()
    assert counts[WEIGHTS == 0].sum() == 0
    # Chi-square with 2 degrees of freedom passes 14 once in a thousand.
    assert (np.square(counts - wanted)[WEIGHTS > 0] / wanted[WEIGHTS > 0]).sum() < 14
    even = np.bincount(RandomSampler(range(5), True, 20_000, seed=1).rows(0), minlength=5)
    assert (np.square(even - 4000) / 4000).sum() < 19


def test_weighted_draws_without_replacement() -> None:
    """The first row drawn is in the shares of the weights; the three of an epoch differ."""
    sampler = WeightedRandomSampler(WEIGHTS, 3, replacement=False, seed=2)
    rows = np.stack([sampler.rows(epoch) for epoch in range(4000)])
    assert (np.sort(rows, axis=1) == [1, 2, 4]).all()
    wanted = 4000 * WEIGHTS / WEIGHTS.sum()
    first = np.bincount(rows[:, 0], minlength=5)
    assert (np.square(first - wanted)[WEIGHTS > 0] / wanted[WEIGHTS > 0]).sum() < 14


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: WeightedRandomSampler([1.0, -1.0], 3),
            "[WeightedRandomSampler] weights of shape [2], from -1 to 1; expected one finite number >= 0 for each row, "
            "and one above 0; for classes of different sizes: weights = 1 / numpy.bincount(y)[y]",
        ),
        (
            lambda: WeightedRandomSampler([[1.0]], 3),
            "[WeightedRandomSampler] weights of shape [1, 1]; expected one finite number >= 0 for each row, "
            "and one above 0; for classes of different sizes: weights = 1 / numpy.bincount(y)[y]",
        ),
        (
            lambda: WeightedRandomSampler([1.0, 0.0, 2.0], 3, replacement=False),
            "[WeightedRandomSampler] num_samples = 3 without replacement; expected at most 2, the rows whose weight is "
            "above 0; write WeightedRandomSampler(weights, num_samples, replacement=True)",
        ),
        (
            lambda: RandomSampler([1], num_samples=0),
            "[RandomSampler] num_samples = 0; expected a whole number >= 1; for example num_samples=64",
        ),
        (
            lambda: SubsetRandomSampler([0.5]),
            "[SubsetRandomSampler] rows of dtype float64 and shape [1]; expected at least one whole number, one for "
            "each example; give row numbers of the data set",
        ),
        (
            lambda: BatchSampler([0, 1], 0, False),
            "[BatchSampler] batch_size = 0; expected a whole number >= 1; for example batch_size=64",
        ),
        (
            lambda: BucketBatchSampler([3, 9], 2, [4, 8]),
            "[BucketBatchSampler] lengths from 3 to 9 and a last boundary of 8; expected lengths from 0 to the last "
            "boundary; write boundaries=[..., 9]",
        ),
        (
            lambda: BucketBatchSampler([3, 9], 2, [8, 8]),
            "[BucketBatchSampler] boundaries = [8, 8]; expected whole numbers >= 1 that rise; for example "
            "boundaries=[16, 32, 64]",
        ),
        (
            lambda: BucketBatchSampler([3.0], 2, [8]),
            "[BucketBatchSampler] lengths of dtype float64 and shape [1]; expected at least one whole number, one for "
            "each example; give the lengths of all rows",
        ),
        (
            lambda: next(iter(DataLoader(range(3), sampler=[0, 3]))),
            "[DataLoader] rows 0 to 3 of the sampler; expected rows from 0 to 2; make the sampler for this data set",
        ),
        (
            lambda: next(iter(DataLoader(range(3), sampler=WeightedRandomSampler([0, 0, 0, 1.0], 4)))),
            "[DataLoader] rows 3 to 3 of the sampler; expected rows from 0 to 2; make the sampler for this data set",
        ),
        (
            lambda: next(iter(DataLoader(range(3), batch_sampler=iter([])))),
            "[batch_sampler] no batch; expected at least one; give lists of row numbers",
        ),
        (
            lambda: RandomSampler([1], seed=1, generator=pt.random.Generator(1)),
            "[RandomSampler] seed and generator; expected a seed or a pt.random.Generator; write RandomSampler(..., "
            "seed=0) or RandomSampler(..., generator=pt.random.Generator(0))",
        ),
    ],
)
def test_what_samplers_refuse(make: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        make()
    assert str(caught.value) == message


class Unsteady(Sampler):
    """Rows that no seed gives again."""

    def __init__(self) -> None:
        self.draw = np.random.default_rng()

    def __len__(self) -> int:
        return 23

    def __iter__(self) -> Iterator[int]:
        return iter(self.draw.permutation(23).tolist())


class UnsteadyBatches(Unsteady):
    def __len__(self) -> int:
        return 5

    def __iter__(self) -> Iterator[Any]:
        return iter(np.split(self.draw.permutation(23), [1, 5, 11, 20]))


@pytest.mark.parametrize("workers", [0, 4])
@pytest.mark.parametrize("taken", [1, 3, 4])
@pytest.mark.parametrize("kind", ["sampler", "batch_sampler"])
def test_an_epoch_of_a_sampler_of_ones_own_resumes(kind: str, taken: int, workers: int) -> None:
    """Its rows are in the state: it need not give them twice."""

    def make() -> DataLoader:
        settings: dict[str, Any] = (
            {"sampler": Unsteady(), "batch_size": 5} if kind == "sampler" else {"batch_sampler": UnsteadyBatches()}
        )
        return DataLoader(range(23), **settings, num_workers=workers)

    loader, other = make(), make()
    batches = iter(loader)
    first = [next(batches).tolist() for _ in range(taken)]
    state = loader.state_dict()
    rest = [rows.tolist() for rows in batches]
    other.load_state_dict(state)
    assert [rows.tolist() for rows in other] == rest and len(first + rest) == len(loader) == 5
    assert sorted(itertools.chain(*first, *rest)) == list(range(23))
    assert set(loader.state_dict()) == {"epoch", "position", "seed"} and loader.state_dict()["epoch"] == 1


def test_an_endless_iteration_that_was_left_goes_on_with_the_same_epoch() -> None:
    loader = DataLoader(range(23), 5, sampler=Unsteady(), endless=True)
    seen = next(iter(loader)).tolist()
    again = iter(loader)
    for _ in range(4):
        seen += next(again).tolist()
    assert sorted(seen) == list(range(23))


def test_batches_of_a_batch_sampler() -> None:
    batches = BatchSampler(RandomSampler(range(7), seed=3), batch_size=3, drop_last=False)
    assert len(batches) == 3 and sorted(itertools.chain(*batches)) == list(range(7))
    loader = DataLoader(range(7), batch_sampler=batches)
    epochs = [[rows.tolist() for rows in loader] for _ in range(2)]
    assert epochs[0] == list(BatchSampler(RandomSampler(range(7), seed=3), 3, False)) != epochs[1]
    assert len(list(BatchSampler([4, 5, 6], 2, drop_last=True))) == 1

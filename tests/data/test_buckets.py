"""Sequences of several lengths: buckets of about one length, padded batches, few traces, exact resume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import BucketBatchSampler, DataError, DataLoader, PaddedCollate

LENGTHS = np.random.default_rng(0).integers(0, 33, 203)
EDGES = [8, 16, 32]


def rows_of(sampler: BucketBatchSampler, epoch: int = 0) -> list[list[int]]:
    sampler.set_epoch(epoch)
    made = list(sampler)
    assert len(made) == len(sampler)
    return made


def bucket_of(rows: list[int]) -> int:
    (bucket,) = set(np.searchsorted(EDGES, LENGTHS[rows]).tolist())
    return int(bucket)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
def test_batches_have_rows_of_one_bucket_and_each_row_once(drop_last: bool, shuffle: bool) -> None:
    batches = rows_of(BucketBatchSampler(LENGTHS, 10, EDGES, shuffle, drop_last, seed=1))
    buckets = [bucket_of(rows) for rows in batches]
    assert all(len(rows) == 10 or (not drop_last and 0 < len(rows) < 10) for rows in batches)
    flat = [row for rows in batches for row in rows]
    assert len(set(flat)) == len(flat)
    sizes = np.bincount(np.searchsorted(EDGES, LENGTHS))
    assert len(flat) == (sum(size // 10 * 10 for size in sizes) if drop_last else len(LENGTHS))
    assert (buckets == sorted(buckets)) != shuffle
    assert shuffle or all(rows == sorted(rows) for rows in batches)


def test_batches_are_a_function_of_seed_and_epoch() -> None:
    def made(seed: int, epoch: int) -> list[list[int]]:
        return rows_of(BucketBatchSampler(LENGTHS, 10, EDGES, seed=seed), epoch)

    assert made(1, 3) == made(1, 3) and made(1, 3) != made(1, 4) and made(1, 3) != made(2, 3)
    assert rows_of(BucketBatchSampler([5, 1], 4, [3, 4, 8])) in ([[0], [1]], [[1], [0]]), "a bucket may be empty"


def texts() -> list[tuple[Any, int, int]]:
    return [(np.arange(1, size + 1, dtype=np.int32), row % 2, row) for row, size in enumerate(LENGTHS)]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_loader_gives_the_same_padded_batches_and_resumes(workers: int) -> None:
    def loader() -> DataLoader:
        batches = BucketBatchSampler(LENGTHS, 10, EDGES, drop_last=True, seed=3)
        return DataLoader(texts(), batch_sampler=batches, collate_fn=PaddedCollate(EDGES), num_workers=workers)

    first, seen, state = loader(), [], {}
    for at, (x, _, row, lengths) in enumerate(first):
        assert x.shape[1] in EDGES and x.dtype == pt.int32 and (lengths.numpy() == LENGTHS[row.numpy()]).all()
        for words, length in zip(x.numpy(), lengths.numpy(), strict=True):
            assert (words[:length] == np.arange(1, length + 1)).all() and not words[length:].any()
        seen.append(row.numpy().tolist())
        if at == 4:
            state = first.state_dict()
    assert len(seen) == len(first)
    second = loader()
    second.load_state_dict(state)
    assert [row.numpy().tolist() for _, _, row, _ in second] == seen[5:]


def test_a_compiled_step_is_traced_once_for_each_bucket() -> None:
    @pt.compile
    def step(x: Any) -> Any:
        return pt.sum(x * 2)

    batches = BucketBatchSampler(LENGTHS, 10, EDGES, drop_last=True)
    for x, *_ in DataLoader(texts(), batch_sampler=batches, collate_fn=PaddedCollate(EDGES)):
        assert int(step(x)) == 2 * int(x.numpy().sum())
    assert step.traces == len(EDGES)


def test_what_is_padded() -> None:
    made: Any = PaddedCollate()([([1.5, 2.5],), ([3.5],)])
    assert made[0].dtype == pt.float32 and made[0].numpy().tolist() == [[1.5, 2.5], [3.5, 0]]
    x, lengths = PaddedCollate([4], padding_value=-1)([[1, 2, 3], [4]])
    assert x.numpy().tolist() == [[1, 2, 3, -1], [4, -1, -1, -1]] and lengths.numpy().tolist() == [3, 1]
    rows = [{"a": np.ones((size, 3)), "b": list(range(size)), "c": str(size)} for size in (2, 4)]
    made = PaddedCollate(fields=["a", "b"])(rows)
    assert made["a"].shape == (2, 4, 3) and made["b"].numpy().tolist() == [[0, 1, 0, 0], [0, 1, 2, 3]]
    assert made["c"] == ["2", "4"] and made["lengths"].numpy().tolist() == [2, 4] and "lengths" not in rows[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PaddedCollate([8, 4]), "boundaries = [8, 4]; expected whole numbers >= 1 that rise"),
        (lambda: PaddedCollate(fields="x"), "fields = 'x'; expected numbers or keys of fields; write fields=[0]"),
        (lambda: PaddedCollate([2])([[1, 2, 3]]), "a sequence of 3; expected at most 2, the last boundary"),
        (lambda: PaddedCollate(fields=[0, 1])([([1, 2], [3])]), "lengths [2, 1] in example 0 of the batch"),
        (lambda: PaddedCollate(fields=["y"])([{"x": [1]}]), "no sequence of numbers in field 'y' of example 0, which"),
        (lambda: PaddedCollate()([(1, 2)]), "in field 0 of example 0, which has the fields [0, 1]"),
        (lambda: PaddedCollate()([("word", 2)]), "no sequence of numbers in field 0"),
    ],
)
def test_what_cannot_be_padded_is_refused_in_words(make: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        make()
    assert message in str(caught.value)

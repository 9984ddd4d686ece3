"""Shares of batches: what one of several processes makes of each, which together are what one makes alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data.transforms import Transformed


class Asked(pt.data.Dataset):
    """Remembers the rows that it is asked for."""

    def __init__(self, count: int) -> None:
        self.count, self.rows = count, set[int]()

    def __len__(self) -> int:
        return self.count

    def fetch(self, indices: Any) -> dict[str, Any]:
        self.rows |= set(indices.tolist())
        return {"x": indices.astype(np.float32)[:, None], "y": indices % 3}


class Mixed(pt.data.RandomTransform):
    """Mixes each example with another one of the batch."""

    def change(self, fields: dict[str, Any], draw: Any) -> dict[str, Any]:
        return {**fields, "x": fields["x"] + 0.5 * fields["x"][draw.permutation(len(fields["x"]))]}


def shares(make: Callable[[], Any], count: int, **settings: Any) -> list[list[Any]]:
    """The batches of a loader whole, and those of each share."""
    found = []
    for share in [(0, 1), *((number, count) for number in range(count))]:
        loader = pt.data.DataLoader(make(), 8, shuffle=True, seed=1, pad_last=True, augment=True, **settings)
        loader.take_share(share)
        found.append(list(loader))
    return found


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("count", [2, 4])
def test_the_shares_of_a_batch_are_the_batch(count: int, mixed: bool, workers: int) -> None:
    whole, *parts = shares(lambda: Transformed(Asked(20), [Mixed()] if mixed else []), count, num_workers=workers)
    assert len(whole) == 3
    for at, batch in enumerate(whole):
        for name, wanted in batch.arrays.items():
            pieces = [part[at].arrays[name] for part in parts]
            assert np.array_equal(np.concatenate(pieces), wanted)
            assert len({len(piece) for piece in pieces}) == 1
        assert [len(part[at]) for part in parts] == [len(batch)] * count  # the examples of the whole batch
        assert all(part[at].cursor.tolist() == batch.cursor.tolist() for part in parts)


def test_only_the_rows_of_the_share_are_read() -> None:
    sources = [Asked(16) for _ in range(3)]
    given = iter(sources)
    shares(lambda: next(given), 2)
    assert sources[0].rows == set(range(16))
    assert len(sources[1].rows) == len(sources[2].rows) == 8
    assert sources[1].rows | sources[2].rows == set(range(16))


def test_a_stream_and_a_data_set_of_items() -> None:
    class Stream(pt.data.IterableDataset):
        def __iter__(self) -> Any:
            return ({"x": np.float32(at), "y": at % 2} for at in range(11))

    for make, settings in ((Stream, {"shuffle": False}), (lambda: [(float(at), at) for at in range(11)], {})):
        found = []
        for share in ((0, 1), (0, 2), (1, 2)):
            loader = pt.data.DataLoader(make(), 4, seed=1, pad_last=True, **settings)
            loader.take_share(share)
            found.append([batch.arrays for batch in loader])
        for whole, first, second in zip(*found, strict=True):
            for name, wanted in whole.items():
                assert np.array_equal(np.concatenate([first[name], second[name]]), wanted)

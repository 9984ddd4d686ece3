"""A state that does not fit a loader is refused, and the loader stays where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataError, DataLoader, RandomSampler


def source(count: int = 23) -> ArrayDataset:
    return ArrayDataset(x=np.arange(count, dtype=np.float32)[:, None], y=np.arange(count) % 3)


def rows(loader: DataLoader) -> list[list[int]]:
    return [batch.indices.tolist() for batch in loader]


@pytest.mark.parametrize("cursor", [[0, 3], [0, 25], [-1, 0], [0, -5]])
def test_a_cursor_of_other_data_is_refused_and_nothing_moves(cursor: list[int]) -> None:
    loader = DataLoader(source(), 5)
    with pytest.raises(DataError) as caught:
        loader.load_state_dict({"epoch": cursor[0], "position": cursor[1]})
    assert str(caught.value) == (
        f"[DataLoader] cursor (epoch {cursor[0]}, position {cursor[1]}); expected a multiple of batch_size = 5 below "
        "23 examples; resume with the data and batch_size that the run began with"
    )
    assert loader.state_dict() == {"epoch": 0, "position": 0, "seed": 0}


@pytest.mark.parametrize(
    ("state", "received"),
    [
        ({}, "a state of nothing; expected epoch and position"),
        ([0, 1], "a state of list; expected epoch and position"),
        ({"epoch": 1, "position": 0, "step": 3}, "a state of epoch, position, step; expected epoch and position"),
        (
            {"epoch": 1, "position": 0.5},
            "epoch and position of int64[], float64[]; expected two whole numbers",
        ),
        ({"epoch": 0, "position": 0, "rows": [0, 1], "sizes": [3]}, "2 rows in sizes of 3; expected as many"),
    ],
)
def test_a_state_that_is_none_is_refused(state: Any, received: str) -> None:
    with pytest.raises(DataError) as caught:
        DataLoader(source(), 5).load_state_dict(state)
    assert str(caught.value) == (f"[DataLoader.load_state_dict] {received}; give back what `loader.state_dict()` gave")


def test_a_state_of_another_seed_is_refused_and_nothing_moves() -> None:
    loader, other = DataLoader(source(), 5, shuffle=True, seed=3), DataLoader(source(), 5, shuffle=True, seed=4)
    next(iter(loader))
    with pytest.raises(DataError) as caught:
        other.load_state_dict(loader.state_dict())
    assert str(caught.value) == (
        "[DataLoader.load_state_dict] a state of a loader with seed 3; expected seed 4, that of this loader: another "
        "one gives other batches; make the loader with seed=3"
    )
    assert other.state_dict() == {"epoch": 0, "position": 0, "seed": 4}


def test_a_state_of_another_seed_of_the_sampler_is_refused() -> None:
    loader = DataLoader(source(), 5, sampler=RandomSampler(source(), seed=8))
    assert loader.state_dict() == {"epoch": 0, "position": 0, "seed": 0, "sampler_seed": 8}
    for sampler, seed in ((RandomSampler(source(), seed=9), 9), (RandomSampler(source()), None)):
        with pytest.raises(DataError) as caught:
            DataLoader(source(), 5, sampler=sampler).load_state_dict(loader.state_dict())
        assert str(caught.value) == (
            f"[DataLoader.load_state_dict] a state of a sampler with seed 8; expected seed {seed}, that of this "
            "sampler: another one gives other batches; make the sampler with seed=8"
        )


def test_a_file_keeps_the_seed_of_a_generator(tmp_path: Path) -> None:
    def make(seed: int) -> DataLoader:
        return DataLoader(source(), 5, shuffle=True, generator=pt.random.Generator(seed))

    loader = make(1)
    batches = iter(loader)
    next(batches)
    pt.save(tmp_path / "loader.pt", loader=loader)
    rest = [batch.indices.tolist() for batch in batches]
    again = make(1)
    pt.restore(tmp_path / "loader.pt", loader=again)
    assert rows(again) == rest
    with pytest.raises(DataError, match=r"a state of a loader with seed \d+; expected seed \d+, that of this loader"):
        pt.restore(tmp_path / "loader.pt", loader=make(2))

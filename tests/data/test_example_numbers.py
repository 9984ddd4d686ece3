"""Numbers that pt.random gives in the __getitem__ of a data set: functions of (seed, epoch, index)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataLoader, Dataset

COUNT = 40
draw_compiled = pt.compile(lambda: pt.rand())


class Shifted(Dataset):
    """Examples that draw by the functions of pt.random."""

    def __init__(self, compiled: bool = False) -> None:
        self.compiled = compiled

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> Any:
        first = draw_compiled() if self.compiled else pt.rand()
        return np.float32(index), first, pt.randint(0, 1000, (2,)), pt.random.normal(size=3)


def by_index(loader: Any) -> dict[int, list[float]]:
    """The numbers of each example of an epoch."""
    found = {}
    for index, *drawn in loader:
        for at, row in enumerate(index):
            found[int(row)] = [float(number) for field in drawn for number in np.ravel(field[at])]
    return found


def test_they_depend_on_seed_epoch_and_index_alone() -> None:
    loader = DataLoader(Shifted(), batch_size=8, shuffle=True, seed=3)
    first, second = by_index(loader), by_index(loader)
    assert len(first) == COUNT and all(first[row] != second[row] for row in first)
    assert len({tuple(numbers) for numbers in first.values()}) == COUNT
    for settings in ({"num_workers": 3}, {"batch_size": 7}, {"shuffle": False}):
        again = DataLoader(Shifted(), **{"batch_size": 8, "shuffle": True, "seed": 3, **settings})  # type: ignore[arg-type]
        assert by_index(again) == first, settings
    assert by_index(DataLoader(Shifted(), batch_size=8, seed=4)) != first
    assert len(by_index(DataLoader(Shifted(), batch_size=8, generator=pt.random.Generator(-5)))) == COUNT
    later = DataLoader(Shifted(), batch_size=8, shuffle=True, seed=3)
    later.load_state_dict({"epoch": 1, "position": 0})
    assert by_index(later) == second


def test_the_default_generator_is_left_alone() -> None:
    pt.random.seed(5)
    wanted = pt.rand(4).tolist()
    pt.random.seed(5)
    by_index(DataLoader(Shifted(), batch_size=8))
    assert pt.rand(4).tolist() == wanted


def test_one_that_raises_leaves_the_default_generator_in_its_place() -> None:
    class Broken(Shifted):
        def __getitem__(self, index: int) -> Any:
            pt.rand()
            raise RuntimeError("mine")

    default = pt.random.default_generator()
    with pytest.raises(pt.data.DataError, match="mine"):
        next(iter(DataLoader(Broken())))
    assert pt.random.default_generator() is default


def test_a_compiled_function_draws_them_too() -> None:
    first = by_index(DataLoader(Shifted(compiled=True), batch_size=8, shuffle=True, seed=3))
    assert first == by_index(DataLoader(Shifted(compiled=True), batch_size=5, seed=3))
    assert [numbers[0] for numbers in first.values()] == [
        numbers[0] for numbers in by_index(DataLoader(Shifted(), batch_size=8, shuffle=True, seed=3)).values()
    ]


def test_a_loader_inside_of_an_example_has_its_own() -> None:
    class Outer(Dataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            before = pt.rand()
            next(iter(DataLoader(Shifted(), batch_size=2, seed=index)))
            return np.float32(index), before, pt.rand()

    first = by_index(DataLoader(Outer(), batch_size=2, seed=1))
    assert first == by_index(DataLoader(Outer(), batch_size=4, seed=1, num_workers=2))
    assert all(before != after for before, after in first.values())

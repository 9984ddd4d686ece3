"""Poisson samples: each example by its own chance, batches of two shapes, the same after a resume."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from powertrain.data.errors import DataError
from powertrain.data.order import Cursor
from powertrain.data.poisson import PoissonOrder, largest


def drawn(order: PoissonOrder, steps: int) -> np.ndarray:
    """Whether each step has each row."""
    found = np.zeros((steps, order.count), bool)
    for step in range(steps):
        found[step, order.drawn(step)] = True
    return found


def test_each_row_is_drawn_by_its_own_chance() -> None:
    steps, count, batch = 4000, 50, 10
    found = drawn(PoissonOrder(count, batch, seed=3), steps)
    chance = batch / count
    often = found.sum(axis=0)
    assert (np.abs(often - steps * chance) < 5 * np.sqrt(steps * chance * (1 - chance))).all()
    # As many as independent draws have: a shuffled epoch would give 10 each time.
    sizes = found.sum(axis=1)
    wanted = stats.binom(count, chance).pmf(np.arange(count + 1)) * steps
    counted = np.bincount(sizes, minlength=count + 1)
    kept = wanted > 5
    assert stats.chisquare(counted[kept], wanted[kept] * counted[kept].sum() / wanted[kept].sum()).pvalue > 1e-4
    # No two rows go together, and no step follows from the one before it.
    pairs = np.corrcoef(found.T)[np.triu_indices(count, 1)]
    assert np.abs(pairs).max() < 5 / np.sqrt(steps)
    later = (found[:-1] & found[1:]).mean()
    assert abs(later - chance**2) < 5 * chance / np.sqrt(steps * count)


def test_batches_have_few_shapes_and_padding_of_weight_zero() -> None:
    order = PoissonOrder(1000, 40, seed=0)
    picks = list(itertools.islice(order.picks(Cursor(0, 0)), len(order)))
    assert len(picks) == len(order) == 25 and order.sizes == [47, 61, largest(40)]
    for step, pick in enumerate(picks):
        rows = order.drawn(step)
        assert len(pick.indices) == len(pick.weight) == (47 if len(rows) <= 47 else 61)
        assert pick.indices[: len(rows)].tolist() == rows.tolist()
        assert (pick.weight[: len(rows)] == 1).all() and (pick.weight[len(rows) :] == 0).all()
    assert {len(pick.indices) for pick in picks} == {47, 61}


def test_draws_are_a_function_of_seed_and_place() -> None:
    order = PoissonOrder(100, 8, seed=5)
    whole = [pick.indices.tolist() for pick in order.picks(Cursor(2, 0))]
    assert [pick.indices.tolist() for pick in PoissonOrder(100, 8, seed=5).picks(Cursor(2, 32))] == whole[4:]
    assert [pick.indices.tolist() for pick in PoissonOrder(100, 8, seed=6).picks(Cursor(2, 0))] != whole
    assert [pick.indices.tolist() for pick in order.picks(Cursor(3, 0))] != whole
    *_, last = order.picks(Cursor(2, 0))
    assert last.cursor == Cursor(3, 0) and last.epoch == 2


@pytest.mark.parametrize(("count", "batch"), [(1000, 1), (1000, 32), (60_000, 256), (60_000, 4096)])
def test_a_batch_outgrows_its_largest_size_as_seldom_as_it_says(count: int, batch: int) -> None:
    assert stats.binom(count, batch / count).sf(largest(batch)) <= 2.0**-64
    assert stats.poisson(batch).sf(largest(batch) // 2 + batch // 2) > 2.0**-64, "and it is no larger than it must be"


def test_a_batch_of_all_examples_has_them_all() -> None:
    for batch in (7, 20):
        order = PoissonOrder(7, batch, seed=0)
        assert order.drawn(3).tolist() == list(range(7)) and len(order) == 1
        (pick,) = order.picks(Cursor(0, 0))
        assert pick.indices.tolist() == list(range(7)) and (pick.weight == 1).all()


def test_a_place_between_batches_is_refused() -> None:
    with pytest.raises(DataError, match=r"cursor \(epoch 0, position 5\); expected a multiple of batch_size = 8 below"):
        PoissonOrder(100, 8, seed=5).check(Cursor(0, 5))
    PoissonOrder(100, 8, seed=5).check(Cursor(1, 96))

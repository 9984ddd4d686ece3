"""A ring keeps the last rows, draws by (seed, draw) alone, and goes through a checkpoint."""

from __future__ import annotations

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.played import Played
from powertrain.train.run.ring import Ring


def ring(size: int = 5, seed: int = 3) -> Ring:
    return Ring("replay", size, {"x": np.zeros(2, np.float32), "n": np.int64(0)}, seed)


def rows(first: int, count: int) -> dict[str, np.ndarray]:
    n = np.arange(first, first + count)
    return {"x": np.stack([n, -n], axis=1).astype(np.float32), "n": n}


@pytest.mark.parametrize("pieces", [[1] * 12, [5, 7], [12], [3, 3, 3, 3], [0, 12]])
def test_the_last_rows_stay(pieces: list[int]) -> None:
    made, first = ring(), 0
    for count in pieces:
        made.append(**rows(first, count))
        first += count
    saved = made.arrays()
    assert sorted(saved["replay.n"].tolist()) == [7, 8, 9, 10, 11] and len(made) == 5
    assert (saved["replay.x"][:, 0] == saved["replay.n"]).all()


def test_draws_depend_on_seed_and_number_alone_and_survive_a_checkpoint() -> None:
    a, b = ring(), ring()
    for made in (a, b):
        made.append(**rows(0, 4))
    assert [a.draw(8).n.tolist() for _ in range(3)] == [b.draw(8).n.tolist() for _ in range(3)]
    again = ring()
    saved = {name: np.array(value) for name, value in a.arrays().items()}
    assert again.misfits(saved) == []
    again.restore(saved)
    assert again.draw(8).n.tolist() == b.draw(8).n.tolist()
    assert ring(seed=4).misfits(saved) == [] and len(again) == 4


def test_draws_are_uniform_over_what_is_there() -> None:
    made = ring(size=100)
    made.append(**rows(0, 4))
    counts = np.bincount(np.concatenate([made.draw(64).n for _ in range(100)]), minlength=4)
    assert len(counts) == 4 and (np.abs(counts - 1600) < 6 * np.sqrt(1600)).all()


def test_what_does_not_fit_is_refused_before_anything_changes() -> None:
    made = ring()
    with pytest.raises(RunError) as caught:
        made.append(x=np.zeros((3, 4), np.float32), n=np.arange(3))
    assert str(caught.value) == (
        "[ring replay] received x float32[3, 4], n int64[3]; expected x float32[rows, 2], n int64[rows], as many rows "
        "in each; append rows like those that the ring was made for"
    )
    for wrong in ({"n": np.arange(3)}, {**rows(0, 3), "n": np.arange(2)}, {**rows(0, 3), "n": np.ones(3)}, {}):
        with pytest.raises(RunError):
            made.append(**wrong)
    assert len(made) == 0
    with pytest.raises(RunError, match="it is empty; expected rows to draw from"):
        made.draw(1)
    with pytest.raises(RunError, match="has no end; expected a number of steps"):
        made.sample(8).left_in_epoch()
    assert made.misfits({}) == ["replay.state is missing", "replay.x is missing or of another size",
                                "replay.n is missing or of another size"]  # fmt: skip


def weighted(size: int = 8) -> Ring:
    made = Ring("replay", size, {"n": np.int64(0), "priority": np.float32(1)}, 3)
    made.append(n=np.arange(4), priority=np.float32([1, 0, 3, 4]))
    return made


def test_draws_are_in_proportion_to_a_field() -> None:
    made = weighted()
    batches = [made.draw(64, "priority") for _ in range(100)]
    counts = np.bincount(np.concatenate([batch.n for batch in batches]), minlength=4)
    wanted = 6400 * np.array([1, 0, 3, 4]) / 8
    assert counts[1] == 0 and (np.abs(counts - wanted) < 6 * np.sqrt(6400)).all()
    one = batches[0]
    assert (one.arrays["chance"] == (np.float32([1, 0, 3, 4]) / 2)[one.arrays["n"]]).all()


def test_the_rows_of_the_last_batch_get_other_values() -> None:
    made = weighted()
    drawn = made.draw(3, "priority").arrays["n"]
    made.update(priority=np.float32([5, 6, 7]))
    held = made.arrays()["replay.priority"]
    assert held[drawn[-1]] == 7 and all(held[at] in (5, 6, 7) for at in drawn)
    assert all(held[at] == (1, 0, 3, 4)[at] for at in set(range(4)) - set(drawn.tolist()))


def test_a_wrong_field_or_batch_is_said() -> None:
    made = weighted()
    with pytest.raises(RunError) as caught:
        made.sample(4, by="size")
    assert str(caught.value) == (
        "[ring replay] received by = 'size'; expected a field with one number a row: n, priority; make the ring with "
        "one, as run.ring(..., priority=np.float32(1))"
    )
    with pytest.raises(RunError) as caught:
        made.update(priority=np.float32([1]))
    assert str(caught.value) == (
        "[ring replay] received 1 rows; the last batch has 0; expected as many, before others are appended; call "
        "update after run.loop"
    )
    with pytest.raises(RunError, match=r"\[ring replay\] received size int64\[1\]; expected .* as many rows in each"):
        made.update(size=np.zeros(1, np.int64))
    made.append(n=[5], priority=np.float32([np.nan]))
    with pytest.raises(RunError, match=r"\[ring replay\] priority has numbers that are not weights, or none above 0"):
        made.draw(2, "priority")


@pytest.mark.parametrize("by", [None, "n"])
def test_draws_several_at_once_are_those_one_by_one(by: str | None) -> None:
    one, many = ring(size=50), ring(size=50)
    for made in (one, many):
        made.append(**rows(1, 40))
    wanted = [one.draw(8, by) for _ in range(6)]
    taken, found = many.sample(8, by).take(6), []
    for most in (2, 1, 64):
        block = taken.several(most)
        assert block is not None and len(block) <= most
        found += block.batches()
    assert taken.several(1) is None
    for a, b in zip(found, wanted, strict=True):
        assert a.indices.tolist() == b.indices.tolist() and len(a) == 8
        assert {name: array.tolist() for name, array in a.arrays.items()} == {
            name: array.tolist() for name, array in b.arrays.items()
        }
    assert many.arrays()["replay.state"].tolist() == one.arrays()["replay.state"].tolist()
    many.update(n=np.full(8, 99))  # the rows of the last batch
    assert set(many.rows()["n"][found[-1].indices].tolist()) == {99}


@pytest.mark.parametrize("count", [10, 8, 3])
def test_passes_over_played_rows_give_each_once_and_fill_up_the_last_batch(count: int) -> None:
    played = Played(x=np.arange(2 * count, dtype=np.float32).reshape(count, 2), n=np.arange(count))
    found = []
    for most in (1, 2, 64):
        pt.random.seed(3)
        taken, batches = played.epochs(2, 4).take(2 * -(-count // 4)), []
        while (block := taken.several(most)) is not None:
            batches += block.batches()
        found.append([(one.arrays["n"].tolist(), one.arrays["weight"].tolist(), len(one)) for one in batches])
        for one in batches:
            assert one.arrays["x"][:, 0].tolist() == (2 * one.arrays["n"]).tolist()
    assert found[0] == found[1] == found[2]
    for own in (found[0][: len(found[0]) // 2], found[0][len(found[0]) // 2 :]):
        real = [row for rows, weights, _ in own for row, weight in zip(rows, weights, strict=True) if weight]
        assert sorted(real) == list(range(count)) and sum(size for *_, size in own) == count
    assert played.epochs(2, 4).padded == -count % 4

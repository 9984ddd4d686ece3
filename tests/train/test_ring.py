"""A ring keeps the last rows, draws by (seed, draw) alone, and goes through a checkpoint."""

from __future__ import annotations

import numpy as np
import pytest

from powertrain.train.folder.run_folder import RunError
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

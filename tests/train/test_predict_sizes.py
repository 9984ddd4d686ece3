"""Predicting: batches of any size give the same bits by few programs, and examples are checked before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("predict") / "run"
    pt.fit("digits", epochs=1, folder=folder, verbose=False)
    return pt.load(folder)


def images(count: int) -> Any:
    return np.random.default_rng(0).integers(0, 17, (count, 8, 8)).astype("uint8")


def test_an_answer_does_not_depend_on_the_examples_beside_it(digits: Any) -> None:
    x = images(300)
    whole = digits.predict(x).outputs
    for count in (1, 2, 3, 7, 8, 33, 64, 129, 256, 257):
        assert digits.predict(x[:count]).outputs.tobytes() == whole[:count].tobytes(), count
    assert digits.predict(x[::-1]).outputs.tobytes() == whole[::-1].tobytes()


def test_programs_are_few(digits: Any) -> None:
    for count in range(1, 40):
        digits.predict(images(count))
    programs = digits.run.evaluations._computer.programs
    assert {size for _, _, size in programs} <= {1 << power for power in range(9)}
    assert all(one.traces == 1 for one in programs.values())


def test_examples_are_checked_and_then_taken_as_they_are(digits: Any, tmp_path: Path) -> None:
    assert digits.example.shape == (1, 8, 8) and digits.example.dtype == np.uint8
    x = digits.examples(images(3).tolist())
    assert x.shape == (3, 8, 8)
    assert digits.predict(x).outputs.tobytes() == digits.predict(images(3)).outputs.tobytes()
    assert digits.examples(images(1)[0]).shape == (1, 8, 8)
    np.save(tmp_path / "x.npy", images(2))
    assert np.array_equal(digits.examples(tmp_path / "x.npy"), images(2))
    np.save(tmp_path / "none.npy", images(0))
    with pytest.raises(
        DataError, match=r"uint8\[0, 8, 8\]; expected one example or more, numbers of shape \[examples, 8, 8\]"
    ):
        digits.examples(tmp_path / "none.npy")

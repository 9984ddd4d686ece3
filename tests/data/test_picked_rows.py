"""Rows that are gathered for a batch: as NumPy takes them, whatever the arrays are like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import _core
from powertrain.data.order import RING, raw_bits
from powertrain.data.source import rows_of
from powertrain.train.run.ring import LINE, Ring

ROWS = 97


def tables() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    many = rng.normal(size=(ROWS, 6, 5)).astype(np.float32)
    return {
        "bytes": rng.integers(0, 255, (ROWS, 3), np.uint8),
        "one number": rng.normal(size=ROWS),
        "halves": many[:, 0].astype(np.float16),
        "large to small": many.astype(">f4"),
        "dates": np.arange(ROWS).astype("M8[D]"),
        "texts": np.array([f"text {at}" for at in range(ROWS)]),
        "objects": np.array([{at} for at in range(ROWS)], dtype=object),
        "every second": many[:, ::2],
        "turned": many.T.copy().T,
        "rows apart": np.repeat(many, 2, axis=0)[::2],
        "backwards": many[::-1],
        "of no numbers": many[:, :0],
        "long": rng.normal(size=(ROWS, 300)),
    }


@pytest.mark.parametrize("chosen", [[], [0], [96, 0, 0, -1, -97, 5], list(range(ROWS)) * 3])
def test_rows_are_those_that_numpy_takes(chosen: list[int]) -> None:
    rows, given = np.array(chosen, np.int64), tables()
    found = rows_of(given, rows)
    assert list(found) == list(given)
    for name, made in found.items():
        wanted = given[name].take(rows, axis=0)
        assert made.dtype == wanted.dtype and made.shape == wanted.shape, name
        assert (made == wanted).all() and made.flags.owndata, name


def test_of_no_arrays_there_are_no_rows() -> None:
    assert rows_of({}, np.array([3])) == {}


@pytest.mark.parametrize("row", [ROWS, -ROWS - 1, 1 << 40])
def test_a_row_that_is_not_there_is_an_error(row: int) -> None:
    with pytest.raises(IndexError, match=rf"row {row} of {ROWS} rows"):
        rows_of({"x": np.zeros((ROWS, 2))}, np.array([0, row]))


def test_arrays_of_other_lengths_and_kinds_are_refused() -> None:
    with pytest.raises(pt.Error, match="arrays of 3 and 4 rows"):
        _core.take_rows([np.zeros(3), np.zeros(4)], np.array([0]))
    with pytest.raises(pt.Error, match="do not lie side by side"):
        _core.take_rows([np.zeros((3, 4)).T], np.array([0]))
    with pytest.raises(pt.Error, match="one axis"):
        _core.take_rows([np.zeros(3)], np.array([[0]]))
    with pytest.raises(pt.Error, match="rows of 0"):
        _core.random_rows(0, 2, 0, 0, 0, 1)


def test_random_rows_are_words_modulo_their_number() -> None:
    found = _core.random_rows(ROWS, 33, 7, RING, 5, 4)
    wanted = [(raw_bits(7, RING, call, 33) % np.uint64(ROWS)).tolist() for call in range(5, 9)]
    assert found.tolist() == wanted


def test_a_small_row_of_a_ring_lies_in_one_cache_line() -> None:
    fields = {"x": np.zeros(4, np.float32), "action": np.int64(0), "pixels": np.zeros((2, 3), np.uint8)}
    ring = Ring("replay", 50, fields, seed=1)
    begins = {name: rows.__array_interface__["data"][0] for name, rows in ring._arrays.items()}
    steps = {rows.strides[0] for rows in ring._arrays.values()}
    assert steps == {LINE // 2} and max(begins.values()) - min(begins.values()) < LINE // 2
    assert min(begins.values()) % LINE == 0
    numbers = np.arange(120, dtype=np.float32).reshape(30, 4)
    ring.append(x=numbers, action=np.arange(30), pixels=np.ones((30, 2, 3), np.uint8))
    drawn = ring.draw(16)
    assert (np.asarray(drawn.arrays["x"])[:, 0] == 4 * np.asarray(drawn.arrays["action"])).all()
    assert np.asarray(drawn.arrays["pixels"]).all()

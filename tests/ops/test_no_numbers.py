"""What NumPy holds that is no number is refused with a way to numbers, as an array, alone and in a list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt

DAY = np.datetime64("2026-01-01")
RECORDS = np.zeros(2, [("a", "f4"), ("b", "i4")])
TIMES = "count a unit of time: (x - x.min()) / numpy.timedelta64(1, 's')"
SPANS = "count a unit of time: x / numpy.timedelta64(1, 's')"
OBJECTS = "write x.astype('float32') where every element is a number, and give rows of one length"
TEXTS = "number the texts: names, x = numpy.unique(x, return_inverse=True)"
FIELDS = "take a field, x['name'], or all: numpy.stack([x[name] for name in x.dtype.names], axis=-1)"
BYTES = "say what its bytes are: x.view('float32')"
REFUSED: list[tuple[Any, str, str]] = [
    (DAY, "datetime64[D]", TIMES),
    (np.array([DAY]), "datetime64[D]", TIMES),
    ([DAY, DAY], "datetime64[D]", TIMES),
    (np.timedelta64(3, "s"), "timedelta64[s]", SPANS),
    ([[np.timedelta64(3, "s")]], "timedelta64[s]", SPANS),
    (np.array([1, None], object), "object", OBJECTS),
    ([1, None], "object", OBJECTS),
    (np.array(["a"]), "<U1", TEXTS),
    (["a", "b"], "<U1", TEXTS),
    ([np.array([b"a"])], "|S1", TEXTS),
    (RECORDS, "[('a', '<f4'), ('b', '<i4')]", FIELDS),
    (RECORDS[0], "[('a', '<f4'), ('b', '<i4')]", FIELDS),
    (np.void(b"12345678"), "|V8", BYTES),
]
MAKERS = {
    "tensor": pt.tensor,
    "asarray": pt.asarray,
    "full": lambda value: pt.full((2,), value),
    "add": lambda value: pt.ones(2) + value,
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("value", "dtype", "fix"), REFUSED, ids=lambda value: None)
def test_it_is_refused_with_a_way_to_numbers(value: Any, dtype: str, fix: str, maker: str) -> None:
    with pytest.raises(pt.DTypeError) as error:
        MAKERS[maker](value)
    assert str(error.value) == f"[{maker}] received dtype {dtype}; expected numbers; {fix}"


def test_the_ways_lead_to_numbers() -> None:
    days = np.array(["2026-01-01", "2026-01-02"], "datetime64[D]")
    assert pt.tensor((days - days.min()) / np.timedelta64(1, "s")).tolist() == [0.0, 86400.0]
    assert pt.tensor(np.array([1, 2], object).astype("float32")).tolist() == [1.0, 2.0]
    assert pt.tensor(np.unique(np.array(["b", "a"]), return_inverse=True)[1]).tolist() == [1, 0]
    assert pt.tensor(np.stack([RECORDS[name] for name in RECORDS.dtype.names], axis=-1)).shape == (2, 2)
    assert pt.tensor(RECORDS["b"]).dtype == pt.int32


def test_bytes_and_numbers_of_numpy_are_taken() -> None:
    assert pt.tensor(bytearray(b"ab")).tolist() == [97, 98]
    assert pt.tensor(memoryview(b"ab")).dtype == pt.uint8
    assert pt.tensor([np.float32(1), np.int8(2)]).tolist() == [1.0, 2.0]

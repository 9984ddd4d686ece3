"""Files of arrays in pieces: safetensors reads what is written, and nothing is copied on the way."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load

from powertrain import DTypeError
from powertrain.io.array_pieces import DTYPES, raw, safetensors_pieces


def test_safetensors_reads_every_dtype_and_form() -> None:
    arrays = {f"of {name}": np.arange(6).reshape(2, 3).astype(name) for name in DTYPES}
    arrays |= {
        "a scalar": np.array(3, np.int64),
        "empty": np.zeros((0, 3), np.float32),
        "strided": np.arange(24.0).reshape(4, 6)[::2, ::3],
        "of another byte order": np.arange(5, dtype=">f4"),
        'with "quotes" and ü': np.ones(1, np.uint8),
    }
    found = load(b"".join(safetensors_pieces(arrays)))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype.name == array.dtype.name and found[name].shape == array.shape
    assert load(b"".join(safetensors_pieces({}))) == {}


def test_each_array_lies_at_a_multiple_of_its_width() -> None:
    arrays = {"a": np.ones(3, np.uint8), "b": np.ones(1, np.float64), "c": np.ones(1, np.float16)}
    header, *pieces = safetensors_pieces(arrays)
    assert len(header) % 8 == 0 and [len(piece) for piece in pieces] == [8, 2, 3]


def test_pieces_are_the_memory_of_the_arrays() -> None:
    array = np.zeros((2, 3), np.float32)
    pieces = [raw(array), safetensors_pieces({"x": array})[1]]
    array[1, 2] = 1
    assert all(bytes(piece) == array.tobytes() for piece in pieces)


def test_a_dtype_that_the_format_does_not_have_is_said() -> None:
    with pytest.raises(DTypeError) as caught:
        safetensors_pieces({"x": np.zeros(1, np.complex128)})
    assert str(caught.value) == (
        f"[safetensors x] received complex128; expected one of {', '.join(DTYPES)}; convert it, complex128 to its real "
        "and imaginary parts"
    )

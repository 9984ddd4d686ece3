"""A Python integer that a dtype does not hold is an error; arrays that are cast wrap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt


@pytest.mark.parametrize(
    ("call", "where", "received", "name"),
    [
        (lambda: pt.tensor(300, "uint8"), "tensor", 300, "uint8"),
        (lambda: pt.tensor([[1], [300]], "uint8"), "tensor", 300, "uint8"),
        (lambda: pt.asarray([-129, 3], "int8"), "asarray", -129, "int8"),
        (lambda: pt.full((2,), -1, "uint64"), "full", -1, "uint64"),
        (lambda: pt.asarray(2**63, "int64"), "asarray", 2**63, "int64"),
        (lambda: pt.ones(2, "uint8") + 256, "add", 256, "uint8"),
        (lambda: pt.ones(2, "int16") < 2**15, "less", 2**15, "int16"),
        (lambda: setattr(pt.Slot(pt.tensor(3, "uint8"), "s"), "value", -1), "slot s", -1, "uint8"),
    ],
)
def test_a_python_integer_does_not_wrap(call: Any, where: str, received: int, name: str) -> None:
    with pytest.raises(OverflowError) as error:
        call()
    assert type(error.value) is pt.OverflowError and isinstance(error.value, pt.Error)
    ends = np.iinfo(name)
    assert str(error.value) == (
        f"[{where}] received {received} for {name}; expected an integer from {ends.min} to {ends.max}; use a dtype "
        "that holds it, or cast an array, which wraps"
    )


@pytest.mark.parametrize("name", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"])
def test_the_ends_of_a_dtype_are_held_and_arrays_wrap(name: str) -> None:
    ends = np.iinfo(name)
    for value in (int(ends.min), int(ends.max)):
        assert pt.tensor(value, name).item() == pt.tensor([value], name).numpy()[0] == value
        assert (pt.full((2,), value, name) == value).numpy().all()
    for beyond in (int(ends.min) - 1, int(ends.max) + 1):
        with pytest.raises(pt.OverflowError):
            pt.tensor(beyond, name)
    assert pt.tensor(np.array([300, -1]), "uint8").numpy().tolist() == [44, 255]

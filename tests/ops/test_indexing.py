"""x[key] of integers, slices, None and ..., and the life of the objects that it makes."""

from __future__ import annotations

import re
import sys
import weakref
from typing import Any

import numpy as np
import pytest

import powertrain as pt


def test_objects_of_tensors_are_freed_with_what_they_hold() -> None:
    x = pt.tensor([1.0, 2.0])
    free = []
    weakref.finalize(x + x, free.append, "sum")
    weakref.finalize(x[1:], free.append, "view")
    array = np.ones(3, np.float32)
    before = sys.getrefcount(array)
    lent = pt.asarray(array)
    assert sys.getrefcount(array) > before
    del lent
    assert free == ["sum", "view"]
    assert sys.getrefcount(array) == before


def test_a_view_of_lent_memory_is_a_copy_of_its_own_elements() -> None:
    array = np.arange(1_000_000, dtype=np.float32)
    piece = pt.asarray(array)[2:4]
    array[:] = 0
    assert piece.tolist() == [2.0, 3.0]
    assert piece.strides == (1,)


class Three:
    def __index__(self) -> int:
        return 3


class Rude:
    def __index__(self) -> int:
        raise KeyError("rude")


@pytest.mark.parametrize(
    "key",
    [
        slice(None, Three()), slice(-(2**70), 2**70), slice(None, None, 2**62), slice(None, None, -(2**62)),
        slice(2**70, None, -(2**70)), (None, Three()), (..., None, -1), (None,) * 6, (), ..., slice(5, 2),
        slice(0, 0, 7),
    ],
)  # fmt: skip
def test_keys_of_places_pick_what_numpys_do(key: Any) -> None:
    array = np.arange(5.0, dtype=np.float32)
    expected = array[key]
    tensor = pt.tensor(array)
    got = [tensor[key], pt.compile(lambda x: x[key])(tensor), pt.vmap(lambda x: x[key])(tensor[None])[0]]
    gradient = pt.grad(lambda x: (x[key] * 2).sum())(tensor)
    counted = np.zeros(5, np.float32)
    counted[key] = 2
    assert [x.shape for x in got] == [expected.shape] * 3
    assert [x.tolist() for x in got] == [expected.tolist()] * 3
    assert gradient.tolist() == counted.tolist()


def test_keys_that_fail_say_why() -> None:
    x = pt.zeros((2, 3))
    cases: list[tuple[Any, str]] = [
        ((0, 1, 2), "3 indices for 2 axes; expected at most 2"),
        ((..., 0, ...), "(Ellipsis, 0, Ellipsis); expected one ... at most"),
        ((0, 3), "3 for axis 1 of size 3; expected -3 to 2"),
        (2**70, f"{2**70} for axis 0 of size 2; expected -2 to 1"),
        (
            slice(None, None, 0),
            "slice(None, None, 0): slice step cannot be zero; expected integers or None, and a step other than 0",
        ),
    ]
    for key, said in cases:
        with pytest.raises(pt.IndexError, match=re.escape(f"[index] received {said}; see help(powertrain.take)")):
            x[key]
    with pytest.raises(pt.IndexError, match="slice indices must be integers"):
        x[1.0:]  # type: ignore[misc]
    with pytest.raises(KeyError, match="rude"):
        x[Rude() :]
    with pytest.raises(pt.ShapeError, match=re.escape("[shape] received 9 dimensions; expected at most 8")):
        x[(None,) * 7]

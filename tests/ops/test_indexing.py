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


RNG = np.random.default_rng(11)
SHAPE = (3, 4, 1, 5)


def random_key() -> tuple[Any, ...]:
    """Keys of all kinds for SHAPE, whose arrays broadcast against each other."""
    wide, key, axis = int(RNG.integers(1, 4)), [], 0
    while axis < len(SHAPE):
        size, kind = SHAPE[axis], RNG.integers(0, 9)
        if kind == 0:
            key.append(None)
            continue
        if kind == 1:
            key.append(int(RNG.integers(-size, size)))
        elif kind == 2:
            key.append(slice(*RNG.choice([-7, -2, 0, 1, 9], 2).tolist(), RNG.choice([-2, -1, 1, 3]).item()))
        elif kind == 3:
            key.append(RNG.integers(-size, size, (wide,)).astype(RNG.choice(["int64", "int32", "int8"])))
        elif kind == 4:
            key.append(RNG.integers(-size, size, (2, 1)))
        elif kind == 5:
            key.append(np.int16(RNG.integers(-size, size)))
        elif kind == 6:
            key.append(RNG.integers(0, size, (wide,)).tolist())
        elif kind == 7 and axis + 1 < len(SHAPE):
            mask = np.zeros(SHAPE[axis : axis + 2], bool)
            mask.ravel()[RNG.choice(mask.size, min(wide, mask.size), replace=False)] = True
            key.append(mask)
            axis += 1
        else:
            break
        axis += 1
    if axis < len(SHAPE) and RNG.integers(0, 2):
        key.append(...)
    return tuple(key)


def test_random_keys_pick_what_numpys_do() -> None:
    array = RNG.standard_normal(SHAPE)
    tensor = pt.tensor(array)
    for _ in range(300):
        key = random_key()
        want = array[key]
        if want.ndim > 8:
            continue
        got = tensor[key]
        assert got.shape == want.shape and got.numpy().tolist() == want.tolist(), key
        counts = np.zeros(SHAPE)
        np.add.at(counts, key, 1.0)
        assert pt.grad(lambda x, key=key: x[key].sum())(tensor).numpy().tolist() == counts.tolist(), key
        if any(isinstance(part, (list, np.ndarray)) for part in key):
            assert_places_of_a_step(tensor, key, want)


def assert_places_of_a_step(tensor: pt.Tensor, key: tuple[Any, ...], want: Any) -> None:
    """Arrays of integers may be a compiled step's inputs."""
    arrays = [np.asarray(part) for part in key if isinstance(part, (list, np.ndarray))]
    if any(array.dtype == np.bool_ for array in arrays):
        return

    def step(x: pt.Tensor, *places: pt.Tensor) -> pt.Tensor:
        left = iter(places)
        return x[tuple(next(left) if isinstance(part, (list, np.ndarray)) else part for part in key)]

    got = pt.compile(step)(tensor, *arrays)
    assert got.shape == want.shape and got.numpy().tolist() == want.tolist(), key


def test_places_outside_are_refused_wherever_they_are_found() -> None:
    x = pt.zeros((3, 4))
    for key in ((pt.tensor([0, 3]), pt.tensor([0, 1])), (pt.tensor([0, 1]), -5), ([0, -4], [0, 1])):
        with pytest.raises(pt.IndexError, match="expected -"):
            x[key]
        step = pt.compile(lambda x, a, b: x[a, b])
        with pytest.raises(pt.IndexError):
            step(x, *(np.broadcast_to(np.asarray(part), (2,)).copy() for part in key))


def test_keys_of_arrays_that_fail_say_why() -> None:
    x = pt.zeros((2, 3))
    cases: list[tuple[Any, str]] = [
        (pt.tensor([True, False, True]), "a mask of [3]; expected one of [2]"),
        ((..., pt.tensor([True, False])), "a mask of [2]; expected one of [3]"),
        (pt.tensor([0.0]), "an index of float32; expected integers or a mask"),
        ((0, [0], 1), "3 indices for 2 axes; expected at most 2"),
        (pt.zeros((2, 3, 1), "bool"), "3 indices for 2 axes; expected at most 2"),
        ("a", "'a'; expected integers, slices, None, ..., arrays of integers and masks"),
    ]
    for key, said in cases:
        with pytest.raises(pt.IndexError, match=re.escape(f"[index] received {said}")):
            x[key]
        with pytest.raises(pt.IndexError, match=re.escape(f"[index] received {said}")):
            x[key] = 1
    with pytest.raises(pt.ShapeError, match=re.escape("[index] shapes [2] and [3] do not broadcast")):
        x[[0, 1], [0, 1, 2]]
    with pytest.raises(pt.DTypeError, match=re.escape("[index] received del of elements")):
        del x[0]


def test_a_mask_that_a_step_finds_is_refused() -> None:
    with pytest.raises(pt.TraceError, match=re.escape("use powertrain.where")):
        pt.compile(lambda x: x[x > 0])(pt.tensor([1.0, -1.0]))


def test_a_slot_is_indexed_as_its_value() -> None:
    slot = pt.Slot(pt.tensor([[1.0, 2.0], [3.0, 4.0]]), name="table")
    assert slot[0, 1].item() == 2
    assert slot[[1, 0]].tolist() == [[3, 4], [1, 2]]
    assert slot[pt.tensor([True, False])].tolist() == [[1, 2]]
    with pytest.raises(pt.DTypeError, match=re.escape("slot.value = ")):
        slot[0] = 1


@pytest.mark.parametrize("through", [tuple, slice])
def test_a_key_of_any_depth_is_an_error(through: Any) -> None:
    """Its words end at some level, where writing all of them would end the process."""
    key: Any = 1
    for _ in range(100_000):
        key = (key,) if through is tuple else slice(key)
    with pytest.raises(pt.Error) as caught:
        pt.ones(2)[True, key]
    assert "..." in str(caught.value) and len(str(caught.value)) < 500

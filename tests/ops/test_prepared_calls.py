"""An eager call like one that was made before takes a short way (`cpp/ops/prepared.cpp`): it must be the same call."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt

A = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
AT = np.array([[0, 2, 1, 2]], np.int64)

CALLS: dict[str, Callable[[Any], Any]] = {
    "add": lambda x: x + x,
    "number": lambda x: 2.5 * x - 1,
    "row": lambda x: x * x[0],
    "column": lambda x: x - x[:, :1],
    "matmul": lambda x: x @ x.T,
    "sum": lambda x: pt.sum(x, axis=1, keepdims=True),
    "max": lambda x: pt.max(x, axis=(0, 1)),
    "reshape": lambda x: pt.reshape(x, (2, 6)),
    "permute": lambda x: pt.permute_dims(x) + 0,
    "cast": lambda x: pt.astype(x, "int32"),
    "compare": lambda x: x > 0.5,
    "take": lambda x: pt.take_along_axis(x, pt.tensor(AT), axis=0),
    "where": lambda x: pt.where(x > 1, x, 0.0),
    "concat": lambda x: pt.concat([x, x, x], axis=1),
    "softmax": lambda x: pt.softmax(x, axis=-1),
    "by_keyword": lambda x: pt.add(b=x, a=x[:1]),
    "by_place": lambda x: pt.sum(x, 1, True),
    "list": lambda x: pt.stack([x, x], 1),
    "topk": lambda x: pt.topk(x, 2)[0],
    "layer_norm": lambda x: pt.nn.functional.layer_norm(x, (4,)),
    "cross_entropy": lambda x: pt.nn.functional.cross_entropy(x * 1.0, pt.tensor([0, -100, 2])),
    "gelu": lambda x: pt.nn.functional.gelu(x, approximate="tanh"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_second_call_is_the_first(name: str) -> None:
    call = CALLS[name]
    x = pt.tensor(A)
    first, second = call(x), call(x)
    assert first.dtype == second.dtype
    assert first.numpy().tobytes() == second.numpy().tobytes()
    other = pt.tensor(A[::-1] * 3)
    assert call(other).numpy().tobytes() == pt.compile(call)(other).numpy().tobytes()
    assert call(pt.tensor(A.T.copy()).T).numpy().tobytes() == first.numpy().tobytes()  # other strides
    assert call(pt.tensor(A.astype("float64"))).dtype != first.dtype or first.dtype.name in ("int32", "bool")
    if first.dtype.is_float:
        with pt.autocast("bf16"):
            under = call(x)
        assert under.dtype == (pt.bfloat16 if name == "matmul" else under.dtype)

        def total(x: Any) -> Any:
            return (call(x) * 2).sum()

        assert pt.grad(total)(x).tolist() == pt.compile(pt.grad(total))(x).tolist()
        assert pt.vmap(call)(x[None])[0].numpy().tobytes() == first.numpy().tobytes()


def test_numbers_are_checked_each_time() -> None:
    x = pt.tensor([1, 2], dtype="int8")
    for _ in range(2):
        assert (x + 100).tolist() == [101, 102]
    for _ in range(2):
        with pytest.raises(pt.Error, match=re.escape("[add]")):
            x + 300
    assert (x + 1.5).dtype.name == "float32"


def test_attributes_are_part_of_a_call() -> None:
    x = pt.tensor(A)
    for _ in range(3):
        assert [pt.sum(x, axis).shape for axis in (0, 1, (0, 1), None, -1)] == [(4,), (3,), (), (), (3,)]
        assert [pt.sum(x, 0, keep).shape for keep in (True, False)] == [(1, 4), (4,)]
        assert [x.astype(name).dtype.name for name in ("float64", pt.int32, "f16", float)] == [
            "float64", "int32", "float16", "float32",
        ]  # fmt: skip
        assert [pt.clip(x, low, 9.0)[0, 0].item() for low in (0.5, 1, 2.0)] == [0.5, 1.0, 2.0]
        assert [pt.reshape(x, shape).shape for shape in ((12,), [4, 3], 12, (-1, 2))] == [(12,), (4, 3), (12,), (6, 2)]
        assert pt.topk(x, 2)[1].shape == pt.topk(x, k=2, largest=False)[1].shape == (3, 2)


def test_attributes_are_checked_each_time() -> None:
    x = pt.tensor(A)
    for _ in range(3):
        pt.sum(x, axis=1, keepdims=True)
        for wrong in ({"axis": "1"}, {"axis": 1, "keepdims": 1}, {"axis": 2}, {"axes": 1}):
            with pytest.raises(pt.Error, match=re.escape("[sum]")):
                pt.sum(x, **wrong)
        with pytest.raises(pt.Error, match=re.escape("[sum] axis was given twice")):
            pt.sum(x, 1, axis=1)
        with pytest.raises(pt.Error, match=re.escape("[sum] x is missing")):
            pt.sum(axis=1)


def test_slots_are_read_each_time() -> None:
    slot, x = pt.Slot(pt.tensor(A), name="w"), pt.tensor(A)
    views = []
    for factor in (1, 2, 3, 4):
        slot.value = x * factor
        assert (slot + 1.0).numpy().tobytes() == (x * factor + 1.0).numpy().tobytes()
        assert pt.nn.functional.linear(x, slot.value.T).shape == (3, 3)
        views.append(pt.reshape(slot, (12,)))
    assert [view[1].item() for view in views] == [(x[0, 1] * factor).item() for factor in (1, 2, 3, 4)]
    traced = pt.compile(lambda: pt.sum(slot, axis=0))
    assert traced().tolist() == pt.sum(slot, axis=0).tolist()


def test_updates_in_place_are_prepared_too() -> None:
    x, kept = pt.tensor(A), []
    for _ in range(4):
        kept.append(x.numpy())
        x += 1.0
    assert [array[0, 0] for array in kept] == [0.0, 1.0, 2.0, 3.0]
    whole = pt.tensor([1, 2])
    for _ in range(3):
        with pytest.raises(pt.Error, match=re.escape("[add] received")):
            whole += 1.5


def test_labels_of_a_composition_are_checked_each_time() -> None:
    scores, good, bad = pt.tensor(A), pt.tensor([0, 3, 1]), pt.tensor([0, 4, 1])
    told = set()
    for _ in range(4):
        assert pt.nn.functional.cross_entropy(scores, good).shape == ()
        with pytest.raises(pt.IndexError) as caught:
            pt.nn.functional.cross_entropy(scores, bad)
        told.add(str(caught.value))
    assert len(told) == 1


def test_a_composition_is_remembered_after_many_others() -> None:
    """A program of it is let go of after sixteen of other shapes."""
    for _ in range(2):
        for n in range(2, 24):
            x = pt.tensor(np.arange(2 * n, dtype=np.float32).reshape(2, n))
            first = pt.softmax(x)
            assert all(pt.softmax(x).numpy().tobytes() == first.numpy().tobytes() for _ in range(3))


def test_indices_are_checked_each_time() -> None:
    x, good, bad = pt.tensor(A), pt.tensor([0, 2]), pt.tensor([0, 3])
    for _ in range(2):
        assert pt.take(x, good, axis=0).shape == (2, 4)
        with pytest.raises(pt.IndexError, match=re.escape("[take] received an index out of range")):
            pt.take(x, bad, axis=0)


def test_views_of_lent_memory_are_copies_each_time() -> None:
    array = A.copy()
    views = [pt.reshape(pt.asarray(array), (12,)) for _ in range(3)]
    own = pt.reshape(pt.tensor(A), (12,))
    array[:] = 0
    assert all(view.tolist() == own.tolist() for view in views)


def test_threads_are_part_of_a_call() -> None:
    before = pt.get_threads()
    x = pt.tensor(np.random.default_rng(0).standard_normal((512, 512), np.float32))
    bits = []
    try:
        for threads in (1, 2, 4, 1, 2):
            pt.set_threads(threads)
            bits += [(x @ x).numpy().tobytes() for _ in range(2)]
    finally:
        pt.set_threads(before)
    assert len(set(bits)) == 1


def test_what_a_kernel_reads_lives_until_it_is_done() -> None:
    """A long call lets other threads run, and they give its input another value."""
    ones = pt.ones((2048, 2048)) + 0
    x = [ones]
    stop = threading.Event()

    def replace() -> None:
        while not stop.is_set():
            x[0] = pt.ones((2048, 2048)) + 0
            x[0][0, 0] = 1.0

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        for _ in range(20):
            assert (x[0] + x[0]).numpy().sum() == 2 * 2048 * 2048
    finally:
        stop.set()
        thread.join()

"""Instances that nothing was put into, copies and pickles: whatever Python does, no memory is guessed."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt

OURS = {
    **{
        name: kind
        for name, kind in vars(pt._core).items()
        if isinstance(kind, type) and not issubclass(kind, Exception)
    },
    "Op": type(pt.add),
    "CompiledFunction": type(pt.compile(lambda x: x)),
}
DTYPES = tuple(pt.DType.__members__)


@pytest.mark.parametrize("name", OURS)
def test_no_instance_without_a_value(name: str) -> None:
    kind = OURS[name]
    with pytest.raises(TypeError):
        kind.__new__(kind)
    with pytest.raises(TypeError):
        object.__new__(kind)
    with pytest.raises(TypeError):

        class Derived(kind):  # type: ignore[misc, valid-type]
            pass

        Derived.__new__(Derived)


def test_what_says_so() -> None:
    with pytest.raises(pt.DTypeError) as caught:
        pt.Tensor()
    assert str(caught.value) == (
        "[Tensor] received a call of its class; expected a function that makes one; for example powertrain.tensor(data)"
    )
    for value in (99, -1, "float32", None):
        with pytest.raises(pt.DTypeError) as caught:
            pt.DType(value)
        assert str(caught.value) == (
            "[DType] received no number of a dtype; expected a member; for example powertrain.float32"
        )
    assert pt.DType(int(pt.float32)) == pt.float32


def test_a_slot_is_made_as_ever() -> None:
    slot = pt.Slot(pt.tensor([1.0]), name="w", trainable=True)
    assert (slot.name, slot.trainable, slot.numpy().tolist()) == ("w", True, [1.0])
    assert pt.Slot(2**62 + 1).value.item() == 2**62 + 1
    assert pt.Slot(1 + 2j).value.item() == 1 + 2j
    slot.more = 3  # what Python keeps beside it
    assert slot.more == 3


def values(dtype: str) -> pt.Tensor:
    x = [[0.0, 1.0, 2.5], [3.0, 4.0, 7.0]] if "int" in dtype else [[0.0, 1.0, 2.5], [np.inf, -0.0, 7.0]]
    return pt.asarray(np.array(x)).astype(dtype)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_pickled_tensor(dtype: str, protocol: int) -> None:
    x = values(dtype)
    for given in (x, x.T, x[..., :0]):
        again = pickle.loads(pickle.dumps(given, protocol))
        assert isinstance(again, pt.Tensor) and again.dtype == given.dtype and again.shape == given.shape
        assert bool(pt.all(pt.equal(again, given)))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_dtype_and_op(protocol: int) -> None:
    for given in (pt.float32, pt.DType.bool, pt.add, pt.softmax):
        assert pickle.loads(pickle.dumps(given, protocol)) is given


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy])
def test_copies_of_what_does_not_change(made: Callable[[Any], Any]) -> None:
    for given in (pt.float32, pt.add):
        assert made(given) is given


REDUCED = [operator.methodcaller("__reduce_ex__", protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy, *REDUCED])
def test_a_slot_is_not_copied(made: Callable[[Any], Any]) -> None:
    with pytest.raises(pt.DTypeError) as caught:
        made(pt.Slot(pt.ones((2,)), name="w"))
    assert str(caught.value) == (
        "[slot w] cannot be copied or pickled: programs and optimizers share it; expected its value; copy what "
        "state_dict() gives"
    )


def test_a_symbolic_tensor_is_not_pickled() -> None:
    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        pickle.dumps(x)
        return x

    with pytest.raises(pt.TraceError, match=r"^\[numpy\] received a symbolic tensor; "):
        step(pt.ones((2,)))

"""`CompiledFunction.into`: a call that writes its results into arrays which somebody lends, with the same bits."""

from __future__ import annotations

import numpy as np
import pytest

import powertrain as pt
from numpy_backend import NumPyBackend


def aligned(shape, dtype):
    """An array whose address is a multiple of 64, which a program writes itself."""
    memory = np.empty(int(np.prod(shape)) * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return memory[start : start + memory.size - 64].view(dtype).reshape(shape)


def beside(shape, dtype):
    """One whose address is none: results are copied there."""
    return aligned((int(np.prod(shape)) + 1,), dtype)[1:].reshape(shape)


@pt.compile
def sums(x, by=1.0):
    return pt.matmul(x, x), {"sum": pt.sum(x) * by, "large": pt.greater(x, 1.0)}


X = np.random.default_rng(0).normal(size=(33, 33)).astype(np.float32)


@pytest.mark.parametrize("made", [aligned, beside])
def test_results_lie_in_what_is_lent(made):
    asked, lent = [], []

    def lend(sizes):
        asked.append(sizes)
        lent.extend(made(*size) for size in sizes)
        return lent

    given = sums.into(lend, X, by=2.0)
    assert given is lent
    assert asked == [[((33, 33), np.float32), ((), np.float32), ((33, 33), np.bool_)]]
    product, others = sums(X, by=2.0)
    for one, wanted in zip(lent, [product, others["sum"], others["large"]], strict=True):
        assert one.tobytes() == wanted.numpy().tobytes()


def test_results_of_a_backend_are_copied_to_what_is_lent():
    step = pt.compile(lambda x: (pt.permute_dims(x, (1, 0)), x + 1), backend=NumPyBackend())
    turned, more = step.into(lambda sizes: [aligned(*size) for size in sizes], X[:3])
    assert turned.tobytes() == X[:3].T.tobytes()
    assert more.tobytes() == (X[:3] + 1).tobytes()


def test_what_is_lent_again_is_written_again():
    place = [aligned((3,), "float32")]
    double = pt.compile(lambda x: x * 2)
    for number in range(3):
        double.into(lambda sizes: place, np.full(3, number, np.float32))
        assert place[0].tolist() == [2.0 * number] * 3
    kept = double(np.ones(3, np.float32))
    double.into(lambda sizes: place, np.zeros(3, np.float32))
    assert kept.tolist() == [2.0] * 3  # results of other calls lie elsewhere


def test_results_that_are_inputs_and_slots_are_written_too():
    slot = pt.Slot(pt.tensor([1.0, 2.0]))

    @pt.compile
    def step(x):
        slot.value = slot.value + x
        return x, slot.value, slot.value

    place = step.into(lambda sizes: [aligned(*size) for size in sizes], np.ones(2, np.float32))
    assert [one.tolist() for one in place] == [[1, 1], [2, 3], [2, 3]]
    assert slot.value.tolist() == [2, 3]


def read_only(shape, dtype):
    array = np.empty(shape, dtype)
    array.flags.writeable = False
    return array


LIST = "expected a list of 1 arrays; give one for each result, in their order"
ARRAY = (
    "for result 0, f32[2, 2]; expected an array of that shape and dtype, contiguous and writable; make it with "
    "numpy.empty(shape, dtype)"
)


@pytest.mark.parametrize(
    ("lend", "said"),
    [
        (lambda sizes: None, f"NoneType; {LIST}"),
        (lambda sizes: [], f"list; {LIST}"),
        (lambda sizes: [3.0], f"float {ARRAY}"),
        (lambda sizes: [np.empty((2, 3), np.float32)], f"numpy.ndarray of float32 (2, 3) {ARRAY}"),
        (lambda sizes: [np.empty((2, 2))], f"numpy.ndarray of float64 (2, 2) {ARRAY}"),
        (lambda sizes: [np.empty((2, 2), ">f4")], f"numpy.ndarray of >f4 (2, 2) {ARRAY}"),
        (lambda sizes: [np.empty((2, 4), "f4")[:, ::2]], f"numpy.ndarray of float32 (2, 2) {ARRAY}"),
        (lambda sizes: [read_only(*sizes[0])], f"numpy.ndarray of float32 (2, 2) {ARRAY}"),
    ],
)
def test_what_is_no_place_for_a_result_is_refused_before_anything_runs(lend, said):
    count = pt.Slot(pt.tensor(0.0))

    @pt.compile
    def step(x):
        count.value = count.value + 1
        return x + 1

    with pytest.raises(pt.DTypeError) as caught:
        step.into(lend, np.ones((2, 2), np.float32))
    assert str(caught.value) == f"[step.into] was lent {said}"
    assert count.value.item() == 0


def test_memory_of_an_argument_or_of_another_result_is_refused():
    x, place = np.ones(4, np.float32), np.empty(6, np.float32)
    with pytest.raises(pt.DTypeError, match=r"was lent memory of an argument for result 0; expected memory of its own"):
        pt.compile(lambda x: x[::-1] * 2).into(lambda sizes: [x], x)
    with pytest.raises(pt.DTypeError, match=r"was lent memory of another result for result 1; expected memory of its"):
        pt.compile(lambda x: (x + 1, x + 2)).into(lambda sizes: [place[:4], place[2:]], x)


def test_what_cannot_be_written_into_arrays_is_refused():
    with pytest.raises(pt.DTypeError, match=r"received nothing; expected a function first"):
        pt.compile(lambda: 1).into()
    with pytest.raises(pt.DTypeError, match=r"received list; expected a function first"):
        pt.compile(lambda x: x).into([np.empty(3)], np.ones(3))
    with pytest.raises(pt.DTypeError, match=r"gives bf16\[3\], and NumPy has no bfloat16"):
        pt.compile(lambda x: x.astype("bfloat16")).into(lambda sizes: [], np.ones(3))

    @pt.compile
    def assigns(x):
        x[0] = 1
        return x

    with pytest.raises(pt.Error, match="assigns to its arguments"):
        assigns.into(lambda sizes: [], pt.zeros(3))


def test_an_error_of_who_lends_is_the_callers():
    def lend(sizes):
        raise KeyError("no room")

    with pytest.raises(KeyError, match="no room") as caught:
        pt.compile(lambda x: x + 1).into(lend, np.ones(3))
    assert not isinstance(caught.value, pt.Error)


def test_a_guard_raises_as_ever():
    @pt.compile
    def step(x):
        return pt.guard(pt.log(x))

    with pytest.raises(pt.NonFiniteError, match="log"):
        step.into(lambda sizes: [aligned(*sizes[0])], np.array([1, -1], np.float32))
    assert step.tripped


def test_inside_of_a_trace_and_for_a_gradient_it_is_refused():
    double = pt.compile(lambda x: x * 2)

    def lend(sizes):
        return [np.empty(*size) for size in sizes]

    with pytest.raises(pt.TraceError, match="call the function itself there"):
        pt.compile(lambda x: double.into(lend, x))(np.ones(3))
    with pytest.raises(pt.TraceError, match="call the function itself there"):
        pt.grad(lambda x: pt.sum(double.into(lend, x)[0]))(pt.ones(3))

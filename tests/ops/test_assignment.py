"""Assignment to elements: what NumPy would have, in a new value of the same object; compiled and eager alike."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 4, 5)).astype("float32")
MASK = X > 0.3

# A key, and the shapes of values that fit it.
KEYS: list[tuple[Any, list[tuple[int, ...]]]] = [
    (0, [(), (5,), (4, 5), (1, 4, 5)]),
    (-1, [(4, 1)]),
    (slice(1, None), [(), (2, 4, 5), (4, 5)]),
    (slice(None, None, -1), [(3, 4, 5), (5,)]),
    (slice(2, 0, -1), [(2, 4, 5)]),
    (slice(0, 0), [(), (0, 4, 5), (1, 5)]),
    (..., [(), (3, 4, 5), (1, 1, 3, 4, 5)]),
    (slice(None), [(3, 4, 5), (4, 1)]),
    ((1, 2, 3), [()]),
    ((..., 2), [(3, 4), (4,)]),
    ((slice(None), slice(None, None, 2), -1), [(3, 2), (2,)]),
    ((None, 0, None), [(1, 1, 4, 5), (5,)]),
    ((slice(None), 1, slice(None, None, 3)), [(3, 2)]),
    ([0, 2], [(), (2, 4, 5), (5,)]),
    ([2, 0, 1], [(3, 4, 5), (3, 1, 1)]),
    (np.array([[0, 1], [2, 0]]), [(2, 2, 4, 5), (4, 5)]),
    ((slice(None), [3, 0, 3]), [(3, 3, 5), (5,)]),
    (([0, 1], [2, 2]), [(2, 5), ()]),
    (([0, 1], slice(None), [2, 2]), [(2, 4), (1,)]),
    ((1, [0, -1], 2), [(2,), ()]),
    (MASK, [(), (int(MASK.sum()),), (1,)]),
    (MASK[:, 0, 0], [(), (int(MASK[:, 0, 0].sum()), 4, 5), (4, 5)]),
    ((slice(None), MASK[0]), [(3, int(MASK[0].sum())), ()]),
    (np.zeros((3, 4, 5), bool), [(), (0,)]),
    (np.int64(1), [(4, 5)]),
    (True, [(), (1, 3, 4, 5), (4, 5)]),
    (np.array(False), [(), (0, 3, 4, 5)]),
    ((0, np.array(True)), [(1, 4, 5), ()]),
    ((..., np.array(True), [0, 2]), [(3, 4, 2)]),
]
CASES = [(key, shape) for key, shapes in KEYS for shape in shapes]


def placed(x: Any, key: Any, value: Any) -> Any:
    x[key] = value
    return x


@pytest.mark.parametrize(("key", "shape"), CASES, ids=[f"{number}" for number in range(len(CASES))])
def test_it_is_numpys(key: Any, shape: tuple[int, ...]) -> None:
    value = RNG.standard_normal(shape).astype("float32")
    want = placed(X.copy(), key, value)
    x = pt.tensor(X)
    np.testing.assert_array_equal(x[key].numpy(), X[key])
    before, same, view, array = x[0], x, x[1:], x.numpy()
    x[key] = pt.tensor(value)
    assert same_bits(x.numpy(), want) and same is x and x.dtype == pt.float32
    for kept, old in ((before, X[0]), (view, X[1:])):
        np.testing.assert_array_equal(kept.numpy(), old)
    np.testing.assert_array_equal(array, X)
    compiled = pt.compile(lambda x, value: placed(x.copy(), key, value))
    assert same_bits(compiled(pt.tensor(X), pt.tensor(value)).numpy(), want)


@pytest.mark.parametrize(("key", "shape"), CASES, ids=[f"{number}" for number in range(len(CASES))])
def test_gradients_flow_to_the_value_and_to_what_stays(key: Any, shape: tuple[int, ...]) -> None:
    value, back = RNG.standard_normal(shape), RNG.standard_normal(X.shape)
    # Which element of the value is where in the end, by NumPy: the oracle.
    number = placed(np.full(X.shape, -1), key, np.arange(value.size).reshape(shape))
    want_x = np.where(number < 0, back, 0)
    want_value = np.array([back[number == one].sum() for one in range(value.size)]).reshape(shape)

    def loss(x: Any, value: Any) -> Any:
        y = x * 1.0
        y[key] = value
        return (y * pt.tensor(back)).sum()

    x, given = pt.tensor(X.astype("float64")), pt.tensor(value)
    for run in (
        pt.vjp,
        lambda *args: pt.compile(lambda x, value: pt.vjp(loss, x, value)[1](pt.tensor(1.0, "float64")))(x, given),
    ):
        found = run(loss, x, given)
        got = found[1](pt.tensor(1.0, "float64")) if run is pt.vjp else found
        np.testing.assert_array_equal(got[0].numpy(), want_x)
        np.testing.assert_allclose(got[1].numpy(), want_value, rtol=1e-12, atol=1e-12)


DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float32",
          "float64", "complex64", "complex128")  # fmt: skip


@pytest.mark.parametrize("to", DTYPES)
@pytest.mark.parametrize("of", DTYPES)
def test_values_are_cast_by_the_rule_same_kind(to: str, of: str) -> None:
    x, value = pt.zeros((3,), to), pt.ones((2,), of)
    if np.can_cast(of, to, "same_kind"):
        x[1:] = value
        assert x.dtype.name == to and x.astype("float64" if "complex" not in to else to).tolist() == [0, 1, 1]
        return
    with pytest.raises(pt.DTypeError) as caught:
        x[1:] = value
    assert str(caught.value).startswith(
        f"[index] received {text_of(value)} for {brief(x)}[2]; expected numbers that {to}"
    )
    assert x.tolist() == [0, 0, 0]


def brief(x: Any) -> str:
    return repr(x[:0]).rpartition(" ")[2].rpartition("[")[0]


def text_of(x: Any) -> str:
    return f"{brief(x)}[{x.shape[0]}]"


def test_numbers_of_python_take_the_dtype() -> None:
    x = pt.tensor([1, 2, 3], "int32")
    x[0], x[1] = True, 7
    assert x.tolist() == [1, 7, 3] and x.dtype == pt.int32
    y = pt.zeros((2,), "bfloat16")
    y[0] = 1.5
    assert y.tolist() == [1.5, 0.0]
    z = pt.zeros((2,), "complex64")
    z[1] = 2 - 1j
    assert z.tolist() == [0, 2 - 1j]


def wrong(x: Any, key: Any, value: Any) -> Callable[[], None]:
    return lambda: x.__setitem__(key, value)


W = pt.Slot(pt.zeros((3,)), "w")
ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (wrong(pt.zeros((3,)), 3, 1.0), IndexError,
     "[index] received 3 for axis 0 of size 3; expected -3 to 2; see help(powertrain.take)"),
    (wrong(pt.zeros((3,)), (0, 0), 1.0), IndexError,
     "[index] received 2 indices for 1 axes; expected at most 1; see help(powertrain.take)"),
    (wrong(pt.zeros((3,)), pt.tensor([True, False]), 1.0), IndexError,
     "[index] received a mask of [2]; expected one of [3]; see help(powertrain.take)"),
    (wrong(pt.zeros((3,)), "a", 1.0), IndexError,
     "[index] received 'a'; expected integers, slices, None, ..., arrays of integers and masks; see "
     "help(powertrain.take)"),
    (wrong(pt.zeros((3,)), slice(0, 2), pt.ones((3,))), ValueError,
     "[index] received a value of [3] for elements of [2]; expected a shape that broadcasts to theirs; reshape the "
     "value"),
    (wrong(pt.zeros((3,)), slice(None), pt.ones((2, 3))), ValueError,
     "[index] received a value of [2, 3] for elements of [3]; expected a shape that broadcasts to theirs; reshape the "
     "value"),
    (wrong(pt.zeros((3,), "int64"), 0, 0.5), TypeError,
     "[index] received f64[] for i64[]; expected numbers that int64 holds; convert them with astype(\"int64\")"),
    (wrong(pt.zeros((3,), "uint8"), 0, 300), ValueError,
     "[index] received 300 for u8[]; expected an integer that uint8 holds; use another dtype"),
    (wrong(W.value, 0, 1.0), TypeError,
     "[index] received an assignment to the value of a slot, which would not change the slot; expected a new value for "
     "it; write x = slot.value.copy(), change x, then slot.value = x"),
    (wrong(W, 0, 1.0), TypeError,
     "[index] received an assignment to slot w; expected a new value for it; write slot.value = ..."),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "text"), ERRORS, ids=[str(number) for number in range(len(ERRORS))])
def test_errors(call: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text and isinstance(caught.value, pt.Error)
    assert W.value.tolist() == [0, 0, 0]


def test_a_place_outside_changes_nothing() -> None:
    x = pt.tensor(X)
    for key in ([0, 3], (slice(None), [4]), (5,), ([0, 1], [0, -5])):
        with pytest.raises(IndexError):
            x[key] = 0.0
        assert same_bits(x.numpy(), X)


# ------------------------------------------------------------ operators


def test_updates_are_of_the_object() -> None:
    x = pt.tensor([1.0, 2.0])
    same, view = x, x[:]
    x += 1
    x *= pt.tensor([2.0, 3.0])
    x -= 0.5
    x /= 2
    x **= 2
    assert same is x and x.tolist() == [3.0625, 18.0625] and view.tolist() == [1.0, 2.0]
    n = pt.tensor([5, 6, 7])
    n //= 2
    n %= 2
    n <<= 3
    n |= 1
    n ^= 8
    n &= 13
    n >>= 0
    assert n.tolist() == [((((one // 2) % 2) << 3 | 1) ^ 8) & 13 for one in (5, 6, 7)]
    m = pt.tensor([[0.0, 1.0], [1.0, 0.0]])
    m @= pt.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert m.tolist() == [[3.0, 4.0], [1.0, 2.0]]


def test_elements_are_updated() -> None:
    x, want = pt.tensor(X), X.copy()
    x[1] += 2
    x[:, [0, 2]] *= 3
    x[pt.tensor(MASK)] -= 1
    want[1] += 2
    want[:, [0, 2]] *= 3
    want[MASK] -= 1
    assert same_bits(x.numpy(), want)


def test_a_slots_value_is_updated_by_its_line() -> None:
    slot = pt.Slot(pt.tensor([1.0, 2.0]), "w")
    taken = slot.value
    slot.value += 1
    slot.value *= 2
    assert slot.value.tolist() == [4.0, 6.0] and taken.tolist() == [1.0, 2.0]
    with pytest.raises(pt.DTypeError) as caught:
        slot += 1
    assert str(caught.value) == (
        "[add] received an assignment to slot w; expected a new value for it; write slot.value = ..."
    )


@pytest.mark.parametrize(
    ("update", "text"),
    [
        (lambda x: x.__iadd__(0.5), "[add] received f32[2] for i64[2]; expected numbers that int64 holds; convert them "
                                    'with astype("int64")'),
        (lambda x: x.__iadd__(pt.ones((3, 2), "int64")),
         "[add] received an update of i64[2] whose result is i64[3, 2]; expected a result of the same shape; write "
         "x = x + y"),
    ],
)  # fmt: skip
def test_updates_keep_shape_and_dtype(update: Callable[[Any], Any], text: str) -> None:
    x = pt.tensor([1, 2])
    with pytest.raises(pt.Error) as caught:
        update(x)
    assert str(caught.value) == text and x.tolist() == [1, 2]


def test_copies_are_other_objects() -> None:
    x = pt.tensor([1.0, 2.0])
    others = [x.copy(), copy.copy(x), copy.deepcopy(x), x[:], x[...], pt.tensor(x), pt.asarray(x), x.reshape(2)]
    x[0] = 5.0
    assert [other.tolist() for other in others] == [[1.0, 2.0]] * len(others)
    for other in others:
        other[1] = 7.0
    assert x.tolist() == [5.0, 2.0]


@pytest.mark.parametrize(("key", "shape"), CASES, ids=[f"{number}" for number in range(len(CASES))])
def test_memory_that_nobody_else_has_is_written(key: Any, shape: tuple[int, ...]) -> None:
    x, want = pt.tensor(X), X.copy()
    for value in RNG.standard_normal((3, *shape)).astype("float32"):
        x[key] = pt.tensor(value)
        want[key] = value
    assert same_bits(x.numpy(), want)


def test_an_element_costs_no_copy_of_the_others() -> None:
    x = pt.zeros((1 << 20,)) + 1.0
    start = np.from_dlpack(x).ctypes.data
    x[5], x[[7, 9]], x[2:4] = 2.0, pt.tensor([3.0, 4.0]), 5.0
    array = np.from_dlpack(x)
    assert array.ctypes.data == start and array[:10].tolist() == [1, 1, 5, 5, 1, 2, 1, 3, 1, 4]
    x[0] = 9.0  # which the array still reads
    assert array[0] == 1.0 and x[0].item() == 9.0


def test_a_value_that_is_made_of_the_tensor_is_the_one_from_before() -> None:
    x, want = pt.arange(8), np.arange(8)
    for key, other in ((slice(1, None), slice(None, -1)), (slice(None, None, -1), slice(None)), ([0, 1], [1, 0])):
        x[key] = x[other]
        want[key] = want[other].copy()
        assert x.tolist() == want.tolist()
    x[[7, 6, 5, 4, 3, 2, 1, 0]] = x
    assert x.tolist() == want[::-1].tolist()


def test_memory_of_numpys_stays_its_own() -> None:
    array = X.copy()
    x = pt.asarray(array)
    x[0] = 1.0
    assert same_bits(array, X)
    x[:] = array
    array[:] = 9.0
    assert same_bits(x.numpy(), X)


# ------------------------------------------------------------ compiled functions


def test_a_captured_tensor_is_a_fact() -> None:
    table = pt.tensor([1.0, 2.0])
    twice = pt.compile(lambda x: x * table)
    x = pt.tensor([10.0, 10.0])
    assert twice(x).tolist() == [10.0, 20.0]
    table[1] = 5.0
    assert twice(x).tolist() == [10.0, 50.0]
    table += 1
    assert twice(x).tolist() == [20.0, 60.0]
    assert twice.traces == 3
    other = pt.tensor([0.0])
    other[0] = 1.0  # of no concern
    assert twice(x).tolist() == [20.0, 60.0] and twice.traces == 3


HELD: dict[str, Any] = {}


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x + HELD["t"],
        lambda x: x + HELD["t"] * 2,  # folded
        lambda x: x * float(HELD["t"][0]),
        lambda x: x + HELD["t"].item() if HELD["t"].size == 1 else x + HELD["t"].tolist()[0],
        lambda x: x + np.asarray(HELD["t"]).sum(),
        lambda x: x + np.from_dlpack(HELD["t"]).sum(),
        lambda x: x if HELD["t"][0] > 2 else -x,
        lambda x: pt.take(x, HELD["t"].astype("int64")),
        lambda x: pt.vmap(lambda row: row * 2)(HELD["t"]) + x,
        lambda x: pt.checkpoint(lambda a, b: a * b)(x, HELD["t"]),
        lambda x: pt.cond(pt.asarray(HELD["t"]).sum() > 3, lambda y: y, lambda y: -y, x),
        lambda x: pt.scan(lambda c, r: (c + r, c), x[0], HELD["t"])[0] + x,
    ],
)
def test_no_way_to_a_captured_tensor_keeps_an_old_value(use: Callable[[Any], Any]) -> None:
    HELD["t"] = pt.tensor([1.0, 1.0])
    compiled, x = pt.compile(use), pt.tensor([3.0, 4.0])
    assert same_bits(compiled(x).numpy(), use(x).numpy())
    first = compiled(x).tolist()
    HELD["t"][:] = pt.tensor([3.0, 0.5]) if "take" not in use.__code__.co_names else pt.tensor([0.0, 0.0])
    assert same_bits(compiled(x).numpy(), use(x).numpy())
    assert compiled(x).tolist() != first and compiled.traces == 2


def test_a_compiled_function_assigns_to_its_arguments_as_it_would_by_itself() -> None:
    def step(x: Any, rows: list[Any]) -> Any:
        x[0] = 5.0
        x += 1
        rows[1][:] = x
        return x.sum()

    compiled = pt.compile(step)
    for _ in range(3):
        pairs = [(pt.tensor([1.0, 2.0]), [pt.zeros((2,)), pt.zeros((2,))]) for _ in range(2)]
        totals = [run(*pair) for run, pair in zip((step, compiled), pairs, strict=True)]
        views = pairs[1][0][:]
        assert totals[0].item() == totals[1].item() == 9.0
        for x, rows in pairs:
            assert x.tolist() == [6.0, 3.0] and rows[1].tolist() == [6.0, 3.0] and rows[0].tolist() == [0.0, 0.0]
        assert views.tolist() == [6.0, 3.0]
    assert compiled.traces == 1


def test_what_a_compiled_function_cannot_assign_to() -> None:
    @pt.compile
    def zero_first(x: Any, y: Any) -> Any:
        x[0] = 0.0
        return x + y

    a, b = pt.ones((2,)), pt.ones((2,))
    for args, kind, text in (
        ((np.ones(2, "float32"), b), TypeError,
         "[zero_first] received an assignment to numpy.ndarray; expected a tensor, which can be given a new value; "
         "pass powertrain.tensor(x)"),
        ((a, a), TypeError,
         "[zero_first] received one tensor as two arguments and assigns to one of them; expected two tensors; pass "
         "x.copy() for one"),
    ):  # fmt: skip
        with pytest.raises(kind) as caught:
            zero_first(*args)
        assert str(caught.value) == text
    assert a.tolist() == [1.0, 1.0]
    outside = pt.zeros((2,))

    @pt.compile
    def leak(x: Any) -> Any:
        outside[0] = x[0]
        return x

    with pytest.raises(pt.TraceError) as caught:
        leak(a)
    assert str(caught.value) == (
        "[index] received an assignment to a tensor from outside of the function that is being traced, which would not "
        "happen again when the step runs; expected a tensor of the function's own; write x = x.copy() first, or keep "
        "it in a powertrain.Slot"
    )
    assert outside.tolist() == [0.0, 0.0]


def test_places_and_masks_that_are_known_when_the_step_runs() -> None:
    places = np.array([2, 0, 2, -1])
    values = RNG.standard_normal((4, 4, 5)).astype("float32")

    def at(x: Any, places: Any, values: Any) -> Any:
        x[places] = values
        return x

    def masked(x: Any, mask: Any, value: Any) -> Any:
        x[mask] = value
        return x

    def one(x: Any, i: Any, j: Any) -> Any:
        x[i, j, 2:] = 7.0
        return x

    for function, args in (
        (at, (places, values)),
        (masked, (MASK, np.float32(2.5))),
        (masked, (MASK[:, 0, 0], values[0])),
        (masked, (MASK[:, 0, 0], values[:1])),  # one value for all, with an axis in front
        (one, (np.array(1), np.array([0, 3]))),
    ):
        want = function(X.copy(), *args)
        tensors = [pt.tensor(arg) for arg in args]
        compiled = pt.compile(lambda x, *rest, function=function: function(x.copy(), *rest))
        assert same_bits(compiled(pt.tensor(X), *tensors).numpy(), want)
        assert same_bits(function(pt.tensor(X), *tensors).numpy(), want)
    with pytest.raises(IndexError):
        pt.compile(at)(pt.tensor(X), pt.tensor([0, 3, 0, 0]), pt.tensor(values))
    with pytest.raises(pt.TraceError, match="expected one value for all places of a mask that is the only index"):
        pt.compile(masked)(pt.tensor(X), pt.tensor(MASK), pt.ones((int(MASK.sum()),)))
    with pytest.raises(pt.TraceError, match="expected one value for all places of a mask that is the only index"):
        pt.compile(lambda x, mask: masked(x, (mask, 0), 1.0))(pt.tensor(X), pt.tensor(MASK[:, 0, 0]))
    for given in (MASK[:1, 0, 0], MASK[0, :, 0]):
        with pytest.raises(IndexError, match=rf"received a mask of \[{len(given)}\]; expected one of \[3\]; "):
            pt.compile(masked)(pt.tensor(X), pt.tensor(given), 1.0)


def test_rows_of_vmap_and_steps_of_scan() -> None:
    def first(row: Any, value: Any) -> Any:
        y = row * 1
        y[1:3] = value
        return y

    rows, values = pt.tensor(X[0]), pt.tensor(X[1, :, 0])
    want = X[0].copy()
    want[:, 1:3] = X[1, :, :1]
    assert same_bits(pt.vmap(first)(rows, values).numpy(), want)

    def step(state: Any, i: Any) -> Any:
        state = state.copy()
        state[i] = i.astype("float32") * 2
        return state, state.sum()

    last, _ = pt.scan(step, pt.zeros((4,)), pt.tensor([3, 1]))
    assert last.tolist() == [0.0, 2.0, 0.0, 6.0]


def test_threads_see_whole_values() -> None:
    x = pt.zeros((1000,))
    stop, seen = threading.Event(), set()

    def look() -> None:
        while not stop.is_set():
            array = x.numpy()
            seen.add((float(array.min()), float(array.max())))

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(300):
        x[:] = float(number)
    stop.set()
    reader.join()
    assert all(low == high for low, high in seen)

"""`CompiledFunction.each`: calls for each entry along the first axis, in one call of Python, with the same bits."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest

import powertrain as pt
from interrupted import is_interrupted_beside_a_thread


def trained(seed=0):
    """A compiled step of a small model, with its slots."""
    pt.random.seed(seed)
    model = pt.nn.Sequential(pt.nn.Linear(5, 8), pt.nn.ReLU(), pt.nn.Dropout(0.3), pt.nn.Linear(8, 3))
    opt = pt.optim.Adam(model.parameters(), lr=1e-2)

    @pt.compile
    def step(x, y):
        def loss():
            return pt.mean(pt.nn.functional.cross_entropy(model(x), y))

        value, grads = pt.nn.value_and_grad(model, loss)()
        opt.update(grads)
        return {"loss": value, "largest": pt.max(x)}

    return model, step


def data(count=7, size=4):
    random = np.random.default_rng(1)
    return random.normal(size=(count, size, 5)).astype(np.float32), random.integers(0, 3, (count, size))


def state(model):
    return [np.array(slot.numpy()) for _, slot in model.named_slots()]


@pytest.mark.parametrize("threads", [1, 2, 4, 7])
def test_each_is_the_loop_bit_for_bit(threads):
    xs, ys = data()
    before = pt.get_threads()
    pt.set_threads(threads)
    try:
        one, step = trained()
        wanted = [step(x, y) for x, y in zip(xs, ys, strict=True)]
        many, step = trained()
        found = step.each(xs, ys)
    finally:
        pt.set_threads(before)
    assert found["loss"].shape == (7,)
    assert found["loss"].numpy().tobytes() == np.array([w["loss"].numpy() for w in wanted]).tobytes()
    assert found["largest"].tolist() == [w["largest"].item() for w in wanted]
    for a, b in zip(state(one), state(many), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_call_and_each_share_a_program():
    step = pt.compile(lambda x: x * 2)
    step(np.ones(3, np.float32))
    assert step.each(np.ones((2, 3), np.float32)).shape == (2, 3)
    step(pt.ones(3))
    assert step.traces == 1


def test_each_alone_traces():
    step = pt.compile(lambda x, y: (x + y, [x - y]))
    total, [difference] = step.each(np.arange(6.0), pt.arange(6.0))
    assert step.traces == 1
    assert total.tolist() == [0, 2, 4, 6, 8, 10]
    assert difference.tolist() == [0] * 6


def test_entries_may_be_strided_and_empty():
    wide = np.arange(48, dtype=np.float32).reshape(4, 3, 4)[::2, :, ::-1]
    assert pt.compile(pt.sum).each(wide).tolist() == [float(one.sum()) for one in wide]
    assert pt.compile(lambda x: x * 2).each(np.zeros((3, 0), np.float32)).shape == (3, 0)


def test_one_entry_keeps_its_axis():
    assert pt.compile(lambda x: x + 1).each(np.zeros((1, 2))).tolist() == [[1, 1]]


def test_results_of_an_earlier_call_stay():
    double = pt.compile(lambda x: x * 2)
    first = double.each(np.array([1.0, 2.0]))
    double.each(np.array([5.0, 6.0]))
    double(np.array(7.0))
    assert first.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "received 0 arguments"),
        ((np.ones(3), 2), "received 2 arguments, of which 1 are tensors"),
        (([np.ones(3)],), None),
        ((np.ones((2, 3)), np.ones((3, 3))), r"f64\[2, 3\] and f64\[3, 3\]; expected as many entries"),
        ((np.float32(1),), "entries along the first axis|arguments, of which"),
        ((np.ones((0, 3)),), "expected as many entries along the first axis of each, one or more"),
    ],
)
def test_what_has_no_entries_is_refused(arguments, said):
    count = pt.Slot(pt.tensor(0.0))

    @pt.compile
    def step(*given):
        count.value = count.value + 1

    if said is None:  # a list of one array is one tensor among the arguments
        step.each(*arguments)
        assert count.value.item() == 3
        return
    with pytest.raises(pt.Error, match=said):
        step.each(*arguments)
    assert count.value.item() == 0


def test_keywords_are_refused():
    with pytest.raises(TypeError):
        pt.compile(lambda x: x).each(x=np.ones(3))


def test_a_guard_in_the_middle_says_where_and_keeps_what_was_before():
    total = pt.Slot(pt.tensor(0.0))

    @pt.compile
    def step(x):
        pt.guard(pt.log(x))
        total.value = total.value + x

    with pytest.raises(pt.NonFiniteError, match=r"call 3 of 5, and what those before it did stays"):
        step.each(np.array([1, 2, -1, 4, 5], np.float32))
    assert step.tripped
    assert total.value.item() == 3
    step.each(np.array([4, 5], np.float32))
    assert total.value.item() == 12


def test_an_error_behind_each_does_not_undo_it():
    slot = pt.Slot(pt.tensor(1.0))
    pt.nn.value_and_grad([slot], lambda: slot.value * 2)()  # begins a phase, which nobody ends

    @pt.compile
    def step(x):
        pt.guard(x)
        slot.value = slot.value + x

    with pytest.raises(pt.NonFiniteError):
        step.each(np.array([1, 2, np.nan], np.float32))
    with pytest.raises(pt.NonFiniteError):
        pt.guard(pt.tensor(np.nan))
    assert slot.value.item() == 4


def test_what_assigns_to_its_arguments_is_refused():
    @pt.compile
    def step(x):
        x[0] = 1

    with pytest.raises(pt.Error, match="assigns to its arguments"):
        step.each(pt.zeros((2, 3)))


def test_inside_of_a_trace_and_for_a_gradient_it_is_refused():
    double = pt.compile(lambda x: x * 2)
    with pytest.raises(pt.TraceError, match=r"write pt\.scan"):
        pt.compile(lambda x: double.each(x))(np.ones(3))
    with pytest.raises(pt.TraceError, match=r"write pt\.scan"):
        pt.grad(lambda x: pt.sum(double.each(x)))(pt.ones(3))


def test_other_threads_run_meanwhile():
    """Python's lock is free during the calls, however small each of them is."""
    turns, stop = 0, threading.Event()

    def count():
        nonlocal turns
        while not stop.is_set():
            turns += 1
            time.sleep(1e-4)  # which lets go of the lock

    step = pt.compile(lambda x: pt.sum(x * 2 + 1))
    xs = np.ones((200_000, 4), np.float32)
    step.each(xs[:2])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)  # nobody is made to let go of the lock
    thread = threading.Thread(target=count, daemon=True)
    try:
        thread.start()
        before = turns
        step.each(xs)
        assert turns > before
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()


def test_calls_in_a_row_can_be_interrupted_and_keep_what_is_done():
    large, count = pt.Slot(pt.ones(100_000)), pt.Slot(pt.tensor(0))

    @pt.compile
    def step(x):
        count.value = count.value + 1
        return pt.sum(pt.sin(large.value * x))

    is_interrupted_beside_a_thread(lambda: step.each(np.ones(10_000_000, np.float32)))  # minutes
    assert 0 < count.value.item() < 10_000_000

"""Compiled functions: the same bits as eager with every pass on and off, and errors that say what to do instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import powertrain as pt
import powertrain.nn.functional as F
from oracles import same_bits

UNARY = ("negative", "exp", "tanh", "square", "relu", "sigmoid", "abs", "gelu", "floor", "softmax", "log_softmax")
BINARY = ("add", "multiply", "subtract", "maximum", "divide")
REDUCTIONS = ("sum", "mean", "max")


def grow(draw: st.DrawFn, values: list[Any]) -> Any:
    """One more value from those that there are."""
    kind = draw(st.sampled_from(("unary", "binary", "binary", "reduce", "move", "matmul")))
    x = draw(st.sampled_from(values))
    if kind == "unary":
        return pt.ops.functional.OPERATORS[draw(st.sampled_from(UNARY))](x)
    if kind == "binary":
        return pt.ops.functional.OPERATORS[draw(st.sampled_from(BINARY))](x, draw(st.sampled_from(values)))
    if kind == "reduce":
        axis = draw(st.sampled_from((0, 1)))
        return pt.broadcast_to(
            pt.ops.functional.OPERATORS[draw(st.sampled_from(REDUCTIONS))](x, axis=axis, keepdims=True), (6, 6)
        )
    if kind == "move":
        return draw(st.sampled_from((lambda t: t.T, lambda t: t[::-1], lambda t: pt.concat([t[2:], t[:2]], axis=0))))(x)
    return pt.matmul(x, draw(st.sampled_from(values)))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), size=st.integers(1, 14))
def test_random_graphs_with_each_pass_on_and_off(data: Any, size: int) -> None:
    rng = np.random.default_rng(size)
    inputs = [pt.tensor(rng.standard_normal((6, 6), dtype="float32")) for _ in range(3)]
    choices: list[Any] = []

    class Replay:
        """Draws choices the first time and repeats them afterwards, so that a trace builds the same graph."""

        def __init__(self) -> None:
            self.at = 0

        def __call__(self, strategy: Any) -> Any:
            if self.at == len(choices):
                choices.append(data.draw(st.integers(0, 10**6)))
            self.at += 1
            options = strategy.elements
            return options[choices[self.at - 1] % len(options)]

    def graph(*given: Any) -> Any:
        draw = Replay()
        values = list(given)
        for _ in range(size):
            values.append(grow(draw, values))
        return values[-1], values[-2]

    with np.errstate(all="ignore"):
        eager = [np.array(y.numpy()) for y in graph(*inputs)]
        for simplify in (False, True):
            for fuse in (False, True):
                compiled = pt.compile(graph, simplify=simplify, fuse=fuse)
                got = [np.array(y.numpy()) for y in compiled(*inputs)]
                assert all(map(same_bits, got, eager)), f"simplify={simplify}, fuse={fuse}"


def test_a_float16_is_rounded_between_groups_that_join() -> None:
    """Two groups, one of which reads a float16 of the other, must not become one by a third value that reads both."""
    x = pt.tensor(np.random.default_rng(0).uniform(0, 2, (4, 65)).astype("float32"))

    def function(x: Any, truth: Any) -> Any:
        y = pt.atan(x)
        narrow = y.astype("float16")
        return pt.ops.functional.OPERATORS["normal_quantile"](F.softsign(narrow)), pt.where(truth, narrow, y)

    eager = function(x, pt.tensor(False))
    for got, want in zip(pt.compile(function)(x, pt.tensor(False)), eager, strict=True):
        assert same_bits(np.array(got.numpy()), np.array(want.numpy()))


def test_each_shape_is_traced_once() -> None:
    traces = []

    @pt.compile
    def double(x: Any) -> Any:
        traces.append(x.shape)
        return x * 2

    for shape in ((3,), (4,), (3,), (4,)):
        np.testing.assert_array_equal(double(np.ones(shape, "float32")).numpy(), np.full(shape, 2, "float32"))
    assert traces == [(3,), (4,)]
    double(np.ones(3, "float64"))
    assert len(traces) == 3


def test_a_slot_read_or_written_is_state_of_the_program() -> None:
    counter = pt.Slot(pt.tensor(0.0), "counter")

    @pt.compile
    def count(x: Any) -> Any:
        counter.value = counter.value + x
        return counter.value * 10

    assert [count(pt.tensor(float(i))).item() for i in (1, 2, 3)] == [10.0, 30.0, 60.0]
    assert counter.numpy() == 6.0
    counter.value = pt.tensor(100.0)
    assert count(pt.tensor(1.0)).item() == 1010.0


def test_an_assignment_is_read_back_in_the_same_step() -> None:
    slot = pt.Slot(pt.tensor(1.0), "s")

    @pt.compile
    def step() -> Any:
        slot.value = slot.value * 3
        slot.value = slot.value + 1
        return slot.value

    assert [step().item(), step().item()] == [4.0, 13.0]


@pytest.mark.parametrize(
    "use",
    [float, bool, lambda t: t.numpy(), lambda t: t.item(), np.asarray, lambda t: 1 if t > 0 else 2],
    ids=["float", "bool", "numpy", "item", "asarray", "branch"],
)
def test_a_symbolic_value_has_no_number(use: Any) -> None:
    @pt.compile
    def wrong(x: Any) -> Any:
        use(x.sum())
        return x

    with pytest.raises(pt.TraceError) as caught:
        wrong(np.ones(3, "float32"))
    assert str(caught.value).startswith("[")


def test_a_symbolic_tensor_that_outlives_its_trace() -> None:
    kept = []

    @pt.compile
    def leak(x: Any) -> Any:
        kept.append(x * 2)
        return x

    leak(np.ones(3, "float32"))
    with pytest.raises(pt.TraceError):
        (kept[0] + 1).numpy()


def test_a_program_allocates_nothing_when_it_runs() -> None:
    w = pt.Slot(np.ones((8, 8), "float32"), "w", trainable=True)

    @pt.compile
    def step(x: Any) -> Any:
        loss, (g,) = pt.nn.value_and_grad([w], lambda: pt.square(pt.tanh(x @ w)).mean())()
        w.value = w.value - 0.1 * pt.guard(g)
        return loss

    x = pt.tensor(np.ones((4, 8), "float32"))
    step(x), step(x)
    before = pt._core.allocations()
    results = [step(x) for _ in range(10)]
    assert pt._core.allocations() - before <= len(results), "more than the returned tensor is allocated in a step"


def test_skip_goes_on_past_a_number_that_is_not_finite() -> None:
    w = pt.Slot(pt.tensor(1.0), "w")

    def step(x: Any) -> Any:
        w.value = pt.guard(w.value + x)
        return w.value

    careless = pt.compile(step, on_nonfinite="skip")
    careless(pt.tensor(1.0))
    careless(pt.tensor(float("inf")))
    assert w.numpy() == 2.0
    careless(pt.tensor(1.0))
    assert w.numpy() == 3.0


def test_calls_with_equal_numbers_are_the_same_calls() -> None:
    @pt.compile
    def step(x: Any) -> Any:
        return pt.mean(x), pt.mean(x) * pt.mean(x) + pt.mean(x), pt.copysign(x, 0.0), pt.copysign(x, -0.0)

    x = pt.tensor([1.0, -2.0, 4.0])
    mean, mixed, plus, minus = step(x)
    assert step.describe().count("divide") == 1
    assert mean.item() == 1.0 and mixed.item() == 2.0
    assert np.asarray(plus).tolist() == [1.0, 2.0, 4.0] and np.asarray(minus).tolist() == [-1.0, -2.0, -4.0]


def test_a_cast_to_the_dtype_that_is_there_is_left_out() -> None:
    @pt.compile
    def step(x: Any) -> Any:
        return pt.exp(pt.astype(x, "float32")), pt.astype(x, "float64")

    x = pt.tensor([0.0, 1.0])
    same, wide = step(x)
    assert step.describe().count("astype") == 1
    assert same_bits(np.asarray(same), np.asarray(pt.exp(x))) and np.asarray(wide).dtype == np.float64


def test_describe_names_the_kernels() -> None:
    step = pt.compile(lambda x: pt.tanh(x @ x) + 1)
    step(np.ones((4, 4), "float32"))
    assert "matmul" in step.describe()


def test_plan_makes_the_program_and_runs_nothing() -> None:
    counter, calls = pt.Slot(pt.tensor(1.0), name="counter"), []

    @pt.compile
    def step(x: Any, scale: float = 1.0) -> Any:
        calls.append(scale)
        counter.value = counter.value + pt.sum(x) * scale
        return counter.value

    x = np.ones(3, "float32")
    step.plan(x, scale=2.0)
    assert (counter.value.item(), step.traces, calls) == (1.0, 1, [2.0])
    assert any("sum" in launch["name"] for launch in step.programs[0]["instructions"])
    assert step(x, scale=2.0).item() == 7.0 and step.traces == 1
    step.plan(x)  # a number is frozen into the program: another one
    assert (counter.value.item(), step.traces) == (7.0, 2)


def test_plan_fails_as_the_call_would_and_changes_nothing() -> None:
    @pt.compile
    def step(x: Any) -> Any:
        if pt.sum(x) > 0:
            return x
        return -x

    with pytest.raises(pt.TraceError):
        step.plan(np.ones(3, "float32"))
    assert step.traces == 0 and step.programs == []

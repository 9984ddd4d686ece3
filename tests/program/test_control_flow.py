"""Loops and branches on values: against loops of Python, eager and compiled, with gradients of every order."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits
from powertrain import nn

RNG = np.random.default_rng(0)


def normal(*shape: int, dtype: str = "float32") -> Any:
    return pt.tensor(RNG.standard_normal(shape), dtype)


def both(function: Callable[..., Any], *args: Any) -> list[Any]:
    """The results eagerly, after a compiled step gave the same bits twice."""
    eager = [y.numpy() for y in function(*args)]
    compiled = pt.compile(lambda *xs: tuple(function(*xs)))
    for _ in range(2):
        for got, want in zip(compiled(*args), eager, strict=True):
            assert same_bits(got.numpy(), want)
    return eager


def near(got: Any, want: Any, k: float = 64) -> None:
    want = np.asarray(want)
    assert got.shape == want.shape and got.dtype == want.dtype
    scale = np.max(np.abs(want), initial=1e-30)
    assert (np.abs(got - want) <= k * np.finfo(want.dtype).eps * scale).all()


# ---------------------------------------------------------------- scan


def recurrence(w: Any, u: Any, h: Any, xs: Any, loop: Callable[..., Any]) -> Any:
    """A recurrent layer, whose outputs are not its states."""
    return loop(lambda h, x: (pt.tanh(h @ w + x @ u), pt.sum(pt.sin(h) * 2.0)), h, xs)


def python_loop(function: Any, state: Any, xs: Any, reverse: bool = False) -> Any:
    outputs: list[Any] = [None] * len(xs)
    for place in reversed(range(len(xs))) if reverse else range(len(xs)):
        state, outputs[place] = function(state, xs[place])
    return state, pt.stack(outputs)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_scan_is_the_loop(steps: int, reverse: bool) -> None:
    args = normal(4, 4), normal(3, 4), normal(2, 4), normal(steps, 2, 3)

    def with_gradients(loop: Callable[..., Any]) -> Callable[..., Any]:
        def loss(*args: Any) -> Any:
            last, sums = recurrence(*args, lambda f, s, xs: loop(f, s, xs, reverse=reverse))
            return pt.sum(pt.square(last)) + pt.sum(sums * sums)

        return lambda *args: [*recurrence(*args, lambda f, s, xs: loop(f, s, xs, reverse=reverse)),
                              *pt.grad(loss, (0, 1, 2, 3))(*args)]  # fmt: skip

    got = both(with_gradients(pt.scan), *args)
    for ours, want in zip(got, with_gradients(python_loop)(*args), strict=True):
        near(ours, want.numpy())


def test_a_scan_of_the_same_calls_has_the_same_bits_as_the_loop() -> None:
    w, h, xs = normal(8, 8), normal(3, 8), normal(9, 3, 8)
    step = lambda h, x: (pt.tanh(h @ w + x), pt.softmax(h))  # noqa: E731
    for got, want in zip(pt.scan(step, h, xs), python_loop(step, h, xs), strict=True):
        assert same_bits(got.numpy(), want.numpy())


def test_parameters_in_a_scan_have_gradients() -> None:
    cell, xs = nn.GRUCell(3, 5), normal(6, 2, 3)

    def loss(loop: Callable[..., Any]) -> Any:
        def step(h: Any, x: Any) -> Any:
            after = cell(x, h)
            return after, after

        last, states = loop(step, pt.zeros((2, 5)), xs)
        return pt.mean(pt.square(states)) + pt.sum(last)

    got = both(lambda xs: pt.nn.value_and_grad(cell, lambda: loss(pt.scan))()[1].values(), xs)
    want = pt.nn.value_and_grad(cell, lambda: loss(python_loop))()[1].values()
    assert len(got) == len(want) == 4
    for ours, peer in zip(got, want, strict=True):
        near(ours, peer.numpy())


def test_second_derivatives_of_a_scan() -> None:
    w, xs = normal(3, 3, dtype="float64"), normal(4, 3, dtype="float64")

    def loss(loop: Callable[..., Any]) -> Callable[..., Any]:
        return lambda w: pt.sum(loop(lambda h, x: (pt.tanh(h @ w + x), pt.sum(h * h)), pt.ones(3, "float64"), xs)[1])

    v = normal(3, 3, dtype="float64")
    (ours,) = both(lambda w, v: pt.hvp(loss(pt.scan), (w,), (v,)), w, v)
    near(ours, pt.hvp(loss(python_loop), (w,), (v,))[0].numpy(), 512)
    near(pt.hessian(loss(pt.scan))(w).numpy(), pt.hessian(loss(python_loop))(w).numpy(), 512)


def test_trees_integers_and_no_output() -> None:
    def step(state: dict[str, Any], x: tuple[Any, Any]) -> Any:
        a, b = x
        return {"count": state["count"] + 1, "sum": state["sum"] + a * b}, None

    xs = (pt.tensor([1.0, 2.0, 3.0]), pt.tensor([4.0, 5.0, 6.0]))
    state, nothing = pt.scan(step, {"count": 0, "sum": 0.0}, xs)
    assert nothing is None and state["count"].item() == 3 and state["sum"].item() == 32
    assert state["count"].dtype == pt.int64 and state["sum"].dtype == pt.float32
    count, places = pt.scan(lambda n, _: (n * 2, n), pt.tensor(1), length=5)
    assert count.item() == 32 and places.numpy().tolist() == [1, 2, 4, 8, 16]
    by_a = pt.grad(lambda a: pt.scan(step, {"count": 0, "sum": 0.0}, (a, xs[1]))[0]["sum"])(xs[0])
    assert by_a.numpy().tolist() == [4.0, 5.0, 6.0]


def test_no_steps() -> None:
    for function in (lambda f: f, pt.compile):
        last, rows = function(lambda h, xs: pt.scan(lambda h, x: (h + x, h), h, xs))(pt.tensor(2.0), pt.zeros((0,)))
        assert last.item() == 2.0 and rows.shape == (0,)
    gradient = pt.grad(lambda h: pt.scan(lambda h, x: (h * x, None), h, pt.zeros((0,)))[0])
    assert gradient(pt.tensor(2.0)).item() == 1.0


def test_scans_within_scans_and_rows() -> None:
    xs = normal(3, 4)

    def inner(row: Any) -> Any:
        return pt.scan(lambda p, x: (p * pt.cos(x), p), pt.ones(()), row)[0]

    def outer(xs: Any) -> Any:
        return pt.scan(lambda s, row: (s + inner(row), inner(row)), 0.0, xs)

    want = np.prod(np.cos(xs.numpy()), axis=1)
    last, products = both(lambda xs: [*outer(xs), pt.grad(lambda xs: outer(xs)[0])(xs)], xs)[:2]
    near(products, want)
    near(last, np.float32(want.sum()))
    near(pt.vmap(inner)(xs).numpy(), want)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_gradients_of_many_short_steps_add_up_in_f32(dtype: str) -> None:
    w = pt.tensor(1.0, dtype)
    steps = 1000
    products = lambda w: pt.scan(lambda n, x: (n, x * w), 0, pt.ones(steps, dtype))[1]  # noqa: E731
    gradient = pt.grad(lambda w: pt.sum(products(w).astype("float32")))
    assert gradient(w).item() == steps, "in 16 bits the sum would stop at 256"


def test_a_loop_is_one_instruction_however_long() -> None:
    w = normal(4, 4)
    step = pt.compile(lambda h, xs: pt.scan(lambda h, x: (pt.tanh(h @ w + x), None), h, xs)[0])
    for length in (2, 100):
        step(pt.zeros((2, 4)), normal(length, 2, 4))
        assert [one["name"] for one in step.programs[0]["instructions"]] == ["scan"]


def test_what_no_step_changes_is_computed_once() -> None:
    w, xs = normal(4, 4), normal(9, 2, 4)

    def loss(w: Any, xs: Any) -> Any:
        shared = pt.tensor(2.0)
        step = lambda h, x: (pt.tanh(h @ pt.exp(w * shared).T + x), None)  # noqa: E731
        return pt.sum(pt.scan(step, pt.zeros((2, 4)), xs)[0])

    both(lambda w, xs: [loss(w, xs), *pt.grad(loss, (0, 1))(w, xs)], w, xs)
    step = pt.compile(loss)
    step(w, xs)
    names = [one["name"] for one in step.programs[0]["instructions"]]
    assert names[0] == "fused multiply+exp" and names.count("scan") == 1


def test_what_a_scan_refuses() -> None:
    slot = pt.Slot(pt.tensor(1.0), name="total")

    def assigns(state: Any, x: Any) -> Any:
        slot.value = x
        return state, None

    xs = pt.zeros(3)
    for function, init, rows, error, message in (
        (lambda s, x: (s * pt.ones(2), None), 0.0, xs, pt.ShapeError,
         "[scan] state 0 is f32[], and after a step f32[2]; expected the same shape and dtype; cast or reshape one"),
        (lambda s, x: (s, s), 0, None, pt.ShapeError,
         "[scan] xs of shapes none, length = None; expected one number of rows; pass length, or xs of equal first "
         "axes"),
        (lambda s, x: (s, s), 0, (xs, pt.zeros(2)), pt.ShapeError,
         "[scan] xs of shapes [3], [2], length = None; expected one number of rows; pass length, or xs of equal first "
         "axes"),
        (lambda s, x: s, 0.0, xs, pt.DTypeError,
         "[scan] the function gives Tensor; expected (state, output); give None where there is no output"),
        (lambda s, x: ((s, s), None), 0.0, xs, pt.ShapeError,
         "[scan] the state has 1 tensors, and after a step 2; expected as many; give back what was taken"),
        (assigns, 0.0, xs, pt.TraceError,
         "[scan] the function assigns total; expected a function that does not; make it part of the state"),
        (lambda s, x: (s + pt.random.uniform(), None), 0.0, xs, pt.TraceError,
         "[scan] the function draws random numbers; expected a function that does not; draw them outside and pass them "
         "as an argument"),
        (lambda s, x: (pt.guard(s), None), 0.0, xs, pt.TraceError,
         "[scan] the function guards a value; expected a function that does not; guard what scan returns"),
    ):  # fmt: skip
        with pytest.raises(error, match=f"^{re.escape(message)}"):
            pt.scan(function, init, rows)
    assert slot.value.item() == 1.0


def test_an_index_out_of_range_in_a_step_is_found() -> None:
    table = normal(5, 2)
    for function in (lambda f: f, pt.compile):
        with pytest.raises(pt.IndexError, match=r"^\[scan\] received an index out of range"):
            function(lambda i: pt.scan(lambda s, at: (s + pt.take(table, at), None), pt.zeros(2), i)[0])(
                pt.tensor([1, 7, 0])
            )


# ---------------------------------------------------------------- cond


def chosen(x: Any, w: Any) -> Any:
    return pt.cond(pt.sum(x) > 0, lambda x: pt.exp(x) @ w, lambda x: -x @ pt.ones((3, 2)), x)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_branch_and_its_gradient(sign: float) -> None:
    x, w = pt.abs(normal(2, 3)) * sign, normal(3, 2)
    plain = (lambda x, w: pt.exp(x) @ w) if sign > 0 else (lambda x, w: -x @ pt.ones((3, 2)))
    loss = lambda f: lambda x, w: pt.sum(pt.square(f(x, w)))  # noqa: E731
    got = both(lambda x, w: [chosen(x, w), *pt.grad(loss(chosen), (0, 1))(x, w)], x, w)
    for ours, want in zip(got, [plain(x, w), *pt.grad(loss(plain), (0, 1))(x, w)], strict=True):
        near(ours, want.numpy())
    assert (got[2] != 0).any() == (sign > 0), "what only the other branch reads has no gradient"


def test_a_branch_that_is_not_taken_does_nothing() -> None:
    a, b = pt.Slot(pt.tensor(0.0), name="a"), pt.Slot(pt.tensor(0.0), name="b")

    def count(slot: Any, x: Any) -> Any:
        slot.value = slot.value + x
        return x * 2.0

    def step(x: Any) -> Any:
        return pt.cond(x > 0, lambda x: count(a, x), lambda x: count(b, x), x)

    for function in (step, pt.compile(step)):
        a.value, b.value = pt.tensor(10.0), pt.tensor(20.0)
        assert function(pt.tensor(3.0)).item() == 6.0 and function(pt.tensor(-2.0)).item() == -4.0
        assert a.value.item() == 13.0 and b.value.item() == 18.0
    index = pt.tensor([7])
    read = lambda flag: pt.cond(flag, lambda: pt.take(pt.zeros(3), index), lambda: pt.ones(1))  # noqa: E731
    assert pt.compile(read)(pt.tensor(False)).item() == 1.0, "an index out of range that nobody reads"
    with pytest.raises(pt.IndexError):
        pt.compile(read)(pt.tensor(True))


def test_a_branch_in_a_scan() -> None:
    xs = normal(9)

    def signed(xs: Any) -> Any:
        return pt.scan(lambda s, x: (pt.cond(x > 0, lambda s: s + x, lambda s: s * x, s), s), 1.0, xs)

    last, states, gradient = both(lambda xs: [*signed(xs), pt.grad(lambda xs: signed(xs)[0])(xs)], xs)
    want = [np.float32(1)]
    for x in xs.numpy():
        want.append(want[-1] + x if x > 0 else want[-1] * x)
    near(last, want[-1])
    near(states, np.array(want[:-1]))
    assert gradient.shape == (9,) and np.isfinite(gradient).all()


def test_what_a_branch_refuses() -> None:
    x = pt.ones(2)
    with pytest.raises(pt.ShapeError, match=r"^\[cond\] pred is float32\[2\]; expected one bool; compare, or use any"):
        pt.cond(x, lambda: x, lambda: x)
    with pytest.raises(pt.ShapeError, match=r"^\[cond\] result 0 is f32\[2\] if true, f32\[\] if false; expected one"):
        pt.cond(True, lambda: x, lambda: pt.sum(x))
    with pytest.raises(pt.ShapeError, match=r"^\[cond\] 2 results if true, 1 if false; expected as many"):
        pt.cond(True, lambda: (x, x), lambda: x)


# ---------------------------------------------------------------- while_loop


def test_a_loop_until_something_holds() -> None:
    def root(x: Any) -> Any:
        """By Newton's steps, counted."""
        better = lambda s: ((s[0] + x / s[0]) / 2.0, s[1] + 1)  # noqa: E731
        return pt.while_loop(lambda s: pt.any(pt.abs(s[0] * s[0] - x) > 1e-5 * x), better, (x, 0))

    value, steps = both(root, pt.tensor([2.0, 9.0, 100.0]))
    np.testing.assert_allclose(value, [2**0.5, 3, 10], rtol=1e-5)
    assert 5 < steps < 12
    assert pt.while_loop(lambda n: n < 3, lambda n: n + 1, pt.tensor(5)).item() == 5, "no step at all"
    turned = pt.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[2], s[1], s[2] + s[1]), (0, 1, 2, 3))
    assert [int(x.item()) for x in turned] == [3, 2, 1, 3], "a state is read before it is written"


def test_what_a_loop_refuses() -> None:
    loop = lambda x: pt.while_loop(lambda x: pt.sum(x) < 9.0, lambda x: x * 2.0, x)  # noqa: E731
    assert loop(pt.ones(2)).numpy().tolist() == [8.0, 8.0]
    for function in (lambda f: f, pt.compile):
        with pytest.raises(pt.Error, match=r"^\[while_loop\] has no gradient, and a gradient through it is wanted; "):
            function(pt.grad(lambda x: pt.sum(loop(x))))(pt.ones(2))
    assert pt.grad(lambda x: pt.sum(pt.stop_gradient(loop(x)) * x))(pt.ones(2)).numpy().tolist() == [8.0, 8.0]
    with pytest.raises(pt.ShapeError, match=r"^\[while_loop\] the condition gives f32\[2\]; expected one bool; "):
        pt.while_loop(lambda x: x, lambda x: x, pt.ones(2))
    with pytest.raises(pt.ShapeError, match=r"^\[while_loop\] state 0 is i64\[\], and after a step f32\[\]; expected"):
        pt.while_loop(lambda n: n < 3, lambda n: n * 1.5, pt.tensor(1))


# ---------------------------------------------------------------- the laws


def test_a_training_step_with_a_scan_counts_no_threads() -> None:
    cell = nn.LSTMCell(8, 128)
    xs, start = normal(12, 64, 8), (pt.zeros((64, 128)), pt.zeros((64, 128)))

    def step(xs: Any) -> Any:
        def loss() -> Any:
            def one(state: Any, x: Any) -> Any:
                h, c = cell(x, state)
                return (h, c), h

            return pt.mean(pt.square(pt.scan(one, start, xs)[1]))

        value, grads = pt.nn.value_and_grad(cell, loss)()
        return value, *grads.values()

    before = pt.get_threads()
    found = []
    try:
        for threads in (1, 3):
            pt.set_threads(threads)
            found.append([y.numpy() for y in pt.compile(step)(xs)])
    finally:
        pt.set_threads(before)
    for a, b, c in zip(*found, both(step, xs), strict=True):
        assert same_bits(a, b) and same_bits(a, c)


def test_states_keep_their_dtype_under_autocast() -> None:
    cell, xs = nn.GRUCell(3, 5), normal(6, 2, 3)

    def loss(xs: Any) -> Any:
        with pt.autocast("bf16"):
            last, states = pt.scan(lambda h, x: (cell(x, h), cell(x, h)), pt.zeros((2, 5)), xs)
        return pt.sum(last) + pt.sum(states.astype("float32"))

    got = both(lambda xs: pt.nn.value_and_grad(cell, lambda: loss(xs))()[1].values(), xs)
    assert all(g.dtype == np.float32 and np.isfinite(g).all() for g in got)


def test_scans_and_what_has_a_gradient_of_its_own() -> None:
    w, xs = normal(4, 4), normal(5, 4)
    plain = lambda h, x: (pt.tanh(h @ w + x), pt.sum(h))  # noqa: E731

    @pt.custom_gradient
    def doubled(x: Any) -> Any:
        return x * 1.0, lambda g: g * 2.0

    def loss(step: Any, wrap: Any = lambda f: f) -> Any:
        return lambda xs: pt.sum(wrap(lambda xs: pt.scan(step, pt.ones(4), xs)[1])(xs))

    want = pt.grad(loss(plain))(xs).numpy()
    (inside,) = both(lambda xs: [pt.grad(loss(pt.checkpoint(plain)))(xs)], xs)
    (around,) = both(lambda xs: [pt.grad(loss(plain, pt.checkpoint))(xs)], xs)
    (twice,) = both(lambda xs: [pt.grad(loss(lambda h, x: plain(h, doubled(x))))(xs)], xs)
    near(inside, want)
    near(around, want)
    near(twice, 2 * want)
    _, moved = pt.jvp(loss(plain), (xs,), (pt.ones((5, 4)),))
    near(moved.numpy(), np.float32(want.sum()), 512)


def events(step: Any, *args: Any) -> list[str]:
    """What a device that cannot answer is told and asked, between the beginning and the end of one step."""
    told = [(event, launch) for event, launch in step.record(*args) if event in ("launch", "flag")]
    assert {launch for _, launch in told} <= set(range(len(step.programs[0]["instructions"])))
    return [event for event, _ in told]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_device_is_given_all_rounds_of_a_scan_without_a_question(reverse: bool) -> None:
    xs, init = normal(7, 3), normal(3)
    step = pt.compile(lambda s, xs: pt.scan(lambda s, x: (s * x, s @ x), s, xs, reverse=reverse))
    step(init, xs)
    (instruction,) = step.programs[0]["instructions"]
    assert (instruction["name"], instruction["kernel"]) == ("scan", "loop")
    told = events(step, init, xs)
    assert set(told) == {"launch"} and len(told) % 7 == 1  # the state before the first round is kept by a copy


def test_a_loop_and_a_branch_ask_for_one_flag() -> None:
    x = normal(3)
    loop = pt.compile(lambda x: pt.while_loop(lambda x: pt.sum(x) < 9, lambda x: x + 1, x))
    loop(x)
    told = events(loop, x)  # the flag of such a device is false
    assert told.count("flag") == 1 and told[-1] == "launch"  # the state that was there is the result
    branch = pt.compile(lambda x: pt.cond(pt.sum(x) < 9, lambda x: pt.exp(x) @ x, lambda x: pt.sin(x) @ x, x))
    branch(x)
    assert events(branch, x).count("flag") == 1
    assert [one["kernel"] for one in branch.programs[0]["instructions"]][-1] == "branch"


def test_a_loop_inside_of_a_loop_is_queued_whole() -> None:
    def inner(s: pt.Tensor, rows: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        last, _ = pt.scan(lambda s, row: (s * 0.5 + row, None), s, rows)
        return last, last * 2

    init, xs = normal(4), normal(3, 5, 4)
    both(lambda s, xs: pt.scan(inner, s, xs), init, xs)
    step = pt.compile(lambda s, xs: pt.scan(inner, s, xs))
    step(init, xs)
    assert len(events(step, init, xs)) >= 3 * 5

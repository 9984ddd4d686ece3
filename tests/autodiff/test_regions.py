"""What has a gradient of its own: checkpoints, which compute again, and gradients by hand."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits
from powertrain import nn

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def blocks(count: int, width: int) -> nn.Sequential:
    made = (nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.LayerNorm(4 * width), nn.Linear(4 * width, width))
            for _ in range(count))  # fmt: skip
    return nn.Sequential(*made)


def through(model: Any, x: Any, wrap: Callable[[Any], Any]) -> Any:
    for block in model:
        x = wrap(block)(x)
    return pt.square(x).mean()


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_checkpoint_changes_no_bit(compiled: bool) -> None:
    model, x = blocks(3, 8), pt.asarray(normal(5, 8))
    found = []
    for wrap in (lambda block: block, pt.checkpoint):
        step = lambda x, wrap=wrap: pt.nn.value_and_grad(model, lambda: through(model, x, wrap))()  # noqa: E731
        found.append((pt.compile(step) if compiled else step)(x))
    assert same_bits(found[0][0].numpy(), found[1][0].numpy())
    assert len(found[0][1]) == len(found[1][1]) == 18
    for plain, again in zip(found[0][1].values(), found[1][1].values(), strict=True):
        assert same_bits(plain.numpy(), again.numpy()) and plain.numpy().any()


def arena_bytes(step: Any, *args: Any) -> int:
    step(*args)
    return int(step.programs[0]["arena_bytes"])


def test_a_checkpoint_needs_less_memory_in_a_compiled_step() -> None:
    model, x = blocks(8, 32), pt.asarray(normal(256, 32))

    def step(wrap: Callable[[Any], Any]) -> Any:
        return pt.compile(lambda x: pt.nn.value_and_grad(model, lambda: through(model, x, wrap))())

    plain, again = arena_bytes(step(lambda block: block), x), arena_bytes(step(pt.checkpoint), x)
    assert again < 0.5 * plain


def test_random_numbers_and_statistics_come_once() -> None:
    for compiled in (False, True):
        found = []
        for wrap in (lambda block: block, pt.checkpoint):
            pt.random.seed(3)
            model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 2))
            x = np.arange(48, dtype="float32").reshape(8, 6) / 20
            step = lambda x, model=model, wrap=wrap: pt.nn.value_and_grad(  # noqa: E731
                model, lambda: pt.square(wrap(model)(x)).sum()
            )()
            run = pt.compile(step) if compiled else step
            grads = [run(x)[1] for _ in range(2)][1]
            found.append([*(grad.numpy() for grad in grads.values()), *model.state_dict().values()])
        for plain, again in zip(*found, strict=True):
            assert same_bits(plain, again)


def test_checkpoints_nest_and_are_differentiated_twice() -> None:
    x = pt.asarray(normal(4))
    inner = pt.checkpoint(lambda x, scale: pt.tanh(x * scale["by"]))
    outer = pt.checkpoint(lambda x: inner(inner(x, {"by": 2.0}), {"by": pt.exp(x)}) * x)
    plain = lambda x: pt.tanh(pt.tanh(x * 2.0) * pt.exp(x)) * x  # noqa: E731
    for function in (pt.grad(lambda x: outer(x).sum()), pt.compile(pt.grad(lambda x: outer(x).sum()))):
        np.testing.assert_allclose(
            function(x).numpy(), pt.grad(lambda x: plain(x).sum())(x).numpy(), rtol=1e-5, atol=1e-6
        )
    twice = pt.hessian(lambda x: outer(x).sum())(x).numpy()
    np.testing.assert_allclose(twice, pt.hessian(lambda x: plain(x).sum())(x).numpy(), rtol=1e-4, atol=1e-5)


def test_outside_of_a_gradient_a_checkpoint_is_its_function() -> None:
    x = normal(3)
    assert same_bits(pt.checkpoint(pt.tanh)(x).numpy(), pt.tanh(x).numpy())
    both = pt.checkpoint(lambda x: (x * 2, [x + 1]))(x)
    assert isinstance(both, tuple) and isinstance(both[1], list)
    _, grads = pt.nn.value_and_grad([], lambda: pt.checkpoint(pt.tanh)(x).sum())()
    assert grads == []


def test_an_update_inside_a_checkpoint_is_refused() -> None:
    model = nn.Linear(2, 2)
    opt = pt.optim.SGD(model, 0.1)

    def step(x: Any) -> Any:
        _, grads = pt.nn.value_and_grad(model, lambda: model(x).sum())()
        opt.update(grads)
        return x

    with pytest.raises(pt.TraceError, match=r"\[checkpoint\] the function "):
        pt.compile(lambda x: pt.checkpoint(step)(x))(normal(3, 2))


# ---------------------------------------------------------------- gradients by hand


@pt.custom_gradient
def clipped(x: Any, least: float, most: float) -> Any:
    """x, whose gradient is kept between bounds."""
    return x * 1.0, lambda g: pt.clip(g, least, most)


@pt.custom_gradient
def stable(x: Any, y: Any) -> Any:
    """log(e^x + e^y), and its shares from what was computed."""
    total = pt.logaddexp(x, y)
    return (total, x - y), lambda gs: (gs[0] * pt.exp(x - total) + gs[1], gs[0] * pt.exp(y - total) - gs[1])


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_gradient_by_hand(compiled: bool) -> None:
    x, y, weights = pt.asarray(normal(4)), pt.asarray(normal(4)), 3 * normal(4)
    wrap = pt.compile if compiled else (lambda function: function)
    got = wrap(pt.grad(lambda x: (clipped(x, -1.0, 0.5) * weights).sum()))(x)
    assert same_bits(got.numpy(), np.clip(weights, -1, 0.5))
    loss = lambda x, y: (stable(x, y)[0] * weights).sum() + stable(x * y, y)[1].sum()  # noqa: E731
    plain = lambda x, y: (pt.logaddexp(x, y) * weights).sum() + (x * y - y).sum()  # noqa: E731
    for got, want in zip(wrap(pt.grad(loss, (0, 1)))(x, y), pt.grad(plain, (0, 1))(x, y), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-5, atol=1e-6)


def test_a_gradient_by_hand_is_differentiated_again() -> None:
    x, y = pt.asarray(normal(3)), pt.asarray(normal(3))
    got = pt.hessian(lambda x: stable(x, y)[0].sum())(x).numpy()
    np.testing.assert_allclose(got, pt.hessian(lambda x: pt.logaddexp(x, y).sum())(x).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_gradients_by_hand_hold_in_rows_and_in_checkpoints(compiled: bool) -> None:
    x, w = pt.asarray(normal(5, 3)), pt.asarray(normal(3))
    weights = 3 * normal(5, 3)

    def inside(x: Any) -> Any:
        return pt.vmap(lambda row, weight: pt.grad(lambda row: (clipped(row, -1.0, 0.5) * weight).sum())(row))(
            x, weights
        )

    def outside(x: Any) -> Any:
        return pt.grad(lambda x: (pt.vmap(lambda row: clipped(row, -1.0, 0.5))(x) * weights).sum())(x)

    def again(x: Any) -> Any:
        return pt.grad(lambda x: (pt.checkpoint(lambda x: clipped(x, -1.0, 0.5))(x) * weights).sum())(x)

    for function in (inside, outside, again):
        got = (pt.compile(function) if compiled else function)(x)
        assert same_bits(got.numpy(), np.clip(weights, -1, 0.5))

    def shared(w: Any) -> Any:
        return pt.grad(lambda w: (pt.vmap(lambda row: stable(row, w)[0])(x) * weights).sum())(w)

    got = (pt.compile(shared) if compiled else shared)(w).numpy()
    want = pt.grad(lambda w: (pt.logaddexp(x, w) * weights).sum())(w).numpy()
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    got = pt.grad(lambda w: pt.vmap(pt.checkpoint(lambda row: pt.tanh(row * w)))(x).sum())(w).numpy()
    want = pt.grad(lambda w: pt.tanh(x * w).sum())(w).numpy()
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_an_argument_without_gradient() -> None:
    @pt.custom_gradient
    def scaled(x: Any, index: Any) -> Any:
        return pt.take(x, index), lambda g: (pt.ops.functional.OPERATORS["scatter_add"](index, g * 2, size=4), None)

    got = pt.grad(lambda x: scaled(x, pt.tensor([1, 1, 3])).sum())(pt.zeros((4,)))
    assert got.numpy().tolist() == [0.0, 4.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("back", "message"),
    [
        (lambda g: (g, g), "[custom_gradient] 2 gradients; expected 1, one for each argument that is a tensor; give"),
        (lambda g: g.sum(), "[custom_gradient] gradient 0 is [], its argument is [3]; expected one shape; sum over"),
    ],
)
def test_gradients_by_hand_that_do_not_fit(back: Callable[[Any], Any], message: str) -> None:
    function = pt.custom_gradient(lambda x: (x * 2, back))
    with pytest.raises(pt.ShapeError, match=re.escape(message)):
        pt.grad(lambda x: function(x).sum())(pt.ones((3,)))


def test_long_chains_of_regions_are_let_go_of() -> None:
    double = pt.custom_gradient(lambda x: (x * 1.0, lambda g: g))

    def long(x: Any) -> Any:
        for _ in range(20_000):
            x = double(x)
        return x.sum()

    assert pt.grad(long)(pt.ones((1,))).item() == 1.0


# ---------------------------------------------------------------- what a function reads beside its arguments


class Scaled(nn.Module):
    """x w v, w by a gradient by hand: read from the module, passed, or read as a constant."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.w, self.v = nn.Parameter(pt.tensor(2.0)), nn.Parameter(pt.tensor(1.0))
        self.how = how

    def forward(self, x: Any) -> Any:
        @pt.custom_gradient
        def read(x: Any) -> Any:
            w = pt.stop_gradient(self.w) if self.how == "constant" else self.w
            return x * w, lambda g: g * self.w

        @pt.custom_gradient
        def passed(x: Any, w: Any) -> Any:
            return x * w, lambda g: (g * w, (g * x).sum())

        return (passed(x, self.w) if self.how == "passed" else read(x)) * self.v


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("wrap", [lambda f: f, pt.checkpoint], ids=["plain", "checkpoint"])
def test_a_parameter_that_is_no_argument_is_refused(compiled: bool, wrap: Any) -> None:
    """Its gradient would be zero. Where none is wanted, it may be read."""
    run = pt.compile if compiled else (lambda function: function)

    def gradients(model: Any, of: Any) -> Any:
        return run(nn.value_and_grad(of, lambda x: wrap(model)(x).sum()))(pt.ones((3,)))[1]

    model = Scaled("read")
    with pytest.raises(pt.TraceError, match=r"^\[custom_gradient\] the function reads f32\[\], by which a gradient is"):
        gradients(model, model)
    assert run(lambda x: wrap(model)(x).sum())(pt.ones((3,))).item() == 6.0
    assert gradients(model, {"v": model.v})["v"].item() == 6.0
    for how, expected in (("constant", [0.0, 6.0]), ("passed", [3.0, 6.0])):
        model = Scaled(how)
        assert [gradient.item() for gradient in gradients(model, model).values()] == expected, how


def test_a_tensor_of_the_closure_is_refused_too() -> None:
    def loss(x: Any, w: Any) -> Any:
        scaled = pt.exp(w)
        return pt.custom_gradient(lambda x: (x * scaled, lambda g: g * scaled))(x).sum()

    x, w = pt.ones((3,)), pt.ones(())
    assert pt.grad(loss)(x, w).shape == (3,)
    with pytest.raises(pt.TraceError, match="the function reads f32"):
        pt.grad(loss, argnums=1)(x, w)


@pytest.mark.parametrize(
    "returned", [lambda x: x * 2, lambda x: (x, x), lambda x: (x, None), lambda x: [x, lambda g: g]]
)
def test_a_function_without_backward_is_refused(returned: Callable[[Any], Any]) -> None:
    with pytest.raises(pt.DTypeError, match=r"^\[custom_gradient\] <lambda> returned .*; expected \(result, back\), "):
        pt.custom_gradient(returned)(pt.ones((3,)))


def test_one_gradient_for_each_argument_with_none_for_numbers() -> None:
    @pt.custom_gradient
    def power(x: Any, n: int) -> Any:
        return x**n, lambda g: (g * n * x ** (n - 1), None)

    assert pt.grad(lambda x: power(x, 3).sum())(pt.tensor([2.0])).tolist() == [12.0]


@pytest.mark.parametrize("made", [pt.custom_gradient, pt.checkpoint])
def test_a_function_keeps_its_name(made: Any) -> None:
    def doubled(x: Any) -> Any:
        """Twice x."""
        return x * 2, lambda g: g * 2

    assert (made(doubled).__name__, made(doubled).__doc__) == ("doubled", "Twice x.")
    assert list(inspect.signature(made(doubled)).parameters) == ["x"]
    assert not hasattr(made(nn.Linear(1, 1)), "weight")

"""Gradients by values in the middle of a computation, which only the engine itself asks for, and through nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import powertrain as pt


def test_the_gradient_by_one_of_several_outputs_is_kept() -> None:
    """The call that made it is gone through for the others' sake."""
    x = pt._core.op_function("copy")(pt.tensor([[2.0, 1.0], [1.0, 5.0]]))
    values, vectors = pt._core.with_tape([x], lambda: pt.linalg.eigh(x))
    loss = pt._core.with_tape([x], lambda: (values * 3.0).sum() + pt.square(vectors[0]).sum())
    by_values, by_x = pt._core.gradients([loss], [pt.ones(())], [values, x])
    assert by_values.numpy().tolist() == [3.0, 3.0]
    assert np.isfinite(by_x.numpy()).all() and by_x.numpy().any()


@pytest.mark.parametrize("op", [pt.softmax, pt.log_softmax])
def test_a_gradient_passes_through_a_softmax_of_nothing(op: Callable[..., pt.Tensor]) -> None:
    """Its result is no second name of what it was given: on the way back 0 meets infinity, eager and compiled."""

    def total(x: pt.Tensor) -> pt.Tensor:
        return pt.sum(op(pt.pow(0.0, x)[:, 1:1], axis=0))

    slope = pt.grad(total)
    x = pt.full((3, 2), -2.0)
    assert np.isnan(slope(x).numpy()).all()
    assert np.isnan(pt.compile(slope)(x).numpy()).all()


def product_of_others(x: np.ndarray, without: set[int]) -> float:
    return float(np.prod([value for at, value in enumerate(x) if at not in without]))


ROWS = [[2.0, 3.0, 5.0], [0.0, 3.0, 5.0, -2.0], [0.0, 0.0, 5.0], [2.0, 0.0, 0.0, 0.0, 7.0], [4.0], [0.0, 1.5]]


@pytest.mark.parametrize("row", ROWS)
def test_derivatives_of_a_product_with_zeros(row: list[float]) -> None:
    """The second one is the product of all others, whichever are zero; so is the third."""
    x = np.array(row)
    n = range(len(x))
    want = [[0.0 if i == j else product_of_others(x, {i, j}) for j in n] for i in n]
    third = [[[0.0 if len({i, j, k}) < 3 else product_of_others(x, {i, j, k}) for k in n] for j in n] for i in n]
    hessian = pt.hessian(pt.prod)
    for found in (hessian, pt.compile(hessian)):
        np.testing.assert_array_equal(found(pt.asarray(x)).numpy(), want)
    np.testing.assert_array_equal(pt.jacobian(hessian)(pt.asarray(x)).numpy(), third)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("row", ROWS)
def test_derivatives_of_a_running_product_with_zeros(row: list[float], reverse: bool) -> None:
    x = np.array(row)[::-1] if reverse else np.array(row)
    v = np.random.default_rng(4).integers(-4, 5, len(x)).astype("float64")
    n = len(x)

    def upto(last: int, *without: int) -> float:
        inside = len(set(without)) == len(without) and max(without) <= last
        return product_of_others(x[: last + 1], set(without)) if inside else 0.0

    first = np.array([sum(v[k] * upto(k, i) for k in range(n)) for i in range(n)])
    second = np.array([[sum(v[k] * upto(k, i, j) for k in range(n)) for j in range(n)] for i in range(n)])
    if reverse:
        x, v, first, second = x[::-1], v[::-1], first[::-1], second[::-1, ::-1]

    def total(t: pt.Tensor) -> pt.Tensor:
        return (pt.cumulative_prod(t, reverse=reverse) * pt.asarray(v.copy())).sum()

    given = pt.asarray(x.copy())
    for wrapped in (lambda f: f, pt.compile):
        np.testing.assert_array_equal(wrapped(pt.grad(total))(given).numpy(), first)
        np.testing.assert_array_equal(wrapped(pt.hessian(total))(given).numpy(), second)


def test_a_certain_choice_has_an_entropy_with_a_gradient() -> None:
    def entropy(x: pt.Tensor) -> pt.Tensor:
        p = pt.softmax(x)
        return -pt.xlogy(p, p).sum()

    assert pt.grad(entropy)(pt.tensor([1e4, 0.0, -1e4])).numpy().tolist() == [0.0, 0.0, 0.0]


WHOLE = pt.arange(3)
OF_INTEGERS: list[tuple[Callable[[], object], str]] = [
    (lambda: pt.grad(lambda x: (x * 2.0).sum())(WHOLE), "[grad] argument 0 is int64[3]"),
    (lambda: pt.grad(lambda x, y: (x * y).sum(), (0, 1))(pt.ones(3), WHOLE), "[grad] argument 1 is int64[3]"),
    (lambda: pt.grad(lambda x: x * 2.0)(True), "[grad] argument 0 is bool[]"),
    (lambda: pt.vjp(lambda x: x * 2.0, WHOLE), "[vjp] argument 0 is int64[3]"),
    (lambda: pt.jvp(lambda x: x * 2.0, (WHOLE,), (WHOLE,)), "[jvp] argument 0 is int64[3]"),
    (lambda: pt.hvp(lambda x: (x * 2.0).sum(), (WHOLE,), (WHOLE,)), "[hvp] argument 0 is int64[3]"),
    (lambda: pt.jacobian(lambda x: x * 2.0)(WHOLE), "[jacobian] argument 0 is int64[3]"),
    (lambda: pt.hessian(lambda x: (x * 2.0).sum())(WHOLE), "[jacobian] argument 0 is int64[3]"),
]
RESULTS = [
    (lambda: pt.vjp(lambda x: x > 0, pt.ones(3)), "[vjp] the function returned bool[3]"),
    (lambda: pt.jvp(pt.argmax, (pt.ones(3),), (pt.ones(3),)), "[jvp] the function returned int64[]"),
    (lambda: pt.jacobian(pt.argmax)(pt.ones(3)), "[jacobian] the function returned int64[]"),
]


@pytest.mark.parametrize(("call", "received"), OF_INTEGERS)
def test_integers_have_no_gradient(call: Callable[[], object], received: str) -> None:
    with pytest.raises(pt.DTypeError) as caught:
        call()
    assert str(caught.value) == f"{received}; expected floating-point or complex numbers; convert it with astype"


@pytest.mark.parametrize(("call", "received"), RESULTS)
def test_a_result_of_integers_has_no_gradient(call: Callable[[], object], received: str) -> None:
    with pytest.raises(pt.DTypeError) as caught:
        call()
    assert str(caught.value) == (
        f"{received}; expected floating-point or complex numbers, which have derivatives; convert the result with "
        "astype"
    )


def test_an_argument_that_was_not_passed() -> None:
    for call in (pt.grad(pt.sum, 1), pt.jacobian(pt.sum, 1)):
        with pytest.raises(pt.IndexError, match=r"argument 1 of a call with 1; expected one that was passed; check"):
            call(pt.ones(3))

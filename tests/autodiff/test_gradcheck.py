"""`pt.gradcheck`: it finds planted faults, names them, and agrees with PyTorch's on what is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt

RNG = np.random.default_rng(0)


def cube(factor: float) -> Callable[..., pt.Tensor]:
    return pt.custom_gradient(lambda x: (x**3, lambda g: g * factor * x**2))


def test_right_gradients_pass() -> None:
    x, w = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 2))
    assert pt.gradcheck(lambda x, w: pt.softmax(x @ w, axis=-1), (x, pt.asarray(w)))
    assert pt.gradcheck(cube(3.0), x)
    assert pt.gradcheck(lambda x: {"a": x.sum(), "b": (x * x, x[0])}, x)  # results of any structure
    assert pt.gradcheck(lambda x, unused: x * 2, (x, w))
    assert pt.gradcheck(pt.grad(lambda x: (x**4).sum()), x)  # a second derivative
    assert pt.gradcheck(lambda x: x * x, np.zeros((0, 3)))
    assert pt.gradcheck(pt.sin, np.float64(0.5))


def test_a_wrong_gradient_is_named() -> None:
    x = np.array([[1.0, 0.0], [2.0, 3.0]])
    said = (
        r"^\[gradcheck\] the gradient of result 1\[0, 0\] by input 0\[0, 0\] is 2; expected 3, as differences say; "
        "3 of 16 differ: correct the gradient$"
    )
    with pytest.raises(pt.Error, match=said):
        pt.gradcheck(lambda x: (x, cube(2.0)(x)), x)
    assert not pt.gradcheck(cube(2.0), x, raise_exception=False)


def test_the_tolerances_count() -> None:
    x = np.array([1.0])
    assert not pt.gradcheck(cube(3.01), x, raise_exception=False)
    assert pt.gradcheck(cube(3.01), x, rtol=0.01) and pt.gradcheck(cube(3.01), x, atol=0.02)
    # A kink: the difference is the mean of both slopes, unless the step stays on one side.
    assert not pt.gradcheck(pt.relu, np.array([1e-4]), eps=1e-2, raise_exception=False)
    assert pt.gradcheck(pt.relu, np.array([1e-4]), eps=1e-6)


@pytest.mark.parametrize(
    ("function", "x", "said"),
    [
        (pt.sin, np.ones(2, np.float32), r"^\[gradcheck\] input 0 is float32\[2\]; expected float64"),
        (pt.sin, np.ones(2, np.int64), r"^\[gradcheck\] input 0 is int64\[2\]; expected floating-point"),
        (lambda x: x.astype("float32"), np.ones(2), r"^\[gradcheck\] result 0 is float32\[2\]; expected float64"),
        (lambda x: x > 0, np.ones(2), r"^\[gradcheck\] the function returned bool\[2\]"),
        (pt.sqrt, np.zeros(1), r"is inf; expected nan"),  # left of 0 there is no value
        (
            lambda x: None,
            np.ones(2),
            r"^\[gradcheck\] the function returned no tensor; expected its results; return " r"them$",
        ),
    ],
)
def test_what_has_no_slope_is_refused(function: Callable[..., Any], x: Any, said: str) -> None:
    with pytest.raises(pt.Error, match=said):
        pt.gradcheck(function, x)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"eps": 0}, "[gradcheck] eps = 0; expected a number > 0; 1e-6 is usual"),
        ({"eps": float("nan")}, "[gradcheck] eps = nan; expected a number > 0; 1e-6 is usual"),
        ({"atol": -1.0}, "[gradcheck] atol = -1.0; expected a number >= 0; such as 1e-5"),
        ({"rtol": float("inf")}, "[gradcheck] rtol = inf; expected a number >= 0; such as 1e-5"),
    ],
)
def test_a_setting_that_nothing_could_pass_or_fail_by_is_refused(given: dict[str, float], said: str) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.gradcheck(pt.sin, np.ones(2), **given)
    assert str(caught.value) == said


@pytest.mark.peers
def test_it_judges_as_torch_does() -> None:
    torch = pytest.importorskip("torch")

    class Cube(torch.autograd.Function):  # type: ignore[name-defined, misc]
        @staticmethod
        def forward(ctx: Any, x: Any, factor: float) -> Any:
            ctx.save_for_backward(x)
            ctx.factor = factor
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.factor * ctx.saved_tensors[0] ** 2, None

    x = np.array([0.3, -1.0, 2.0])
    for factor in (3.0, 3.002, 3.0029, 3.0032, 3.01, -3.0):
        wanted = torch.autograd.gradcheck(
            lambda x, factor=factor: Cube.apply(x, factor), torch.tensor(x, requires_grad=True), raise_exception=False
        )
        assert pt.gradcheck(cube(factor), x, raise_exception=False) == wanted

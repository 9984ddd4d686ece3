"""Functions element by element that are a few ops each: NumPy's results, PyTorch's gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(9)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


@pytest.mark.parametrize("name", ["deg2rad", "rad2deg"])
def test_angles_are_numpys(name: str) -> None:
    for x in (normal(3, 4), np.float32(normal(5)), np.array([np.inf, np.nan, -0.0])):
        agrees(getattr(pt, name), getattr(np, name)(x), x, k=2)
    assert getattr(pt, name)([1, 2]).dtype.name == "float32"


@pytest.mark.parametrize(
    "values", [0.5, np.array([1.0, np.nan, -2.0])[:, None], np.nan], ids=["number", "array", "nan"]
)
def test_heaviside_is_numpys(values: Any) -> None:
    x = np.array([[0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan]])
    agrees(lambda x: pt.heaviside(x, values), np.heaviside(x, values), x, k=0)
    assert pt.heaviside(pt.tensor([0, 2, -1]), 1).numpy().tolist() == [1, 1, 0]


@pytest.mark.parametrize("weight", [0, 0.3, 0.5, 1, 1.7, -2.0, "array"], ids=str)
def test_lerp_is_its_definition(weight: Any) -> None:
    a, b = normal(3, 4), normal(4)
    w = RNG.uniform(-1, 2, (3, 1)) if weight == "array" else weight
    agrees(lambda a, b: pt.lerp(a, b, w), a + w * (b - a), a, b)


def test_lerp_reaches_both_ends() -> None:
    a, b = 1e10 * normal(20), normal(20)
    for one in (1, np.ones(20)):
        agrees(lambda a, b, one=one: pt.lerp(a, b, one), b, a, b, k=0)
        agrees(lambda a, b, one=one: pt.lerp(a, b, 0 * one), a, a, b, k=0)


def test_masked_fill_is_where() -> None:
    x, mask = normal(3, 4), RNG.random(4) < 0.5
    agrees(lambda x, m: pt.masked_fill(x, m, -np.inf), np.where(mask, -np.inf, x), x, mask, k=0)
    assert pt.masked_fill(pt.tensor([1, 2]), [True, False], 7.9).numpy().tolist() == [7, 2]
    with pytest.raises(pt.ShapeError) as shaped:
        pt.masked_fill(x, mask, pt.ones(4))
    assert str(shaped.value) == ("[masked_fill] value is [4]; expected one number; use where(mask, value, input)")
    with pytest.raises(pt.DTypeError) as typed:
        pt.masked_fill(x, [1, 0, 1, 1], 0.0)
    assert str(typed.value) == "[masked_fill] mask is int64; expected bool; compare it with 0"


def test_select_is_numpys() -> None:
    x = normal(4, 5)
    for default in (0, 7.5, x[0]):
        want = np.select([x > 1, x > 0, x > 0.5], [x, 2 * x, 3 * x], default)
        agrees(lambda x, d=default: pt.select([x > 1, x > 0, x > 0.5], [x, 2 * x, 3 * x], d), want, x)
    for conditions, choices in (([], []), ([x > 0], [])):
        with pytest.raises(pt.ShapeError) as caught:
            pt.select(conditions, choices)
        assert str(caught.value) == (
            f"[select] received {len(conditions)} conditions and 0 choices; expected as many of both, at least one; "
            "add the missing ones"
        )


@pytest.mark.parametrize("value", [1, -0.3])
def test_addcmul_and_addcdiv_are_their_definitions(value: float) -> None:
    x, a, b = normal(3, 4), normal(4), normal(3, 1)
    agrees(lambda x, a, b: pt.addcmul(x, a, b, value=value), x + value * a * b, x, a, b)
    agrees(lambda x, a, b: pt.addcdiv(x, a, b, value=value), x + value * a / b, x, a, b, k=32)


@pytest.mark.peers
def test_gradients() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x, a, b, w = normal(3, 4), normal(4), normal(3, 1), RNG.uniform(-1, 2, (3, 1))
    for name in ("deg2rad", "rad2deg"):
        gradients_agree(getattr(pt, name), getattr(torch, name), x)
    gradients_agree(pt.lerp, torch.lerp, x, a, w)
    for weight in (0.2, 0.9):
        gradients_agree(lambda x, a, w=weight: pt.lerp(x, a, w), lambda x, a, w=weight: torch.lerp(x, a, w), x, a)
    for name in ("addcmul", "addcdiv"):
        both = (lambda x, a, b, m=m, name=name: getattr(m, name)(x, a, b, value=-2.5) for m in (pt, torch))
        gradients_agree(*both, x, a, b)
    mask = x > 0
    gradients_agree(
        lambda x, v: pt.masked_fill(x, mask, v),
        lambda x, v: torch.masked_fill(x, torch.tensor(mask), v),
        x,
        np.array(2.0),
    )
    gradients_agree(
        lambda x, a: pt.select([x > 1, x > 0], [x * a, a * a], x),
        lambda x, a: torch.where(x > 1, x * a, torch.where(x > 0, a * a, x)),
        x, a,
    )  # fmt: skip


def test_the_gradient_of_heaviside_goes_to_its_values() -> None:
    x, values = pt.tensor([0.0, 1.0, 0.0]), pt.tensor([5.0, 6.0, 7.0])
    by_x, by_values = pt.grad(lambda x, v: pt.heaviside(x, v).sum(), argnums=(0, 1))(x, values)
    assert by_x.numpy().tolist() == [0, 0, 0] and by_values.numpy().tolist() == [1, 0, 1]

"""Functions over arrays that are a few ops each, against NumPy and PyTorch: blocks, ranks, NaN, windows, Bessel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def torch() -> Any:
    return pytest.importorskip("torch", reason="the values are PyTorch's")


def message(make: Callable[[], Any], kind: type[Exception] = pt.ShapeError) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert isinstance(caught.value, pt.Error)
    return str(caught.value)


# ---------------------------------------------------------------- blocks


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["float32", "int64", "complex128"])
def test_block_diag(dtype: str) -> None:
    parts = [normal(*shape).astype(dtype) for shape in ((2, 3), (4,), (), (0, 2), (1, 1))]
    agrees(pt.block_diag, torch().block_diag(*map(torch().tensor, parts)).numpy(), *parts, k=0)
    agrees(pt.block_diag, torch().block_diag().numpy())
    gradients_agree(pt.block_diag, torch().block_diag, normal(2, 3), normal(4))


@pytest.mark.peers
@pytest.mark.parametrize("settings", [(), (1,), (-2,), (0, 0, 1), (1, 0, -1), (2, -1, 1)], ids=str)
def test_diag_embed(settings: Any) -> None:
    for x in (normal(3, 4), np.full((2, 3), np.nan), normal(2, 0), np.arange(6).reshape(2, 3)):
        agrees(lambda x: pt.diag_embed(x, *settings), torch().diag_embed(torch().tensor(x), *settings).numpy(), x, k=0)
    gradients_agree(lambda x: pt.diag_embed(x, *settings), lambda x: torch().diag_embed(x, *settings), normal(3, 4))


@pytest.mark.peers
def test_cartesian_prod_and_combinations() -> None:
    parts = [np.array([1, 2, 3]), np.array([4, 5]), np.array([6, 7])]
    agrees(pt.cartesian_prod, torch().cartesian_prod(*map(torch().tensor, parts)).numpy(), *parts)
    agrees(pt.cartesian_prod, parts[0], parts[0])
    gradients_agree(pt.cartesian_prod, torch().cartesian_prod, normal(3), normal(2))
    x = normal(5)
    for r, again in ((1, False), (2, False), (3, True), (5, False), (6, False), (0, False)):
        want = torch().combinations(torch().tensor(x), r, again).numpy()
        agrees(lambda x, r=r, again=again: pt.combinations(x, r, again), want, x, k=0)
    gradients_agree(pt.combinations, torch().combinations, normal(4))


def test_blocks_that_are_refused() -> None:
    assert message(lambda: pt.block_diag(pt.ones((1, 1, 1)))) == (
        "[block_diag] received [1, 1, 1]; expected matrices, vectors or scalars; reshape it"
    )
    assert message(lambda: pt.diag_embed(1.0)) == (
        "[diag_embed] x is a scalar; expected at least one axis; reshape it to [1] first"
    )
    assert message(lambda: pt.diag_embed(pt.ones(2), 0, 1, -1)) == (
        "[diag_embed] axis1 = 1, axis2 = -1 of a result with 2 axes; expected two of them; leave them out for the last "
        "two"
    )
    assert message(lambda: pt.cartesian_prod(pt.ones((2, 2)))) == (
        "[cartesian_prod] received [2, 2]; expected vectors; reshape it"
    )
    assert message(lambda: pt.combinations(pt.ones(3), -1)) == (
        "[combinations] r = -1; expected a number of at least 0; 2 is usual"
    )


# ---------------------------------------------------------------- ranks


@pytest.mark.peers
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_kthvalue(axis: int) -> None:
    x = normal(4, 5, 3)
    for k in (1, 3):
        want = torch().kthvalue(torch().tensor(x), k, axis)
        agrees(lambda x, k=k: pt.kthvalue(x, k, axis), [one.numpy() for one in want], x, k=0)
        kept = torch().kthvalue(torch().tensor(x), k, axis, True)
        agrees(lambda x, k=k: pt.kthvalue(x, k, axis, True), [one.numpy() for one in kept], x, k=0)
    gradients_agree(lambda x: pt.kthvalue(x, 2, axis)[0], lambda x: torch().kthvalue(x, 2, axis)[0], x)
    assert message(lambda: pt.kthvalue(x, 6, 1)) == (
        "[kthvalue] k = 6; expected 1 to 5, the size of axis 1; 1 is the smallest"
    )


@pytest.mark.peers
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_mode(axis: int, keepdims: bool) -> None:
    x = RNG.integers(-3, 3, (7, 1, 9))
    values, index = pt.mode(x, axis, keepdims)
    want = torch().mode(torch().tensor(x), axis, keepdims)[0].numpy()
    np.testing.assert_array_equal(values.numpy(), want)
    spread = index.numpy() if keepdims else np.expand_dims(index.numpy(), axis)
    found = np.take_along_axis(x, spread, axis)
    np.testing.assert_array_equal(found if keepdims else np.squeeze(found, axis), want)
    agrees(lambda x: pt.mode(x, axis, keepdims)[0], want, x)
    assert message(lambda: pt.mode(pt.ones((2, 0)))) == (
        "[mode] x is [2, 0]; expected elements along axis 1; check its size"
    )


@pytest.mark.peers
def test_the_gradient_of_mode_goes_to_the_element() -> None:
    grad = pt.grad(lambda x: pt.mode(x)[0] * 3.0)(pt.tensor([2.0, 5.0, 1.0, 5.0])).numpy()
    assert grad.sum() == 3.0 and grad[[0, 2]].tolist() == [0.0, 0.0]


# ---------------------------------------------------------------- without NaN

HOLED = np.where(RNG.random((3, 4, 5)) < 0.3, np.nan, normal(3, 4, 5))


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("name", ["nanprod", "nancumsum", "nancumprod", "nanargmax", "nanargmin"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32"])
def test_functions_that_pass_over_nan(name: str, axis: Any, dtype: str) -> None:
    x = (np.nan_to_num(HOLED) * 4 if dtype == "int32" else HOLED).astype(dtype)
    want = getattr(np, name)(x, axis=axis)
    agrees(lambda x: getattr(pt, name)(x, axis), want.astype(dtype) if want.dtype.kind == "f" else want, x)
    assert isinstance(getattr(np, name)(pt.asarray(x), axis=axis), pt.Tensor)
    if name in ("nanprod", "nanargmax", "nanargmin"):
        assert getattr(pt, name)(x, axis, keepdims=True).shape == getattr(np, name)(x, axis=axis, keepdims=True).shape


@pytest.mark.peers
def test_gradients_of_functions_that_pass_over_nan() -> None:
    x, t = HOLED[0], torch()
    gradients_agree(lambda x: pt.nanprod(x, 1), lambda x: t.where(t.isnan(x), 1.0, x).prod(1), x)
    gradients_agree(lambda x: pt.nancumsum(x, 1), lambda x: t.where(t.isnan(x), 0.0, x).cumsum(1), x)
    gradients_agree(lambda x: pt.nancumprod(x, 1), lambda x: t.where(t.isnan(x), 1.0, x).cumprod(1), x)


def test_the_place_of_nothing() -> None:
    assert pt.nanargmax(pt.tensor([np.nan, np.nan])).item() == pt.nanargmin(pt.tensor([np.nan])).item() == 0


# ---------------------------------------------------------------- windows, i0, norms


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning"])
@pytest.mark.parametrize("n", [0, 1, 2, 17])
def test_windows(name: str, n: int) -> None:
    np.testing.assert_array_equal(getattr(pt, name)(n).numpy(), getattr(np, name)(n).astype("float32"))
    np.testing.assert_array_equal(getattr(pt, name)(n, "float64").numpy(), getattr(np, name)(n))
    np.testing.assert_array_equal(pt.kaiser(n, 8.5, dtype="float64").numpy(), np.kaiser(n, 8.5))


@pytest.mark.peers
def test_periodic_windows_are_torchs() -> None:
    for name, theirs in (("hanning", "hann_window"), ("hamming", "hamming_window"), ("blackman", "blackman_window")):
        want = getattr(torch(), theirs)(16, dtype=torch().float64).numpy()
        np.testing.assert_allclose(getattr(pt, name)(17, "float64").numpy()[:-1], want, rtol=1e-12, atol=1e-12)
    assert message(lambda: pt.hanning(-1)) == "[hanning] M = -1; expected a number of at least 0; 512 is usual"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_i0(dtype: str) -> None:
    scipy = pytest.importorskip("scipy.special", reason="SciPy's values are right to the last digits")
    x = np.concatenate([np.linspace(-95, 95, 401), [0.0, -0.0, 8.0, 1e-30, 700.0, 2000.0, np.inf, -np.inf, np.nan]])
    x = x.astype(dtype)
    got = np.asarray(pt.i0(x).numpy())
    with np.errstate(over="ignore"):
        want = np.where(np.isinf(x), np.inf, scipy.i0(x.astype("float64"))).astype(dtype)
    ok = np.isfinite(want)
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_allclose(got[ok], want[ok], rtol=(130 if dtype == "float32" else 1100) * np.finfo(dtype).eps)
    np.testing.assert_array_equal(got[~ok], want[~ok])
    np.testing.assert_array_equal(np.i0(pt.asarray(x)).numpy(), got)
    assert pt.i0(2).dtype == pt.float32 and pt.i0(pt.tensor(1.0, dtype="bfloat16")).dtype == pt.bfloat16


@pytest.mark.peers
def test_the_gradient_of_i0() -> None:
    gradients_agree(pt.i0, torch().i0, np.array([-20.0, -8.0, -0.5, 0.0, 1e-8, 3.0, 8.0, 8.5, 30.0]), k=1e4)


@pytest.mark.peers
@pytest.mark.parametrize("p", [1, 2, 3.5, np.inf])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_renorm(p: float, axis: int) -> None:
    x = normal(4, 3, 5)
    agrees(lambda x: pt.renorm(x, p, axis, 2.5), torch().renorm(torch().tensor(x), p, axis, 2.5).numpy(), x)
    gradients_agree(lambda x: pt.renorm(x, p, axis, 2.5), lambda x: torch().renorm(x, p, axis, 2.5), x, k=1e4)


@pytest.mark.peers
def test_renorm_bounds_an_embedding_as_torch_does() -> None:
    theirs = torch().nn.Embedding(6, 4, max_norm=1.0)
    ours = pt.nn.Embedding.from_pretrained(theirs.weight.detach().numpy().copy(), freeze=False)
    theirs(torch().arange(6))  # which bounds the rows in place
    ours.weight.value = pt.renorm(ours.weight, 2, 0, 1.0)
    np.testing.assert_allclose(ours.weight.numpy(), theirs.weight.detach().numpy(), rtol=1e-6)
    assert message(lambda: pt.renorm(pt.ones(3), 2, 0, 1.0)) == (
        "[renorm] input is [3], p = 2, maxnorm = 1.0; expected two axes or more, p above 0 and a finite maxnorm of at "
        "least 0; check them"
    )


# ---------------------------------------------------------------- choices, polynomials, integrals, angles


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_choose(mode: Any) -> None:
    index = RNG.integers(0, 3, (4, 5)) if mode == "raise" else RNG.integers(-5, 8, (4, 5))
    choices = [normal(4, 5), normal(5), normal(4, 1)]
    agrees(lambda a, *choices: pt.choose(a, choices, mode), np.choose(index, choices, mode=mode), index, *choices, k=0)
    assert isinstance(np.choose(pt.asarray(index), [pt.asarray(one) for one in choices], mode=mode), pt.Tensor)
    grads = pt.grad(lambda *choices: pt.choose(index, choices, mode).sum(), argnums=(0, 1, 2))(
        *map(pt.asarray, choices)
    )
    taken = np.choose(index, [0, 1, 2], mode=mode)
    np.testing.assert_array_equal(grads[0].numpy(), taken == 0)
    np.testing.assert_array_equal(grads[1].numpy(), (taken == 1).sum(0))


def test_choices_that_are_refused() -> None:
    for number in (-1, 2):
        with pytest.raises(pt.IndexError):
            pt.choose(pt.tensor([0, number]), [pt.ones(2), pt.zeros(2)]).numpy()
    assert message(lambda: pt.choose(pt.tensor([0]), [])) == (
        "[choose] received 0 choices, mode = 'raise'; expected one or more, and 'raise', 'wrap' or 'clip'; 'raise' is "
        "usual"
    )


@pytest.mark.parametrize("n", [0, 1, 5])
def test_polyval(n: int) -> None:
    p, x = normal(n), normal(3, 4)
    agrees(pt.polyval, np.polyval(p, x), p, x, k=32)
    agrees(pt.polyval, np.polyval(np.arange(n), np.arange(6)), np.arange(n), np.arange(6))
    assert message(lambda: pt.polyval(pt.ones((2, 2)), 1.0)) == (
        "[polyval] p is [2, 2]; expected a vector, the highest power first; reshape it"
    )


@pytest.mark.peers
@pytest.mark.parametrize("n", [1, 5])
def test_gradients_of_polyval(n: int) -> None:
    torch()
    p, x = normal(n), normal(3, 4)
    gradients_agree(pt.polyval, lambda p, x: sum(c * x ** (n - 1 - i) for i, c in enumerate(p)), p, x)


@pytest.mark.peers
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_cumulative_trapezoid(axis: int) -> None:
    y, x = normal(3, 4, 5), np.sort(normal((3, 4, 5)[axis]))
    t = torch()
    agrees(lambda y: pt.cumulative_trapezoid(y, dx=0.5, axis=axis), t.cumulative_trapezoid(
        t.tensor(y), dx=0.5, dim=axis).numpy(), y)  # fmt: skip
    agrees(lambda y, x: pt.cumulative_trapezoid(y, x, axis=axis), t.cumulative_trapezoid(
        t.tensor(y).swapaxes(axis, -1), t.tensor(x)).swapaxes(axis, -1).numpy(), y, x)  # fmt: skip
    gradients_agree(
        lambda y, x: pt.cumulative_trapezoid(y, x, axis=axis),
        lambda y, x: t.cumulative_trapezoid(y.swapaxes(axis, -1), x).swapaxes(axis, -1), y, x,
    )  # fmt: skip
    assert message(lambda: pt.cumulative_trapezoid(y, pt.ones(9), axis=axis)).startswith(
        "[cumulative_trapezoid] x is [9], y is [3, 4, 5]; expected a point for each place along axis"
    )


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("settings", [{}, {"discont": 4.0}, {"period": 2.0}, {"discont": 0.1, "period": 3.0}], ids=str)
def test_unwrap(settings: Any, axis: int) -> None:
    x = 10 * normal(6, 7)
    agrees(lambda x: pt.unwrap(x, axis=axis, **settings), np.unwrap(x, axis=axis, **settings), x, k=64)
    steps = np.array([0.0, np.pi, 0.0, -np.pi, np.pi, 3 * np.pi])
    agrees(lambda x: pt.unwrap(x), np.unwrap(steps), steps, k=16)
    cotangent = normal(6, 7)
    grad = pt.grad(lambda x: (pt.unwrap(x, axis=axis, **settings) * cotangent).sum())(pt.asarray(x))
    np.testing.assert_array_equal(grad.numpy(), cotangent)
    assert message(lambda: pt.unwrap(x, period=0)) == (
        "[unwrap] period = 0; expected a finite number above 0; 2 pi is usual"
    )

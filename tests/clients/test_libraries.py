"""Libraries that take any array: einops, xarray, opt_einsum, pandas, Matplotlib, PyTorch, NumPy itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits

X = np.random.default_rng(5).standard_normal((2, 4, 6)).astype("float32")


def agrees(got: Any, want: Any) -> None:
    assert isinstance(got, pt.Tensor), type(got)
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-6, atol=1e-6)


# ------------------------------------------------------------ einops


def test_einops_rearrange() -> None:
    einops = pytest.importorskip("einops")
    from einops import array_api

    pattern = "b (h p) w -> (b h) w p"
    agrees(array_api.rearrange(pt.tensor(X), pattern, p=2), einops.rearrange(X, pattern, p=2))


def test_einops_reduce() -> None:
    einops = pytest.importorskip("einops")
    from einops import array_api

    for how in ("mean", "sum", "max", "min"):
        agrees(
            array_api.reduce(pt.tensor(X), "b (h p) w -> b h", how, p=2), einops.reduce(X, "b (h p) w -> b h", how, p=2)
        )


def test_einops_repeat() -> None:
    einops = pytest.importorskip("einops")
    from einops import array_api

    agrees(array_api.repeat(pt.tensor(X), "b h w -> b h w c", c=3), einops.repeat(X, "b h w -> b h w c", c=3))


def test_einops_in_a_compiled_step_and_its_gradient() -> None:
    pytest.importorskip("einops")
    from einops import array_api

    def loss(x: Any) -> Any:
        return (array_api.rearrange(x, "b h w -> b (h w)") ** 2).sum()

    _, back = pt.vjp(loss, pt.tensor(X))
    agrees(back(pt.tensor(1.0))[0], 2 * X)
    assert same_bits(pt.compile(loss)(pt.tensor(X)).numpy(), loss(pt.tensor(X)).numpy())


# ------------------------------------------------------------ xarray


def labelled(data: Any) -> Any:
    xarray = pytest.importorskip("xarray")
    return xarray.DataArray(data, dims=("b", "h", "w"), coords={"w": np.arange(6)})


def test_xarray_keeps_a_tensor() -> None:
    agrees(labelled(pt.tensor(X)).data, X)


def test_xarray_means() -> None:
    agrees(labelled(pt.tensor(X)).mean("h").data, X.mean(1))


def test_xarray_arithmetic() -> None:
    array = labelled(pt.tensor(X))
    agrees((2 * array + array.isel(w=0)).data, 2 * X + X[:, :, :1])


def test_xarray_where() -> None:
    array = labelled(pt.tensor(X))
    agrees(array.where(array > 0, 0.0).data, np.where(X > 0, X, 0))


def test_xarray_ufuncs() -> None:
    agrees(np.exp(labelled(pt.tensor(X))).data, np.exp(X))


def test_xarray_selection_and_transpose() -> None:
    array = labelled(pt.tensor(X))
    agrees(array.sel(w=[4, 1]).transpose("w", "b", "h").data, X[:, :, [4, 1]].transpose(2, 0, 1))


# ------------------------------------------------------------ others


def test_opt_einsum_contracts_tensors() -> None:
    opt_einsum = pytest.importorskip("opt_einsum")
    a, b = X[0], X[1].T.copy()
    got = opt_einsum.contract("ij,jk,k->i", pt.tensor(a), pt.tensor(b), pt.tensor(a[:, 0]))
    np.testing.assert_allclose(np.asarray(got), np.einsum("ij,jk,k->i", a, b, a[:, 0]), rtol=1e-5)
    assert isinstance(got, pt.Tensor)


def test_pandas_reads_tensors() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": pt.tensor(X[0, :, 0]), "b": pt.tensor(X[0, :, 1])})
    np.testing.assert_array_equal(frame.to_numpy(), X[0, :, :2])
    np.testing.assert_array_equal(pandas.DataFrame(pt.tensor(X[0])).to_numpy(), X[0])
    np.testing.assert_array_equal(pandas.Series(pt.tensor(X[0, 0])).to_numpy(), X[0, 0])
    agrees(pt.tensor(frame["a"]), X[0, :, 0])


def test_matplotlib_draws_tensors() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    (line,) = axes.plot(pt.tensor(X[0, 0]), pt.tensor(X[0, 1]))
    np.testing.assert_array_equal(line.get_xydata(), X[0, :2].T)
    axes.imshow(pt.tensor(X[0]))
    axes.scatter(pt.tensor(X[0, 0]), pt.tensor(X[0, 1]), c=pt.tensor(X[0, 2]))
    axes.bar(pt.arange(6), pt.tensor(X[0, 0]))
    axes.hist(pt.tensor(X[0, 0]))
    figure.canvas.draw()
    pyplot.close(figure)


@pytest.mark.peers
def test_torch_shares_memory() -> None:
    torch = pytest.importorskip("torch")
    there = torch.from_dlpack(pt.tensor(X))
    np.testing.assert_array_equal(there.numpy(), X)
    agrees(pt.tensor(torch.tensor(X)), X)
    assert pt.zeros((2,), torch.bfloat16).dtype == pt.bfloat16


# ------------------------------------------------------------ NumPy

UFUNCS = (
    "sin",
    "exp",
    "tanh",
    "absolute",
    "negative",
    "floor",
    "rint",
    "square",
    "sign",
    "isfinite",
    "arctan",
    "log1p",
)


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs_of_one(name: str) -> None:
    function = getattr(np, name)
    agrees(function(pt.tensor(abs(X))), function(abs(X)))


@pytest.mark.parametrize(
    "name", ("add", "subtract", "multiply", "divide", "power", "maximum", "less", "arctan2", "hypot")
)
def test_ufuncs_of_two(name: str) -> None:
    function, y = getattr(np, name), abs(X[:1]) + 1
    for a, b in ((pt.tensor(abs(X)), y), (abs(X), pt.tensor(y)), (pt.tensor(abs(X)), pt.tensor(y))):
        agrees(function(a, b), function(abs(X), y))


def test_operators_with_arrays_of_numpys_give_tensors() -> None:
    x = pt.tensor(X)
    for got, want in (
        (x + X, X + X), (X + x, X + X), (X @ x.mT, X @ X.swapaxes(1, 2)), (np.float32(2) * x, 2 * X),
        (x < X, X > X), (divmod(x, 0.5)[0], divmod(X, 0.5)[0]), (X[0] - x, X[0] - X), (2 ** x, 2 ** X),
    ):  # fmt: skip
        agrees(got, want)


def test_reductions_and_accumulations_of_ufuncs() -> None:
    x = pt.tensor(X)
    agrees(np.add.reduce(x, axis=1), np.add.reduce(X, axis=1))
    agrees(np.maximum.reduce(x), np.maximum.reduce(X))
    agrees(np.add.accumulate(x, axis=2), np.add.accumulate(X, axis=2))


def test_results_go_where_out_says() -> None:
    x, array, tensor = pt.tensor(X), np.zeros_like(X), pt.zeros(X.shape)
    assert np.add(x, 1, out=array) is array and np.add(x, 1, out=tensor) is tensor
    array += x
    np.testing.assert_array_equal(array, X + 1 + X)
    agrees(tensor, X + 1)


FUNCTIONS = (
    lambda np, x: np.sum(x), lambda np, x: np.sum(x, axis=1, keepdims=True), lambda np, x: np.mean(x, axis=(0, 2)),
    lambda np, x: np.std(x, ddof=1), lambda np, x: np.max(x, 0), lambda np, x: np.amin(x, axis=-1),
    lambda np, x: np.concatenate([x, x], axis=1), lambda np, x: np.stack((x, x)), lambda np, x: np.where(x > 0, x, 0),
    lambda np, x: np.reshape(x, (4, -1)), lambda np, x: np.transpose(x), lambda np, x: np.argmax(x, axis=1),
    lambda np, x: np.expand_dims(x, 0), lambda np, x: np.sort(x, axis=0), lambda np, x: np.sum(x, dtype="float64"),
    lambda np, x: np.prod(x, axis=1), lambda np, x: np.any(x > 2), lambda np, x: np.moveaxis(x, 0, 2),
    lambda np, x: np.nanmean(x, axis=1), lambda np, x: np.cumsum(x, axis=2), lambda np, x: np.vstack([x[0], x[1]]),
    lambda np, x: np.clip(x, -0.5, 0.5), lambda np, x: np.tensordot(x, x, axes=([1, 2], [1, 2])),
    lambda np, x: np.einsum("bij,bkj->bik", x, x), lambda np, x: np.zeros_like(x), lambda np, x: np.around(x),
)  # fmt: skip


@pytest.mark.parametrize("call", FUNCTIONS)
def test_functions_of_numpys(call: Any) -> None:
    agrees(call(np, pt.tensor(X)), call(np, X))


def test_what_has_no_counterpart_gets_arrays_or_an_error() -> None:
    x = pt.tensor(X)
    assert np.allclose(x, X) and isinstance(np.histogram(x)[0], np.ndarray) and np.shape(x) == X.shape
    with pytest.raises(pt.DTypeError) as caught:
        np.cbrt(x)
    assert str(caught.value) == (
        "[numpy] received a tensor for numpy.cbrt, which has no counterpart here; expected an array; write "
        "numpy.cbrt(x.numpy())"
    )


def test_gradients_go_through_numpys_functions() -> None:
    _, back = pt.vjp(lambda x: np.sum(np.sin(x) * X), pt.tensor(X))
    agrees(back(pt.tensor(1.0))[0], np.cos(X) * X)

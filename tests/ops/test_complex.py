"""Complex numbers: NumPy's values and PyTorch's gradients, by the rules and the tolerance of real numbers.

Each function here takes the parts of its complex arguments as real arrays [..., 2], and gives its results' parts, so
that it is tested as an op of real numbers is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_ops import check_by_differences, strided

import powertrain as pt
import powertrain.nn.functional as F
from calls import Variables, cotangents, derivative, gradients, outputs, to_array, weighted
from kit import Array, Case, normal
from oracles import check, same_bits
from powertrain.ops.functional import OPERATORS

joined = pt.view_as_complex


def of_parts(array: Array) -> Array:
    return array[..., 0] + 1j * array[..., 1]


def z(*shape: int, shift: float = 0.0) -> Any:
    return normal((*shape, 2), 1.0, shift)


# name, function of tensors, function of NumPy arrays, arguments: those that end in an axis of 2 are complex
FUNCTIONS: list[tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
    ("add", pt.add, np.add, (z(3, 5), z(5))),
    ("subtract", pt.subtract, np.subtract, (z(17), z(17))),
    ("multiply", pt.multiply, np.multiply, (z(3, 5), z(3, 1))),
    ("divide", pt.divide, np.divide, (z(17), z(17))),
    ("negative", pt.negative, np.negative, (z(17),)),
    ("reciprocal", pt.reciprocal, np.reciprocal, (z(17),)),
    ("square", pt.square, np.square, (z(17),)),
    ("exp", pt.exp, np.exp, (z(17),)),
    ("log", pt.log, np.log, (z(17),)),
    ("sqrt", pt.sqrt, np.sqrt, (z(3, 5),)),
    ("pow", pt.pow, np.power, (z(17), z(17))),
    ("power by a number", lambda x: x**2.0, lambda x: x**2.0, (z(17),)),
    ("asin", pt.asin, np.arcsin, (z(17),)),
    ("acos", pt.acos, np.arccos, (z(17),)),
    ("atan", pt.atan, np.arctan, (z(17),)),
    ("asinh", pt.asinh, np.arcsinh, (z(17),)),
    ("acosh", pt.acosh, np.arccosh, (z(17),)),
    ("atanh", pt.atanh, np.arctanh, (z(17),)),
    ("sin", pt.sin, np.sin, (z(17),)),
    ("cos", pt.cos, np.cos, (z(17),)),
    ("tan", pt.tan, np.tan, (z(17),)),
    ("sinh", pt.sinh, np.sinh, (z(17),)),
    ("cosh", pt.cosh, np.cosh, (z(17),)),
    ("tanh", pt.tanh, np.tanh, (z(17),)),
    ("expm1", pt.expm1, np.expm1, (z(17),)),
    ("log1p", pt.log1p, np.log1p, (z(17),)),
    ("log2", pt.log2, np.log2, (z(17),)),
    ("log10", pt.log10, np.log10, (z(17),)),
    ("sign", pt.sign, np.sign, (z(17),)),
    ("cumulative_sum", lambda x: pt.cumulative_sum(x, axis=0), lambda x: np.cumsum(x, 0), (z(5, 3),)),
    ("cumulative_prod", lambda x: pt.cumulative_prod(x, axis=1), lambda x: np.cumprod(x, 1), (z(3, 7),)),
    ("cumulative_prod from the end", lambda x: pt.cumulative_prod(x, reverse=True),
     lambda x: np.cumprod(x[::-1])[::-1], (z(6),)),
    ("abs", pt.abs, np.abs, (z(17),)),
    ("angle", pt.angle, np.angle, (z(17, shift=2.0),)),
    ("conj", pt.conj, np.conj, (z(3, 5),)),
    ("real", pt.real, np.real, (z(3, 5),)),
    ("imag", pt.imag, np.imag, (z(3, 5),)),
    ("positive", pt.positive, np.positive, (z(3),)),
    ("sum", pt.sum, np.sum, (z(3, 5),)),
    ("sum over an axis", lambda x: pt.sum(x, axis=-2, keepdims=True), lambda x: x.sum(-2, keepdims=True),
     (z(2, 3, 5),)),
    ("mean", lambda x: pt.mean(x, axis=0), lambda x: x.mean(0), (z(7, 3),)),
    ("prod", pt.prod, np.prod, (z(3, 5),)),
    ("prod over an axis", lambda x: pt.prod(x, axis=0), lambda x: x.prod(0), (z(5, 3),)),
    ("matmul", pt.matmul, np.matmul, (z(3, 5), z(5, 4))),
    ("matmul of batches", pt.matmul, np.matmul, (z(2, 3, 5), z(5, 4))),
    ("matmul of vectors", pt.matmul, np.matmul, (z(5), z(5))),
    ("vecdot", pt.vecdot, lambda a, b: (a.conj() * b).sum(-1), (z(3, 5), z(3, 5))),
    ("outer", pt.outer, np.outer, (z(3), z(4))),
    ("concat", lambda a, b: pt.concat([a, b], axis=1), lambda a, b: np.concatenate([a, b], 1), (z(3, 2), z(3, 4))),
    ("stack", lambda a, b: pt.stack([a, b], axis=-1), lambda a, b: np.stack([a, b], -1), (z(3, 2), z(3, 2))),
    ("indexing", lambda x: x[1:, ::-2], lambda x: x[1:, ::-2], (z(3, 5),)),
    ("take", lambda x: pt.take(x, pt.tensor([2, 0, 2]), axis=-1), lambda x: x[:, [2, 0, 2]], (z(3, 5),)),
    ("reshape", lambda x: x.reshape(5, 3).T, lambda x: x.reshape(5, 3).T, (z(3, 5),)),
    ("broadcast_to", lambda x: pt.broadcast_to(x, (4, 3)), lambda x: np.broadcast_to(x, (4, 3)), (z(3),)),
    ("roll", lambda x: pt.roll(x, 2, 1), lambda x: np.roll(x, 2, 1), (z(3, 5),)),
    ("flip", lambda x: pt.flip(x, 0), lambda x: np.flip(x, 0), (z(3, 5),)),
    ("pad", lambda x: OPERATORS["pad"](x, (1, 0), (0, 2)), lambda x: np.pad(x, ((1, 0), (0, 2))), (z(3, 5),)),
    ("pad with a number", lambda x: pt.pad(x, (1, 0), constant_values=2.0),
     lambda x: np.pad(x, (1, 0), constant_values=2.0),
     (z(3),)),
    ("tril", pt.tril, np.tril, (z(4, 4),)),
    ("repeat", lambda x: pt.repeat(x, 2, axis=0), lambda x: np.repeat(x, 2, 0), (z(3, 5),)),
    ("diagonal", pt.diagonal, np.diagonal, (z(4, 4),)),
    ("where", lambda x, y: pt.where(pt.real(x) > 0, x, y), lambda x, y: np.where(x.real > 0, x, y), (z(3, 5), z(5))),
    ("with real numbers", lambda x: 2.0 * x - 1j / (x + 3), lambda x: 2.0 * x - 1j / (x + 3), (z(5),)),
]  # fmt: skip
NAMES = [name for name, *_ in FUNCTIONS]
SIZED = {"cumulative_sum", "sum", "sum over an axis", "mean", "matmul", "matmul of batches", "matmul of vectors",
         "vecdot"}  # fmt: skip


def variables_of(function: Callable[..., Any], inputs: tuple[Any, ...], dtype: str, wide: str = "") -> Variables:
    return Variables("", Case(*inputs), dtype, function=lambda *xs: function(*map(joined, xs)), computed_in=wide)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "function", "reference", "inputs"), FUNCTIONS, ids=NAMES)
def test_values(name: str, function: Any, reference: Any, inputs: Any, dtype: str) -> None:
    variables = variables_of(function, inputs, dtype)
    points = [of_parts(point.astype("float64")) for point in variables.points]
    want = outputs(np.asarray(reference(*points)))[0]
    # A part may cancel what the number does not: errors are on the scale of the number, or of what was summed.
    size = np.asarray(np.abs(reference(*points)), "float64")
    if name in SIZED:
        size = size + np.asarray(reference(*map(np.abs, points)))
    size = np.maximum(size, 1) if name == "log" else size
    (got,) = variables(*variables.tensors())
    mag = size[..., None] if want.ndim > size.ndim else size
    check(to_array(got), want, np.broadcast_to(mag, want.shape), 32, dtype, name)


@pytest.mark.parametrize(("name", "function", "reference", "inputs"), FUNCTIONS, ids=NAMES)
def test_gradients(name: str, function: Any, reference: Any, inputs: Any) -> None:
    variables = variables_of(function, inputs, "float64")
    weights = cotangents(variables)
    found = gradients(weighted(variables, weights, "float64"), variables)
    check_by_differences(variables, variables, weights, found, name)


@pytest.mark.parametrize(("name", "function", "reference", "inputs"), FUNCTIONS, ids=NAMES)
def test_compiled_is_eager_whatever_the_strides(name: str, function: Any, reference: Any, inputs: Any) -> None:
    variables = variables_of(function, inputs, "float32")
    tensors = variables.tensors()
    eager = [to_array(y) for y in variables(*tensors)]
    compiled = pt.compile(lambda *xs: tuple(variables(*xs)))
    for _ in range(2):
        assert all(map(same_bits, [to_array(y) for y in outputs(compiled(*tensors))], eager)), name
    for form in (0, 1):
        moved = [strided(point, "float32", form) for point in variables.points]
        assert all(map(same_bits, [to_array(y) for y in variables(*moved)], eager)), name
    gradient = derivative(weighted(variables, cotangents(variables), "float32"), variables)
    eager = [to_array(g) for g in gradient(*tensors)]
    again = pt.compile(lambda *xs: tuple(gradient(*xs)))
    assert all(map(same_bits, [to_array(g) for g in outputs(again(*tensors))], eager)), name


@pytest.mark.peers
def test_a_gradient_is_that_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((5, 2)).view("complex128")[:, 0]

    def loss(lib: Any, at: Any) -> Any:
        return lib.sum(lib.abs(at * at.conj() + 2j * at) + lib.real(lib.exp(at) / (at - 3)))

    ours = pt.grad(lambda t: loss(pt, t))(pt.asarray(x))
    assert ours.dtype.name == "complex128"
    theirs = torch.tensor(x, requires_grad=True)
    loss(torch, theirs).backward()
    np.testing.assert_allclose(ours.numpy(), theirs.grad.numpy(), rtol=1e-12)


def test_comparisons_and_edges() -> None:
    x = np.array([1 + 2j, 1 - 2j, 0, np.nan + 1j, complex(1, np.nan), complex(np.inf, -1)], "complex64")
    tensor, other = pt.asarray(x), pt.asarray(x[::-1].copy())
    np.testing.assert_array_equal((tensor == other).numpy(), x == x[::-1])
    np.testing.assert_array_equal((tensor != tensor).numpy(), x != x)
    for op in ("isnan", "isinf", "isfinite"):
        np.testing.assert_array_equal(OPERATORS[op](tensor).numpy(), getattr(np, op)(x))
    zero = pt.zeros((2,), "complex64")
    assert pt.abs(zero).numpy().tolist() == [0, 0] and pt.sqrt(zero).numpy().tolist() == [0, 0]
    assert pt.grad(lambda t: pt.abs(t).sum())(zero).numpy().tolist() == [0, 0]
    assert (zero**2).numpy().tolist() == [0, 0] and (zero**0).numpy().tolist() == [1, 1]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal((1 / pt.zeros((1,), "complex64")).numpy(), 1 / np.zeros(1, "complex64"))
    far = np.array([1e38 + 1e38j, 1e-30 + 1e-30j], "complex64")
    np.testing.assert_allclose((pt.asarray(far) / pt.asarray(far)).numpy(), [1, 1], rtol=1e-6)
    roots = np.sqrt(np.array([-4, -4 - 0.0j, complex(-4, -0.0), 1j, -1j]))
    np.testing.assert_allclose(pt.sqrt(np.array([-4, -4 - 0.0j, complex(-4, -0.0), 1j, -1j])).numpy(), roots)


PROMOTED = [
    ("complex64", "float32", "complex64"), ("complex64", "float64", "complex128"), ("complex64", "int64", "complex64"),
    ("complex64", "complex128", "complex128"), ("complex64", "bool", "complex64"),
    ("complex64", "bfloat16", "complex64"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "wanted"), PROMOTED)
def test_promotion(left: str, right: str, wanted: str) -> None:
    a, b = pt.ones((2,), left), pt.ones((2,), right)
    assert (a * b).dtype.name == (b * a).dtype.name == wanted


def test_made_converted_and_given_away() -> None:
    assert pt.asarray(1 + 2j).dtype.name == "complex64" and complex(pt.asarray(1 + 2j)) == 1 + 2j
    assert pt.tensor([1j, 2.0]).dtype.name == "complex128" and pt.tensor(1j, "complex128").item() == 1j
    assert (pt.ones((2,), "float64") * 1j).dtype.name == "complex128"
    assert (pt.ones((2,)) * 1j).dtype.name == (pt.ones((2,), "int32") * 1j).dtype.name == "complex64"
    assert pt.full((2,), 1 + 2j, "complex64").numpy().tolist() == [1 + 2j] * 2
    assert bool(pt.asarray(1j)) and not bool(pt.asarray(0j))
    for dtype in ("complex64", "complex128"):
        array = (np.arange(12.0) + 1j).astype(dtype).reshape(3, 4)[::-1, ::2]
        tensor = pt.asarray(array)
        assert tensor.dtype.name == dtype and np.shares_memory(tensor.numpy(), array)
        np.testing.assert_array_equal(np.from_dlpack(tensor), array)
        np.testing.assert_array_equal(tensor.real.numpy(), array.real)
        np.testing.assert_array_equal(tensor.imag.numpy(), array.imag)
        np.testing.assert_array_equal(pt.tensor(tensor.T).numpy(), array.T)
        np.testing.assert_array_equal(tensor.astype("complex64").numpy(), array.astype("complex64"))
        np.testing.assert_array_equal(pt.view_as_real(tensor).numpy(), np.stack([array.real, array.imag], -1))
    assert pt.ones((2,)).astype("complex64").numpy().tolist() == [1, 1]
    assert pt.asarray([1j, 0j]).astype("bool").numpy().tolist() == [True, False]


ERRORS: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda x: x.astype("float32"), pt.DTypeError,
     "[astype] x is c64[3], dtype = float32; expected a complex dtype or bool; take real(x), imag(x) or abs(x)"),
    (lambda x: pt.maximum(x, x), pt.DTypeError,
     "[maximum] a is c64[3]; expected real numbers; take real(x), imag(x) or abs(x)"),
    (lambda x: x < 1, pt.DTypeError, "[less] a is c64[3]; expected real numbers; take real(x), imag(x) or abs(x)"),
    (lambda x: pt.sort(x), pt.DTypeError,
     "[sort] x is c64[3]; expected real numbers; take real(x), imag(x) or abs(x)"),
    (lambda x: F.gelu(x), pt.DTypeError,
     "[gelu] input is c64[3]; expected real numbers; take real(x), imag(x) or abs(x)"),
    (lambda x: float(x[0]), pt.DTypeError,
     "[item] received c64[]; expected a real number; take real(x) or imag(x) first"),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(ERRORS)))
def test_what_takes_no_complex_numbers_says_so(index: int) -> None:
    call, exception, text = ERRORS[index]
    with pytest.raises(exception) as caught:
        call(pt.ones((3,), "complex64"))
    assert str(caught.value) == text


def test_rows_masks_and_checkpoints() -> None:
    rng = np.random.default_rng(0)
    x = pt.asarray((rng.standard_normal((4, 3)) + 1j * rng.standard_normal((4, 3))).astype("complex64"))
    rows = pt.vmap(lambda row: (row * row.conj()).sum() / (row[0] + 3))(x)
    single = np.stack([((row * row.conj()).sum() / (row[0] + 3)).numpy() for row in x])
    np.testing.assert_array_equal(rows.numpy(), single)

    def loss(t: Any) -> Any:
        return pt.abs(t * t + 1j).sum()

    plain, kept = pt.grad(loss)(x), pt.grad(pt.checkpoint(loss))(x)
    np.testing.assert_array_equal(plain.numpy(), kept.numpy())
    mask = rng.random((4, 3)) < 0.5
    np.testing.assert_array_equal(x[mask].numpy(), x.numpy()[mask])


# ---------------------------------------------------------------- ends

PARTS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, np.inf, -np.inf, np.nan]
# Ours, and NumPy's, which has the standard's names from 2.0 on.
ENDS = {
    **{name: name for name in ("exp", "expm1", "sinh", "cosh", "tanh")},
    **{name: f"arc{name[1:]}" for name in ("acos", "acosh", "asin", "asinh", "atanh")},
}


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", ENDS)
def test_infinite_parts_and_zeros(name: str, dtype: str) -> None:
    """As C99 has it, whose functions NumPy calls. Signs of zeros, and those beside what is not finite, are open."""
    z = np.array([complex(a, b) for a in PARTS for b in PARTS], dtype)
    with np.errstate(all="ignore"):
        want = getattr(np, ENDS[name])(z)
    got = OPERATORS[name](pt.tensor(z)).numpy()
    assert got.dtype == want.dtype
    tight = 64 * np.finfo(got.real.dtype).eps
    for at, given in enumerate(z):
        for mine, theirs in ((got[at].real, want[at].real), (got[at].imag, want[at].imag)):
            if np.isnan(theirs):
                # expm1 of NumPy has NaN where the standard has a number.
                assert np.isnan(mine) or name == "expm1", (given, got[at], want[at])
                continue
            near = abs(abs(mine) - abs(theirs)) <= tight * max(1.0, abs(theirs)) if np.isfinite(theirs) else None
            assert near or (near is None and np.isinf(mine)), (given, got[at], want[at])
            known = np.isfinite(given.real) and np.isfinite(given.imag) and theirs != 0
            assert not known or np.signbit(mine) == np.signbit(theirs), (given, got[at], want[at])

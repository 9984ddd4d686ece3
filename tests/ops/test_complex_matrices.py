"""Factorisations of complex matrices: NumPy's values, differences of the gradients, and PyTorch's.

As in test_complex.py, each function takes the parts of its complex arguments as real arrays [..., 2].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from test_complex import of_parts, variables_of
from test_ops import check_by_differences, strided

import powertrain as pt
from calls import cotangents, derivative, gradients, outputs, to_array, weighted
from kit import Array, Case, Draw, normal
from oracles import check, same_bits

SHAPES = ((1, 1), (4, 4), (2, 3, 5, 5))
TALL = ((1, 1), (4, 4), (5, 3), (2, 3, 6, 4))


def turned(x: Array) -> Array:
    return np.conj(np.swapaxes(x, -1, -2))


def hermitian(x: Array) -> Array:
    return (x + turned(x)) / 2


def _unitary(rng: np.random.Generator, lead: tuple[int, ...], n: int) -> Array:
    x = rng.standard_normal((*lead, n, n)) + 1j * rng.standard_normal((*lead, n, n))
    return np.linalg.qr(x)[0]


def _drawn(name: str, shape: tuple[int, ...], positive: bool) -> Draw:
    """Of singular values that lie apart; with one basis on both sides the matrix is positive definite."""

    def make(rng: np.random.Generator) -> Array:
        m, n = shape[-2:]
        k = min(m, n)
        u = _unitary(rng, shape[:-2], m)[..., :, :k]
        v = u if positive else _unitary(rng, shape[:-2], n)[..., :, :k]
        x = (u * (1 + 0.5 * np.arange(k))) @ turned(v)
        return np.stack([x.real, x.imag], -1)

    return Draw(f"{name}({shape})", make, (*shape, 2))


def regular(*shape: int) -> Draw:
    return _drawn("regular", shape, False)


def positive_definite(*shape: int) -> Draw:
    return _drawn("positive_definite", shape, True)


def z(*shape: int) -> Draw:
    return normal((*shape, 2))


def phases(vectors: Array, axis: int) -> Array:
    """What makes the largest component along the axis real and positive."""
    first = np.expand_dims(np.argmax(np.abs(vectors), axis), axis)
    largest = np.take_along_axis(vectors, first, axis)
    return np.conj(largest) / np.abs(largest)


def eigh(x: Array) -> tuple[Array, Array]:
    w, v = np.linalg.eigh(hermitian(x))
    return w, v * phases(v, -2)


def svd(x: Array) -> tuple[Array, Array, Array]:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    phase = turned(phases(vh, -1)) if x.shape[-2] >= x.shape[-1] else phases(u, -2)
    return u * phase, s, turned(phase) * vh


def triangle(a: Array, upper: bool, transposed: bool, unitriangular: bool) -> Array:
    t = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        t = t - t * np.eye(a.shape[-1]) + np.eye(a.shape[-1])
    return np.swapaxes(t, -1, -2) if transposed else t


class Function(NamedTuple):
    name: str
    ours: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: list[tuple[Any, ...]]
    smooth: bool = True


def solving(upper: bool, transposed: bool, unitriangular: bool) -> Function:
    def ours(a: Any, b: Any) -> Any:
        return pt.linalg.solve_triangular(a, b, upper, transposed, unitriangular)

    def reference(a: Array, b: Array) -> Array:
        return np.linalg.solve(triangle(a, upper, transposed, unitriangular), b)

    inputs = [(positive_definite(4, 4), z(4, 3)), (positive_definite(2, 3, 3), z(2, 3, 1))]
    return Function(f"solve_triangular {upper} {transposed} {unitriangular}", ours, reference, inputs)


def least_squares(a: Array, b: Array) -> tuple[Array, Array]:
    x = np.linalg.pinv(a) @ b
    return x, (np.abs(a @ x - b) ** 2).sum(-2)


LINALG = pt.linalg
FUNCTIONS = [
    Function("cholesky", LINALG.cholesky, lambda x: np.linalg.cholesky(hermitian(x)),
             [(positive_definite(*shape),) for shape in SHAPES]),
    Function("upper cholesky", lambda x: LINALG.cholesky(x, upper=True),
             lambda x: turned(np.linalg.cholesky(hermitian(x))), [(positive_definite(4, 4),)]),
    *[solving(upper, transposed, unit) for upper in (False, True) for transposed in (False, True)
      for unit in (False, True)],
    Function("det", LINALG.det, np.linalg.det, [(regular(*shape),) for shape in SHAPES]),
    Function("slogdet", lambda x: tuple(LINALG.slogdet(x)), lambda x: tuple(np.linalg.slogdet(x)),
             [(regular(*shape),) for shape in SHAPES]),
    Function("inv", LINALG.inv, np.linalg.inv, [(regular(*shape),) for shape in SHAPES]),
    Function("solve", LINALG.solve, np.linalg.solve, [(regular(4, 4), z(4, 2)), (regular(2, 3, 3), z(2, 3, 1))]),
    Function("qr", lambda x: tuple(LINALG.qr(x)), lambda x: tuple(np.linalg.qr(x)),
             [(regular(*shape),) for shape in TALL]),
    Function("wide qr", lambda x: tuple(LINALG.qr(x)), lambda x: tuple(np.linalg.qr(x)), [(regular(3, 5),)], False),
    Function("eigh", lambda x: tuple(LINALG.eigh(x)), eigh, [(positive_definite(*shape),) for shape in SHAPES]),
    Function("eigvalsh", LINALG.eigvalsh, lambda x: np.linalg.eigvalsh(hermitian(x)), [(positive_definite(4, 4),)]),
    Function("svd", lambda x: tuple(LINALG.svd(x, full_matrices=False)), svd,
             [(regular(*shape),) for shape in (*TALL, (3, 5))]),
    Function("svdvals", LINALG.svdvals, lambda x: np.linalg.svd(x, compute_uv=False), [(regular(4, 3),)]),
    Function("pinv", LINALG.pinv, np.linalg.pinv, [(regular(5, 3),), (regular(2, 3, 4),)]),
    Function("lstsq", lambda a, b: tuple(LINALG.lstsq(a, b)[:2]), least_squares, [(regular(5, 3), z(5, 2))]),
    Function("cond", LINALG.cond, np.linalg.cond, [(regular(4, 4),)]),
    *[Function(f"cond {p}", lambda x, p=p: LINALG.cond(x, p), lambda x, p=p: np.linalg.cond(x, p), [(regular(4, 4),)])
      for p in (-2, "fro", "nuc")],
    *[Function(f"matrix_norm {order}", lambda x, order=order: LINALG.matrix_norm(x, ord=order),
               lambda x, order=order: np.linalg.norm(x, order, axis=(-2, -1)), [(regular(2, 4, 3),)])
      for order in ("fro", "nuc", 1, 2, -2, np.inf)],
    *[Function(f"matrix_power {n}", lambda x, n=n: LINALG.matrix_power(x, n),
               lambda x, n=n: np.linalg.matrix_power(x, n), [(regular(2, 3, 3),)]) for n in (-2, 0, 3)],
    Function("trace", LINALG.trace, lambda x: np.trace(x, axis1=-2, axis2=-1), [(z(2, 3, 3),)]),
    Function("cross", LINALG.cross, np.cross, [(z(2, 3), z(2, 3))]),
    Function("multi_dot", lambda *x: LINALG.multi_dot(x), lambda *x: np.linalg.multi_dot(x),
             [(z(2, 3), z(3, 4), z(4))]),
]  # fmt: skip
ALL = [(function, inputs) for function in FUNCTIONS for inputs in function.inputs]
SMOOTH = [(function, inputs) for function, inputs in ALL if function.smooth and function.name != "matrix_power 0"]


def named(cases: list[tuple[Function, tuple[Any, ...]]]) -> dict[str, Any]:
    return {"argvalues": cases, "ids": [f"{function.name} of {inputs[0]}" for function, inputs in cases]}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("function", "inputs"), **named(ALL))
def test_values(function: Function, inputs: Any, dtype: str) -> None:
    variables = variables_of(function.ours, inputs, dtype)
    points = [of_parts(point.astype("float64")) for point in variables.points]
    found = variables(*variables.tensors())
    for got, want in zip(found, outputs(function.reference(*points)), strict=True):
        # On the scale of the largest number: what is inverted here has a condition of a few units.
        size = np.full(np.shape(want), max(1.0, np.abs(want).max(initial=0)))
        check(to_array(got), np.asarray(want), size, 128, dtype, function.name)


@pytest.mark.parametrize(("function", "inputs"), **named(SMOOTH))
def test_gradients(function: Function, inputs: Any) -> None:
    variables = variables_of(function.ours, inputs, "float64")
    weights = cotangents(variables)
    found = gradients(weighted(variables, weights, "float64"), variables)
    check_by_differences(variables, variables, weights, found, function.name)


@pytest.mark.parametrize(("function", "inputs"), **named(SMOOTH))
def test_second_derivatives(function: Function, inputs: Any) -> None:
    variables = variables_of(function.ours, inputs, "float64")
    first = derivative(weighted(variables, cotangents(variables), "float64"), variables)
    rng = np.random.default_rng(3)
    directions = [rng.standard_normal(p.shape) for p in variables.points]
    found = gradients(weighted(first, directions, "float64"), variables)
    check_by_differences(variables, first, directions, found, function.name)


@pytest.mark.parametrize(("function", "inputs"), **named(ALL))
def test_compiled_is_eager_whatever_the_strides(function: Function, inputs: Any) -> None:
    variables = variables_of(function.ours, inputs, "float32")
    tensors = variables.tensors()
    eager = [to_array(y) for y in variables(*tensors)]
    compiled = pt.compile(lambda *xs: tuple(variables(*xs)))
    for _ in range(2):
        assert all(map(same_bits, [to_array(y) for y in outputs(compiled(*tensors))], eager)), function.name
    for form in (0, 1):
        moved = [strided(point, "float32", form) for point in variables.points]
        assert all(map(same_bits, [to_array(y) for y in variables(*moved)], eager)), function.name
    if not function.smooth:
        return
    gradient = derivative(weighted(variables, cotangents(variables), "float32"), variables)
    eager = [to_array(g) for g in gradient(*tensors)]
    again = pt.compile(lambda *xs: tuple(gradient(*xs)))
    assert all(map(same_bits, [to_array(g) for g in outputs(again(*tensors))], eager)), function.name


# ---------------------------------------------------------------- beyond the values


def drawn(draw: Draw, dtype: str = "complex128", seed: int = 5) -> Array:
    return of_parts(draw.make(np.random.default_rng(seed))).astype(dtype)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_real_numbers_as_complex_ones_give_the_same(dtype: str) -> None:
    """Of matrices whose imaginary parts are zeros the results are those of the real matrices."""
    part = "float32" if dtype == "complex64" else "float64"
    x = np.random.default_rng(7).standard_normal((3, 5, 5)).astype(part)
    eps = np.finfo(part).eps
    for call in (
        lambda m: LINALG.qr(m), lambda m: LINALG.svd(m), lambda m: LINALG.eigh(m), lambda m: LINALG.slogdet(m),
        lambda m: (LINALG.inv(m), LINALG.det(m)), lambda m: (LINALG.cholesky(m @ pt.matrix_transpose(m)),),
    ):  # fmt: skip
        for ours, real in zip(call(pt.asarray(x.astype(dtype))), call(pt.asarray(x)), strict=True):
            size = np.abs(real.numpy()).max()
            assert np.abs(ours.numpy() - real.numpy()).max() <= 256 * eps * size


@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 3), (3, 5), (40, 33), (33, 40), (70, 4)])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_factors_multiply_back(m: int, n: int, dtype: str) -> None:
    """The whole bases too, which are orthonormal, and of ranks below the size."""
    rng = np.random.default_rng(m * n)
    x = (rng.standard_normal((m, n)) + 1j * rng.standard_normal((m, n))).astype(dtype)
    for rank in (min(m, n), max(1, min(m, n) // 2), 0):
        low = x.copy()
        low[:, rank:] = (low[:, :rank] @ x[:rank, rank:]) / max(1, rank)
        bound = 64 * np.finfo(x.real.dtype).eps * max(1.0, np.linalg.norm(low))
        u, s, vh = (one.numpy() for one in LINALG.svd(pt.asarray(low)))
        k = min(m, n)
        assert np.abs((u[:, :k] * s) @ vh[:k] - low).max() <= bound
        assert (s >= 0).all() and (np.diff(s) <= 0).all() and LINALG.matrix_rank(pt.asarray(low)).item() == rank
        bases = [u, turned(vh)]
        for mode in ("reduced", "complete"):
            q, r = (one.numpy() for one in LINALG.qr(pt.asarray(low), mode=mode))
            assert np.abs(q @ r - low).max() <= bound and (np.tril(r, -1) == 0).all()
            assert (np.diagonal(r).imag == 0).all()
            bases.append(q)
        for basis in bases:
            assert np.abs(turned(basis) @ basis - np.eye(basis.shape[1])).max() <= bound


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_sizes_near_the_ends_of_the_dtype(scale: float) -> None:
    x = (drawn(regular(4, 4)) * scale).astype("complex64")
    w, v = LINALG.eigh(pt.asarray(hermitian(x)))
    np.testing.assert_allclose(w.numpy() / scale, np.linalg.eigvalsh(hermitian(x.astype("complex128"))) / scale, 1e-4)
    assert np.abs(turned(v.numpy()) @ v.numpy() - np.eye(4)).max() <= 1e-5
    s = LINALG.svdvals(pt.asarray(x)).numpy()
    np.testing.assert_allclose(s / scale, [2.5, 2.0, 1.5, 1.0], rtol=1e-5)
    np.testing.assert_allclose(np.abs(np.diagonal(LINALG.qr(pt.asarray(x)).R.numpy())).max() / scale, 2.0, atol=1.0)
    b = drawn(z(4, 1)).astype("complex64")
    wanted = np.linalg.solve(x.astype("complex128"), b) * scale
    np.testing.assert_allclose(LINALG.solve(pt.asarray(x), pt.asarray(b)).numpy() * scale, wanted, atol=1e-4)


def test_without_a_result() -> None:
    """What is not positive definite, not regular or not finite gives NaN, infinities and zeros, as real matrices do."""
    assert np.isnan(LINALG.cholesky(pt.asarray(np.array([[1, 2j], [-2j, 1]]))).numpy()[1, 1].real)
    singular = pt.asarray(np.array([[1j, 2j], [2, 4]]))
    assert LINALG.det(singular).item() == 0 and LINALG.matrix_rank(singular).item() == 1
    sign, size = LINALG.slogdet(singular)
    assert sign.item() == 0 and size.item() == -np.inf
    assert not np.isfinite(LINALG.inv(singular).numpy()).any()
    wrong = pt.asarray(np.array([[1, complex(0, np.nan)], [0, 1]]))
    for factors in (LINALG.qr(wrong), LINALG.svd(wrong, full_matrices=False), LINALG.eigh(wrong)):
        assert all(np.isnan(one.numpy()).all() for one in factors)
    for shape in ((0, 0), (3, 0), (2, 0, 0)):
        empty = pt.zeros(shape, "complex64")
        assert LINALG.svdvals(empty).shape[-1] == 0 and LINALG.svdvals(empty).dtype == pt.float32
        for call in (LINALG.svd, LINALG.eigh) if shape[-1] == shape[-2] else (LINALG.svd,):
            gradient = pt.grad(lambda x, call=call: sum(pt.abs(one).sum() for one in call(x)))(empty)
            assert gradient.shape == shape and gradient.dtype == pt.complex64
        if shape[-1] == shape[-2]:
            assert (LINALG.det(empty).numpy() == 1).all() and LINALG.inv(empty).shape == shape


def test_dtypes() -> None:
    for dtype, part in ((pt.complex64, pt.float32), (pt.complex128, pt.float64)):
        x = pt.asarray(drawn(positive_definite(3, 3))).astype(dtype)
        assert [one.dtype for one in LINALG.eigh(x)] == [part, dtype]
        assert [one.dtype for one in LINALG.svd(x)] == [dtype, part, dtype]
        assert [one.dtype for one in LINALG.slogdet(x)] == [dtype, part]
        assert [one.dtype for one in LINALG.qr(x)] == [dtype, dtype]
        for call in (LINALG.cholesky, LINALG.inv, LINALG.det, LINALG.pinv, LINALG.matrix_exp):
            assert call(x).dtype == dtype
        for call in (LINALG.matrix_norm, LINALG.cond, LINALG.svdvals, LINALG.eigvalsh):
            assert call(x).dtype == part
        assert LINALG.solve(x, pt.ones((3,), part)).dtype == LINALG.solve(pt.eye(3, dtype=part), x).dtype == dtype


def test_rows() -> None:
    x = pt.asarray(drawn(positive_definite(4, 3, 3)))
    for call in (LINALG.cholesky, LINALG.inv, lambda m: tuple(LINALG.svd(m)), lambda m: tuple(LINALG.eigh(m))):
        for rows, whole in zip(outputs(pt.vmap(call)(x)), outputs(call(x)), strict=True):
            np.testing.assert_array_equal(to_array(rows), to_array(whole))


@pytest.mark.parametrize("scale", [0.0, 0.1, 1.0, 8.0])
def test_exponentials(scale: float) -> None:
    from scipy import linalg

    x = scale * drawn(z(2, 4, 4))
    want = np.stack([linalg.expm(one) for one in x])
    got = LINALG.matrix_exp(pt.asarray(x)).numpy()
    size = np.abs(x).sum(-2).max()
    assert np.abs(got - want).max() <= 64 * np.finfo("float64").eps * (4 + size) * np.abs(want).max()


TORCHS: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[Draw, ...]]] = {
    "cholesky": (LINALG.cholesky, lambda t, x: t.linalg.cholesky((x + x.mH) / 2), (positive_definite(4, 4),)),
    "det": (LINALG.det, lambda t, x: t.linalg.det(x), (regular(4, 4),)),
    "slogdet": (lambda x: tuple(LINALG.slogdet(x)), lambda t, x: tuple(t.linalg.slogdet(x)), (regular(4, 4),)),
    "inv": (LINALG.inv, lambda t, x: t.linalg.inv(x), (regular(4, 4),)),
    "solve": (LINALG.solve, lambda t, a, b: t.linalg.solve(a, b), (regular(4, 4), z(4, 2))),
    "solve_triangular": (
        lambda a, b: LINALG.solve_triangular(a, b, upper=True),
        lambda t, a, b: t.linalg.solve_triangular(a.triu(), b, upper=True),
        (positive_definite(4, 4), z(4, 2)),
    ),
    "qr": (lambda x: tuple(LINALG.qr(x)), lambda t, x: tuple(t.linalg.qr(x)), (regular(5, 3),)),
    "eigvalsh": (LINALG.eigvalsh, lambda t, x: t.linalg.eigvalsh((x + x.mH) / 2), (positive_definite(4, 4),)),
    "projections on eigenvectors": (
        lambda x: pt.abs(LINALG.eigh(x).eigenvectors),
        lambda t, x: t.linalg.eigh((x + x.mH) / 2)[1].abs(),
        (positive_definite(4, 4),),
    ),
    "svdvals": (LINALG.svdvals, lambda t, x: t.linalg.svdvals(x), (regular(5, 3),)),
    "the polar factor": (
        lambda x: (lambda f: f.U @ f.Vh)(LINALG.svd(x, full_matrices=False)),
        lambda t, x: (lambda f: f.U @ f.Vh)(t.linalg.svd(x, full_matrices=False)),
        (regular(5, 3),),
    ),
    "the sizes of singular vectors": (
        lambda x: (lambda f: (pt.abs(f.U), pt.abs(f.Vh)))(LINALG.svd(x, full_matrices=False)),
        lambda t, x: (lambda f: (f.U.abs(), f.Vh.abs()))(t.linalg.svd(x, full_matrices=False)),
        (regular(5, 3),),
    ),
    "pinv": (LINALG.pinv, lambda t, x: t.linalg.pinv(x), (regular(5, 3),)),
    "the nuclear norm": (
        lambda x: LINALG.matrix_norm(x, ord="nuc"),
        lambda t, x: t.linalg.matrix_norm(x, "nuc"),
        (regular(4, 3),),
    ),
    "matrix_exp": (LINALG.matrix_exp, lambda t, x: t.linalg.matrix_exp(x), (regular(4, 4),)),
}


@pytest.mark.peers
@pytest.mark.parametrize("name", TORCHS)
def test_gradients_are_those_of_pytorch(name: str) -> None:
    """Of functions that no phase of a vector changes: of others PyTorch's are not defined."""
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    ours, theirs, draws = TORCHS[name]
    points = [drawn(draw) for draw in draws]
    leaves = [torch.tensor(point, requires_grad=True) for point in points]
    made = theirs(torch, *leaves)
    results = list(made) if isinstance(made, tuple) else [made]
    rng = np.random.default_rng(3)
    weights = [rng.standard_normal((*y.shape, 2)) for y in results]
    sizes = [w if y.is_complex() else w[..., 0] for y, w in zip(results, weights, strict=True)]
    parts = [torch.view_as_real(y.contiguous()) if y.is_complex() else y for y in results]
    torch.autograd.backward(parts, [torch.tensor(one) for one in sizes])

    def loss(*given: Any) -> Any:
        terms = [(y * pt.asarray(w)).sum() for y, w in zip(outputs(ours(*given)), sizes, strict=True)]
        return sum(terms[1:], terms[0])

    found = outputs(pt.grad(loss, argnums=tuple(range(len(points))))(*map(pt.asarray, points)))
    for got, leaf in zip(found, leaves, strict=True):
        want = np.stack([leaf.grad.numpy().real, leaf.grad.numpy().imag], -1)
        check(to_array(got), want, np.full(want.shape, np.abs(want).max()), 4096, "float64", name)


def test_variables_are_drawn_as_complex_matrices() -> None:
    """The draws are what their names say, so that the tests above are of such matrices."""
    x = of_parts(Case(positive_definite(4, 4)).make("float64")[0][0])
    np.testing.assert_allclose(x, turned(x), atol=1e-14)
    np.testing.assert_allclose(np.linalg.eigvalsh(x), [1.0, 1.5, 2.0, 2.5], atol=1e-13)
    assert np.abs(x.imag).max() > 0.1

"""Fourier transforms against NumPy's, of every kind of length; gradients; the same bits whichever way they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_ops import check_by_differences

import powertrain as pt
from calls import Variables, cotangents, gradients, outputs, to_array, weighted
from kit import Array, Case, normal
from oracles import check, same_bits

# 1, powers, products of every factor, primes with and without a step of their own, and their multiples.
LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 25, 27, 30, 31, 32, 37, 49, 60, 64, 74, 97, 100, 121, 128,
           210, 360, 1000, 1009, 1023, 1024, 2310, 4096)  # fmt: skip
NORMS = ("backward", "ortho", "forward")
PLAIN = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")


def drawn(op: str, shape: tuple[int, ...], dtype: str = "float64", seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    real = rng.standard_normal(shape).astype(dtype)
    if op in ("rfft", "ihfft", "rfftn", "rfft2"):
        return real
    return (real + 1j * rng.standard_normal(shape)).astype("complex64" if dtype == "float32" else "complex128")


def compare(got: Any, want: Array, dtype: str, mag: float, where: str) -> None:
    parts, right = outputs(got)[0], outputs(want)[0]
    check(to_array(parts), right, np.full(right.shape, mag), 8, dtype, where)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", PLAIN)
def test_of_every_length(op: str, dtype: str) -> None:
    for n in LENGTHS:
        x = drawn(op, (3, n), dtype, n)
        if op in ("irfft", "hfft") and n == 1:
            continue  # which gives nothing
        want = getattr(np.fft, op)(x.astype("complex128" if np.iscomplexobj(x) else "float64"))
        scale = np.abs(x).sum(-1).max() / (n if op in ("ifft", "irfft", "ihfft") else 1)
        compare(getattr(pt.fft, op)(x), want, dtype, scale, f"{op} of {n}")


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("op", PLAIN)
def test_lengths_axes_and_norms(op: str, norm: str) -> None:
    x = drawn(op, (6, 5, 4))
    for n in (None, 3, 5, 8, 37):
        for axis in (0, 1, -1):
            want = getattr(np.fft, op)(x, n, axis, norm)
            compare(getattr(pt.fft, op)(x, n, axis, norm), want, "float64", 300.0, f"{op} {n} {axis}")


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("op", ["fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"])
def test_several_axes(op: str, norm: str) -> None:
    x = drawn(op, (4, 6, 5))
    calls: list[dict[str, Any]] = [{}, {"s": (3, 7), "axes": (-2, -1)}, {"axes": (0, 2)}]
    np.testing.assert_array_equal(getattr(pt.fft, op)(x, 4, 1).numpy(), getattr(pt.fft, op)(x, (4,), (1,)).numpy())
    for rest in calls:
        want = getattr(np.fft, op)(x, **rest, norm=norm)
        compare(getattr(pt.fft, op)(x, **rest, norm=norm), want, "float64", 500.0, f"{op} {rest}")


def test_frequencies_and_shifts() -> None:
    for n in (1, 2, 5, 8):
        np.testing.assert_allclose(pt.fft.fftfreq(n, 0.1).numpy(), np.fft.fftfreq(n, 0.1), rtol=1e-6)
        np.testing.assert_allclose(pt.fft.rfftfreq(n).numpy(), np.fft.rfftfreq(n), rtol=1e-6)
    assert pt.fft.fftfreq(3, dtype="float64").dtype.name == "float64"
    x = np.arange(30.0).reshape(5, 6)
    for axes in (None, 0, (0, 1), -1):
        np.testing.assert_array_equal(pt.fft.fftshift(x, axes).numpy(), np.fft.fftshift(x, axes))
        np.testing.assert_array_equal(pt.fft.ifftshift(x, axes).numpy(), np.fft.ifftshift(x, axes))


COMPLEX: list[tuple[str, Callable[..., Any], tuple[int, ...]]] = [
    ("fft", pt.fft.fft, (3, 7)), ("fft of 37", pt.fft.fft, (37,)), ("ifft", lambda x: pt.fft.ifft(x, 5, 0), (4, 3)),
    ("irfft", lambda x: pt.fft.irfft(x, 7), (2, 5)), ("irfft of 8", pt.fft.irfft, (2, 5)),
    ("hfft", pt.fft.hfft, (4,)), ("fft2", pt.fft.fft2, (3, 4)),
]  # fmt: skip
REAL: list[tuple[str, Callable[..., Any], tuple[int, ...]]] = [
    ("rfft", pt.fft.rfft, (3, 7)), ("rfft filled", lambda x: pt.fft.rfft(x, 9, norm="ortho"), (3, 7)),
    ("ihfft", pt.fft.ihfft, (6,)), ("rfftn", pt.fft.rfftn, (3, 4)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "function", "shape", "parts"), [(*row, True) for row in COMPLEX] + [(*row, False) for row in REAL]
)
def test_gradients_and_compiled(name: str, function: Any, shape: tuple[int, ...], parts: bool) -> None:
    def of_parts(x: Any) -> Any:
        return function(pt.view_as_complex(x) if parts else x)

    case = Case(normal((*shape, 2) if parts else shape))
    variables = Variables("", case, "float64", function=of_parts)
    weights = cotangents(variables)
    found = gradients(weighted(variables, weights, "float64"), variables)
    check_by_differences(variables, variables, weights, found, name)
    eager = [to_array(y) for y in variables(*variables.tensors())]
    compiled = pt.compile(lambda x: tuple(variables(x)))
    for _ in range(2):
        assert all(map(same_bits, [to_array(y) for y in outputs(compiled(*variables.tensors()))], eager))


def test_the_same_bits_with_any_threads() -> None:
    x = pt.asarray(drawn("fft", (300, 120), "float32"))
    threads = pt.get_threads()
    try:
        results = []
        for n in (1, 2, 4):
            pt.set_threads(n)
            results.append(pt.fft.fft(x).numpy())
        assert all(np.array_equal(r, results[0]) for r in results)
    finally:
        pt.set_threads(threads)


def test_what_fits_float32_is_rounded_once() -> None:
    x = drawn("fft", (1000,), "float32")
    want = np.fft.fft(x.astype("complex128")).astype("complex64")
    np.testing.assert_array_equal(pt.fft.fft(x).numpy(), want)


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: pt.fft.fft(pt.ones((3,)), 0), pt.ShapeError,
     "[fft] n = 0; expected at least 1; pass the length of the result"),
    (lambda: pt.fft.fft(pt.ones((3,)), axis=1), pt.ShapeError,
     "[fft] axis = 1 of a tensor with 1 axes; expected one that it has; see x.shape"),
    (lambda: pt.fft.fft(pt.ones((3,)), norm="twice"), pt.Error,
     "[fft] norm = 'twice'; expected 'backward', 'ortho' or 'forward'; leave it out for NumPy's"),
    (lambda: pt.fft.rfft(pt.asarray([1j])), pt.DTypeError, "[rfft] x is complex128; expected real numbers; use fft"),
    (lambda: pt.fft.fftn(pt.ones((3, 3)), (2,), (0, 1)), pt.ShapeError,
     "[fftn] s = (2,), axes = (0, 1); expected one length for each of one or more axes; leave one of them out"),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(ERRORS)))
def test_errors(index: int) -> None:
    call, exception, text = ERRORS[index]
    with pytest.raises(exception) as caught:
        call()
    assert str(caught.value) == text

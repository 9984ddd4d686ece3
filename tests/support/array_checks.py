"""How functions that are made of ops are checked: values against NumPy, gradients against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from oracles import check, same_bits

Array = NDArray[Any]


def listed(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (list, tuple)) else [results]


def agrees(ours: Callable[..., Any], wanted: Any, *arrays: Any, k: float = 8, compiled: bool = True) -> None:
    """The results are those wanted: on the scale of the largest of them, or exactly with a k of 0.

    Eager and compiled have the same bits.
    """
    given = [pt.asarray(array) for array in arrays]
    results = listed(ours(*given))
    expected = [np.asarray(want) for want in listed(wanted)]
    assert len(results) == len(expected)
    for result, want in zip(results, expected, strict=True):
        got = result.numpy()
        assert got.dtype.kind == want.dtype.kind, f"{got.dtype}, expected {want.dtype}"
        assert got.shape == want.shape
        if got.dtype.kind not in "fc" or k == 0:
            np.testing.assert_array_equal(got, want)
            continue
        parts = [(got.real, want.real), (got.imag, want.imag)] if got.dtype.kind == "c" else [(got, want)]
        size = np.abs(want[np.isfinite(want)]).max(initial=0) * np.ones(want.shape)
        for part, right in parts:
            check(part, right, size, k, part.dtype.name, "values")
    if compiled:
        again = listed(pt.compile(ours)(*given))
        for result, other in zip(results, again, strict=True):
            a, b = result.numpy(), other.numpy()
            assert same_bits(a, b) if a.dtype.kind == "f" else np.array_equal(a, b, equal_nan=a.dtype.kind == "c")


def gradients_agree(
    ours: Callable[..., Any], torchs: Callable[..., Any], *arrays: Array, k: float = 64, compiled: bool = True
) -> None:
    """The gradients towards all arrays, from random cotangents in float64, are PyTorch's."""
    import torch

    leaves = [torch.tensor(np.asarray(array, "float64"), requires_grad=True) for array in arrays]
    results = listed(torchs(*leaves))
    rng = np.random.default_rng(11)
    cotangents = [rng.standard_normal(tuple(result.shape)) for result in results]
    torch.autograd.backward(results, [torch.tensor(one) for one in cotangents])

    def loss(*given: Any) -> Any:
        parts = [(out * one).sum() for out, one in zip(listed(ours(*given)), cotangents, strict=True)]
        return sum(parts[1:], parts[0])

    given = [pt.asarray(np.asarray(array, "float64")) for array in arrays]
    gradient = pt.grad(loss, argnums=tuple(range(len(arrays))))
    for step in (gradient, pt.compile(gradient)) if compiled else (gradient,):
        for got, leaf in zip(step(*given), leaves, strict=True):
            want = np.zeros(got.shape) if leaf.grad is None else leaf.grad.numpy()
            check(got.numpy(), want, np.full(want.shape, np.abs(want).max(initial=1)), k, "float64", "gradient")

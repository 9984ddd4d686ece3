"""What only an error says is not computed in calls that succeed, and ways without NumPy give NumPy's bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.nn import module, torch_layout


def fail(*given: Any) -> Any:
    raise AssertionError("a hint was computed")


def test_a_state_that_fits_needs_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, other = pt.nn.Linear(2, 3), pt.nn.Linear(2, 3)
    for name in ("fits", "unknown"):
        monkeypatch.setattr(torch_layout, name, fail)
    assert not any(layer.load_state_dict(other.state_dict()))
    with pytest.raises(AssertionError):
        layer.load_state_dict({"weight": np.ones((3, 2)), "bias": np.ones(2)})


def test_a_norm_without_a_bias_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    x = pt.tensor(np.arange(12, dtype=np.float32).reshape(2, 2, 3))
    monkeypatch.setattr(module, "unknown", fail)
    for shape in (3, (2, 3)):
        for norm in (pt.nn.RMSNorm(shape), pt.nn.LayerNorm(shape, bias=False)):
            assert norm(x).shape == x.shape


@pytest.mark.parametrize(
    "arguments", [(0, 3, 4), (-2.5, 7, 11, False), (1, 2, 0), (3, 3, 5), (0, 1, 1), (0, 4, 5, True, 2)]
)
def test_logspace_is_numpys_but_for_the_last_bit(arguments: tuple[Any, ...]) -> None:
    """Whose powers depend on the instruction set; ours do not."""
    got, want = pt.logspace(*arguments, dtype="float64").numpy(), np.logspace(*arguments)
    assert got.shape == want.shape
    np.testing.assert_array_max_ulp(got, want, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
def test_edges_of_a_histogram_have_numpys_bits(dtype: str) -> None:
    x = (np.random.default_rng(0).normal(size=40) * 3 + 9).astype(dtype)
    counts, edges = pt.histogram(x, 7)
    want, marks = np.histogram(x.astype("float64"), 7)
    assert counts.tolist() == want.tolist()
    assert edges.numpy().tobytes() == marks.astype(edges.dtype.name).tobytes()
    with pytest.raises(pt.ShapeError, match=r"expected finite numbers in order"):
        pt.histogram(np.array([1.0, np.nan]), 2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_masked_fill_rounds_once(dtype: str) -> None:
    x, mask = pt.zeros((3,), dtype), pt.tensor([True, False, True])
    for value in (0.1, -0.0, 1e-42, 65519.9, 1e300, float("nan"), 3):
        filled = pt.masked_fill(x, mask, value)
        want = pt.where(mask, pt.asarray(value, dtype), x)
        assert filled.dtype == x.dtype
        assert pt.astype(filled, "float64").numpy().tobytes() == pt.astype(want, "float64").numpy().tobytes()
    with pytest.raises(pt.DTypeError, match=r"mask is float32"):
        pt.masked_fill(x, pt.ones((3,)), 0.5)

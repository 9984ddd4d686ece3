"""The one sweep of Adam is what its definition says, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from calls import to_array, to_tensor
from oracles import same_bits
from powertrain import _core
from powertrain.optim import LARS, SGD, AdamW, Lion, Optimizer, RMSprop

STEP = _core.op_function("adam_step")
FLAGS = [
    {},
    {"kept": 0.99},
    {"factor": 0.3},
    {"decay": 0.1},
    {"largest": True, "kept": 0.9, "factor": 2.0},
    {"largest": True, "decay": 0.01},
]


def arguments(n: int, dtype: str, flags: dict[str, Any], seed: int = 0) -> tuple[list[Any], dict[str, float]]:
    """The inputs in the order of the spec, and the attributes."""
    rng = np.random.default_rng(seed)
    p, g, mean = (to_tensor(rng.normal(0, 1, n).astype("float32"), dtype) for _ in range(3))
    square, largest = (to_tensor(rng.uniform(0, 2, n).astype("float32"), dtype) for _ in range(2))

    def number(value: float | None) -> pt.Tensor | None:
        return None if value is None else pt.tensor(value, dtype="float64" if dtype == "float64" else "float32")

    inputs = [p, g, mean, square, largest if flags.get("largest") else None, number(1e-3), number(1.7)]
    inputs += [number(flags.get("kept")), number(flags.get("factor"))]
    return inputs, {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "decay": flags.get("decay", 0.0)}


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_step_is_its_definition(dtype: str, flags: dict[str, Any]) -> None:
    for n in (0, 1, 15, 16, 17, 1000, 40_001):
        inputs, attributes = arguments(n, dtype, flags)
        found = STEP(*inputs, **attributes)
        defined = _core.compose("adam_step", inputs, attributes)
        assert len(found) == len(defined) == (4 if flags.get("largest") else 3)
        for one, other in zip(found, defined, strict=True):
            assert one.dtype == other.dtype == inputs[0].dtype
            assert same_bits(to_array(one), to_array(other)), (n, dtype, flags)


def test_step_keeps_what_is_not_a_number() -> None:
    bad = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3e38], "float32")
    inputs, attributes = arguments(7, "float32", {"largest": True, "decay": 0.1})
    for place in range(5):
        given = [*inputs]
        given[place] = pt.tensor(bad)
        for one, other in zip(STEP(*given, **attributes), _core.compose("adam_step", given, attributes), strict=True):
            assert np.array_equal(to_array(one), to_array(other), equal_nan=True)


def test_step_by_numpy() -> None:
    (p, g, mean, square, *_), _ = arguments(1000, "float64", {})
    numbers = [pt.tensor(value, dtype="float64") for value in (0.3, 1.7, 0.9, 0.7)]
    new_p, new_mean, new_square = STEP(p, g, mean, square, None, *numbers, beta1=0.9, beta2=0.99, eps=1e-3)
    scaled = g.numpy() * 0.7
    want_mean = 0.9 * mean.numpy() + 0.1 * scaled
    want_square = 0.99 * square.numpy() + 0.01 * scaled**2
    want_p = 0.9 * p.numpy() - 0.3 * want_mean / (1.7 * np.sqrt(want_square) + 1e-3)
    np.testing.assert_allclose(new_mean.numpy(), want_mean, rtol=1e-13)
    np.testing.assert_allclose(new_square.numpy(), want_square, rtol=1e-13)
    np.testing.assert_allclose(new_p.numpy(), want_p, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_flushed_are_the_denormals_of_what_is_computed_in(dtype: str) -> None:
    facts = np.finfo("float64" if dtype == "float64" else "float32")
    least = float(facts.smallest_normal)
    edges = [least, -least, least / 2, -least / 2, 0.0, 1.5, -1.5, np.inf, -np.inf, np.nan]
    given = to_array(to_tensor(np.array([*edges, float(facts.smallest_subnormal), 6e-8, 3e-6]), dtype))
    with np.errstate(invalid="ignore"):
        want = np.where(np.abs(given) < facts.smallest_normal, 0, given)
    assert same_bits(to_array(pt.flush_denormals(to_tensor(given, dtype))), want)


@pytest.mark.parametrize(
    "build",
    [
        lambda slots: AdamW(slots, lr=1e-3, betas=(0.5, 0.6)),
        lambda slots: SGD(slots, lr=1e-3, momentum=0.5),
        lambda slots: RMSprop(slots, lr=1e-3, alpha=0.5, momentum=0.5),
        lambda slots: Lion(slots, lr=1e-3, betas=(0.5, 0.6)),
        lambda slots: LARS(slots, lr=1e-3, momentum=0.5),
    ],
)
def test_moments_without_a_gradient_end_at_zero(build: Callable[[list[pt.Slot]], Optimizer]) -> None:
    """Halving, the least denormal number would round to itself or to 0; 0.6 of it rounds to itself."""
    slots = [pt.Slot(pt.ones(40), name="p", trainable=True)]
    optimizer = build(slots)
    optimizer.update([pt.full((40,), 0.01)])
    for _ in range(300):
        optimizer.update([pt.zeros(40)])
        for name, slot in optimizer.named_slots():
            moment = np.abs(slot.value.numpy())
            assert not ((moment > 0) & (moment < 2.0**-126)).any(), name
    moments = [slot.value.numpy() for name, slot in optimizer.named_slots() if name.endswith(".p")]
    assert moments and all((moment == 0).all() for moment in moments)


def test_step_of_another_shape() -> None:
    inputs, attributes = arguments(4, "float32", {})
    inputs[2] = pt.zeros(5)
    with pytest.raises(pt.ShapeError) as caught:
        STEP(*inputs, **attributes)
    assert str(caught.value) == (
        "[adam_step] mean is f32[5], p is f32[4]; expected one shape and dtype of both; cast or reshape it"
    )
    inputs, attributes = arguments(4, "float32", {})
    inputs[5] = pt.zeros(1)
    with pytest.raises(pt.ShapeError) as caught:
        STEP(*inputs, **attributes)
    assert str(caught.value) == (
        "[adam_step] size is f32[1], p is f32[4]; expected one number, f32[]; cast it, or take its only element"
    )


def test_the_numbers_of_a_float64_step_are_float64() -> None:
    """Rounded to float32 they would be off by 6e-8, and so would be the whole movement."""
    inputs, attributes = arguments(4, "float64", {})
    inputs[5] = pt.astype(inputs[5], "float32")
    with pytest.raises(pt.ShapeError) as caught:
        STEP(*inputs, **attributes)
    assert str(caught.value) == (
        "[adam_step] size is f32[], p is f64[4]; expected one number, f64[]; cast it, or take its only element"
    )

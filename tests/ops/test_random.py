"""Random numbers are a function of (seed, stream, call): laws 2 and 3 for chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

import powertrain as pt
import powertrain.nn.functional as F


def test_a_seed_is_a_sequence() -> None:
    first, second = pt.random.Generator(3), pt.random.Generator(3)
    for _ in range(3):
        np.testing.assert_array_equal(first.uniform(size=(5,)).numpy(), second.uniform(size=(5,)).numpy())
    assert not np.array_equal(first.uniform(size=(5,)).numpy(), first.uniform(size=(5,)).numpy())


def test_seeds_and_streams_differ() -> None:
    drawn = [pt.random.Generator(seed, stream).uniform(size=(64,)).numpy() for seed in (0, 1) for stream in (0, 1)]
    for i, a in enumerate(drawn):
        for b in drawn[:i]:
            assert not np.intersect1d(a, b).size > 2


def test_shape_is_layout_alone() -> None:
    """An element's number depends on its place in row-major order, not on the shape."""
    flat = pt.random.Generator(9).normal(size=(60,)).numpy()
    np.testing.assert_array_equal(pt.random.Generator(9).normal(size=(3, 4, 5)).numpy(), flat.reshape(3, 4, 5))
    np.testing.assert_array_equal(pt.random.Generator(9).normal(size=(7,)).numpy(), flat[:7])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distributions(dtype: str) -> None:
    """Kolmogorov and Smirnov's test; the draws are fixed, so that a pass stays a pass."""
    generator = pt.random.Generator(17)
    uniform = generator.uniform(size=(200_000,), dtype=dtype).numpy()
    normal = generator.normal(size=(200_000,), dtype=dtype).numpy()
    assert uniform.min() >= 0 and uniform.max() < 1
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    assert stats.kstest(normal, "norm").pvalue > 1e-3
    for lag in (1, 2, 3, 4, 5):
        assert abs(np.corrcoef(uniform[lag:], uniform[:-lag])[0, 1]) < 0.01
    assert np.isfinite(normal).all()


def test_eager_and_compiled_draw_alike() -> None:
    def two(generator: pt.random.Generator) -> pt.Tensor:
        return generator.uniform(size=(10,)) + 2 * generator.normal(size=(10,))

    eager, traced = pt.random.Generator(4), pt.random.Generator(4)
    compiled = pt.compile(lambda: two(traced))
    for _ in range(3):
        np.testing.assert_array_equal(compiled().numpy(), two(eager).numpy())
        np.testing.assert_array_equal(traced.slot.numpy(), eager.slot.numpy())


def test_the_slot_is_the_whole_state() -> None:
    generator = pt.random.Generator(4)
    generator.uniform(size=(3,))
    saved = np.array(generator.slot.numpy())
    first = generator.normal(size=(8,)).numpy()
    generator.slot.value = pt.tensor(saved)
    np.testing.assert_array_equal(generator.normal(size=(8,)).numpy(), first)


def test_dropout() -> None:
    """A share of p is 0, the others grow by 1 / (1 - p), and the gradient has the same mask."""
    pt.random.seed(2)
    x = pt.tensor(np.full((300, 300), 3.0, "float32"))
    y = F.dropout(x, 0.25).numpy()
    assert abs((y == 0).mean() - 0.25) < 0.01
    np.testing.assert_array_equal(np.unique(y), np.array([0, 3 / 0.75], "float32"))
    pt.random.seed(2)
    gradient = pt.grad(lambda t: F.dropout(t, 0.25).sum())(x).numpy()
    np.testing.assert_array_equal(gradient != 0, y != 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        *[
            (
                lambda size=size, draw=draw: draw(size=size),
                f"[{draw.__name__}] size = {size!r}; expected an integer or a tuple of integers; pass a tuple "
                "such as (0, 1)",
            )
            for size in ((2.5,), 2.0, (True, 2), "ab", (2**63,))
            for draw in (pt.random.uniform, pt.random.normal)
        ],
        (
            lambda: pt.random.uniform(size=(-2, -3)),  # of six elements
            "[Generator.uniform] shape = (-2, -3); expected sizes of at least 0; pass other numbers",
        ),
        *[
            (
                lambda seed=seed: pt.random.Generator(seed),
                f"[random] seed = {seed!r}; expected a whole number from -2^63 to 2^63 - 1; for example seed = 0",
            )
            for seed in (1.5, float("nan"), 2**63, "x", None)
        ],
        (
            lambda: pt.random.Generator(0, -(2**63) - 1),
            f"[random] stream = {-(2**63) - 1}; expected a whole number from -2^63 to 2^63 - 1; for example stream = 0",
        ),
        (
            lambda: pt.random.seed(2**64),
            f"[random] seed = {2**64}; expected a whole number from -2^63 to 2^63 - 1; for example seed = 0",
        ),
        *[
            (
                lambda p=p: pt.random.Generator(0).bernoulli(p, size=(3,)),
                f"[bernoulli] p = {p}; expected 0 <= p <= 1; 0.5 is a fair coin",
            )
            for p in (-0.1, 2, float("nan"))
        ],
        (
            lambda: pt.random.uniform(size=(2,), dtype="int32"),
            "[Generator.uniform] dtype = int32; expected a float dtype; pass float32 or float64",
        ),
        (
            lambda: pt.nn.init.uniform((2,), 1.0, -1.0),
            "[uniform] low = 1.0, high = -1.0; expected low <= high; swap them",
        ),
        (
            lambda: pt.nn.init.uniform((2,), float("nan"), 1.0),
            "[uniform] low = nan; expected a finite number; leave low out for the usual one",
        ),
        (
            lambda: pt.nn.init.normal((2,), -1.0),
            "[normal] std = -1.0; expected a finite number >= 0; leave std out for the usual one",
        ),
        (
            lambda: pt.nn.init.kaiming_normal((2,), 0),
            "[kaiming_normal] fans = 0; expected a whole number from 1 to 2147483647; for example fans = 8",
        ),
    ],
)
def test_what_is_refused(call: Callable[[], object], message: str) -> None:
    state = pt.random.default_generator().slot.numpy().tolist()
    with pytest.raises(pt.Error) as caught:
        call()
    assert str(caught.value) == message
    assert pt.random.default_generator().slot.numpy().tolist() == state

"""A reduction that leaves its axes out is computed with what it reduces, as one that keeps them is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import powertrain as pt

RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = pt.get_threads()
    yield
    pt.set_threads(before)


def tensor(*shape: int, dtype: str = "float32") -> pt.Tensor:
    return pt.tensor(RNG.normal(size=shape).astype(dtype))


def deep(x: pt.Tensor) -> pt.Tensor:
    for _ in range(100):
        x = x * x + 0.25
        x = x / (1 + pt.abs(x))
    return x


REDUCTIONS: dict[str, Callable[[pt.Tensor], pt.Tensor]] = {
    "rows": lambda x: pt.sum(pt.exp(x), axis=-1),
    "means": lambda x: pt.mean((x - 1) ** 2, axis=-1) * 3,
    "maxima": lambda x: pt.max(pt.abs(x), axis=-1),
    "minima": lambda x: pt.min(x * 2, axis=x.ndim - 1),
    "columns": lambda x: pt.sum(pt.exp(x), axis=tuple(range(x.ndim - 1))),
    "of each example": lambda x: pt.mean(pt.relu(x), axis=tuple(range(1, x.ndim - 1))) if x.ndim > 2 else x,
    "of all": lambda x: pt.sum(pt.square(x)),
    "a loss": lambda x: pt.mean((x * 2 - pt.flip(x, axis=0)) ** 2),
    "its axes kept": lambda x: pt.max(pt.abs(x - 1), axis=tuple(range(x.ndim)), keepdims=True) - x,
    "turned": lambda x: pt.sum(pt.exp(pt.permute_dims(x)) * pt.permute_dims(x * 3)),
    "a number beside": lambda x: pt.sum(pt.where(x > pt.mean(x), x, pt.reshape(pt.sum(x), (1, 1)) * 0)),
    "used twice": lambda x: (lambda y: pt.sum(y * y) + pt.sum(y) + y[0])(pt.tanh(x)),
    "a long chain": lambda x: pt.sum(deep(x)),
    "an axis in front": lambda x: pt.sum(pt.exp(x), axis=0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", [(700, 33), (64, 7, 7, 20), (3, 2000), (2500, 2), (40, 300, 3), (5, 1), (1, 40)])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_the_bits_are_those_of_calls_alone(name: str, shape: tuple[int, ...], dtype: str) -> None:
    call, x = REDUCTIONS[name], tensor(*shape, dtype=dtype)
    apart = pt.compile(call, fuse=False)(x).numpy()
    for threads in (1, 2, 4):
        pt.set_threads(threads)
        together = pt.compile(call)(x).numpy()
        assert together.shape == apart.shape and together.tobytes() == apart.tobytes(), threads


@pytest.mark.parametrize("name", ["rows", "maxima", "columns", "of each example", "of all"])
def test_what_is_reduced_does_not_go_through_memory(name: str) -> None:
    pt.set_threads(1)
    step, x = pt.compile(REDUCTIONS[name]), tensor(128, 64, 64)
    step(x)
    assert step.programs[0]["arena_bytes"] < x.size * 4 / 4


def test_what_others_read_is_computed_once() -> None:
    x = tensor(300, 50)

    def both(x: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        y = pt.exp(x)
        return y, pt.sum(y, axis=1)

    for one, apart in zip(pt.compile(both)(x), pt.compile(both, fuse=False)(x), strict=True):
        assert one.numpy().tobytes() == apart.numpy().tobytes()

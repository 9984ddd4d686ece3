"""What is only repeated along axes an elementwise call repeats itself, so that it becomes one with what made it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import powertrain as pt

RNG = np.random.default_rng(3)


def tensor(*shape: int) -> pt.Tensor:
    return pt.tensor(RNG.normal(size=shape).astype(np.float32))


ROWS, COLUMN, ROW, MATRIX = tensor(5), tensor(5, 1), tensor(1, 7), tensor(5, 7)

CALLS: dict[str, Callable[[], pt.Tensor]] = {
    "a matrix and a repeated row": lambda: MATRIX * pt.broadcast_to(ROW, (5, 7)),
    "two that are repeated": lambda: pt.broadcast_to(COLUMN, (5, 7)) + pt.broadcast_to(ROW, (5, 7)),
    "one, twice": lambda: pt.broadcast_to(COLUMN, (5, 7)) * pt.broadcast_to(COLUMN, (5, 7)),
    "with new axes": lambda: pt.broadcast_to(MATRIX, (2, 5, 7)) - pt.broadcast_to(ROW, (2, 5, 7)),
    "a choice": lambda: pt.where(pt.broadcast_to(ROW > 0, (5, 7)), MATRIX, pt.broadcast_to(COLUMN, (5, 7))),
    "repeated twice over": lambda: MATRIX + pt.broadcast_to(pt.broadcast_to(ROW, (5, 7)), (5, 7)),
    "of one axis as a row": lambda: pt.broadcast_to(pt.expand_dims(ROWS, axis=1), (5, 7)) / MATRIX,
}


@pytest.mark.parametrize("name", CALLS)
def test_bits_and_shapes_stay(name: str) -> None:
    want = CALLS[name]()
    for simplify in (False, True):
        got = pt.compile(lambda: CALLS[name](), simplify=simplify)()
        assert got.shape == want.shape
        assert got.numpy().tobytes() == want.numpy().tobytes()


def loops(step: pt.CompiledFunction[..., object]) -> list[str]:
    found = [instruction["name"] for instruction in step.programs[0]["instructions"]]
    return [name for name in found if name != "copy"]


@pytest.mark.parametrize("name", ["mean", "sum", "var", "std", "logsumexp", "max"])
def test_a_row_and_its_gradient_are_one_loop(name: str) -> None:
    call, x = getattr(pt, name), tensor(64, 300)

    def both(x: pt.Tensor) -> list[pt.Tensor]:
        value, back = pt.vjp(lambda v: v * call(pt.tanh(v), axis=1, keepdims=True), x)
        return [value, *back(x)]

    step = pt.compile(both)
    got = [each.numpy().tobytes() for each in step(x)]
    assert len(loops(step)) == 1, loops(step)
    assert got == [each.numpy().tobytes() for each in pt.compile(both, simplify=False, fuse=False)(x)]


@pytest.mark.parametrize("name", ["var", "std"])
def test_the_spread_of_all_elements_has_the_bits_of_one_row(name: str) -> None:
    x = tensor(3, 700, 41)
    want = getattr(pt, name)(pt.reshape(x, (-1,))).numpy().tobytes()
    for keepdims in (False, True):
        step = pt.compile(lambda x, keepdims=keepdims: getattr(pt, name)(x, keepdims=keepdims))
        assert step(x).numpy().tobytes() == want
        assert step(x).shape == ((1, 1, 1) if keepdims else ())
        assert step.programs[0]["arena_bytes"] < x.size
        assert getattr(pt, name)(x, keepdims=keepdims).numpy().tobytes() == want


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("correction", [0, 1])
def test_the_spread_of_rows_is_read_once(name: str, correction: int) -> None:
    x = tensor(64, 300)
    step = pt.compile(lambda x: getattr(pt, name)(x, axis=1, correction=correction))
    assert step(x).shape == (64,)
    assert len(loops(step)) == 1 and step.programs[0]["arena_bytes"] < x.size

"""Gradients of tensors so large that they run as one loop: the bits of small ones, and nothing shared with inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F

LARGE = (300, 256)  # more than 256 KiB
FORMULAS: dict[str, Callable[..., Any]] = {
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    "hardsigmoid": F.hardsigmoid,
    "clip": lambda x: pt.clip(x, -1.0, 1.0),
    "exp2": pt.exp2,
    "reciprocal": pt.reciprocal,
    "var": lambda x: pt.var(x, axis=1),
    "logsumexp": lambda x: pt.logsumexp(x, axis=1),
    "layer_norm": lambda x: F.layer_norm(x, (256,)),
    "smooth_l1": lambda x: F.smooth_l1_loss(x, pt.zeros(x.shape), beta=0.5),
    "huber": lambda x: F.huber_loss(x, pt.zeros(x.shape), reduction="sum"),
}


def numbers(shape: tuple[int, ...], seed: int = 0) -> pt.Tensor:
    return pt.tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32) * 3)


def row_by_row(function: Callable[..., Any], x: pt.Tensor, by: pt.Tensor) -> Any:
    """The gradient of each row alone, which is small; of a loss the cotangent is one number."""
    found = []
    for at in range(x.shape[0]):
        value, back = pt.vjp(function, x[at : at + 1])
        found.append(back(by if value.shape == () else by[at : at + 1])[0].numpy())
    return np.concatenate(found)


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "smooth_l1"])
def test_rows_have_the_bits_that_they_have_alone(name: str) -> None:
    x = numbers(LARGE)
    value = FORMULAS[name](x)
    by = pt.ones(()) if value.shape == () else numbers(value.shape, 1)
    alone = row_by_row(FORMULAS[name], x, by)
    for _ in range(3):  # the first goes call by call, the others are programs
        _, back = pt.vjp(FORMULAS[name], x)
        assert back(by)[0].numpy().tobytes() == alone.tobytes()


@pytest.mark.parametrize("name", FORMULAS)
def test_a_compiled_gradient_has_the_same_bits(name: str) -> None:
    x = numbers(LARGE)
    gradient = pt.grad(lambda x: pt.sum(pt.sin(FORMULAS[name](x))))
    compiled = pt.compile(gradient)(x).numpy()
    for _ in range(3):
        assert gradient(x).numpy().tobytes() == compiled.tobytes()


@pytest.mark.parametrize("name", ["elu", "exp2", "leaky_relu", "smooth_l1", "var"])
def test_second_derivatives(name: str) -> None:
    x, along = numbers(LARGE), numbers(LARGE, 2)
    slope = pt.grad(lambda x: pt.sum(pt.square(FORMULAS[name](x))))
    second = pt.grad(lambda x: pt.sum(slope(x) * along))
    compiled = pt.compile(second)(x).numpy()
    for _ in range(3):
        np.testing.assert_allclose(second(x).numpy(), compiled, rtol=1e-5, atol=1e-5)


def test_shapes_that_a_rule_does_not_read_are_told_apart() -> None:
    """The rule of a sum reads no values, only the shapes of what was added."""
    x, by = numbers((512, 512)), numbers((512, 512), 1)
    for _ in range(3):
        for other in (numbers((512,)), numbers((512, 1)), numbers((1, 1)), numbers((512, 512))):
            _, back = pt.vjp(lambda x, y: x + y, x, other)
            assert [g.shape for g in back(by)] == [x.shape, other.shape]


def test_a_cotangent_of_one_number_is_repeated() -> None:
    x = numbers(LARGE)
    for _ in range(3):
        _, back = pt.vjp(lambda x: pt.mean(F.elu(x) * x), x)
        one = back(pt.ones(()))[0].numpy()
        _, back = pt.vjp(lambda x: F.elu(x) * x, x)
        full = back(pt.full(LARGE, 1.0 / x.size))[0].numpy()
        assert one.tobytes() == full.tobytes()


def test_what_a_function_does_to_its_argument_stays_inside() -> None:
    x = numbers(LARGE)
    before = x.numpy().copy()

    def changed(x: Any) -> Any:
        x[0] = 5.0
        return pt.sum(x * x)

    for _ in range(2):
        found = pt.grad(changed)(x).numpy()
        assert not found[0].any() and found[1:].tobytes() == (2 * before[1:]).tobytes()
        assert x.numpy().tobytes() == before.tobytes()
    lent = np.array(before)
    assert pt.grad(lambda x: pt.sum(x[0] * x[0]))(lent).numpy()[0].tobytes() == (2 * before[0]).tobytes()
    assert lent.tobytes() == before.tobytes()


def test_inputs_are_not_copied() -> None:
    @pt.compile
    def step(x: Any) -> Any:
        return pt.grad(lambda x: pt.sum(pt.exp(x)))(x)

    x = numbers(LARGE)
    step(x)
    assert "copy" not in step.describe()


def test_formulas_that_draw_numbers_draw_them_once() -> None:
    x = numbers(LARGE)
    for _ in range(3):
        pt.random.seed(3)
        value, back = pt.vjp(lambda x: F.dropout(F.elu(x), 0.5), x)
        kept = value.numpy() != 0
        assert (back(pt.ones(LARGE))[0].numpy() != 0)[value.numpy() != 0].all()
        assert not back(pt.ones(LARGE))[0].numpy()[~kept].any()

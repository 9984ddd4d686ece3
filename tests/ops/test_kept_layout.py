"""Elementwise calls keep how their operands lie in memory, and nothing but that depends on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F


def drawn(*shape: int) -> Any:
    return pt.tensor(np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32))


def strides(tensor: Any) -> tuple[int, ...]:
    """In elements."""
    return tuple(stride // tensor.numpy().itemsize for stride in tensor.numpy().strides)


@pytest.mark.parametrize("call", [pt.exp, F.relu, lambda x: x + 1, lambda x: -x, lambda x: x > 0, lambda x: x * x.T.T])
def test_of_a_transposed_tensor_is_transposed(call: Any) -> None:
    stored = drawn(96, 160)
    result = call(stored.T)
    assert strides(result) == (1, 160)
    assert np.array_equal(result.numpy(), call(stored).numpy().T)


@pytest.mark.parametrize("order", [(2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0)])
def test_axes_in_any_order(order: tuple[int, ...]) -> None:
    stored = drawn(16, 24, 40)
    turned = pt.permute_dims(stored, order)
    result = pt.where(turned > 0, turned, 2 * turned)
    assert result.numpy().strides == turned.numpy().strides
    x = np.transpose(stored.numpy(), order)
    assert np.array_equal(result.numpy(), np.where(x > 0, x, 2 * x))


def test_of_unequal_layouts_is_row_major() -> None:
    a, b = drawn(96, 160), drawn(160, 96)
    assert strides(a + b.T) == (160, 1)
    assert strides(a.T + pt.ones(96)) == (96, 1)  # broadcast
    assert strides(drawn(96, 320)[:, ::2] + 1) == (160, 1)  # with gaps
    assert np.array_equal((a + b.T).numpy(), a.numpy() + b.numpy().T)


def test_axes_of_one_element() -> None:
    turned = pt.permute_dims(drawn(1, 64, 128), (2, 0, 1))
    assert turned.shape == (128, 1, 64)
    result = pt.exp(turned)
    assert strides(result)[0] == 1 and strides(result)[2] == 128
    assert np.array_equal(result.numpy(), pt.exp(turned + 0).numpy())


def test_gradients() -> None:
    stored, weights = drawn(96, 160), drawn(160, 96)

    def loss(x: Any) -> Any:
        return (F.gelu(x.T) * weights).sum()

    turned = pt.grad(loss)(stored)
    plain = pt.grad(lambda x: (F.gelu(x) * pt.tensor(np.ascontiguousarray(weights.numpy().T))).sum())(stored)
    assert np.array_equal(turned.numpy(), plain.numpy())


def test_gradients_of_a_number_add_up_in_the_order_of_the_axes() -> None:
    stored, cotangent = drawn(8, 5000), drawn(8, 5000).reshape(5000, 8)

    def bits(x: Any) -> list[bytes]:
        _, back = pt.vjp(lambda x: x * 0 + pt.var(x), x)
        return [one.numpy().tobytes() for one in back(cotangent)]

    row_major = pt.tensor(np.ascontiguousarray(stored.numpy().T))
    assert bits(stored.T) == bits(row_major)


def test_compiled_is_equal() -> None:
    stored = drawn(96, 160)
    eager = pt.exp(stored.T) - 1
    assert np.array_equal(eager.numpy(), pt.compile(lambda x: pt.exp(x.T) - 1)(stored).numpy())

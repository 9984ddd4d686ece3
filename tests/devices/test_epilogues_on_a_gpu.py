"""What follows a product goes into its kernel, and values of 16 bits stay in registers between calls; the bits are
those of one call after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]
pytestmark = pytest.mark.simulated
DTYPES = [pt.float32, pt.bfloat16, pt.float16]


def arrays(dtype: Any, *shapes: tuple[int, ...]) -> list[Any]:
    random = np.random.default_rng(3)
    return [pt.asarray(random.standard_normal(shape, "float32")).astype(dtype).to(GPU) for shape in shapes]


def compiled(function: Callable[..., Any], given: list[Any]) -> list[str]:
    """The kernels of the compiled function, whose results are those of its calls."""
    step = pt.compile(function)
    for made, wanted in zip(step(*given), function(*given), strict=True):
        assert made.dtype == wanted.dtype
        np.testing.assert_array_equal(made.astype(pt.float32).numpy(), wanted.astype(pt.float32).numpy())
    return [instruction["kernel"] for instruction in step.programs[0]["instructions"]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_layer_is_one_launch(dtype: Any) -> None:
    def layer(x: Any, w: Any, b: Any) -> Any:
        kept = pt.matmul(x, w) + b
        return kept, F.gelu(kept, approximate="tanh")

    kernels = compiled(layer, arrays(dtype, (2, 9, 24), (24, 40), (40,)))
    assert len(kernels) == 1 and kernels[0].startswith("matmul_then_")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_goes_through_the_activation_in_the_same_launch(dtype: Any) -> None:
    def backward(g: Any, w: Any, x: Any) -> Any:
        return (pt.matmul(g, w.T) * (x > 0).astype(dtype),)

    def gelu(g: Any, w: Any, x: Any) -> Any:
        return (pt.ops.functional.OPERATORS["gelu_tanh_grad"](x, pt.matmul(g, w.T)),)

    given = arrays(dtype, (18, 40), (24, 40), (18, 24))
    assert len(compiled(gelu, given)) == 1
    assert len(compiled(backward, given)) == 2  # the mask is no number of floats


def test_the_gradient_of_a_weight_is_widened_in_the_same_launch() -> None:
    def gradient(x: Any, g: Any) -> Any:
        return (pt.matmul(x.T, g).astype(pt.float32),)

    assert compiled(gradient, arrays(pt.bfloat16, (64, 24), (64, 40))) == ["matmul_then_bf16_medium"]
    split = compiled(gradient, arrays(pt.bfloat16, (4096, 24), (4096, 40)))
    assert split == ["matmul_bf16_medium", "matmul_then_add_splits"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_stay_in_registers_rounded(dtype: Any) -> None:
    def chain(x: Any, y: Any) -> Any:
        kept = (x + y) * x
        return kept, pt.tanh(kept - y), F.layer_norm(kept.astype(pt.float32) + 1, (33,))

    assert len(compiled(chain, arrays(dtype, (7, 33), (33,)))) == 1

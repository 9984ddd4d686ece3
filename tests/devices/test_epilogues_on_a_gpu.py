"""What follows a product, a convolution or a reduction goes into its kernel, calls that read the same tensor are one
launch, and values of 16 bits stay in registers between calls; the bits are those of one call after the other."""

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


def test_a_mean_over_rows_and_what_is_made_of_it_is_one_launch() -> None:
    def running(x: Any, before: Any) -> Any:
        mean = pt.mean(x, axis=0)
        return mean, 0.9 * before + 0.1 * mean

    assert compiled(running, arrays(pt.float32, (40, 12), (12,))) == ["reduce_columns_then"]
    long = compiled(running, arrays(pt.float32, (9000, 12), (12,)))
    assert len(long) == 2 and long[1] == "reduce_groups_then"


def test_the_mean_of_all_numbers_is_one_launch() -> None:
    assert len(compiled(lambda x: (pt.mean(x),), arrays(pt.float32, (6, 33)))) == 1


def test_the_gradient_of_a_bias_is_widened_in_the_same_launch() -> None:
    def gradient(g: Any) -> Any:
        bias = pt.sum(g, axis=(0, 1), keepdims=True).reshape((24,))
        return (bias.astype(pt.float32),)

    assert compiled(gradient, arrays(pt.bfloat16, (2, 32, 24))) == ["reduce_columns_then"]


def test_a_result_that_others_read_too_is_stored_as_well() -> None:
    def gradients(g: Any) -> Any:
        total = pt.sum(g, axis=0, keepdims=True)
        return total, pt.max(g - total / 64, axis=0)

    assert compiled(gradients, arrays(pt.float32, (64, 24)))[0] == "reduce_columns_then"


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_convolution_takes_its_bias_and_activation_along(dtype: Any) -> None:
    convolve = pt.ops.functional.OPERATORS["conv2d_kernel"]

    def layer(x: Any, w: Any, b: Any) -> Any:
        kept = convolve(x, w, padding=1) + b
        return kept, F.relu(kept)

    kernels = compiled(layer, arrays(dtype, (2, 6, 5, 8), (3, 3, 8, 16), (16,)))
    assert len(kernels) == 1 and kernels[0].startswith("conv2d_then_")


@pytest.mark.parametrize("stride", [1, 2])
def test_what_follows_the_gradient_of_an_image_is_done_there(stride: int) -> None:
    operators = pt.ops.functional.OPERATORS

    def backward(dy: Any, w: Any, x: Any, other: Any) -> Any:
        dx = operators["conv2d_grad_input"](dy, w, stride=stride, padding=1, image=(8, 6))
        gradient = operators["relu_grad"](x, dx + other)
        return gradient, gradient * other

    image = (2, 8, 6, 4)
    kernels = compiled(backward, arrays(pt.float32, (2, 8 // stride, 6 // stride, 8), (3, 3, 4, 8), image, image))
    assert len(kernels) == 1 and kernels[0].startswith("conv2d_then_" if stride == 1 else "conv2d_classes_")


def test_the_gradient_of_a_filter_is_widened_in_the_same_launch() -> None:
    def gradient(x: Any, dy: Any) -> Any:
        dw = pt.ops.functional.OPERATORS["conv2d_grad_weight"](x, dy, padding=1, kernel_size=(3, 3))
        return (dw.astype(pt.float32),)

    assert compiled(gradient, arrays(pt.bfloat16, (1, 6, 5, 8), (1, 6, 5, 16))) == ["conv2d_weight_then_bf16_medium"]


def test_calls_that_read_the_same_tensor_are_one_launch() -> None:
    def backward(g: Any, x: Any, scale: Any) -> Any:
        scaled = g * scale
        return scaled - pt.mean(scaled, axis=-1, keepdims=True), pt.sum(g * x, axis=0)

    kernels = compiled(backward, arrays(pt.float32, (40, 33), (40, 33), (33,)))
    assert len(kernels) == 2


def test_what_repeats_a_result_is_a_launch_of_its_own() -> None:
    def hits(x: Any) -> Any:
        return ((pt.max(x, axis=0).reshape((1, 24)) == x).astype(pt.float32),)

    assert len(compiled(hits, arrays(pt.float32, (40, 24)))) == 2


def test_what_a_checkpoint_computes_again_is_not_computed_early() -> None:
    def gradient(x: Any) -> Any:
        kept = pt.grad(lambda x: pt.sum(pt.checkpoint(lambda x: pt.tanh(pt.exp(x)))(x)))(x)
        return (pt.tanh(pt.exp(x)) + 1, kept)

    step = pt.compile(gradient)
    step(*arrays(pt.float32, (40, 33)))
    names = [instruction["name"] for instruction in step.programs[0]["instructions"]]
    assert sum("exp+tanh" in name for name in names) == 2, names

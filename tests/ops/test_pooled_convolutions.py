"""A pooling behind a convolution and its activation is done by the convolution: fewer instructions, the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F

Layer = Callable[[pt.Tensor, pt.Tensor, pt.Tensor], Any]


def given(images: int, height: int, width: int, channels: int, kernel: int, outputs: int) -> list[pt.Tensor]:
    draw = np.random.default_rng(3)
    shapes = (images, height, width, channels), (kernel, kernel, channels, outputs), (outputs,)
    return [pt.tensor(draw.standard_normal(shape).astype(np.float32)) for shape in shapes]


def layer(window: Any = 2, stride: Any = None, padding: Any = 0, pool_padding: Any = 0) -> Layer:
    def apply(x: pt.Tensor, w: pt.Tensor, b: pt.Tensor) -> pt.Tensor:
        pixels = pt.relu(F.conv2d(x, w, b, padding=padding))
        return F.max_pool2d(pixels, window, stride, pool_padding)

    return apply


def names(function: Any) -> list[str]:
    return [instruction["name"] for instruction in function.programs[0]["instructions"]]


def gradients(function: Layer) -> Layer:
    return pt.grad(lambda *values: pt.sum(pt.square(function(*values))), argnums=(0, 1, 2))


def identical(got: Any, want: Any) -> bool:
    """Tensors, or tuples of them, to the payload of a NaN: nothing here may compute one in another way."""
    pairs = list(zip(got, want, strict=True)) if isinstance(got, tuple) else [(got, want)]
    same_types = [(a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs]
    return all(same_types) and all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in pairs)


ALONE = {
    "halves of an image": (layer(2, padding=2), given(3, 28, 28, 1, 5, 32)),
    "several images at once": (layer(3, padding=1), given(5, 6, 6, 8, 3, 26)),
    "windows that share columns": (layer((2, 3), (2, 2), 1, (0, 1)), given(2, 8, 9, 30, 3, 70)),
    "lines that no window holds": (layer((1, 2), (4, 3), 1), given(2, 8, 7, 4, 3, 20)),
    "an image of one pixel left": (layer(4, padding=1), given(2, 4, 4, 3, 3, 17)),
}
APART = {
    "windows that share lines": (layer(3, 2, 1), given(2, 8, 8, 4, 3, 16)),
    "a line left over": (layer(2, padding=1), given(2, 7, 8, 4, 3, 16)),
    "padding above": (layer(2, None, 1, 1), given(2, 8, 8, 4, 3, 16)),
    "single pixels": (layer(2), given(2, 8, 8, 4, 1, 16)),
    "few channels": (layer(2, padding=1), given(2, 8, 8, 4, 3, 15)),
    "more channels than a region has": (layer(2, padding=1), given(1, 4, 4, 2, 3, 513)),
    "long lines": (layer(2, padding=1), given(1, 4, 200, 2, 3, 20)),
}


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("name", ALONE)
def test_a_pooled_convolution_is_one_instruction_of_the_identical(name: str, threads: int) -> None:
    function, values = ALONE[name]
    before = pt.get_threads()
    pt.set_threads(threads)
    try:
        compiled, backward = pt.compile(function), pt.compile(gradients(function))
        assert identical(compiled(*values), function(*values))
        assert names(compiled) == ["conv2d_kernel -> add+relu+max_pool2d_with_index"]
        assert identical(backward(*values), gradients(function)(*values))
        assert "conv2d_kernel -> add+relu+max_pool2d_with_index" in names(backward)
    finally:
        pt.set_threads(before)


@pytest.mark.parametrize("name", APART)
def test_other_poolings_stay_instructions_of_their_own(name: str) -> None:
    function, values = APART[name]
    compiled = pt.compile(function)
    assert identical(compiled(*values), function(*values))
    assert names(compiled)[-1] == "max_pool2d_with_index"


def test_pixels_that_somebody_else_reads_are_stored() -> None:
    def both(x: pt.Tensor, w: pt.Tensor, b: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        pixels = pt.relu(F.conv2d(x, w, b, padding=1))
        return pixels, F.max_pool2d(pixels, 2)

    values = given(2, 8, 8, 4, 3, 16)
    compiled = pt.compile(both)
    assert identical(compiled(*values), both(*values))
    assert names(compiled)[-1] == "max_pool2d_with_index"


def test_winners_that_are_a_result() -> None:
    def winners(x: pt.Tensor, w: pt.Tensor, b: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        y, index = pt.ops.functional.OPERATORS["max_pool2d_with_index"](pt.relu(F.conv2d(x, w, b, padding=1)), 2)
        return index, y

    values = given(2, 8, 8, 4, 3, 16)
    compiled = pt.compile(winners)
    assert identical(compiled(*values), winners(*values))
    assert len(names(compiled)) == 1


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
def test_other_dtypes(dtype: str) -> None:
    values = [value.astype(dtype) for value in given(3, 12, 12, 5, 3, 17)]
    compiled = pt.compile(layer(2, padding=1))
    got, want = compiled(*values), layer(2, padding=1)(*values)
    assert got.dtype == want.dtype
    assert identical(got.astype("float64"), want.astype("float64"))


def test_numbers_that_are_not_finite_win_as_in_a_pooling_of_its_own() -> None:
    x, w, b = given(2, 8, 8, 4, 3, 16)
    bad = x.numpy().copy()
    bad[0, 3, 3, 0], bad[1, 0, 7, 2], bad[1, 6, 1, 1] = np.nan, np.inf, -np.inf
    function = layer(2, padding=1)
    compiled = pt.compile(function)
    assert identical(compiled(pt.tensor(bad), w, b), function(pt.tensor(bad), w, b))
    assert np.isnan(compiled(pt.tensor(bad), w, b).numpy()).any()

"""Arrays joined, cut, turned and given axes: NumPy's results, PyTorch's gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


STACKED: list[tuple[str, list[tuple[int, ...]]]] = [
    *[(name, [(), ()]) for name in ("hstack", "vstack", "dstack", "column_stack")],
    *[(name, [(3,), (3,)]) for name in ("hstack", "vstack", "dstack", "column_stack")],
    ("hstack", [(3,), (0,), (5,)]), ("vstack", [(3,), (2, 3)]), ("column_stack", [(3,), (3, 2), (3,)]),
    *[(name, [(2, 3, 4), (2, 3, 4)]) for name in ("hstack", "vstack", "dstack", "column_stack")],
]  # fmt: skip


@pytest.mark.parametrize(("name", "shapes"), STACKED, ids=str)
def test_stacks_are_numpys(name: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [normal(*shape) for shape in shapes]
    agrees(lambda *x: getattr(pt, name)(x), getattr(np, name)(arrays), *arrays, k=0)


@pytest.mark.peers
@pytest.mark.parametrize(("name", "shapes"), STACKED, ids=str)
def test_gradients_of_stacks(name: str, shapes: list[tuple[int, ...]]) -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    arrays = [normal(*shape) for shape in shapes]
    gradients_agree(lambda *x: getattr(pt, name)(x), lambda *x: getattr(torch, name)(x), *arrays, k=0)


@pytest.mark.parametrize("name", ["atleast_1d", "atleast_2d", "atleast_3d"])
def test_axes_of_at_least_some_number_are_numpys(name: str) -> None:
    arrays = [normal(*shape) for shape in [(), (3,), (2, 3), (2, 3, 4), (2, 1, 3, 4)]]
    for array in arrays:
        agrees(getattr(pt, name), getattr(np, name)(array), array, k=0)
    agrees(getattr(pt, name), getattr(np, name)(*arrays), *arrays, k=0)


SPLITS: list[tuple[tuple[int, ...], Any, int]] = [
    ((7,), 3, 0), ((6,), 3, 0), ((2,), 5, 0), ((0,), 2, 0), ((7,), [2, 6], 0), ((7,), (2, 2, 9), 0), ((7,), [-2], 0),
    ((3, 7, 2), 4, 1), ((3, 7, 2), 2, -1), ((3, 7), np.array([1, 4]), -1), ((5,), [], 0),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "cuts", "axis"), SPLITS, ids=str)
def test_parts_are_numpys(shape: tuple[int, ...], cuts: Any, axis: int) -> None:
    array = normal(*shape)
    agrees(lambda x: pt.array_split(x, cuts, axis), np.array_split(array, cuts, axis), array, k=0)


def test_parts_that_cannot_be() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.array_split(pt.ones(3), 0)
    assert str(caught.value) == (
        "[array_split] indices_or_sections = 0; expected at least one part; or a list of positions"
    )
    with pytest.raises(pt.ShapeError) as caught:
        pt.array_split(pt.ones(3), 1, axis=1)
    assert str(caught.value) == "[array_split] axis = 1 of a tensor with 1 axes; expected one that it has; see x.shape"


@pytest.mark.parametrize("k", range(-5, 6))
@pytest.mark.parametrize("axes", [(0, 1), (1, 0), (-1, 0), (2, 1)], ids=str)
def test_quarter_turns_are_numpys(k: int, axes: tuple[int, int]) -> None:
    array = normal(2, 3, 4)
    agrees(lambda x: pt.rot90(x, k, axes), np.rot90(array, k, axes), array, k=0)


def test_turns_need_a_plane() -> None:
    for axes in [(0,), (1, 1), (1, -1)]:
        with pytest.raises(pt.ShapeError) as caught:
            pt.rot90(pt.ones((2, 2)), axes=axes)
        assert str(caught.value) == f"[rot90] axes = {axes}; expected two axes that differ; (0, 1) is usual"


def test_flips_and_ravel_are_numpys() -> None:
    array = normal(3, 4, 5)
    for name in ("fliplr", "flipud", "ravel"):
        agrees(getattr(pt, name), getattr(np, name)(array), array, k=0)
    agrees(pt.ravel, np.ravel(array[()].T), array.T, k=0)
    agrees(pt.ravel, np.ravel(2.0), np.float64(2), k=0)


@pytest.mark.peers
def test_gradients_of_turns_and_parts() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    array = normal(3, 5)
    for name in ("fliplr", "flipud", "ravel", "rot90"):
        gradients_agree(getattr(pt, name), getattr(torch, name), array, k=0)
    gradients_agree(lambda x: pt.array_split(x, 3, 1), lambda x: torch.tensor_split(x, 3, 1), array, k=0)

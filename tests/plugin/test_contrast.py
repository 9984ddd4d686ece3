"""NT-Xent against its formula in float64; what padding, weights and places of zero do."""

from __future__ import annotations

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import nt_xent


def formula(first: np.ndarray, second: np.ndarray, temperature: float) -> np.ndarray:
    """Equation 1 of Chen et al. 2020, for both directions of each pair."""
    both = np.concatenate([first, second]).astype(np.float64)
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    scores, count = both @ both.T / temperature, len(first)
    losses = []
    for at in range(2 * count):
        others = np.delete(np.arange(2 * count), at)
        partner = (at + count) % (2 * count)
        losses.append(-scores[at, partner] + np.log(np.exp(scores[at, others]).sum()))
    return (np.array(losses[:count]) + losses[count:]) / 2


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_it_is_the_formula(temperature: float) -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 7, 5)).astype("f")
    found = nt_xent(pt.asarray(first), pt.asarray(second), pt.ones(7), temperature).numpy()
    np.testing.assert_allclose(found, formula(first, second, temperature), rtol=2e-5)


def test_padding_is_no_answer_and_a_weight_is_no_padding() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 7, 5)).astype("f")
    weight = np.array([0.25, 1, 3, 1, 0.5, 0, 0], "f")
    found = nt_xent(pt.asarray(first), pt.asarray(second), pt.asarray(weight), 0.5).numpy()
    np.testing.assert_allclose(found[:5], formula(first[:5], second[:5], 0.5), rtol=2e-5)


def test_a_place_of_zeros_has_a_gradient() -> None:
    gradient = pt.grad(lambda x: pt.sum(nt_xent(x, x[::-1], pt.ones(3), 0.5)))(pt.zeros((3, 4)))
    assert np.isfinite(gradient.numpy()).all()

"""Gradients by values in the middle of a computation, which only the engine itself asks for, and through nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import powertrain as pt


def test_the_gradient_by_one_of_several_outputs_is_kept() -> None:
    """The call that made it is gone through for the others' sake."""
    x = pt._core.op_function("copy")(pt.tensor([[2.0, 1.0], [1.0, 5.0]]))
    values, vectors = pt._core.with_tape([x], lambda: pt.eigh(x))
    loss = pt._core.with_tape([x], lambda: (values * 3.0).sum() + pt.square(vectors[0]).sum())
    by_values, by_x = pt._core.gradients([loss], [pt.ones(())], [values, x])
    assert by_values.numpy().tolist() == [3.0, 3.0]
    assert np.isfinite(by_x.numpy()).all() and by_x.numpy().any()


@pytest.mark.parametrize("op", [pt.softmax, pt.log_softmax])
def test_a_gradient_passes_through_a_softmax_of_nothing(op: Callable[..., pt.Tensor]) -> None:
    """Its result is no second name of what it was given: on the way back 0 meets infinity, eager and compiled."""

    def total(x: pt.Tensor) -> pt.Tensor:
        return pt.sum(op(pt.power(0.0, x)[:, 1:1], axis=0))

    slope = pt.grad(total)
    x = pt.full((3, 2), -2.0)
    assert np.isnan(slope(x).numpy()).all()
    assert np.isnan(pt.compile(slope)(x).numpy()).all()

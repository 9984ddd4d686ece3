"""Gradients by values in the middle of a computation, which only the engine itself asks for."""

from __future__ import annotations

import numpy as np

import powertrain as pt


def test_the_gradient_by_one_of_several_outputs_is_kept() -> None:
    """The call that made it is gone through for the others' sake."""
    x = pt._core.op_function("copy")(pt.tensor([[2.0, 1.0], [1.0, 5.0]]))
    values, vectors = pt._core.with_tape([x], lambda: pt.eigh(x))
    loss = pt._core.with_tape([x], lambda: (values * 3.0).sum() + pt.square(vectors[0]).sum())
    by_values, by_x = pt._core.gradients([loss], [pt.ones(())], [values, x])
    assert by_values.numpy().tolist() == [3.0, 3.0]
    assert np.isfinite(by_x.numpy()).all() and by_x.numpy().any()

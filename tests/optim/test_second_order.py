"""An optimizer that is given more than gradients, as a plugin: Sophia, with curvatures from a second gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
import unusual_plugins

CURVATURES = np.array([1.0, 10.0, 100.0])  # of a bowl along its axes


def sophia() -> Any:
    """The class of the plugin that the check of plugins examines too."""
    module: dict[str, Any] = {"__name__": __name__}
    exec(unusual_plugins.UNUSUAL["optimizer-sophia"][1], module)
    return module["it"]


def by_hand(p: np.ndarray, lr: float, rho: float, steps: int) -> np.ndarray:
    m = h = np.zeros(3)
    for step in range(steps):
        if step % 2 == 0:
            h = 0.9 * h + 0.1 * CURVATURES
        m = 0.9 * m + 0.1 * CURVATURES * p
        p = p - lr * np.clip(m / np.maximum(rho * h, 1e-12), -1.0, 1.0)
    return p


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_curvatures_of_a_second_gradient_reach_the_update(compiled: bool) -> None:
    begin = np.array([1.0, -2.0, 0.5])
    weights = pt.Slot(pt.tensor(begin, dtype="float64"), name="w", trainable=True)
    curvatures = pt.tensor(CURVATURES)
    opt = sophia()([("w", weights)], lr=0.1, rho=2.0)
    draw = pt.random.Generator(0)

    def loss() -> Any:
        return pt.sum(curvatures * pt.square(weights.value)) * 0.5

    def along(u: Any) -> Any:
        """The gradient along u, whose gradient is the Hessian times u."""
        _, (g,) = pt.nn.value_and_grad([weights], loss)()
        return pt.sum(g * u)

    def measure() -> None:
        """Hutchinson's estimate of the diagonal: u times the Hessian times u, u of signs."""
        u = pt.where(draw.uniform(size=(3,)) < 0.5, -1.0, 1.0)
        u = pt.astype(u, "float64")
        _, (hu,) = pt.nn.value_and_grad([weights], lambda: along(u))()
        opt.update_curvature([u * hu])

    def step() -> Any:
        value, grads = pt.nn.value_and_grad([weights], loss)()
        opt.update(grads)
        return value

    if compiled:
        measure, step = pt.compile(measure), pt.compile(step)
    for number in range(6):
        if number % 2 == 0:
            measure()
        step()
    want = by_hand(begin, 0.1, 2.0, 6)
    assert np.linalg.norm(weights.numpy() - want) <= 1e-12 * np.linalg.norm(want - begin)
    state = opt.state_dict()
    assert set(state) == {"optimizer.lr", "optimizer.updates", "optimizer.m.w", "optimizer.h.w"}


def test_flatten_gives_numbers_by_parameter_as_moments_lie() -> None:
    model = pt.nn.Linear(3, 2)
    opt = pt.optim.SGD(model, lr=0.1, groups=[{"match": "bias", "lr": 0.2}])
    first, second = opt.flatten({"bias": pt.full((2,), 2.0), "weight": pt.full((3, 2), 3.0)})
    assert first.shape == opt.parts[0].values.shape and second.shape == opt.parts[1].values.shape
    assert (first.numpy()[:6] == 3.0).all() and (second.numpy()[:2] == 2.0).all()
    with pytest.raises(pt.optim.OptimizerError, match=r"^\[optimizer\] 1 gradients: bias is missing; "):
        opt.flatten({"weight": pt.ones((3, 2))})

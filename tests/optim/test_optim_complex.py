"""Complex parameters by displacement against torch.optim, beside real ones, and what cannot take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import optim
from powertrain.optim import Optimizer, OptimizerError

torch = pytest.importorskip("torch", reason="the peer optimizers are torch's")
pytestmark = pytest.mark.peers

SHAPES = {"w": (5, 3), "b": (3,)}
PEERS: dict[str, tuple[Callable[..., Optimizer], str, dict[str, Any]]] = {
    "sgd": (optim.SGD, "SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    "adam": (optim.Adam, "Adam", {"lr": 0.01, "weight_decay": 0.1}),
    "adamw": (optim.AdamW, "AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    "adagrad": (optim.Adagrad, "Adagrad", {"lr": 0.1}),
    "rmsprop": (optim.RMSprop, "RMSprop", {"lr": 0.01, "momentum": 0.5}),
}


def numbers(seed: int, dtype: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: (0.5 * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))).astype(dtype)
        for name, shape in SHAPES.items()
    }


def trained(make: Callable[[Any], Optimizer], dtype: str, compiled: bool) -> dict[str, np.ndarray]:
    named = [(name, pt.Slot(pt.tensor(value), name=name, trainable=True)) for name, value in numbers(0, dtype).items()]
    real = pt.Slot(pt.tensor(np.ones(4, "float32")), name="real", trainable=True)
    optimizer = make([*named, ("real", real)])

    def step(*grads: Any) -> None:
        optimizer.update([*grads, pt.ones(4)])

    run = pt.compile(step) if compiled else step
    for number in range(1, 6):
        run(*(pt.tensor(value) for value in numbers(number, dtype).values()))
    moments = {name: np.array(slot.numpy()) for name, slot in optimizer.named_slots()}
    return {**{name: np.array(slot.numpy()) for name, slot in named}, "real": np.array(real.numpy()), **moments}


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", PEERS)
def test_displacement(name: str, dtype: str) -> None:
    ours, theirs, settings = PEERS[name]
    got = trained(lambda named: ours(named, **settings), dtype, compiled=True)
    before = numbers(0, dtype)
    parameters = {key: torch.tensor(value, requires_grad=True) for key, value in before.items()}
    peer = getattr(torch.optim, theirs)(parameters.values(), **settings)
    for number in range(1, 6):
        for key, value in numbers(number, dtype).items():
            parameters[key].grad = torch.tensor(value)
        peer.step()
    for key, value in before.items():
        want = parameters[key].detach().numpy() - value
        assert got[key].dtype == np.dtype(dtype)
        assert np.linalg.norm(got[key] - value - want) <= 1e-5 * np.linalg.norm(want), key
    assert (got["real"] < 1).all()


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}, {"clip": 0.3}, {"clip_value": 0.1}])
def test_eager_and_compiled_give_the_same_bits(settings: dict[str, Any]) -> None:
    eager, compiled = (trained(lambda named: optim.AdamW(named, **settings), "complex64", c) for c in (False, True))
    assert eager.keys() == compiled.keys()
    for key, value in eager.items():
        np.testing.assert_array_equal(value, compiled[key])
    assert eager["optimizer.m.w"].shape == (5, 3, 2)


def test_a_step_down_the_gradient_of_a_complex_parameter_makes_the_loss_smaller() -> None:
    w = pt.Slot(pt.tensor(np.array([3 + 4j, 1 - 1j], "complex64")), name="w", trainable=True)
    optimizer = optim.SGD([w], 0.25)
    target = pt.tensor(np.array([1 + 1j, -2j], "complex64"))
    loss, grads = pt.nn.value_and_grad([w], lambda: pt.sum(pt.square(pt.abs(w.value - target))))()
    optimizer.update(grads)
    after = np.abs(w.numpy() - target.numpy())
    np.testing.assert_allclose(after, np.abs(np.array([3 + 4j, 1 - 1j]) - target.numpy()) / 2, rtol=1e-6)
    assert loss.item() == pytest.approx(4 * (after**2).sum(), rel=1e-6)


def test_what_looks_at_whole_parameters_refuses_complex_ones() -> None:
    w = pt.Slot(pt.tensor(np.ones((2, 2), "complex64")), name="w", trainable=True)
    with pytest.raises(OptimizerError) as caught:
        optim.LAMB([("w", w)])
    assert str(caught.value) == (
        "[optimizer] LAMB with complex parameters, w among them; expected real ones; take an elementwise optimizer, "
        "such as AdamW, for these"
    )

"""Every optimizer on a simulated GPU, beside the CPU: the same bits, apart from those that multiply matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import same_bits
from powertrain import optim
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]
SHAPES = {"weight": (9, 14), "bias": (14,), "scale": (3, 5, 7)}
STEPS = 5

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": lambda p: optim.SGD(p, 0.1, weight_decay=0.1),
    "sgd nesterov": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: optim.Adam(p, 0.01, weight_decay=0.1),
    "adam amsgrad": lambda p: optim.Adam(p, 0.01, amsgrad=True),
    "adamw clipped": lambda p: optim.AdamW(p, 0.01, clip=0.5),
    "adamax": lambda p: optim.Adamax(p),
    "nadam": lambda p: optim.NAdam(p),
    "radam": lambda p: optim.RAdam(p),
    "rmsprop": lambda p: optim.RMSprop(p, centered=True, momentum=0.9),
    "adagrad": lambda p: optim.Adagrad(p, lr_decay=0.1),
    "adadelta": lambda p: optim.Adadelta(p),
    "adafactor": lambda p: optim.Adafactor(p),
    "lion": lambda p: optim.Lion(p, 1e-3),
    "lars": lambda p: optim.LARS(p, 0.5, trust=0.01),
    "lamb": lambda p: optim.LAMB(p, 0.02),
    "rprop": lambda p: optim.Rprop(p),
    "asgd": lambda p: optim.ASGD(p, 0.1, t0=2),
    "muon": lambda p: optim.Muon(p, 0.02),
    "soap": lambda p: optim.SOAP(p, 0.02),
}
MULTIPLY = ("muon", "soap")  # products are summed in another order there


def moved(make: Callable[..., Any], device: str) -> list[np.ndarray]:
    """The parameters after some compiled updates by given gradients."""
    draw = np.random.default_rng(0)
    start = {name: draw.normal(size=shape).astype("float32") for name, shape in SHAPES.items()}
    with pt.device(device):
        slots = [pt.Slot(pt.tensor(start[name]), name, trainable=True) for name in SHAPES]
        optimizer = make(slots)
        update = pt.compile(lambda *gradients: optimizer.update(list(gradients)))
        for _ in range(STEPS):
            update(*(draw.normal(size=shape).astype("float32") for shape in SHAPES.values()))
    assert {str(slot.device) for slot in slots} == {device}
    assert all((slot.value.numpy() != start[slot.name]).any() for slot in slots)
    return [slot.value.numpy() for slot in slots]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_moves_parameters_as_on_the_cpu(name: str) -> None:
    here, there = (moved(OPTIMIZERS[name], device) for device in ("cpu", GPU))
    if name in MULTIPLY:
        for one, other in zip(there, here, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    else:
        assert all(map(same_bits, there, here))


def test_none_is_left_out() -> None:
    classes = {
        name for name in optim.__all__
        if isinstance(getattr(optim, name), type) and issubclass(getattr(optim, name), optim.Optimizer)
    }  # fmt: skip
    tried = {type(make([pt.Slot(pt.ones((4, 4)), "w", trainable=True)])).__name__ for make in OPTIMIZERS.values()}
    # LBFGS computes a loss again and again, and SparseAdam takes gradients of an embedding's rows.
    assert classes - tried == {"LBFGS", "Optimizer", "SparseAdam"}

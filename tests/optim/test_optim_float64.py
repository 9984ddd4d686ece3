"""Every optimizer on float64 parameters: by displacement against its definition in NumPy, to 1e-12 of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import optimizer_definitions as definitions
import powertrain as pt
from powertrain import optim
from powertrain.optim import Optimizer, schedules

STEPS = 25
SHAPES = {"square": (6, 6), "wide": (5, 7), "vector": (5,), "one": ()}

Case = tuple[Callable[[Any], Optimizer], definitions.Definition]
CASES: dict[str, Case] = {
    "sgd": (
        lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
        lambda p, g: definitions.sgd64(p, g, 0.1, 0.9, True, 5e-4),
    ),
    "adam": (
        lambda p: optim.Adam(p, 1e-3, weight_decay=0.1),
        lambda p, g: definitions.adam64(p, g, 1e-3, 0.1, False),
    ),
    "adamw": (
        lambda p: optim.AdamW(p, 1e-3, weight_decay=0.1),
        lambda p, g: definitions.adam64(p, g, 1e-3, 0.1, True),
    ),
    "adamw amsgrad": (
        lambda p: optim.AdamW(p, 1e-3, weight_decay=0.1, amsgrad=True),
        lambda p, g: definitions.adam64(p, g, 1e-3, 0.1, True, amsgrad=True),
    ),
    "nadam": (lambda p: optim.NAdam(p, weight_decay=0.1), definitions.nadam64),
    "radam": (lambda p: optim.RAdam(p, weight_decay=0.1), definitions.radam64),
    "lion": (lambda p: optim.Lion(p, 1e-3, weight_decay=0.1), definitions.lion64),
    "sparse-adam": (lambda p: optim.SparseAdam(p), definitions.sparse_adam64),
    "rmsprop": (
        lambda p: optim.RMSprop(p, centered=True, momentum=0.9, weight_decay=0.1),
        definitions.rmsprop64,
    ),
    "adagrad": (lambda p: optim.Adagrad(p, lr_decay=0.1, weight_decay=0.1), definitions.adagrad64),
    "adadelta": (lambda p: optim.Adadelta(p, 0.3, weight_decay=0.1), definitions.adadelta64),
    "adamax": (lambda p: optim.Adamax(p, weight_decay=0.1), definitions.adamax64),
    "adafactor": (lambda p: optim.Adafactor(p, 0.3, weight_decay=0.1), definitions.adafactor64),
    "lars": (lambda p: optim.LARS(p, 0.5, trust=0.01, weight_decay=0.1), definitions.lars64),
    "lamb": (lambda p: optim.LAMB(p, 0.02, weight_decay=0.1), definitions.lamb64),
    "muon": (lambda p: optim.Muon(p, 0.02), definitions.muon64),
    "rprop": (lambda p: optim.Rprop(p, 1e-3), definitions.rprop64),
    "asgd": (lambda p: optim.ASGD(p, 0.1, lambd=1e-2, weight_decay=0.1), definitions.asgd64),
    "soap": (lambda p: optim.SOAP(p, 0.02, every=3, weight_decay=0.1), definitions.soap64),
}
ELSEWHERE = {"LBFGS"}  # which calls a closure: below


def test_every_optimizer_is_here() -> None:
    classes = {kind for kind in vars(optim).values() if isinstance(kind, type) and issubclass(kind, Optimizer)}
    made = {type(make([slot()])) for make, _ in CASES.values()}
    assert {kind.__name__ for kind in classes - made} == {"Optimizer", *ELSEWHERE}


def slot(shape: tuple[int, ...] = (2,), name: str = "p", seed: int = 3) -> pt.Slot:
    values = 0.02 * np.random.default_rng(seed).normal(size=shape)
    return pt.Slot(pt.tensor(values, dtype="float64"), name=name, trainable=True)


def displaced(make: Callable[[Any], Optimizer], names: list[str], compiled: bool) -> dict[str, Any]:
    """Of each parameter its value before, its gradients, and how far it moved."""
    rng = np.random.default_rng(5)
    named = [(name, slot(SHAPES[name], name, seed)) for seed, name in enumerate(names)]
    before = {name: one.numpy().copy() for name, one in named}
    grads = [{name: rng.normal(size=SHAPES[name]) for name in names} for _ in range(STEPS)]
    optimizer = make(named)
    step = lambda *given: optimizer.update(list(given))  # noqa: E731
    run = pt.compile(step) if compiled else step
    for grad in grads:
        run(*(pt.tensor(grad[name], dtype="float64") for name in names))
    return {name: (before[name], [grad[name] for grad in grads], one.numpy() - before[name]) for name, one in named}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", CASES)
def test_displacement(name: str, compiled: bool) -> None:
    make, definition = CASES[name]
    # Eigenvectors of an eigenvalue of zero could be any, and a matrix that is not square has some.
    names = [key for key in SHAPES if name != "soap" or key != "wide"]
    for key, (before, grads, moved) in displaced(make, names, compiled).items():
        want = definition(before, grads) - before
        assert np.linalg.norm(moved - want) <= 1e-12 * np.linalg.norm(want), key


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_schedule_group_clipping_and_accumulation(compiled: bool) -> None:
    """What the frame multiplies with is float64 too."""
    total, lr, clip = STEPS, 0.1, 0.3

    def make(named: Any) -> Optimizer:
        warm = schedules.LinearLR(0.25, total_iters=3)
        cosine = schedules.CosineAnnealingLR(total - 3)
        both = [schedules.SequentialLR([warm, cosine], [3]), schedules.ExponentialLR(0.9)]
        schedule = schedules.ChainedScheduler(both)
        groups = [optim.Group("vector", lr=0.07)]
        return optim.SGD(named, lr, schedule=schedule, groups=groups, clip=clip, accumulate=3)

    found = displaced(make, ["square", "vector"], compiled)
    positions = {name: before for name, (before, _, _) in found.items()}
    for update in range(STEPS // 3):
        calls = range(3 * update, 3 * update + 3)
        g = {name: sum(grads[call] for call in calls) / 3 for name, (_, grads, _) in found.items()}
        norm = np.sqrt(sum(np.sum(one * one) for one in g.values()))
        way = (update - 3) / (total - 3)
        factor = (update + 1) / 4 if update < 3 else 0.5 * (1 + np.cos(np.pi * way))
        rate = lr * factor * 0.9**update * min(1.0, clip / (norm + 1e-6))
        for name, one in g.items():
            positions[name] = positions[name] - rate * (0.7 if name == "vector" else 1.0) * one
    for name, (before, _, moved) in found.items():
        want = positions[name] - before
        assert np.linalg.norm(moved - want) <= 1e-12 * np.linalg.norm(want), name


def test_a_rate_keeps_its_digits() -> None:
    optimizer = optim.AdamW([slot()], 1e-3)
    assert optimizer.lr.item() == 1e-3
    optimizer.lr = 0.3
    assert optimizer.lr.item() == 0.3 and optimizer.lr.dtype == pt.float64
    plateau = optim.ReduceLROnPlateau(optimizer, factor=0.1, patience=0)
    for loss in (1.0, 1.0):
        plateau.update(loss)
    assert optimizer.lr.item() == 0.3 * 0.1
    narrow = optim.AdamW([pt.Slot(pt.ones(2), name="q", trainable=True)], 1e-3)
    assert narrow.lr.item() == 1e-3


def test_float32_parameters_beside_float64_ones_move_as_they_do_alone() -> None:
    """Bit for bit: the numbers of their update are float32 ones of the same rate."""

    def moved(*others: pt.Slot) -> np.ndarray:
        values = np.random.default_rng(0).normal(size=40).astype(np.float32)
        one = pt.Slot(pt.tensor(values), name="one", trainable=True)
        schedule = schedules.CosineAnnealingLR(10, eta_min=1e-4)
        optimizer = optim.AdamW([one, *others], 1e-3, schedule=schedule, weight_decay=0.1)
        for seed in range(5):
            grad = np.random.default_rng(seed).normal(size=40).astype(np.float32)
            optimizer.update([pt.tensor(grad), *(pt.ones(other.shape, other.dtype) for other in others)])
        return np.asarray(one.numpy())

    assert moved().tobytes() == moved(slot()).tobytes()


def test_lbfgs_takes_the_rate_that_it_is_given() -> None:
    one = slot((3,))
    before = one.numpy().copy()
    optimizer = optim.LBFGS([one], 0.3, max_iter=2, max_eval=9)
    scale = np.array([1.0, 2.0, 3.0])
    optimizer.minimize(lambda: pt.nn.value_and_grad([one], lambda: (one * one * pt.tensor(scale)).sum() * 0.5)())
    g = scale * before
    first = before - 0.3 * min(1.0, 1 / np.abs(g).sum()) * g
    y, s = scale * first - g, first - before
    # One pair of differences: the two loops of Nocedal and Wright, section 7.2.
    q = -scale * first
    share = (s @ q) / (y @ s)
    q = (q - share * y) * ((y @ s) / (y @ y))
    want = first + 0.3 * (q + s * (share - (y @ q) / (y @ s)))
    assert np.abs(one.numpy() - want).max() <= 1e-12 * np.abs(want - before).max()

"""Every optimizer by displacement over 25 steps: against torch.optim in float64, or its definition without a peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_optim import SHAPES, gradients, slots, start, updated

import powertrain as pt
from optimizer_definitions import lamb64, lars64, lion64, muon64
from powertrain import optim
from powertrain.optim import Optimizer, OptimizerError

torch = pytest.importorskip("torch", reason="the peer optimizers are torch's")
pytestmark = pytest.mark.peers

# Ours, torch's, and the settings of both.
PEERS: dict[str, tuple[Callable[..., Optimizer], str, dict[str, Any]]] = {
    "rmsprop": (optim.RMSprop, "RMSprop", {}),
    "rmsprop centered": (optim.RMSprop, "RMSprop", {"centered": True, "momentum": 0.9, "weight_decay": 0.1}),
    "adagrad": (optim.Adagrad, "Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1}),
    "adadelta": (optim.Adadelta, "Adadelta", {"weight_decay": 0.1}),
    "adamax": (optim.Adamax, "Adamax", {"weight_decay": 0.1}),
    "amsgrad": (optim.Adam, "Adam", {"amsgrad": True}),
    "adamw amsgrad": (optim.AdamW, "AdamW", {"amsgrad": True, "weight_decay": 0.1}),
    "nadam": (optim.NAdam, "NAdam", {"weight_decay": 0.1}),
    "radam": (optim.RAdam, "RAdam", {"weight_decay": 0.1}),
    "adafactor": (optim.Adafactor, "Adafactor", {}),
    "adafactor decay": (optim.Adafactor, "Adafactor", {"lr": 0.3, "weight_decay": 0.1}),
    "rprop": (optim.Rprop, "Rprop", {"lr": 1e-3}),
    "asgd": (optim.ASGD, "ASGD", {"lr": 0.1, "lambd": 1e-2, "weight_decay": 0.1}),
    "asgd averaging": (optim.ASGD, "ASGD", {"lr": 0.1, "t0": 5}),
}


DEFINED: dict[str, tuple[Callable[[Any], Optimizer], Callable[[np.ndarray, list[np.ndarray]], np.ndarray]]] = {
    "lion": (lambda p: optim.Lion(p, 1e-3, weight_decay=0.1), lion64),
    "lars": (lambda p: optim.LARS(p, 0.5, trust=0.01, weight_decay=0.1), lars64),
    "lamb": (lambda p: optim.LAMB(p, 0.02, weight_decay=0.1), lamb64),
    "muon": (lambda p: optim.Muon(p, 0.02), muon64),
}
STEPS = 25


def check_displacement(
    make: Callable[[Any], Optimizer], reference: Callable[[np.ndarray, list[np.ndarray]], np.ndarray], compiled: bool
) -> Optimizer:
    values, grads = start(), gradients(STEPS, 1.0)
    got, optimizer = updated(make, values, grads, compiled)
    for key, before in values.items():
        wide = before.astype(np.float64)
        want = reference(wide, [grad[key].astype(np.float64) for grad in grads]) - wide
        moved = got[key].astype(np.float64) - wide
        assert np.linalg.norm(moved - want) <= 1e-5 * np.linalg.norm(want), key
    return optimizer


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", PEERS)
def test_displacement_is_torchs(name: str, compiled: bool) -> None:
    make, peer, settings = PEERS[name]

    def reference(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
        parameter = torch.tensor(p, requires_grad=True)
        other = getattr(torch.optim, peer)([parameter], **settings)
        for grad in grads:
            parameter.grad = torch.tensor(grad)
            other.step()
        return np.asarray(parameter.detach().numpy())

    check_displacement(lambda p: make(p, **settings), reference, compiled)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", DEFINED)
def test_displacement_is_that_of_the_definition(name: str, compiled: bool) -> None:
    check_displacement(*DEFINED[name], compiled)


def test_the_mean_of_asgd_is_torchs() -> None:
    values, grads = start(), gradients(STEPS, 1.0)
    _, optimizer = updated(lambda p: optim.ASGD(p, 0.1, t0=5), values, grads)
    found = {name: np.array(slot.numpy()) for name, slot in optimizer.named_slots()}
    for key, before in values.items():
        parameter = torch.tensor(before.astype(np.float64), requires_grad=True)
        other = torch.optim.ASGD([parameter], 0.1, t0=5)
        for grad in grads:
            parameter.grad = torch.tensor(grad[key].astype(np.float64))
            other.step()
        np.testing.assert_allclose(
            found[f"optimizer.mean.{key}"], other.state[parameter]["ax"].numpy(), rtol=1e-5, atol=1e-6
        )


def _with_settings(name: str) -> Callable[[Any], Optimizer]:
    make, _, settings = PEERS[name]
    return lambda p: make(p, **settings)


ALL: dict[str, Callable[[Any], Optimizer]] = {
    **{name: _with_settings(name) for name in PEERS},
    **{name: make for name, (make, _) in DEFINED.items()},
    "soap": lambda p: optim.SOAP(p, every=2),
}


@pytest.mark.parametrize("name", ALL)
def test_a_run_goes_on_from_its_slots_with_the_same_bits(name: str) -> None:
    grads = gradients(6, 0.3)
    whole, _ = updated(ALL[name], start(), grads)
    half, first = updated(ALL[name], start(), grads[:3])
    saved = {key: np.array(slot.numpy()) for key, slot in first.named_slots()}
    named = slots(half)
    second = ALL[name](named)
    for key, slot in second.named_slots():
        slot.value = pt.tensor(saved[key], dtype=slot.dtype)
    for grad in grads[3:]:
        second.update([pt.tensor(grad[key]) for key in SHAPES])
    assert all((np.array(slot.numpy()) == whole[key]).all() for key, slot in named)


@pytest.mark.parametrize("name", ALL)
def test_a_gradient_that_is_not_finite_changes_nothing(name: str) -> None:
    named = slots(start())
    optimizer = ALL[name](named)
    good, bad = gradients(2, 1.0)
    optimizer.update([pt.tensor(good[key]) for key in SHAPES])
    before = {key: np.array(slot.numpy()) for key, slot in [*named, *optimizer.named_slots()]}
    bad["b.weight"][3] = np.inf
    with pytest.raises(pt.NonFiniteError):
        optimizer.update([pt.tensor(bad[key]) for key in SHAPES])
    for key, slot in [*named, *optimizer.named_slots()]:
        assert (np.array(slot.numpy()) == before[key]).all(), key


# Of SOAP's basis, what belongs to eigenvalues of zero is left to rounding.
@pytest.mark.parametrize("name", [name for name in ALL if name != "soap"])
def test_accumulated_calls_make_one_update_of_their_mean(name: str) -> None:
    grads = gradients(4, 1.0)
    means = [{key: (grads[i][key] + grads[i + 1][key]) / 2 for key in SHAPES} for i in (0, 2)]
    wanted, _ = updated(ALL[name], start(), means)
    named = slots(start())
    make = ALL[name]
    optimizer = make(named)
    optimizer = type(optimizer)(slots(start()), **_settings(name), accumulate=2)
    for grad in grads:
        optimizer.update([pt.tensor(grad[key]) for key in SHAPES])
    got = {key: np.array(slot.numpy()) for key, slot in optimizer.params}
    for key, before in start().items():
        moved, want = got[key] - before, wanted[key] - before
        assert np.linalg.norm(moved - want) <= 1e-5 * np.linalg.norm(want)


def _settings(name: str) -> dict[str, Any]:
    if name in PEERS:
        return PEERS[name][2]
    return {"lion": {"lr": 1e-3, "weight_decay": 0.1}, "lars": {"lr": 0.5, "trust": 0.01, "weight_decay": 0.1},
            "lamb": {"lr": 0.02, "weight_decay": 0.1}, "muon": {"lr": 0.02}}[name]  # fmt: skip


@pytest.mark.parametrize("made", [optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Adamax, optim.NAdam, optim.RAdam,
                                  optim.Lion, optim.Rprop, optim.ASGD, optim.LARS, optim.LAMB, optim.Muon,
                                  optim.Adam, optim.AdamW, optim.SGD, optim.Adafactor,
                                  optim.SOAP])  # fmt: skip
def test_a_recipe_builds_what_the_constructor_does(made: Any) -> None:
    class One(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = pt.nn.Parameter(pt.ones((2, 3)))

    by_recipe, by_hand = made.build(made.Params(), One()), made(One())
    for optimizer in (by_recipe, by_hand):
        optimizer.update([pt.tensor([[1.0, -2.0, 0.5], [0.25, 4.0, -1.0]])])
    np.testing.assert_array_equal(by_recipe.params[0][1].numpy(), by_hand.params[0][1].numpy())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: optim.RMSprop(p, alpha=1.0), "[rmsprop] beta2 = 1; expected 0 <= beta2 < 1; 0.999 is usual"),
        (lambda p: optim.Lion(p, betas=(-0.1, 0.9)), "[lion] beta1 = -0.1; expected 0 <= beta1 < 1; 0.9 is usual"),
        (
            lambda p: optim.Rprop(p, etas=(1.5, 1.2)),
            "[rprop] etas = (1.5, 1.2), step_sizes = (1e-06, 50.0); expected 0 < shorter < 1 < longer and least <= "
            "most; (0.5, 1.2) and (1e-6, 50) are usual",
        ),
    ],
)
def test_settings_that_are_refused(make: Callable[[Any], Optimizer], message: str) -> None:
    with pytest.raises(OptimizerError) as caught:
        make(slots(start()))
    assert str(caught.value) == message

"""OneCycleLR and CyclicLR set the momentum, or beta1, of each update: against torch over a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import optim
from powertrain.optim import schedules as s

STEPS = 30
RNG = np.random.default_rng(0)
START, GRADS = RNG.standard_normal(37) * 0.02, RNG.standard_normal((STEPS, 37))
SCHEDULES: dict[str, dict[str, Any]] = {
    "one cycle": {"max_lr": 0.01, "total_steps": 31},
    "three phases": {
        "max_lr": 0.01, "total_steps": 35, "three_phase": True, "anneal_strategy": "linear", "base_momentum": 0.5,
        "max_momentum": 0.98, "pct_start": 0.4,
    },
    "triangular": {"base_lr": 0.001, "max_lr": 0.01, "step_size_up": 4, "step_size_down": 7},
    "triangular2": {"base_lr": 0.001, "max_lr": 0.01, "step_size_up": 5, "mode": "triangular2", "base_momentum": 0.3},
    "exp_range": {"base_lr": 0.001, "max_lr": 0.01, "step_size_up": 4, "mode": "exp_range", "gamma": 0.9},
}  # fmt: skip
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"momentum": 0.9}),
    "SGD without momentum": ("SGD", {}),
    "SGD with dampening": ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    "SGD of Nesterov": ("SGD", {"momentum": 0.5, "nesterov": True}),
    "RMSprop": ("RMSprop", {"centered": True}),
    "Adam": ("Adam", {"weight_decay": 0.1}),
    "AdamW": ("AdamW", {"betas": (0.7, 0.99)}),
    "AMSGrad": ("AdamW", {"amsgrad": True}),
    "Adamax": ("Adamax", {}),
    "NAdam": ("NAdam", {}),
    "RAdam": ("RAdam", {"betas": (0.9, 0.9)}),
}


def kind(settings: dict[str, Any]) -> str:
    return "OneCycleLR" if "total_steps" in settings else "CyclicLR"


def schedule(name: str, **more: Any) -> s.Schedule:
    made: s.Schedule = getattr(s, kind(SCHEDULES[name]))(**SCHEDULES[name], **more)
    return made


def theirs(optimizer: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Parameters and the momentum at each update."""
    torch = pytest.importorskip("torch", reason="the peers are torch's")
    which, settings = OPTIMIZERS[optimizer]
    p = torch.tensor(START, requires_grad=True)
    opt = getattr(torch.optim, which)([p], lr=0.01, **settings)
    peer = getattr(torch.optim.lr_scheduler, kind(SCHEDULES[name]))(opt, **SCHEDULES[name])
    values, momenta = [], []
    for g in GRADS:
        group = opt.param_groups[0]
        momenta.append(group["betas"][0] if "betas" in group else group["momentum"])
        p.grad = torch.tensor(g)
        opt.step()
        peer.step()
        values.append(p.detach().numpy().copy())
    return np.array(values), np.array(momenta)


class Run:
    def __init__(self, optimizer: str, schedule: s.Schedule, compiled: bool, dtype: str = "float64") -> None:
        which, settings = OPTIMIZERS[optimizer]
        self.slot = pt.Slot(pt.tensor(START, dtype), name="p", trainable=True)
        self.opt = getattr(optim, which)([self.slot], lr=0.01, schedule=schedule, **settings)
        self.step = pt.compile(lambda g: self.opt.update([g])) if compiled else lambda g: self.opt.update([g])

    def values(self, grads: np.ndarray) -> np.ndarray:
        found = []
        for g in grads:
            self.step(pt.tensor(g, self.slot.dtype))
            found.append(np.array(self.slot.numpy()))
        return np.array(found)


@pytest.mark.peers
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_updates_are_torchs(optimizer: str, name: str, tmp_path: Path) -> None:
    """By displacement in float64; compiled with the same bits, in one trace, and after a restore on the way."""
    want, momenta = theirs(optimizer, name)
    eager, first, again = (Run(optimizer, schedule(name), compiled) for compiled in (False, True, True))
    got = eager.values(GRADS)
    # Torch keeps NAdam's product of momenta in float32.
    np.testing.assert_allclose(got - START, want - START, rtol=2e-5 if optimizer == "NAdam" else 1e-9, atol=1e-13)
    compiled = [first.values(GRADS[:11])]
    pt.save(tmp_path / "it.safetensors", optimizer=first.opt, p=first.slot)
    pt.restore(tmp_path / "it.safetensors", optimizer=again.opt, p=again.slot)
    assert again.opt.scheduled_momentum.item() == pytest.approx(momenta[11], rel=1e-12)
    compiled.append(again.values(GRADS[11:]))
    np.testing.assert_array_equal(np.concatenate(compiled), got)
    assert first.step.traces == again.step.traces == 1


@pytest.mark.peers
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_momentum_itself_is_torchs(name: str) -> None:
    _, momenta = theirs("SGD", name)
    made = schedule(name)
    assert made.moves_momentum
    for step, want in enumerate(momenta):
        got = made.momentum(pt.tensor(step, dtype="float64"), 0.5)
        assert isinstance(got, pt.Tensor) and got.item() == pytest.approx(want, rel=1e-13)


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "Lion", "LARS", "LAMB", "Muon", "SparseAdam", "SOAP"])
def test_a_momentum_that_stays_is_the_setting(optimizer: str) -> None:
    """A cycle from 0.6 to 0.6 gives what a momentum of 0.6 gives, in every optimizer that takes it, in float32 too."""
    which, settings = OPTIMIZERS.get(optimizer, (optimizer, {}))
    cls = getattr(optim, which)
    moved, still = ({"betas": (one, 0.99)} if cls.CYCLED == "betas" else {"momentum": one} for one in (0.9, 0.6))
    cycle = s.OneCycleLR(total_steps=40, base_momentum=0.6, max_momentum=0.6)
    alone = s.OneCycleLR(total_steps=40, cycle_momentum=False)
    found = []
    for given, how in (({**settings, **moved}, cycle), ({**settings, **still}, alone)):
        slot = pt.Slot(pt.tensor(START[:36].reshape(6, 6), "float32"), name="p", trainable=True)
        opt = cls([slot], lr=0.01, schedule=how, **given)
        for g in GRADS[:9]:
            opt.update([pt.tensor(g[:36].reshape(6, 6), "float32")])
        found.append(slot.numpy() - START[:36].reshape(6, 6))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-8)


def test_schedules_that_are_made_of_others_move_it_too() -> None:
    cycle = s.OneCycleLR(total_steps=10)
    both = s.SequentialLR([s.LinearLR(total_iters=4), cycle], milestones=[4])
    step = lambda n: pt.tensor(n, dtype="float64")  # noqa: E731
    assert both.moves_momentum and s.ChainedScheduler([s.ConstantLR(), cycle]).moves_momentum
    assert not s.SequentialLR([s.LinearLR(), schedule("one cycle", cycle_momentum=False)], [4]).moves_momentum
    got = [both.momentum(step(n), 0.5).item() for n in range(14)]
    assert got[:4] == [0.5] * 4 and got[4:] == [cycle.momentum(step(n), 0.5).item() for n in range(10)]
    assert s.ChainedScheduler([s.ConstantLR(), cycle]).momentum(step(3), 0.5).item() == got[7]
    opt = optim.SGD(pt.nn.Linear(2, 2), lr=0.1, schedule=both)
    assert opt.scheduled_momentum.item() == 0.0


def test_the_momentum_that_is_not_moved() -> None:
    assert optim.SGD(pt.nn.Linear(2, 2), momentum=0.25).scheduled_momentum.item() == 0.25
    assert optim.AdamW(pt.nn.Linear(2, 2), betas=(0.5, 0.9)).scheduled_momentum.item() == 0.5
    still = s.CyclicLR(0.1, cycle_momentum=False)
    assert optim.SGD(pt.nn.Linear(2, 2), schedule=still).MOMENTS == ()
    assert still.momentum(pt.tensor(3.0), 0.5) == 0.5


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: optim.Adagrad(pt.nn.Linear(2, 2), schedule=s.OneCycleLR(total_steps=9)),
     "[optimizer] OneCycleLR sets the momentum of each update, and Adagrad has none that changes; expected SGD, AdamW "
     "or another optimizer with momentum or betas; write OneCycleLR(..., cycle_momentum=False)"),
    (lambda: optim.Adagrad(pt.nn.Linear(2, 2)).scheduled_momentum,
     "[optimizer] scheduled_momentum of Adagrad; expected an optimizer with momentum or betas; leave it out"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(pt.Error) as caught:
        make()
    assert isinstance(caught.value, ValueError) and str(caught.value) == message

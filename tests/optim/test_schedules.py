"""Schedules: rates step by step against torch's schedulers, as an optimizer has them, and what is refused."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import optim
from powertrain.optim import schedules as s

torch = pytest.importorskip("torch", reason="the peers are torch's")
pytestmark = pytest.mark.peers
peers = torch.optim.lr_scheduler
STEPS = 40
LR, SMALL = 0.1, 0.03  # of two groups


def cosine_lambda(step: Any) -> Any:
    return 0.95**step


Pair = tuple[Callable[[], s.Schedule], Callable[[Any], Any]]
PAIRS: dict[str, Pair] = {
    "step": (lambda: s.StepLR(7, 0.5), lambda o: peers.StepLR(o, 7, 0.5)),
    "step by default": (lambda: s.StepLR(step_size=9), lambda o: peers.StepLR(o, step_size=9)),
    "step to zero": (lambda: s.StepLR(9, gamma=0.0), lambda o: peers.StepLR(o, 9, gamma=0.0)),
    "multistep": (lambda: s.MultiStepLR([3, 10, 10, 11], 0.5), lambda o: peers.MultiStepLR(o, [3, 10, 10, 11], 0.5)),
    "exponential": (lambda: s.ExponentialLR(0.9), lambda o: peers.ExponentialLR(o, 0.9)),
    "growing": (lambda: s.ExponentialLR(1.1), lambda o: peers.ExponentialLR(o, 1.1)),
    "linear": (lambda: s.LinearLR(), lambda o: peers.LinearLR(o)),
    "linear down": (lambda: s.LinearLR(1.0, 0.25, 20), lambda o: peers.LinearLR(o, 1.0, 0.25, 20)),
    "constant": (lambda: s.ConstantLR(), lambda o: peers.ConstantLR(o)),
    "constant half": (lambda: s.ConstantLR(0.5, 12), lambda o: peers.ConstantLR(o, 0.5, 12)),
    "polynomial": (lambda: s.PolynomialLR(), lambda o: peers.PolynomialLR(o)),
    "polynomial 2": (lambda: s.PolynomialLR(30, 2.0), lambda o: peers.PolynomialLR(o, 30, 2.0)),
    "cosine": (lambda: s.CosineAnnealingLR(25), lambda o: peers.CosineAnnealingLR(o, 25)),
    "cosine to a rate": (
        lambda: s.CosineAnnealingLR(T_max=13, eta_min=0.01),
        lambda o: peers.CosineAnnealingLR(o, T_max=13, eta_min=0.01),
    ),
    "restarts": (
        lambda: s.CosineAnnealingWarmRestarts(6, eta_min=0.01),
        lambda o: peers.CosineAnnealingWarmRestarts(o, 6, eta_min=0.01),
    ),
    "doubling restarts": (
        lambda: s.CosineAnnealingWarmRestarts(3, 2),
        lambda o: peers.CosineAnnealingWarmRestarts(o, 3, 2),
    ),
    "tripling restarts": (
        lambda: s.CosineAnnealingWarmRestarts(T_0=1, T_mult=3, eta_min=0.02),
        lambda o: peers.CosineAnnealingWarmRestarts(o, T_0=1, T_mult=3, eta_min=0.02),
    ),
    "one cycle": (
        lambda: s.OneCycleLR(0.5, 41, cycle_momentum=False),
        lambda o: peers.OneCycleLR(o, 0.5, 41, cycle_momentum=False),
    ),
    "one cycle of the group's rate": (
        lambda: s.OneCycleLR(epochs=5, steps_per_epoch=9, pct_start=0.2, anneal_strategy="linear", div_factor=10.0,
                             cycle_momentum=False),
        lambda o: peers.OneCycleLR(
            o, [LR, SMALL], epochs=5, steps_per_epoch=9, pct_start=0.2, anneal_strategy="linear", div_factor=10.0,
            cycle_momentum=False,
        ),
    ),
    "three phases": (
        lambda: s.OneCycleLR(0.5, total_steps=40, three_phase=True, final_div_factor=50.0, cycle_momentum=False),
        lambda o: peers.OneCycleLR(
            o, 0.5, total_steps=40, three_phase=True, final_div_factor=50.0, cycle_momentum=False
        ),
    ),
    "cyclic": (
        lambda: s.CyclicLR(0.01, 0.2, 3, 5, cycle_momentum=False),
        lambda o: peers.CyclicLR(o, 0.01, 0.2, 3, 5, cycle_momentum=False),
    ),
    "cyclic of the group's rate": (
        lambda: s.CyclicLR(0.01, step_size_up=6, cycle_momentum=False),
        lambda o: peers.CyclicLR(o, 0.01, [LR, SMALL], step_size_up=6, cycle_momentum=False),
    ),
    "triangular2": (
        lambda: s.CyclicLR(0.01, 0.2, 4, mode="triangular2", cycle_momentum=False),
        lambda o: peers.CyclicLR(o, 0.01, 0.2, 4, mode="triangular2", cycle_momentum=False),
    ),
    "exp_range": (
        lambda: s.CyclicLR(0.01, 0.2, 4, 2, "exp_range", 0.9, cycle_momentum=False),
        lambda o: peers.CyclicLR(o, 0.01, 0.2, 4, 2, "exp_range", 0.9, cycle_momentum=False),
    ),
    "lambda": (lambda: s.LambdaLR(cosine_lambda), lambda o: peers.LambdaLR(o, cosine_lambda)),
    "warm-up and cosine": (
        lambda: s.SequentialLR([s.LinearLR(0.1, 1.0, 5), s.CosineAnnealingLR(30, 0.001)], milestones=[5]),
        lambda o: peers.SequentialLR(
            o, [peers.LinearLR(o, 0.1, 1.0, 5), peers.CosineAnnealingLR(o, 30, 0.001)], milestones=[5]
        ),
    ),
    "three in a row": (
        lambda: s.SequentialLR([s.ConstantLR(0.5, 4), s.ExponentialLR(0.9), s.StepLR(3, 0.5)], [4, 20]),
        lambda o: peers.SequentialLR(
            o, [peers.ConstantLR(o, 0.5, 4), peers.ExponentialLR(o, 0.9), peers.StepLR(o, 3, 0.5)], [4, 20]
        ),
    ),
    "times each other": (
        lambda: s.ChainedScheduler([s.LinearLR(0.5), s.ExponentialLR(0.9)]),
        lambda o: peers.ChainedScheduler([peers.LinearLR(o, 0.5), peers.ExponentialLR(o, 0.9)], o),
    ),
}  # fmt: skip


def theirs(make: Callable[[Any], Any]) -> np.ndarray:
    """The rates of two groups, [STEPS, 2], in float64."""
    one, two = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.SGD([{"params": [one], "lr": LR}, {"params": [two], "lr": SMALL}], LR)
    peer = make(optimizer)
    found = []
    for _ in range(STEPS):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        peer.step()
    return np.array(found)


class Two:
    """SGD on two groups with a gradient of -1, so that a parameter that was 0 is the rate."""

    def __init__(self, schedule: Any, compiled: bool) -> None:
        self.slots = [pt.Slot(pt.zeros(3), name=name, trainable=True) for name in ("a", "b")]
        self.opt = optim.SGD(
            [{"params": self.slots[:1]}, {"params": self.slots[1:], "lr": SMALL}], LR, schedule=schedule
        )

        def step() -> None:
            for slot in self.slots:
                slot.value = slot.value * 0.0
            self.opt.update([pt.full((3,), -1.0), pt.full((3,), -1.0)])

        self.step = pt.compile(step) if compiled else step

    def rates(self, steps: int) -> np.ndarray:
        found = []
        for _ in range(steps):
            self.step()
            found.append([slot.numpy()[1].copy() for slot in self.slots])
        return np.array(found)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", PAIRS)
def test_rates_of_updates_are_torchs(name: str, compiled: bool, tmp_path: Path) -> None:
    """Exactly, as float32, and after the state was saved and restored on the way."""
    make, peer = PAIRS[name]
    want = theirs(peer)
    first, again = Two(make(), compiled), Two(make(), compiled)
    got = [first.rates(17)]
    pt.save(tmp_path / "it.safetensors", optimizer=first.opt)
    pt.restore(tmp_path / "it.safetensors", optimizer=again.opt)
    got.append(again.rates(STEPS - 17))
    # A cosine that ends at zero may end at 1e-17.
    assert np.abs(np.concatenate(got) - want.astype(np.float32)).max() <= 1e-15
    assert got[0].dtype == np.float32


@pytest.mark.parametrize("name", PAIRS)
def test_a_schedule_by_itself_gives_numbers(name: str) -> None:
    make, peer = PAIRS[name]
    schedule, compiled = make(), pt.compile(lambda step, lr: make()(step, lr))
    for step, (first, second) in enumerate(theirs(peer)):
        got = schedule(step, LR)
        assert isinstance(got, float) and got == pytest.approx(first, rel=1e-13, abs=1e-16)
        assert schedule(step, SMALL) == pytest.approx(second, rel=1e-13, abs=1e-16)
        count = pt.tensor(step, dtype="int64")
        assert float(compiled(count, pt.tensor(LR, dtype="float64"))) == got
        assert schedule(step) == schedule(step, 1.0) == float(schedule(count))


def test_one_cycle_ends_where_it_ended() -> None:
    schedule = s.OneCycleLR(total_steps=10)
    assert schedule(9) == schedule(10) == schedule(1000) == pytest.approx(4e-6)


def test_restarts_begin_where_they_should_for_a_long_time() -> None:
    schedule = s.CosineAnnealingWarmRestarts(7, 2)
    for rounds in range(40):
        begin = 7 * (2**rounds - 1)
        assert schedule(begin) == 1.0
        assert begin == 0 or schedule(begin - 1) < 0.2


def test_the_rate_of_attention_is_all_you_need() -> None:
    schedule = s.InverseSqrtLR(warmup=10)
    for step in range(1, STEPS):
        assert schedule(step - 1) == pytest.approx(math.sqrt(10) * min(step**-0.5, step * 10**-1.5), rel=1e-13)


def test_a_function_of_the_step_is_a_schedule() -> None:
    two = Two(lambda step: 1.0 / (1.0 + step / 4.0), True)
    assert two.opt.schedule == s.LambdaLR(two.opt.schedule.lr_lambda)
    want = np.array([[LR / (1 + step / 4), SMALL / (1 + step / 4)] for step in range(9)])
    assert (two.rates(9) == want.astype(np.float32)).all()
    assert Two(lambda step: 0.5, False).rates(1).tolist() == [[np.float32(LR / 2), np.float32(SMALL / 2)]]


def test_the_rate_of_the_next_update_can_be_read_and_set() -> None:
    two = Two(s.StepLR(2, 0.5), True)
    assert two.opt.scheduled_lr.item() == LR
    two.rates(2)
    assert two.opt.scheduled_lr.item() == LR / 2 and two.opt.lr.item() == LR
    two.opt.lr = 1.0
    assert two.opt.scheduled_lr.item() == 0.5 and two.rates(1)[0, 0] == 0.5


def test_schedules_are_values() -> None:
    schedule = s.SequentialLR([s.LinearLR(), s.StepLR(3)], [5])
    assert repr(s.StepLR(3)) == "StepLR(step_size=3, gamma=0.1)"
    assert pickle.loads(pickle.dumps(schedule)) == schedule != s.StepLR(3)


def net() -> pt.nn.Module:
    return pt.nn.Linear(2, 2)


GIVE = "give the schedule to the optimizer: pt.optim.SGD(model, lr=0.1, schedule=pt.optim.schedules"
COUNTED = "leave it out: the optimizer counts its updates, and saves the count with its state"
REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: s.StepLR(optim.SGD(net()), step_size=30), ValueError,
     f"[StepLR] received an optimizer; expected step_size, gamma; {GIVE}.StepLR(step_size=...))"),
    (lambda: s.CosineAnnealingLR(optim.SGD(net()), 30), ValueError,
     f"[CosineAnnealingLR] received an optimizer; expected T_max, eta_min; {GIVE}.CosineAnnealingLR(T_max=...))"),
    (lambda: s.StepLR(0), ValueError, "[StepLR step_size] received 0; expected a whole number >= 1"),
    (lambda: s.StepLR(2.5), ValueError, "[StepLR step_size] received 2.5; expected a whole number >= 1"),
    (lambda: s.StepLR(3, gamma=math.nan), ValueError,
     "[StepLR gamma] received nan; expected a number >= 0; 0.1 is usual"),
    (lambda: s.StepLR(3, last_epoch=-1), TypeError,
     f"[StepLR] received last_epoch=-1; expected one of step_size, gamma; {COUNTED}"),
    (lambda: s.StepLR(3, gama=0.5), TypeError,
     "[StepLR] received gama=0.5; expected one of step_size, gamma; did you mean gamma?"),
    (lambda: s.StepLR(3).step(), ValueError, f"[StepLR] step(); expected no call; {COUNTED}"),
    (lambda: s.StepLR(3).get_last_lr(), ValueError,
     "[StepLR] get_last_lr(); expected the optimizer's; write opt.scheduled_lr"),
    (lambda: s.MultiStepLR([3, -1]), ValueError,
     "[MultiStepLR milestones.1] received -1; expected a whole number >= 0"),
    (lambda: s.OneCycleLR([0.1, 0.2], 10), ValueError,
     "[OneCycleLR max_lr] received [0.1, 0.2]; expected a number > 0; leave it out for the optimizer's lr, and give "
     "groups an lr of their own"),
    (lambda: s.OneCycleLR(0.1, 10, max_momentum=1.0), ValueError,
     "[OneCycleLR max_momentum] received 1.0; expected a number >= 0 and < 1; 0.95 is usual"),
    (lambda: s.CyclicLR(0.1, scale_fn=abs), TypeError,
     "[CyclicLR] received scale_fn=builtin_function_or_method; expected one of base_lr, max_lr, step_size_up, "
     "step_size_down, mode, gamma, cycle_momentum, base_momentum, max_momentum; write a function of the step, which "
     "gives the factor on the rate: schedule=lambda step: ..."),
    (lambda: s.OneCycleLR(0.1, epochs=3), ValueError,
     "[OneCycleLR] epochs or steps_per_epoch alone; expected both; write total_steps=1000"),
    (lambda: s.CyclicLR(0.1, mode="square"), ValueError,
     '[CyclicLR mode] received "square"; expected one of "triangular", "triangular2", "exp_range"'),
    (lambda: s.SequentialLR([s.StepLR(3)], [3]), ValueError,
     "[SequentialLR] milestones = [3] for 1 schedule; expected two schedules or more; "
     "write SequentialLR([warmup, decay], milestones=[100])"),
    (lambda: s.SequentialLR([s.StepLR(3)] * 3, [5, 5]), ValueError,
     "[SequentialLR] milestones = [5, 5] for 3 schedules; expected 2 rising numbers of updates, one between each two; "
     "write milestones=[100, 200]"),
    (lambda: s.ChainedScheduler(s.StepLR(3)), ValueError,
     "[ChainedScheduler] received StepLR; expected a list of schedules; write ChainedScheduler([a, b])"),
    (lambda: s.LambdaLR([1]), ValueError,
     "[LambdaLR] received list; expected a function of the step; give groups an lr of their own in place of a list of "
     "functions"),
    (lambda: optim.SGD(net(), schedule="one-cycle"), ValueError,
     "[optimizer] schedule = 'one-cycle'; expected a schedule, or a function of the step that gives the factor on the "
     "rate; write schedule=pt.optim.schedules.OneCycleLR(total_steps=1000)"),
    (lambda: optim.SGD(net(), schedule=s.StepLR), ValueError,
     "[optimizer] received the class StepLR; expected a schedule; write "
     "schedule=pt.optim.schedules.StepLR(step_size=...)"),
    (lambda: optim.SGD(net(), schedule=s.CosineAnnealingLR()), ValueError,
     "[optimizer] CosineAnnealingLR without T_max; expected a number of updates; write CosineAnnealingLR(T_max=1000)"),
    (lambda: s.SequentialLR([s.StepLR(3), s.OneCycleLR()], [3])(5), ValueError,
     "[SequentialLR] OneCycleLR without total_steps; expected a number of updates; write OneCycleLR(total_steps=1000)"),
    (lambda: optim.lr_scheduler, AttributeError,
     "[powertrain.optim] lr_scheduler; expected a name of powertrain.optim; write opt = pt.optim.AdamW(model, "
     "schedule=pt.optim.schedules.StepLR(step_size=30))"),
    (lambda: optim.OneCycleLR, AttributeError,
     "[powertrain.optim] OneCycleLR; expected a name of powertrain.optim; write "
     "schedule=pt.optim.schedules.OneCycleLR(max_lr=0.1, total_steps=1000)"),
    (lambda: optim.ReduceLROnPlateau(optim.SGD(net())).step(1.0), ValueError,
     "[ReduceLROnPlateau] step(); expected update(value); write plateau.update(loss)"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(make: Callable[[], object], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        make()
    assert isinstance(caught.value, pt.Error) and str(caught.value) == message


def test_constructors_are_torchs() -> None:
    """Names, order and defaults, without the optimizer and what is left out on purpose."""
    import inspect

    left_out = {"optimizer", "last_epoch", "scale_fn", "scale_mode"}
    optional = {("CosineAnnealingLR", "T_max"), ("OneCycleLR", "max_lr"), ("CyclicLR", "max_lr")}
    for name in s.__all__:
        peer = getattr(peers, name, None)
        if peer is None or name == "LRScheduler":
            continue
        wanted = [p for p in inspect.signature(peer).parameters.values() if p.name not in left_out]
        ours = list(inspect.signature(getattr(s, name)).parameters.values())
        assert [p.name for p in ours] == [p.name for p in wanted], name
        defaults = {(name, p.name) for p, w in zip(ours, wanted, strict=True) if p.default != w.default}
        assert defaults <= optional, name

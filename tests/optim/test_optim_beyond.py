"""What goes beyond updates from one gradient: schedules, plateaus, clipping by value, averages, L-BFGS; with torch."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_optim import SHAPES, gradients, slots, start, updated

import powertrain as pt
from optimizer_definitions import soap64
from powertrain import nn, optim
from powertrain.optim import SGD, OptimizerError, schedules

torch = pytest.importorskip("torch", reason="the peers are torch's")
pytestmark = pytest.mark.peers
rates = torch.optim.lr_scheduler
STEPS = 25


# ---------------------------------------------------------------- schedules


def bound(function: Callable[..., Any], **settings: Any) -> schedules.Schedule:
    return schedules.bind(function, 20, **settings)


SCHEDULES: dict[str, tuple[schedules.Schedule, Callable[[Any], Any]]] = {
    "step": (bound(schedules.step, every=7, gamma=0.5), lambda o: rates.StepLR(o, 7, 0.5)),
    "multistep": (
        bound(schedules.multistep, at=(3, 0.5, 11), gamma=0.5),
        lambda o: rates.MultiStepLR(o, [3, 10, 11], 0.5),
    ),
    "exponential": (bound(schedules.exponential, gamma=0.9), lambda o: rates.ExponentialLR(o, 0.9)),
    "polynomial": (bound(schedules.polynomial, power=2.0), lambda o: rates.PolynomialLR(o, 20, 2.0)),
    "linear": (bound(schedules.linear, floor=0.25), lambda o: rates.LinearLR(o, 1.0, 0.25, 20)),
    "ramp": (bound(schedules.ramp), lambda o: rates.LinearLR(o)),
    "restarts": (
        bound(schedules.cosine_restarts, first=6, floor=0.1),
        lambda o: rates.CosineAnnealingWarmRestarts(o, 6, 1, 0.1),
    ),
    "growing restarts": (
        bound(schedules.cosine_restarts, first=3, growth=2),
        lambda o: rates.CosineAnnealingWarmRestarts(o, 3, 2),
    ),
    "tripling restarts": (
        bound(schedules.cosine_restarts, first=1, growth=3, floor=0.2),
        lambda o: rates.CosineAnnealingWarmRestarts(o, 1, 3, 0.2),
    ),
    "triangular": (
        bound(schedules.cyclic, low=0.1, rise=3, fall=5),
        lambda o: rates.CyclicLR(o, 0.1, 1.0, 3, 5, cycle_momentum=False),
    ),
    "triangular2": (
        bound(schedules.cyclic, low=0.1, rise=4, fall=4, mode="triangular2"),
        lambda o: rates.CyclicLR(o, 0.1, 1.0, 4, 4, "triangular2", cycle_momentum=False),
    ),
    "exp_range": (
        bound(schedules.cyclic, low=0.1, rise=4, fall=2, mode="exp_range", gamma=0.9),
        lambda o: rates.CyclicLR(o, 0.1, 1.0, 4, 2, "exp_range", 0.9, cycle_momentum=False),
    ),
    "one after the other": (
        schedules.chain((4, bound(schedules.ramp, start=0.25, over=4)), then=bound(schedules.exponential, gamma=0.9)),
        lambda o: rates.SequentialLR(o, [rates.LinearLR(o, 0.25, 1.0, 4), rates.ExponentialLR(o, 0.9)], [4]),
    ),
    "times each other": (
        schedules.product(bound(schedules.ramp, start=0.5), bound(schedules.exponential, gamma=0.9)),
        lambda o: rates.ChainedScheduler([rates.LinearLR(o, 0.5), rates.ExponentialLR(o, 0.9)], o),
    ),
}  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_torchs(name: str, compiled: bool) -> None:
    schedule, make = SCHEDULES[name]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    peer = make(optimizer)
    factor = pt.compile(schedule) if compiled else schedule
    for step in range(STEPS):
        got = float(factor(pt.tensor(step, dtype="int64")))
        assert got == pytest.approx(optimizer.param_groups[0]["lr"], rel=2e-6, abs=1e-7), step
        optimizer.step()
        peer.step()


def test_restarts_begin_where_they_should_for_a_long_time() -> None:
    schedule = schedules.bind(schedules.cosine_restarts, 0, first=7, growth=2)
    for rounds in range(40):
        begin = 7 * (2**rounds - 1)
        assert float(schedule(pt.tensor(begin, dtype="int64"))) == 1.0
        assert begin == 0 or float(schedule(pt.tensor(begin - 1, dtype="int64"))) < 0.2


def test_the_rate_of_attention_is_all_you_need() -> None:
    schedule = schedules.bind(schedules.inverse_sqrt, 0, warmup=10)
    for step in range(1, STEPS):
        want = math.sqrt(10) * min(step**-0.5, step * 10**-1.5)
        assert float(schedule(pt.tensor(step - 1, dtype="int64"))) == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 2}, {"patience": 0, "cooldown": 3}, {"patience": 1, "threshold": 0.1, "threshold_mode": "abs"},
        {"patience": 1, "mode": "max", "threshold": 0.05}, {"patience": 0, "floor": 0.2},
    ],
)  # fmt: skip
def test_plateaus_are_torchs(settings: dict[str, Any]) -> None:
    renamed = {{"floor": "min_lr"}.get(key, key): value for key, value in settings.items()}
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    peer = rates.ReduceLROnPlateau(optimizer, factor=0.5, **renamed)
    ours = SGD(slots(start()), 1.0)
    plateau = optim.Plateau(ours, factor=0.5, **settings)
    rng = np.random.default_rng(3)
    for figure in np.exp(-0.1 * np.arange(40)) + rng.normal(0, 0.1, 40):
        plateau.update(figure)
        peer.step(figure)
        assert float(ours.lr) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6)
    assert float(ours.lr) < 1.0
    assert [name for name, _ in plateau.named_slots()] == ["plateau.best", "plateau.bad", "plateau.resting"]
    with pytest.raises(OptimizerError, match=r"^\[plateau\] factor = 1, mode = 'min', threshold_mode = 'rel'; "):
        optim.Plateau(ours, factor=1.0)


# ---------------------------------------------------------------- clipping by value


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_numbers_of_gradients_are_cut(compiled: bool) -> None:
    grads = gradients(3, 1.0)
    cut = [{name: np.clip(value, -0.5, 0.5) for name, value in grad.items()} for grad in grads]
    got, _ = updated(lambda p: SGD(p, 0.1, clip_value=0.5), start(), grads, compiled)
    want, _ = updated(lambda p: SGD(p, 0.1), start(), cut, compiled)
    assert all((got[name] == want[name]).all() for name in SHAPES)


@pytest.mark.parametrize("kind", ["SGD", "Adam", "Adagrad", "Lion", "Rprop", "LAMB", "Adafactor"])
def test_maximizing_is_minimizing_the_negative(kind: str) -> None:
    grads = gradients(3, 1.0)
    turned = [{name: -value for name, value in grad.items()} for grad in grads]
    made = getattr(optim, kind)
    got, _ = updated(lambda p: made(p, 0.01, maximize=True), start(), grads, True)
    want, _ = updated(lambda p: made(p, 0.01), start(), turned, False)
    assert all((got[name] == want[name]).all() for name in SHAPES)


def test_a_cut_hides_no_infinity() -> None:
    named = slots(start())
    optimizer = SGD(named, 0.1, clip_value=0.5)
    bad = gradients(1, 1.0)[0]
    bad["b.weight"][0] = np.inf
    with pytest.raises(pt.NonFiniteError):
        optimizer.update([pt.tensor(bad[name]) for name in SHAPES])
    assert all((slot.numpy() == start()[name]).all() for name, slot in named)
    with pytest.raises(OptimizerError, match=r"^\[optimizer\] clip = 1, clip_value = 0.5; expected one of them; "):
        SGD(named, 0.1, clip=1.0, clip_value=0.5)


# ---------------------------------------------------------------- averages


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_are_torchs(kind: str, compiled: bool) -> None:
    utils = torch.optim.swa_utils
    model, theirs = nn.Linear(4, 3), torch.nn.Linear(4, 3)
    average = optim.EMA(model, 0.9) if kind == "ema" else optim.SWA(model)
    multi = utils.get_ema_multi_avg_fn(0.9) if kind == "ema" else utils.get_swa_multi_avg_fn()
    peer = utils.AveragedModel(theirs, multi_avg_fn=multi)
    update = pt.compile(average.update) if compiled else average.update
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        weight, bias = rng.normal(size=(3, 4)).astype("float32"), rng.normal(size=3).astype("float32")
        model.load_state_dict({"weight": weight, "bias": bias}, layout="torch")
        theirs.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
        update()
        peer.update_parameters(theirs)
    before = model.state_dict()
    with average.applied():
        for name, value in model.state_dict("torch").items():
            want = dict(peer.module.named_parameters())[name].detach().numpy()
            np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-6)
    assert all((model.state_dict()[name] == before[name]).all() for name in before)
    assert [name for name, _ in average.named_slots()] == [f"{kind}.count", f"{kind}.weight", f"{kind}.bias"]


def test_averages_beside_an_optimizer_in_one_compiled_step() -> None:
    model = nn.Linear(4, 1)
    opt, average = SGD(model, 0.1), optim.EMA(model, 0.5)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")

    def step(x: Any) -> Any:
        loss, grads = pt.nn.value_and_grad(model, lambda: pt.square(model(x)).mean())()
        opt.update(grads)
        average.update()
        return loss

    run, weights = pt.compile(step), []
    for _ in range(4):
        run(x)
        weights.append(np.array(model.weight.numpy()))
    want = weights[0]
    for weight in weights[1:]:
        want = 0.5 * want + 0.5 * weight
    np.testing.assert_allclose(dict(average.named_slots())["ema.weight"].numpy(), want, rtol=1e-6)
    model.freeze()
    with pytest.raises(OptimizerError, match=r"^\[ema\] a model without trained parameters; expected some; unfreeze"):
        optim.EMA(model)


def test_statistics_of_batch_norms_anew() -> None:
    rng = np.random.default_rng(0)
    batches = [rng.normal(2, 3, (16, 5)).astype("float32") for _ in range(4)]
    theirs = torch.nn.Sequential(torch.nn.BatchNorm1d(5)).eval()
    torch.optim.swa_utils.update_bn([torch.tensor(batch) for batch in batches], theirs)
    model = nn.Sequential(nn.BatchNorm1d(5)).eval()
    optim.refresh_statistics(model, (pt.asarray(batch) for batch in batches))
    np.testing.assert_allclose(model[0].running_mean.numpy(), theirs[0].running_mean.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model[0].running_var.numpy(), theirs[0].running_var.numpy(), rtol=1e-5)
    assert model[0].momentum == 0.1 and not model[0].training


# ---------------------------------------------------------------- SOAP


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_soap_is_its_definition(compiled: bool) -> None:
    """In float64, and of square matrices: eigenvectors of an eigenvalue of zero could be any."""
    rng = np.random.default_rng(5)
    values = {"matrix": 0.1 * rng.normal(size=(6, 6)), "vector": 0.1 * rng.normal(size=5)}
    grads = [{name: rng.normal(size=value.shape) for name, value in values.items()} for _ in range(STEPS)]
    wide = {name: pt.tensor(value, dtype="float64") for name, value in values.items()}
    named = [(name, pt.Slot(value, name=name, trainable=True)) for name, value in wide.items()]
    optimizer = optim.SOAP(named, 0.02, every=3, weight_decay=0.1)
    step = lambda *g: optimizer.update(list(g))  # noqa: E731
    run = pt.compile(step) if compiled else step
    for grad in grads:
        run(*(pt.tensor(grad[name], dtype="float64") for name in values))
    for name, slot in named:
        want = soap64(values[name], [grad[name] for grad in grads]) - values[name]
        assert np.linalg.norm(slot.numpy() - values[name] - want) <= 1e-5 * np.linalg.norm(want), name


def test_sides_that_are_not_turned() -> None:
    grads = gradients(4, 1.0)
    plain, optimizer = updated(lambda p: optim.SOAP(p, largest=8), start(), grads)
    adam, _ = updated(lambda p: optim.AdamW(p, 3e-3, betas=(0.95, 0.95)), start(), grads[1:])
    for name, before in start().items():
        np.testing.assert_allclose(plain[name] - before, adam[name] - before, rtol=1e-3, atol=1e-7)
    shapes = {name: tuple(slot.shape) for name, slot in optimizer.named_slots()}
    assert shapes["optimizer.row_basis.a.weight"] == ()


# ---------------------------------------------------------------- L-BFGS


def rosenbrock(x: Any, power: Callable[[Any], Any]) -> Any:
    return power(1 - x[:-1]) + 100 * power(x[1:] - power(x[:-1]))


def quartic(x: Any, power: Callable[[Any], Any]) -> Any:
    return power(x[:3] - 2) + power(x[3:]) + power(power(x[3:] + 1)) * 0.1


PROBLEMS: dict[str, Callable[..., Any]] = {"rosenbrock": rosenbrock, "quartic": quartic}
BEGIN = np.array([0.2, 1.0, 0.7, -0.3, 0.4, 2.0])


def pair_of(problem: str, settings: dict[str, Any]) -> tuple[Any, ...]:
    other = torch.tensor(BEGIN, requires_grad=True)
    settings = {"line_search_fn": "strong_wolfe", "history_size": 10, **settings}
    peer = torch.optim.LBFGS([other], **settings)

    def theirs() -> Any:
        peer.zero_grad()
        loss = PROBLEMS[problem](other, lambda x: x * x).sum()
        loss.backward()
        return loss

    x = pt.Slot(pt.tensor(BEGIN, dtype="float64"), name="x", trainable=True)

    def closure() -> Any:
        return pt.nn.value_and_grad([x], lambda: PROBLEMS[problem](x.value, pt.square).sum())()

    return x, optim.LBFGS([("x", x)], **settings), closure, other, peer, theirs


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize(
    "settings",
    [{}, {"history_size": 2, "max_iter": 4}, {"lr": 0.01, "line_search_fn": None, "max_iter": 5}, {"max_eval": 6}],
    ids=str,
)
def test_lbfgs_moves_as_torchs(settings: dict[str, Any], problem: str, compiled: bool) -> None:
    x, ours, closure, other, peer, theirs = pair_of(problem, settings)
    call = pt.compile(closure) if compiled else closure
    for _ in range(5):
        want, got = peer.step(theirs), ours.minimize(call)
        assert float(got) == pytest.approx(want.item(), rel=1e-6, abs=1e-12)
        np.testing.assert_allclose(x.numpy(), other.detach().numpy(), rtol=1e-5, atol=1e-7)


def test_lbfgs_finds_the_minimum_and_goes_on_from_its_slots() -> None:
    x, ours, closure, *_ = pair_of("rosenbrock", {"max_iter": 3})
    for _ in range(4):
        ours.minimize(closure)
    y, again, other_closure, *_ = pair_of("rosenbrock", {"max_iter": 3})
    y.value = x.value
    for (name, slot), (_, from_slot) in zip(again.named_slots(), ours.named_slots(), strict=True):
        assert name == _
        slot.value = pt.tensor(np.array(from_slot.numpy()), dtype=slot.dtype)
    for _ in range(20):
        ours.minimize(closure)
        again.minimize(other_closure)
        assert (x.numpy() == y.numpy()).all()
    np.testing.assert_allclose(x.numpy(), np.ones(6), atol=1e-6)


def test_lbfgs_says_how_it_is_called() -> None:
    _, ours, *_ = pair_of("rosenbrock", {})
    with pytest.raises(OptimizerError, match=r"^\[lbfgs\] update with gradients; expected minimize\(closure\)"):
        ours.update([pt.zeros(6)])
    two = [pt.Slot(pt.zeros(2, dtype), name=dtype, trainable=True) for dtype in ("float32", "float64")]
    with pytest.raises(OptimizerError, match=r"^\[lbfgs\] parameters of 2 dtypes; expected one; cast the model"):
        optim.LBFGS(two)
    with pytest.raises(OptimizerError, match=r"^\[lbfgs\] history_size = 0; expected a whole number >= 1"):
        functools.partial(optim.LBFGS, history_size=0)(two[:1])
    nan = pt.Slot(pt.tensor([np.nan]), name="nan", trainable=True)
    with pytest.raises(pt.NonFiniteError):
        optim.LBFGS([nan]).minimize(lambda: pt.nn.value_and_grad([nan], lambda: pt.square(nan.value).sum())())

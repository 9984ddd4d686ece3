"""What goes beyond updates from one gradient: plateaus, clipping by value, averages, L-BFGS; with torch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_optim import SHAPES, gradients, slots, start, updated

import powertrain as pt
from optimizer_definitions import soap64
from powertrain import nn, optim
from powertrain.optim import SGD, OptimizerError

torch = pytest.importorskip("torch", reason="the peers are torch's")
pytestmark = pytest.mark.peers
rates = torch.optim.lr_scheduler
STEPS = 25


# ---------------------------------------------------------------- plateaus


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 2}, {"patience": 0, "cooldown": 3}, {"patience": 1, "threshold": 0.1, "threshold_mode": "abs"},
        {"patience": 1, "mode": "max", "threshold": 0.05}, {"patience": 0, "min_lr": 0.2},
        {"patience": 0, "eps": 0.1},
    ],
)  # fmt: skip
def test_plateaus_are_torchs(settings: dict[str, Any]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    peer = rates.ReduceLROnPlateau(optimizer, factor=0.5, **settings)
    ours = SGD(slots(start()), 1.0)
    plateau = optim.ReduceLROnPlateau(ours, factor=0.5, **settings)
    rng = np.random.default_rng(3)
    for figure in np.exp(-0.1 * np.arange(40)) + rng.normal(0, 0.1, 40):
        plateau.update(figure)
        peer.step(figure)
        assert float(ours.lr) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6)
    assert float(ours.lr) < 1.0
    assert [name for name, _ in plateau.named_slots()] == ["plateau.best", "plateau.bad", "plateau.resting"]
    with pytest.raises(OptimizerError, match=r"^\[plateau\] factor = 1, mode = 'min', threshold_mode = 'rel'; "):
        optim.ReduceLROnPlateau(ours, factor=1.0)


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


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_of_buffers_are_torchs(kind: str) -> None:
    utils = torch.optim.swa_utils
    model, theirs = nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3)
    made = {"ema": lambda: optim.EMA(model, 0.9, use_buffers=True), "swa": lambda: optim.SWA(model, use_buffers=True)}
    average = made[kind]()
    peer = utils.AveragedModel(
        theirs, avg_fn=utils.get_ema_avg_fn(0.9) if kind == "ema" else utils.get_swa_avg_fn(), use_buffers=True
    )
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        x = rng.normal(1, 2, size=(8, 3)).astype("float32")
        model(x), theirs(torch.tensor(x))
        average.update()
        peer.update_parameters(theirs)
    before = model.running_mean.numpy().copy()
    with average.applied():
        for name in ("running_mean", "running_var"):
            want = getattr(peer.module, name).numpy()
            np.testing.assert_allclose(getattr(model, name).numpy(), want, rtol=1e-5, atol=1e-6)
        assert not (model.running_mean.numpy() == before).all()
    assert (model.running_mean.numpy() == before).all()


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


def test_lbfgs_finds_the_minimum_and_goes_on_from_its_state() -> None:
    x, ours, closure, *_ = pair_of("rosenbrock", {"max_iter": 3})
    for _ in range(4):
        ours.minimize(closure)
    y, again, other_closure, *_ = pair_of("rosenbrock", {"max_iter": 3})
    y.value = x.value
    again.load_state_dict(ours.state_dict())
    assert again.state_dict().keys() == ours.state_dict().keys()
    for _ in range(20):
        ours.minimize(closure)
        again.minimize(other_closure)
        assert (x.numpy() == y.numpy()).all()
    np.testing.assert_allclose(x.numpy(), np.ones(6), atol=1e-6)


@pytest.mark.parametrize("search", ["strong_wolfe", None])
def test_a_closure_that_raises_leaves_lbfgs_where_its_last_step_led(search: str | None) -> None:
    x, ours, closure, *_ = pair_of("rosenbrock", {"max_iter": 2, "line_search_fn": search, "lr": 0.01})
    ours.minimize(closure)
    begin, calls = x.numpy().copy(), []

    def fails_at_a_trial() -> Any:
        calls.append(x.numpy().copy())
        if len(calls) == 2:
            raise KeyboardInterrupt
        return closure()

    with pytest.raises(KeyboardInterrupt):
        ours.minimize(fails_at_a_trial)
    assert (calls[1] != begin).any() and (x.numpy() == begin).all()
    before = closure()[0].item()
    ours.minimize(closure)
    assert closure()[0].item() < before


def numbers(optimizer: optim.Optimizer) -> int:
    """How many numbers its state has."""
    return sum(slot.size for _, slot in optimizer.named_slots())


def test_lbfgs_keeps_as_many_differences_as_there_were() -> None:
    x, ours, closure, *_ = pair_of("rosenbrock", {"max_iter": 3, "max_eval": 30, "history_size": 4})
    begin = numbers(ours)
    assert begin == 4 + 2 * x.size  # lr, updates, length, scale; the direction and the gradient before
    assert ours.grad_norm.item() == 0.0
    ours.minimize(closure)
    assert ours.grad_norm.item() == np.linalg.norm(ours.state_dict()["lbfgs.before.x"]) > 0
    assert numbers(ours) == begin + 2 * 2 * x.size
    for _ in range(3):
        ours.minimize(closure)
    assert numbers(ours) == begin + 2 * 4 * x.size
    state = ours.state_dict()
    _, fresh, *_ = pair_of("rosenbrock", {"history_size": 4})
    with pytest.raises(OptimizerError, match=r"^\[LBFGS\] 13 of 14 arrays fit: lbfgs.y3.x is missing; "):
        fresh.load_state_dict({**{name: state[name] for name in state if name != "lbfgs.y3.x"}, "lbfgs.y3.x.": 0})
    _, short, *_ = pair_of("rosenbrock", {"history_size": 3})
    with pytest.raises(OptimizerError, match=r"^\[LBFGS\] 12 of 12 arrays fit: lbfgs.y3.x is unknown; lbfgs.s3.x is "):
        short.load_state_dict(state)
    assert numbers(fresh) == numbers(short) == begin
    fresh.load_state_dict(state)
    assert all((value == state[name]).all() for name, value in fresh.state_dict().items())
    ours.load_state_dict(pair_of("rosenbrock", {"history_size": 4})[1].state_dict())
    assert numbers(ours) == begin


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

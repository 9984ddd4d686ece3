"""Optimizers as a user of PyTorch calls them: constructors, groups, state, several of one model, and errors."""

from __future__ import annotations

import gc
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits
from powertrain import nn, optim
from powertrain.optim import OptimizerError

X = pt.tensor(np.random.default_rng(0).normal(size=(6, 3)).astype("float32"))
# How PyTorch runs an update, and what it takes that has another class or no meaning here.
NOT_OURS = {"foreach", "fused", "capturable", "differentiable", "maximize", "decoupled_weight_decay", "adjust_lr_fn"}
PEERS = ("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "ASGD", "Rprop",
         "SparseAdam", "Adafactor", "Muon", "LBFGS")  # fmt: skip


def net() -> nn.Sequential:
    pt.random.seed(4)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def train(model: Any, opt: Any, steps: int = 3, wrap: Callable[..., Any] = pt.compile) -> None:
    gradients = pt.nn.value_and_grad(model, lambda x: pt.square(model(x) - 1.0).mean())
    step = wrap(lambda x: opt.update(gradients(x)[1]))
    for _ in range(steps):
        step(X)


def equal(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return list(left) == list(right) and all(same_bits(value, right[name]) for name, value in left.items())


@pytest.mark.peers
@pytest.mark.parametrize("name", PEERS)
def test_constructors_have_pytorchs_names_order_and_defaults(name: str) -> None:
    torch = pytest.importorskip("torch")
    theirs = list(inspect.signature(getattr(torch.optim, name)).parameters.values())
    ours = list(inspect.signature(getattr(optim, name)).parameters.values())
    wanted = [(one.name, one.default) for one in theirs if one.name not in NOT_OURS]
    by_place = [one for one in ours if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert [(one.name, one.default) for one in by_place] == wanted


def test_settings_by_position() -> None:
    sgd = optim.SGD(net(), 0.1, 0.9, 0.5, 0.01)
    assert (sgd.momentum, sgd.dampening, sgd.nesterov, sgd.parts[0].weight_decay) == (0.9, 0.5, False, 0.01)
    adam = optim.Adam(net(), 0.1, (0.8, 0.9), 1e-6, 0.01, True)
    assert (adam.betas, adam.eps, adam.amsgrad, adam.parts[0].weight_decay) == ((0.8, 0.9), 1e-6, True, 0.01)


@pytest.mark.peers
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(
    ("make", "peer", "settings"),
    [
        (optim.SGD, "SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
        (optim.Adagrad, "Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5}),
    ],
    ids=["dampening", "initial_accumulator_value"],
)
def test_settings_that_move_as_torchs(make: Any, peer: str, settings: dict[str, Any], compiled: bool) -> None:
    torch = pytest.importorskip("torch")
    begin, rng = np.linspace(-1, 1, 7), np.random.default_rng(2)
    theirs = torch.tensor(begin, requires_grad=True)
    ours = pt.Slot(pt.tensor(begin, dtype="float64"), name="w", trainable=True)
    other, opt = getattr(torch.optim, peer)([theirs], **settings), make([ours], **settings)
    update = pt.compile(lambda g: opt.update([g])) if compiled else lambda g: opt.update([g])
    for _ in range(4):
        g = rng.normal(size=7)
        theirs.grad = torch.tensor(g)
        other.step()
        update(pt.tensor(g, dtype="float64"))
        np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-12)


# ---------------------------------------------------------------- what is trained


def test_parameters_in_any_form_give_the_same_training_and_names() -> None:
    forms: list[Callable[[Any], Any]] = [
        lambda m: m, lambda m: m.parameters(), lambda m: iter(m.parameters()), lambda m: list(m.named_parameters()),
        lambda m: dict(m.named_parameters()), lambda m: [{"params": m}],
        lambda m: [{"params": p} for p in m.parameters()],
    ]  # fmt: skip
    found = []
    for form in forms:
        model = net()
        opt = optim.AdamW(form(model), lr=0.1)
        train(model, opt)
        assert [path for path, _ in opt.params] == ["0.weight", "0.bias", "2.weight", "2.bias"]
        found.append((model.state_dict(), opt.state_dict()))
    for other in found[1:]:
        assert equal(found[0][0], other[0])
        assert sorted(found[0][1]) == sorted(other[1])


def test_names_of_two_models_do_not_collide() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 2)
    opt = optim.Adam([*first.parameters(), *second.parameters()])
    assert [path for path, _ in opt.params] == ["0.weight", "1.bias", "2.weight", "3.bias"]
    names = [name for name, _ in opt.named_slots()]
    assert len(set(names)) == len(names)
    _, grads = pt.nn.value_and_grad([first, second], lambda: second(first(X)).sum())()
    opt.update([*grads[0].values(), *grads[1].values()])


@pytest.mark.parametrize("groups", [
    lambda model: [{"params": model[0].parameters()}, {"params": model[2].parameters()}],
    lambda model: [{"params": model[0]}, {"params": model[2]}],
    lambda model: [{"params": [p for _, p in model.named_parameters() if p.ndim > 1]},
                   {"params": [p for _, p in model.named_parameters() if p.ndim <= 1]}],
    lambda model: [p for _, p in reversed(list(model.named_parameters()))],
], ids=["parameters of parts", "parts", "by the number of axes", "slots in another order"])  # fmt: skip
@pytest.mark.parametrize("wrap", [pt.compile, lambda step: step], ids=["compiled", "eager"])
def test_groups_of_bare_parameters_take_the_gradients_of_the_model(groups: Any, wrap: Any) -> None:
    """They do not know the paths in the model, by which its gradients are named."""
    model, other, twin = net(), net(), net()
    pt.nn.value_and_grad(twin, lambda x: pt.square(twin(x)).mean())(X)  # another model of the same paths
    train(model, optim.SGD(model, lr=0.1, momentum=0.9), wrap=wrap)
    train(other, optim.SGD(groups(other), lr=0.1, momentum=0.9), wrap=wrap)
    assert equal(model.state_dict(), other.state_dict())


def test_gradients_of_another_model_are_refused() -> None:
    model, other = net(), nn.Sequential(nn.Linear(3, 2))
    opt = optim.SGD([{"params": model[0]}, {"params": model[2]}], lr=0.1)
    _, grads = pt.nn.value_and_grad(other, lambda x: pt.square(other(x)).mean())(X)
    with pytest.raises(OptimizerError, match=r"^\[optimizer\] 2 gradients: 1\.bias is missing; 2\.weight is missing"):
        opt.update(grads)


def test_groups_as_pytorch_has_them() -> None:
    model = net()
    groups = [{"params": model[0].parameters(), "lr": 0.2}, {"params": model[2], "weight_decay": 0.5}]
    opt = optim.SGD(groups, lr=0.1, weight_decay=0.01)
    assert repr(opt) == "SGD(2 parameters: lr=0.2, weight_decay=0.01; 2 parameters: lr=0.1, weight_decay=0.5)"
    assert [(g["names"], g["lr"], g["weight_decay"]) for g in opt.param_groups] == [
        (["0.weight", "1.bias"], pytest.approx(0.2), 0.01), (["2.weight", "3.bias"], pytest.approx(0.1), 0.5)
    ]  # fmt: skip
    before = [np.array(slot.numpy()) for _, slot in opt.params]
    opt.update([pt.ones(slot.shape) for _, slot in opt.params])
    for place, (rate, decay) in enumerate([(0.2, 0.01), (0.2, 0.01), (0.1, 0.5), (0.1, 0.5)]):
        want = before[place] - rate * (1.0 + decay * before[place])
        np.testing.assert_allclose(opt.params[place][1].numpy(), want, rtol=1e-6)


# ---------------------------------------------------------------- several of one model


@pytest.mark.parametrize("wrap", [pytest.param(lambda f: f, id="eager"), pytest.param(pt.compile, id="compiled")])
def test_a_cell_of_a_notebook_runs_again(wrap: Any) -> None:
    model = net()
    for _ in range(3):
        opt = optim.AdamW(model.parameters(), lr=0.1)
        before = model.state_dict()
        train(model, opt, wrap=wrap)
        assert not any(same_bits(value, before[name]) for name, value in model.state_dict().items())
    fresh = net()
    for _ in range(3):
        first = optim.AdamW(fresh, lr=0.1)
        train(fresh, first, wrap=wrap)
        del first
        gc.collect()
    assert equal(fresh.state_dict(), model.state_dict())


def test_an_optimizer_of_other_parameters_takes_them() -> None:
    model = net()
    first = optim.SGD(model, lr=0.1)
    gradients = pt.nn.value_and_grad(model, lambda x: model(x).sum())
    step = pt.compile(lambda x: first.update(gradients(x)[1]))
    step(X)
    model.freeze("0.*")
    values = model.state_dict()
    second = optim.Adam(model, lr=0.1)
    assert equal(model.state_dict(), values)
    train(model, second)
    after = model.state_dict()
    assert same_bits(after["0.weight"], values["0.weight"]) and not same_bits(after["2.bias"], values["2.bias"])
    model.unfreeze()
    for call in (step, lambda x: first.update(gradients(x)[1])):
        with pytest.raises(OptimizerError) as caught:
            call(X)
        assert str(caught.value).startswith(
            "[optimizer] update() after optimizer was made with some of its parameters; expected one optimizer for a "
            "parameter, or several of the same ones in the same groups; update with the later one"
        )
    assert equal(model.state_dict(), after)


# ---------------------------------------------------------------- state


@pytest.mark.parametrize("wrap", [pytest.param(lambda f: f, id="eager"), pytest.param(pt.compile, id="compiled")])
def test_training_goes_on_from_the_state_with_the_same_bits(wrap: Any) -> None:
    def made() -> tuple[Any, Any]:
        model = net()
        schedule = optim.schedules.CosineAnnealingLR(T_max=8)
        return model, optim.AdamW(model, lr=0.1, schedule=schedule, clip=1.0, accumulate=2)

    whole, opt = made()
    train(whole, opt, 7, wrap)
    half, first = made()
    train(half, first, 3, wrap)
    other, second = made()
    other.load_state_dict(half.state_dict())
    second.load_state_dict(first.state_dict())
    train(other, second, 4, wrap)
    assert equal(other.state_dict(), whole.state_dict()) and equal(second.state_dict(), opt.state_dict())
    assert int(second.updates.value.item()) == 3


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    opt = optim.Adam(net(), lr=0.1)
    before = opt.state_dict()
    wrong = {**before, "optimizer.updates": np.array(1.5), "optimizer.other": np.zeros(3)}
    del wrong["optimizer.lr"]
    with pytest.raises(OptimizerError) as caught:
        opt.load_state_dict(wrong)
    assert str(caught.value) == (
        "[Adam] 8 of 10 arrays fit: optimizer.lr is missing; optimizer.other is unknown; optimizer.updates is "
        "float64[], expected int64[]; expected a state of the same class, parameters and settings; make this one as "
        "that one was made"
    )
    assert equal(opt.state_dict(), before)


def test_the_average_and_the_plateau_have_states_too() -> None:
    model = net()
    average, plateau = optim.EMA(model, 0.9), optim.ReduceLROnPlateau(optim.SGD(model, lr=0.1))
    average.update()
    plateau.update(3.0)
    again, other = optim.EMA(model, 0.9), optim.ReduceLROnPlateau(optim.SGD(model, lr=0.1))
    again.load_state_dict(average.state_dict())
    other.load_state_dict(plateau.state_dict())
    assert equal(again.state_dict(), average.state_dict()) and equal(other.state_dict(), plateau.state_dict())


def test_the_rate_that_a_schedule_gives_can_be_read() -> None:
    model = net()
    opt = optim.SGD(model, lr=0.5, schedule=optim.schedules.PolynomialLR(4))
    seen = []
    for _ in range(4):
        seen.append(float(opt.scheduled_lr.item()))
        train(model, opt, 1)
    assert seen == [0.5, 0.375, 0.25, 0.125]
    opt.lr = 0.1
    assert float(opt.lr.item()) == 0.1 and float(opt.scheduled_lr.item()) == 0.0


# ---------------------------------------------------------------- clipping


@pytest.mark.parametrize("wrap", [pytest.param(lambda f: f, id="eager"), pytest.param(pt.compile, id="compiled")])
def test_clipping_outside_is_clipping_inside(wrap: Any) -> None:
    inside, outside = net(), net()
    train(inside, optim.SGD(inside, lr=0.1, clip=0.01), wrap=wrap)
    opt = optim.SGD(outside, lr=0.1)
    gradients = pt.nn.value_and_grad(outside, lambda x: pt.square(outside(x) - 1.0).mean())

    def step(x: Any) -> Any:
        grads, norm = optim.clip_by_global_norm(gradients(x)[1], 0.01)
        opt.update(grads)
        return norm

    run = wrap(step)
    norms = [float(run(X).item()) for _ in range(3)]
    assert min(norms) > 0.01
    for name, value in inside.state_dict().items():
        np.testing.assert_allclose(outside.state_dict()[name], value, rtol=1e-6)
    cut = optim.clip_by_value({"a": [pt.tensor([3.0, -0.5])], "b": None}, 1.0)
    assert cut["a"][0].numpy().tolist() == [1.0, -0.5] and cut["b"] is None


def test_the_norm_of_rows_is_that_of_the_whole_gradient() -> None:
    table = nn.Embedding(5, 2, sparse=True)
    _, grads = pt.nn.value_and_grad(table, lambda index: (table(index) * 3.0).sum())(pt.tensor([1, 1, 4]))
    cut, norm = optim.clip_by_global_norm(grads, 1.0)
    dense = grads["weight"].dense().numpy()
    assert float(norm.item()) == pytest.approx(float(np.linalg.norm(dense)))
    np.testing.assert_allclose(cut["weight"].dense().numpy(), dense / (np.linalg.norm(dense) + 1e-6), rtol=1e-6)


# ---------------------------------------------------------------- what is refused

LINE = "write loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y); opt.update(grads)"
KNOWN = (
    "params, lr, betas, eps, weight_decay, amsgrad, schedule, clip, clip_value, accumulate, loss_scale, maximize, "
    "track_grad_norm, groups, layer_decay, unfreeze_every, name"
)
REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: optim.Adam(net(), clip_norm=1.0), TypeError,
     f"[Adam] received clip_norm=1.0; expected one of {KNOWN}; write clip=..."),
    (lambda: optim.Adam(net(), weigth_decay=1.0), TypeError,
     f"[Adam] received weigth_decay=1.0; expected one of {KNOWN}; did you mean weight_decay?"),
    (lambda: optim.Adam(net(), schedule="cosine"), ValueError,
     "[optimizer] schedule = 'cosine'; expected a schedule, or a function of the step that gives the factor on "
     "the rate; write schedule=pt.optim.schedules.CosineAnnealingLR(T_max=1000)"),
    (lambda: optim.Adam(net()).step(), ValueError, f"[optimizer] step(); expected update(grads); {LINE}"),
    (lambda: optim.Adam(net()).zero_grad(), ValueError,
     f"[optimizer] zero_grad(); expected no call: gradients are not stored; {LINE}"),
    (lambda: optim.Adam(net()).add_param_group({}), ValueError,
     "[optimizer] add_param_group(); expected all groups when it is made; make another optimizer of the parameters "
     "that are new"),
    (lambda: optim.Adam(net()).param_groups[0].__setitem__("lr", 0.1), ValueError,
     "[optimizer] param_groups[...]['lr'] = 0.1; expected groups to be read alone; write opt.lr = ... for the rate of "
     "all groups, or make the optimizer with groups of their own lr and weight_decay"),
    (lambda: optim.Adam([{"params": net(), "momentum": 0.9}]), ValueError,
     "[optimizer] a group with 'momentum'; expected params, and optionally lr and weight_decay; make another "
     "optimizer for parameters with other settings"),
    (lambda: optim.Adam([net()[0].weight] * 2), ValueError,
     "[optimizer] a parameter is there twice; expected each parameter once; leave it out of all groups but one"),
    (lambda: optim.Adam([]), ValueError,
     "[optimizer] no parameters; expected some; pass the model, or list(model.parameters())"),
    (lambda: optim.SGD(net(), momentum=0.9, dampening=0.1, nesterov=True), ValueError,
     "[sgd] nesterov with dampening = 0.1; expected 0; leave dampening out"),
    (lambda: optim.LBFGS(net(), line_search_fn="armijo"), ValueError,
     "[lbfgs] line_search_fn = 'armijo'; expected 'strong_wolfe', or None for steps of length lr; 'strong_wolfe' is "
     "usual"),
    (lambda: optim.clip_by_global_norm([3.0], 1.0), ValueError,
     "[clip_by_global_norm] received 3.0; expected gradients; pass what value_and_grad gave"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED)
def test_what_is_refused(call: Callable[[], object], kind: type[Exception], message: str) -> None:
    with pytest.raises(pt.Error) as caught:
        call()
    assert str(caught.value) == message
    assert isinstance(caught.value, kind)


@pytest.mark.parametrize("count", [2**63, 10**400, math.inf])
@pytest.mark.parametrize("name", ["accumulate", "unfreeze_every"])
def test_counts_that_64_bits_do_not_hold_are_refused(name: str, count: Any) -> None:
    with pytest.raises(OptimizerError, match=rf"^\[optimizer\] {name} = .*; expected a whole number >= 1"):
        optim.SGD(net(), lr=0.1, **{name: count})


def test_settings_by_the_names_of_others_are_refused() -> None:
    opt = pt.optim.SGD(pt.nn.Linear(2, 1), lr=0.1)
    for name, fix in (
        ("learning_rate", "opt.lr = ..."),
        ("weight_decay", "weight_decay=... where the optimizer is made"),
        ("accumulate", "accumulate=... where the optimizer is made"),
    ):
        with pytest.raises(pt.Error) as caught:
            setattr(opt, name, 0.5)
        assert str(caught.value) == (f"[SGD] received {name} = 0.5; expected a setting that can change; write {fix}")
    opt.lr = 0.5
    assert opt.lr.item() == 0.5

    class Own(pt.optim.SGD):
        def __init__(self, params: Any) -> None:
            super().__init__(params, lr=0.1)
            self.weight_decay = 0.5

    assert Own(pt.nn.Linear(2, 1)).weight_decay == 0.5

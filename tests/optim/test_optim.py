"""Optimizers by displacement against float64 and against torch.optim, schedules, groups, accumulation, clipping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from optimizer_definitions import adam64, sgd64
from powertrain import optim
from powertrain.optim import SGD, Adam, AdamW, Group, Optimizer, OptimizerError, schedules

torch = pytest.importorskip("torch", reason="the peer optimizers are torch's")
pytestmark = pytest.mark.peers

SHAPES = {"a.weight": (40, 30), "a.bias": (30,), "b.weight": (7,), "b.scale": ()}
Arrays = dict[str, np.ndarray]


def start(seed: int = 0, scale: float = 0.02) -> Arrays:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in SHAPES.items()}


def gradients(steps: int, scale: float, seed: int = 1) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    return [
        {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in SHAPES.items()} for _ in range(steps)
    ]


def slots(values: Arrays) -> list[tuple[str, pt.Slot]]:
    return [(name, pt.Slot(pt.tensor(value), name=name, trainable=True)) for name, value in values.items()]


def updated(
    make: Callable[[Any], Optimizer], values: Arrays, grads: list[Arrays], compiled: bool = False
) -> tuple[Arrays, Optimizer]:
    named = slots(values)
    optimizer = make(named)

    def step(*given: Any) -> None:
        optimizer.update(list(given))

    run = pt.compile(step) if compiled else step
    for grad in grads:
        run(*(pt.tensor(grad[name]) for name in SHAPES))
    return {name: np.array(slot.numpy()) for name, slot in named}, optimizer


Case = tuple[Callable[[Any], Optimizer], Callable[[np.ndarray, list[np.ndarray]], np.ndarray], Callable[[Any], Any]]
CASES: dict[str, Case] = {
    "sgd": (
        lambda p: SGD(p, 0.1),
        lambda p, g: sgd64(p, g, 0.1, 0, False, 0),
        lambda p: torch.optim.SGD(p, 0.1),
    ),
    "momentum": (
        lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=5e-4),
        lambda p, g: sgd64(p, g, 0.1, 0.9, False, 5e-4),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=5e-4),
    ),
    "nesterov": (
        lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True),
        lambda p, g: sgd64(p, g, 0.1, 0.9, True, 0),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    "adam": (
        lambda p: Adam(p, 1e-3),
        lambda p, g: adam64(p, g, 1e-3, 0, False),
        lambda p: torch.optim.Adam(p, 1e-3),
    ),
    "adam with decay": (
        lambda p: Adam(p, 1e-3, weight_decay=0.1),
        lambda p, g: adam64(p, g, 1e-3, 0.1, False),
        lambda p: torch.optim.Adam(p, 1e-3, weight_decay=0.1),
    ),
    "adamw": (
        lambda p: AdamW(p, 1e-3),
        lambda p, g: adam64(p, g, 1e-3, 0.01, True),
        lambda p: torch.optim.AdamW(p, 1e-3, weight_decay=0.01),
    ),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("scale", [1.0, 1e-8])
@pytest.mark.parametrize("name", CASES)
def test_displacement(name: str, scale: float, compiled: bool) -> None:
    make, reference, peer = CASES[name]
    # A plain step along gradients of 1e-8 is below the rounding of parameters of 0.02: those start at zero.
    values = start(scale=0.02 if "adam" in name or scale == 1 else 0.0)
    grads = gradients(5, scale)
    got, _ = updated(make, values, grads, compiled)
    for key, before in values.items():
        wide = before.astype(np.float64)
        want = reference(wide, [grad[key].astype(np.float64) for grad in grads]) - wide
        moved = got[key].astype(np.float64) - wide
        assert np.linalg.norm(moved - want) <= 1e-5 * np.linalg.norm(want), key
        parameter = torch.tensor(before, requires_grad=True)
        other = peer([parameter])
        for grad in grads:
            parameter.grad = torch.tensor(grad[key])
            other.step()
        theirs = parameter.detach().numpy().astype(np.float64) - wide
        assert np.linalg.norm(moved - theirs) <= 1e-5 * np.linalg.norm(theirs), key


@pytest.mark.parametrize("name", CASES)
def test_eager_and_compiled_give_the_same_bits(name: str) -> None:
    grads = gradients(4, 0.3)
    eager, _ = updated(CASES[name][0], start(), grads)
    compiled, _ = updated(CASES[name][0], start(), grads, compiled=True)
    assert all((eager[key] == compiled[key]).all() for key in SHAPES)


@pytest.mark.parametrize("make", [lambda p, **k: SGD(p, 0.1, momentum=0.9, **k), lambda p, **k: AdamW(p, **k)])
def test_a_run_goes_on_from_its_slots_with_the_same_bits(make: Callable[..., Optimizer]) -> None:
    grads = gradients(6, 0.3)
    whole, _ = updated(make, start(), grads)
    half, first = updated(make, start(), grads[:3])
    saved = {name: np.array(slot.numpy()) for name, slot in first.named_slots()}
    named = slots(half)
    second = make(named)
    for name, slot in second.named_slots():
        slot.value = pt.tensor(saved[name], dtype=slot.dtype)
    for grad in grads[3:]:
        second.update([pt.tensor(grad[name]) for name in SHAPES])
    assert all((np.array(slot.numpy()) == whole[name]).all() for name, slot in named)


def test_slots_have_the_names_of_parameters() -> None:
    _, optimizer = updated(AdamW, start(), gradients(1, 1.0))
    found = {name: tuple(slot.shape) for name, slot in optimizer.named_slots()}
    moments = {f"optimizer.{moment}.{name}": shape for moment in "mv" for name, shape in SHAPES.items()}
    assert found == {"optimizer.lr": (), "optimizer.updates": (), **moments}
    grad = gradients(1, 1.0)[0]["a.weight"]
    views = dict(optimizer.named_slots())
    assert np.allclose(views["optimizer.m.a.weight"].numpy(), 0.1 * grad, rtol=1e-6)


# ---------------------------------------------------------------- clipping, accumulation, groups


@pytest.mark.parametrize("clip", [0.5, 1e6])
def test_clipping_is_by_the_norm_of_all_gradients(clip: float) -> None:
    values, grads = start(), gradients(3, 1.0)
    got, _ = updated(lambda p: SGD(p, 0.1, clip=clip), values, grads)
    parameters = {name: torch.tensor(value, requires_grad=True) for name, value in values.items()}
    other = torch.optim.SGD(parameters.values(), 0.1)
    for grad in grads:
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(grad[name])
        torch.nn.utils.clip_grad_norm_(parameters.values(), clip)
        other.step()
    for name, parameter in parameters.items():
        assert np.allclose(got[name], parameter.detach().numpy(), rtol=1e-5, atol=1e-7)


def test_the_norm_of_huge_finite_gradients_is_finite() -> None:
    values = start()
    grads = [{name: np.full(shape, 1e30, dtype=np.float32) for name, shape in SHAPES.items()}]
    got, _ = updated(lambda p: SGD(p, 1.0, clip=1.0), values, grads)
    count = sum(value.size for value in values.values())
    moved = values["b.weight"] - got["b.weight"]
    assert np.allclose(moved, 1 / math.sqrt(count), rtol=1e-4)


@pytest.mark.parametrize("groups", [[], [Group("*.bias", weight_decay=0.0)]], ids=["one part", "two parts"])
@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_gradient_that_is_not_finite_changes_nothing(groups: list[Group], clip: float | None, compiled: bool) -> None:
    values = start()
    named = slots(values)
    optimizer = AdamW(named, clip=clip, groups=groups)
    run = pt.compile(lambda *g: optimizer.update(list(g))) if compiled else lambda *g: optimizer.update(list(g))
    good, bad = gradients(2, 1.0)
    run(*(pt.tensor(good[name]) for name in SHAPES))
    before = {name: np.array(slot.numpy()) for name, slot in [*named, *optimizer.named_slots()]}
    bad["b.weight"][3] = np.nan
    with pytest.raises(pt.NonFiniteError):
        run(*(pt.tensor(bad[name]) for name in SHAPES))
    for name, slot in [*named, *optimizer.named_slots()]:
        assert (np.array(slot.numpy()) == before[name]).all(), name


@pytest.mark.parametrize("compiled", [False, True])
def test_accumulated_calls_make_the_update_of_their_weighted_mean(compiled: bool) -> None:
    sums, counts = gradients(6, 1.0), [4.0, 4.0, 1.0, 2.0, 3.0, 4.0]
    means = [
        {name: sum(sums[at + k][name] for k in range(3)) / sum(counts[at : at + 3]) for name in SHAPES} for at in (0, 3)
    ]
    wanted, _ = updated(lambda p: AdamW(p, clip=1.0), start(), means)
    named = slots(start())
    optimizer = AdamW(named, clip=1.0, accumulate=3)

    def step(weight: Any, *given: Any) -> None:
        optimizer.update(list(given), weight)

    run = pt.compile(step) if compiled else step
    for number, (grad, count) in enumerate(zip(sums, counts, strict=True)):
        run(pt.tensor(count, dtype="float32"), *(pt.tensor(grad[name]) for name in SHAPES))
        assert int(optimizer.updates.numpy()) == (number + 1) // 3
    for name, slot in named:
        moved, want = slot.numpy() - start()[name], wanted[name] - start()[name]
        assert np.linalg.norm(moved - want) <= 1e-5 * np.linalg.norm(want)


def norm_of(grads: dict[str, Any]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(value.astype(np.float64))) for value in grads.values())))


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(
    "settings",
    [
        {"clip": 0.5}, {"track_grad_norm": True}, {"clip_value": 0.1, "track_grad_norm": True},
        {"groups": [{"match": "*.bias", "lr": 0.2}]}, {"loss_scale": 4.0},
    ],
    ids=str,
)  # fmt: skip
def test_the_norm_of_the_last_gradients_can_be_read(settings: dict[str, Any], compiled: bool) -> None:
    scale = settings.get("loss_scale", 1.0)
    if scale != 1.0:
        settings = {"loss_scale": optim.LossScale(scale)}
    optimizer = SGD(slots(start()), 0.1, **settings)
    assert math.isnan(optimizer.grad_norm.item()) and "optimizer.grad_norm" not in optimizer.state_dict()
    run = pt.compile(lambda *g: optimizer.update(list(g))) if compiled else (lambda *g: optimizer.update(list(g)))
    for grad in gradients(3, 1.0):
        run(*(pt.tensor(grad[name] * np.float32(scale)) for name in SHAPES))
        assert optimizer.grad_norm.item() == pytest.approx(norm_of(grad), rel=1e-12)
        assert optimizer.grad_norm.dtype == pt.float64


def test_the_norm_is_that_of_the_last_update_whole() -> None:
    optimizer = SGD(slots(start()), 0.1, accumulate=2, clip=1.0)
    first, second = gradients(2, 1.0)
    optimizer.update([pt.tensor(first[name]) for name in SHAPES])
    assert math.isnan(optimizer.grad_norm.item())
    optimizer.update([pt.tensor(second[name]) for name in SHAPES])
    mean = {name: (first[name] + second[name]) / 2 for name in SHAPES}
    seen = optimizer.grad_norm.item()
    assert seen == pytest.approx(norm_of(mean), rel=1e-6)
    bad = SGD(slots(start()), 0.1, clip=1.0)
    bad.update([pt.tensor(first[name]) for name in SHAPES])
    with pytest.raises(pt.NonFiniteError):
        bad.update([pt.full(shape, np.inf) for shape in SHAPES.values()])
    assert bad.grad_norm.item() == pytest.approx(norm_of(first), rel=1e-12)


def test_a_norm_that_no_update_computes_is_refused_and_costs_nothing() -> None:
    optimizer = SGD(slots(start()), 0.1)
    with pytest.raises(OptimizerError) as caught:
        _ = optimizer.grad_norm
    assert str(caught.value) == (
        "[optimizer] grad_norm of updates that compute none; expected clip, or track_grad_norm=True; write "
        "SGD(model, track_grad_norm=True)"
    )

    def launches(**settings: Any) -> int:
        optimizer = SGD(slots(start()), 0.1, **settings)
        run = pt.compile(lambda *g: optimizer.update(list(g)))
        run(*(pt.ones(shape) for shape in SHAPES.values()))
        return len(run.programs[0]["instructions"])

    assert launches() < launches(track_grad_norm=True)


def test_a_weight_divides_the_gradients_of_a_sum() -> None:
    grad = gradients(1, 1.0)[0]
    got, _ = updated(lambda p: SGD(p, 0.1), start(), [{name: value / 8 for name, value in grad.items()}])
    named = slots(start())
    SGD(named, 0.1).update([pt.tensor(grad[name]) for name in SHAPES], pt.tensor(8.0))
    assert all(np.allclose(slot.numpy(), got[name], rtol=1e-6) for name, slot in named)


def test_groups_set_rate_decay_and_freezing_by_pattern() -> None:
    values, grads = start(), gradients(2, 1.0)
    named = slots(values)
    groups = [Group("b.scale", frozen=True), {"match": "b.weight", "lr": 1e-4}, Group("*.bias", weight_decay=0.0)]
    optimizer = AdamW(named, 1e-3, weight_decay=0.5, groups=groups)
    assert [name for name, _ in optimizer.params] == ["a.weight", "a.bias", "b.weight"]
    for grad in grads:
        optimizer.update([pt.tensor(grad[name]) for name, _ in optimizer.params])
    got = {name: np.array(slot.numpy()) for name, slot in named}
    assert (got["b.scale"] == values["b.scale"]).all()
    for name, decay, lr in (("a.weight", 0.5, 1e-3), ("a.bias", 0.0, 1e-3), ("b.weight", 0.5, 1e-4)):
        wide = values[name].astype(np.float64)
        want = adam64(wide, [grad[name].astype(np.float64) for grad in grads], lr, decay, True) - wide
        assert np.linalg.norm(got[name] - wide - want) <= 1e-5 * np.linalg.norm(want)


# ---------------------------------------------------------------- the rate


@pytest.mark.parametrize("compiled", [False, True])
def test_the_rate_is_a_slot_that_a_compiled_step_reads_anew(compiled: bool) -> None:
    named = slots(start())
    optimizer = SGD(named, 0.5)
    run = pt.compile(lambda *g: optimizer.update(list(g))) if compiled else lambda *g: optimizer.update(list(g))
    ones = [pt.ones(shape) for shape in SHAPES.values()]
    moves = []
    for rate in (0.5, 0.25, 0.125):
        optimizer.lr = rate
        before = np.array(named[2][1].numpy())
        run(*ones)
        moves.append(float((before - named[2][1].numpy())[0]))
    assert np.allclose(moves, [0.5, 0.25, 0.125], rtol=1e-6) and float(optimizer.lr) == 0.125


def test_a_schedule_inside_a_compiled_step_moves_with_the_step_slot() -> None:
    named = slots(start())
    optimizer = SGD(named, 1.0, schedule=schedules.PolynomialLR(4))
    run = pt.compile(lambda *g: optimizer.update(list(g)))
    moves = []
    for _ in range(5):
        before = np.array(named[2][1].numpy())
        run(*(pt.ones(shape) for shape in SHAPES.values()))
        moves.append(float((before - named[2][1].numpy())[0]))
    assert np.allclose(moves, [1, 0.75, 0.5, 0.25, 0], atol=1e-6)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: AdamW(p, lr=-1), "[optimizer] lr = -1; expected a number > 0; 1e-3 is usual for adamw"),
        (lambda p: AdamW(p, lr=math.nan), "[optimizer] lr = nan; expected a number > 0; 1e-3 is usual for adamw"),
        (lambda p: AdamW(p, betas=(0.9, 1.0)), "[adamw] beta2 = 1; expected 0 <= beta2 < 1; 0.999 is usual"),
        (lambda p: SGD(p, clip=0.0), "[optimizer] clip = 0; expected a number > 0, or None; 1.0 is usual"),
        (lambda p: SGD(p, nesterov=True), "[sgd] nesterov without momentum; expected momentum > 0; 0.9 is usual"),
        (
            lambda p: SGD(p, groups=[Group("c.*")]),
            "[optimizer] group pattern 'c.*' matches no parameter; expected one that matches some of a.weight, a.bias, "
            "b.weight, b.scale; see model.named_parameters()",
        ),
        (
            lambda p: SGD(p, groups=[Group("a.bia")]),
            "[optimizer] group pattern 'a.bia' matches no parameter; expected one that matches some of a.weight, "
            "a.bias, b.weight, b.scale; did you mean a.bias?",
        ),
        (
            lambda p: SGD(p, groups=[{"match": "*.bias"}, {"match": "a.*", "lr": 0.1}]),
            "[optimizer] group patterns '*.bias' and 'a.*' both match a.bias; expected one group for each parameter; "
            "make one of the patterns narrower",
        ),
        (
            lambda p: SGD(p, groups=[{"pattern": "*.bias"}]),
            "[optimizer groups.pattern] no such parameter of a group; expected match, lr, weight_decay, start, frozen",
        ),
        (
            lambda p: SGD(p, groups=[{}]),
            "[optimizer groups] match is missing; a group needs a text in quotes; add match = ...",
        ),
        (lambda p: SGD(p, groups=[Group("a.*", lr=0.0)]), "[optimizer groups.lr] received 0.0; expected a number > 0"),
        (
            lambda p: SGD(p, groups=[{"match": "a.*", "weight_decay": "no"}]),
            '[optimizer groups.weight_decay] received "no"; expected a number >= 0',
        ),
        (
            lambda p: SGD(p, groups=["*.bias"]),
            "[optimizer] groups holds '*.bias'; expected dicts; write "
            'groups=[{"match": "*.bias", "weight_decay": 0.0}]',
        ),
        (
            lambda p: SGD(p, groups=[Group("*", frozen=True)]),
            "[optimizer] 4 parameters, none to train; expected at least one; unfreeze some of the model",
        ),
    ],
)
def test_settings_that_are_refused(make: Callable[[Any], Optimizer], message: str) -> None:
    with pytest.raises(OptimizerError) as caught:
        make(slots(start()))
    assert str(caught.value) == message


def test_gradients_that_are_refused() -> None:
    optimizer = SGD(slots(start()))
    with pytest.raises(OptimizerError) as caught:
        optimizer.update([pt.ones((40, 30))])
    assert str(caught.value) == (
        "[optimizer] 1 gradients; expected 4, one for each parameter; freeze parameters before the optimizer is made, "
        "and pass it what value_and_grad gave"
    )
    shapes: Iterator[tuple[int, ...]] = iter([(30, 40), (30,), (7,), ()])
    with pytest.raises(OptimizerError) as caught:
        optimizer.update([pt.ones(shape) for shape in shapes])
    assert str(caught.value) == (
        "[optimizer] gradient of a.weight is [30, 40]; expected [40, 30]; "
        "pass gradients in the order of optimizer.params"
    )
    with pytest.raises(OptimizerError, match=r"\[optimizer\] lr = -0\.1; expected a number > 0"):
        optimizer.lr = -0.1


def test_a_rate_of_0_moves_nothing() -> None:
    slot = pt.nn.Parameter(pt.ones(3))
    opt = AdamW([slot], lr=0.1)
    opt.lr = 0
    opt.update([pt.ones(3)])
    assert slot.numpy().tolist() == [1.0] * 3
    opt.lr = 0.5
    opt.update([pt.ones(3)])
    assert (slot.numpy() < 1).all()


# ---------------------------------------------------------------- what every optimizer keeps to


EVERY: dict[str, Callable[..., Optimizer]] = {
    "sgd": lambda p, **settings: SGD(p, 0.1, **settings),
    "momentum": lambda p, **settings: SGD(p, 0.1, momentum=0.9, **settings),
    "nesterov": lambda p, **settings: SGD(p, 0.1, momentum=0.9, nesterov=True, **settings),
    "adam": lambda p, **settings: Adam(p, **settings),
    "adamw": lambda p, **settings: AdamW(p, **settings),
}


@pytest.mark.parametrize("name", EVERY)
def test_without_gradient_and_decay_nothing_moves(name: str) -> None:
    zeros = [{key: np.zeros(shape, dtype=np.float32) for key, shape in SHAPES.items()}] * 2
    got, _ = updated(lambda p: EVERY[name](p, weight_decay=0.0), start(), zeros)
    assert all((got[key] == value).all() for key, value in start().items())


@pytest.mark.parametrize("name", EVERY)
def test_a_first_step_goes_against_the_gradient(name: str) -> None:
    (grad,) = gradients(1, 1.0)
    got, _ = updated(EVERY[name], start(scale=0.0), [grad])
    assert all((np.sign(got[key]) == -np.sign(grad[key])).all() for key in SHAPES)


@pytest.mark.parametrize("name", EVERY)
def test_the_order_of_parameters_does_not_matter(name: str) -> None:
    grads = gradients(3, 1.0)
    got, _ = updated(EVERY[name], start(), grads)
    named = slots(start())[::-1]
    optimizer = EVERY[name](named)
    for grad in grads:
        optimizer.update([pt.tensor(grad[key]) for key, _ in named])
    assert all((np.array(slot.numpy()) == got[key]).all() for key, slot in named)


@pytest.mark.parametrize("name", EVERY)
def test_threads_do_not_change_a_bit(name: str) -> None:
    rng = np.random.default_rng(0)
    value, grads = rng.normal(0, 0.02, 200_003).astype(np.float32), rng.normal(0, 1, (3, 200_003)).astype(np.float32)
    found, before = [], pt.get_threads()
    try:
        for threads in (1, 4, 7):
            pt.set_threads(threads)
            slot = pt.Slot(pt.tensor(value), trainable=True)
            optimizer = EVERY[name]([("p", slot)], clip=1.0)
            run = pt.compile(lambda g, optimizer=optimizer: optimizer.update([g]))
            for grad in grads:
                run(pt.tensor(grad))
            found.append(np.array(slot.numpy()))
    finally:
        pt.set_threads(before)
    assert all((other == found[0]).all() for other in found[1:])


@pytest.mark.parametrize("name", EVERY)
def test_a_bowl_is_descended(name: str) -> None:
    slot = pt.Slot(pt.tensor(np.array([1.0, -2.0, 0.5], dtype=np.float32)), name="x", trainable=True)
    optimizer = EVERY[name]([("x", slot)])
    optimizer.lr = 0.05

    @pt.compile
    def step() -> Any:
        loss, grads = pt.nn.value_and_grad([slot], lambda: (slot * slot).sum())()
        optimizer.update(grads)
        return loss

    losses = [step().item() for _ in range(100)]
    assert losses[-1] < 1e-3 * losses[0]


def test_parameters_of_two_dtypes_are_two_parts() -> None:
    named = [
        ("a", pt.Slot(pt.tensor(np.ones(3, dtype=np.float32)), trainable=True)),
        ("b", pt.Slot(pt.tensor(np.ones(3, dtype=np.float64)), trainable=True)),
    ]
    optimizer = AdamW(named, 1e-3)
    optimizer.update([pt.ones((3,)), pt.ones((3,), dtype="float64")])
    assert len(optimizer.parts) == 2 and named[1][1].numpy().dtype == np.float64
    assert np.allclose(named[1][1].numpy(), 1 - 1e-3 * (1 / (1 + 1e-8) + 0.01), atol=1e-9)

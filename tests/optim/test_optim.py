"""Optimizers by displacement against float64 and against torch.optim, schedules, groups, accumulation, clipping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from optimizer_definitions import adam64, sgd64
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


def test_a_weight_divides_the_gradients_of_a_sum() -> None:
    grad = gradients(1, 1.0)[0]
    got, _ = updated(lambda p: SGD(p, 0.1), start(), [{name: value / 8 for name, value in grad.items()}])
    named = slots(start())
    SGD(named, 0.1).update([pt.tensor(grad[name]) for name in SHAPES], pt.tensor(8.0))
    assert all(np.allclose(slot.numpy(), got[name], rtol=1e-6) for name, slot in named)


def test_groups_set_rate_decay_and_freezing_by_pattern() -> None:
    values, grads = start(), gradients(2, 1.0)
    named = slots(values)
    groups = [Group("b.scale", frozen=True), Group("b.*", rate=0.0), Group("*.bias", weight_decay=0.0)]
    optimizer = AdamW(named, 1e-3, weight_decay=0.5, groups=groups)
    assert [name for name, _ in optimizer.params] == ["a.weight", "a.bias", "b.weight"]
    for grad in grads:
        optimizer.update([pt.tensor(grad[name]) for name, _ in optimizer.params])
    got = {name: np.array(slot.numpy()) for name, slot in named}
    assert (got["b.scale"] == values["b.scale"]).all() and (got["b.weight"] == values["b.weight"]).all()
    for name, decay in (("a.weight", 0.5), ("a.bias", 0.0)):
        wide = values[name].astype(np.float64)
        want = adam64(wide, [grad[name].astype(np.float64) for grad in grads], 1e-3, decay, True) - wide
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


def factors(schedule: schedules.Schedule, steps: int) -> list[float]:
    return [float(schedule(pt.tensor(step, dtype="int64"))) for step in range(steps)]


def nano_gpt(step: int) -> float:
    """The rate of nanoGPT's train.py at lr 1, floor 0.1, 10 warm-up steps and 100 in all."""
    if step < 10:
        return (step + 1) / 11
    return 0.1 + 0.5 * (1 + math.cos(math.pi * min(1.0, (step - 10) / 90))) * 0.9


def test_schedules_follow_their_formulas() -> None:
    cosine = schedules.bind(schedules.cosine, 100, warmup=10, floor=0.1)
    assert np.allclose(factors(cosine, 130), [nano_gpt(step) for step in range(130)], rtol=1e-6)
    linear = schedules.bind(schedules.linear, 10, floor=0.5)
    assert np.allclose(factors(linear, 13), [1 - 0.05 * min(step, 10) for step in range(13)], rtol=1e-6)
    assert factors(schedules.bind(schedules.constant, 10, warmup=1), 3) == [0.5, 1.0, 1.0]
    drop = schedules.bind(schedules.step, 10, every=0.5, gamma=0.1)
    assert np.allclose(factors(drop, 12), [1] * 5 + [0.1] * 5 + [0.01] * 2, rtol=1e-6)
    assert np.allclose(
        factors(schedules.bind(schedules.step, 10, every=3, gamma=0.5), 7), [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    )


def test_one_cycle_has_the_corners_of_torch() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    peer = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=101)
    got = factors(schedules.bind(schedules.one_cycle, 100, rise=0.29), 101)
    rates = []
    for _ in range(101):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        peer.step() if len(rates) < 101 else None
    assert np.allclose([got[0], max(got), got[100]], [rates[0], 1.0, rates[-1]], rtol=1e-5)


def test_schedules_compose() -> None:
    warm = schedules.bind(schedules.constant, 8, warmup=3)
    down = schedules.bind(schedules.linear, 8)
    both = factors(schedules.product(warm, down), 8)
    assert np.allclose(both, np.multiply(factors(warm, 8), factors(down, 8)), rtol=1e-6)
    joined = factors(schedules.chain((2, down), (3, warm), then=down), 9)
    assert np.allclose(joined, [*factors(down, 2), *factors(warm, 3), *factors(down, 4)], rtol=1e-6)


def test_a_schedule_inside_a_compiled_step_moves_with_the_step_slot() -> None:
    named = slots(start())
    optimizer = SGD(named, 1.0, schedule=schedules.bind(schedules.linear, 4))
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
    with pytest.raises(OptimizerError, match=r"\[optimizer\] lr = 0; expected a number > 0"):
        optimizer.lr = 0.0


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

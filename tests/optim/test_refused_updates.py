"""Updates that do not happen: nothing of them stays, and a guard that does not skip is an error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.optim import SGD, AdamW, LossScale, Optimizer

GOOD, BAD = np.ones(4, np.float32), np.array([1, math.nan, 1, 1], np.float32)


def weights() -> list[tuple[str, pt.Slot]]:
    return [("w", pt.Slot(pt.tensor(np.zeros(4, np.float32)), name="w", trainable=True))]


def state(optimizer: Optimizer) -> dict[str, list[float]]:
    return {name: slot.numpy().tolist() for name, slot in [*optimizer.params, *optimizer.named_slots()]}


def stepping(optimizer: Optimizer, compiled: bool, **how: Any) -> Callable[[Any], Any]:
    def step(gradient: pt.Tensor) -> None:
        optimizer.update([gradient], **how)

    return pt.compile(step) if compiled else lambda given: step(pt.tensor(given))


both_ways = pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])


@both_ways
def test_a_guard_in_check_that_does_not_skip_is_an_error(compiled: bool) -> None:
    optimizer = AdamW(weights())
    step, before = stepping(optimizer, compiled, check=pt.guard), state(optimizer)
    with pytest.raises(pt.NonFiniteError, match="not finite"):
        step(BAD)
    assert state(optimizer) == before
    step(GOOD)
    assert state(optimizer) != before


@both_ways
def test_a_guard_in_check_that_skips_leaves_the_update_out(compiled: bool) -> None:
    optimizer = AdamW(weights())
    step, before = stepping(optimizer, compiled, check=lambda norm: pt.guard(norm, skip=True)), state(optimizer)
    step(BAD)
    assert state(optimizer) == before


def test_an_error_of_the_formula_is_not_taken_for_a_skipped_guard() -> None:
    class Careful(SGD):
        def update_flat(self, p: pt.Tensor, g: pt.Tensor, *given: Any) -> Any:
            return super().update_flat(pt.guard(p / 0.0), g, *given)

    with pytest.raises(pt.NonFiniteError):
        Careful(weights(), lr=0.1).update([pt.tensor(GOOD)], check=lambda norm: norm)


@both_ways
def test_gradients_that_are_refused_are_not_held_for_a_later_update(compiled: bool) -> None:
    optimizer = SGD(weights(), lr=1.0, accumulate=2)
    step, before = stepping(optimizer, compiled), state(optimizer)
    with pytest.raises(pt.NonFiniteError):
        step(BAD)
    assert state(optimizer) == before
    step(GOOD)
    step(3 * GOOD)
    assert state(optimizer)["w"] == [-2.0] * 4


@both_ways
def test_gradients_that_a_loss_scale_leaves_out_are_not_held(compiled: bool) -> None:
    optimizer = SGD(weights(), lr=1.0, accumulate=2, loss_scale=LossScale(initial=2.0))
    step, before = stepping(optimizer, compiled), state(optimizer)
    step(BAD)
    assert state(optimizer) == {**before, "optimizer.loss_scale": 1.0}
    step(GOOD)
    step(3 * GOOD)
    assert state(optimizer)["w"] == [-2.0] * 4


def test_an_eager_update_that_fails_between_two_parts_updates_neither() -> None:
    sizes: list[int] = []

    class Failing(SGD):
        def update_flat(self, p: pt.Tensor, *given: Any) -> Any:
            sizes.append(p.size)
            if len(sizes) == 2:
                raise MemoryError
            return super().update_flat(p, *given)

    layer = pt.nn.Linear(2, 3)
    optimizer = Failing(layer, lr=0.1, groups=[{"match": "bias", "lr": 0.2}])
    before = state(optimizer)
    with pytest.raises(MemoryError):
        optimizer.update([pt.ones(slot.shape) for _, slot in optimizer.params])
    assert len(sizes) == 2 and state(optimizer) == before


SETTINGS: list[dict[str, Any]] = [
    {"accumulate": 2, "clip": 0.5},
    {"accumulate": 3, "loss_scale": lambda: LossScale(initial=8.0, grow_after=2)},
    {"groups": [{"match": "*.bias", "lr": 0.1}], "loss_scale": lambda: LossScale(initial=8.0)},
    {"accumulate": 2, "unfreeze_every": 2, "track_grad_norm": True},
    {"clip_value": 0.2, "layer_decay": 0.8},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(settings))
@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_eager_and_compiled_updates_leave_the_same_behind(kind: Any, settings: dict[str, Any]) -> None:
    """After each step, of which some have gradients that are not finite."""
    made = []
    for _ in range(2):
        pt.random.seed(0)
        model = pt.nn.Sequential(pt.nn.Linear(3, 4), pt.nn.Linear(4, 2))
        made.append(kind(model, lr=0.1, **{key: one() if callable(one) else one for key, one in settings.items()}))
    eager, compiled = made
    step = pt.compile(lambda weight, *given: compiled.update(list(given), weight))
    rng = np.random.default_rng(1)
    for number in range(10):
        given = [pt.tensor(rng.normal(size=slot.shape).astype("float32")) for _, slot in eager.params]
        if number in (3, 4, 7):
            given[number % len(given)] = given[number % len(given)] / 0.0
        weight = pt.tensor(float(number + 1))
        assert is_refused(eager.update, given, weight) == is_refused(step, weight, *given)
        assert state(eager) == state(compiled)
    assert eager.updates.value.item() > 0


def is_refused(update: Callable[..., object], *given: Any) -> bool:
    try:
        update(*given)
    except pt.NonFiniteError:
        return True
    return False


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda layer: pt.optim.Rprop(layer, groups=[{"match": "bias", "weight_decay": 50}]),
            "[optimizer] weight_decay = 50 of bias; expected 0 with Rprop",
        ),
        (
            lambda layer: pt.optim.LBFGS([{"params": layer, "weight_decay": 0.1}]),
            "[lbfgs] weight_decay = 0.1 of weight; expected 0 with LBFGS",
        ),
    ],
)
def test_a_decay_that_updates_do_not_use_is_refused(make: Callable[[pt.nn.Module], object], said: str) -> None:
    with pytest.raises(pt.optim.OptimizerError) as caught:
        make(pt.nn.Linear(2, 2))
    assert str(caught.value) == (
        f"{said}, whose updates have no weight decay; leave it out, or take an optimizer that has it, such as AdamW"
    )


def of_formula(update: Callable[[Any, Any, Any], Any], moments: tuple[str, ...]) -> Optimizer:
    class Own(Optimizer):
        MOMENTS = moments

        def update_flat(self, p: Any, g: Any, state: Any, decay: float, scalars: Any) -> Any:
            return update(p, g, state)

    return Own(weights(), lr=0.1)


WRITTEN = [
    (lambda p, g, state: p, ("m",), "gives float32[16]; expected new values and a dict of moments; end it with return "
     'p, {"m": m}'),
    (lambda p, g, state: None, (), "gives None; expected new values and a dict of moments; end it with return p, {}"),
    (lambda p, g, state: (p, g), ("m",), "gives (float32[16], float32[16]); expected new values and a dict of moments; "
     'end it with return p, {"m": m}'),
    (lambda p, g, state: (p, {"m": g}), (), "gives the moment 'm'; expected one of MOMENTS, which is (); write MOMENTS "
     "= ('m',)"),
    (lambda p, g, state: (p - state["v"], {}), ("m",), "reads the moment 'v'; expected one of MOMENTS, which is "
     "('m',); write MOMENTS = ('m', 'v')"),
    (lambda p, g, state: (pt.sum(p), {}), (), "gives values []; expected [16], the shape of p; leave sums and means "
     "out of the new values"),
]  # fmt: skip


@both_ways
@pytest.mark.parametrize(("update", "moments", "text"), WRITTEN)
def test_what_a_formula_gives_is_said_of_the_formula(update: Any, moments: Any, text: str, compiled: bool) -> None:
    optimizer = of_formula(update, moments)
    before = state(optimizer)
    with pytest.raises(pt.optim.OptimizerError) as caught:
        stepping(optimizer, compiled)(GOOD)
    where, _, said = str(caught.value).partition("] ")
    assert where.startswith("[Own.update_flat in test_refused_updates.py:") and said == text
    assert state(optimizer) == before

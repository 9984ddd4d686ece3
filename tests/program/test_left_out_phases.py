"""Phases that a guard leaves out: what is read after them is what the slots hold, as random programs show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from numpy_backend import NumPyBackend

SLOTS, SIZE = 4, 3
NUMPY = NumPyBackend()
ROUTES: list[dict[str, Any]] = [{}, {"simplify": False, "fuse": False}, {"backend": NUMPY}]


@dataclass
class Program:
    """Phases of statements: ("read", slot), ("add", value, value), ("write", slot, value), ("guard", value)."""

    phases: list[list[tuple[Any, ...]]]
    results: list[int]

    def traced(self, slots: list[pt.Slot], x: pt.Tensor) -> tuple[pt.Tensor, ...]:
        values = [x]
        for at, phase in enumerate(self.phases):
            if at:
                pt.end_phase()
            for kind, *of in phase:
                if kind == "read":
                    values.append(slots[of[0]].value)
                elif kind == "add":
                    values.append(values[of[0]] * 0.5 + values[of[1]])
                elif kind == "write":
                    slots[of[0]].value = values[of[1]]
                else:
                    values.append(pt.guard(values[of[0]]))
        return tuple(values[result] for result in self.results)

    def worked_out(self, slots: list[np.ndarray], x: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], bool]:
        """What it comes to: the results, the slots afterwards, and whether a phase was left out."""
        values, committed, tripped = [x], list(slots), False
        for phase in self.phases:
            now, guarded = list(committed), True
            for kind, *of in phase:
                if kind == "read":
                    values.append(now[of[0]])
                elif kind == "add":
                    values.append(values[of[0]] * np.float32(0.5) + values[of[1]])
                elif kind == "write":
                    now[of[0]] = values[of[1]]
                else:
                    values.append(values[of[0]])
                    guarded = guarded and bool(np.isfinite(values[-1]).all())
            committed, tripped = (now if guarded else committed), tripped or not guarded
        return [values[result] for result in self.results], committed, tripped


def drawn(rng: np.random.Generator) -> Program:
    known, phases = 1, []
    for _ in range(int(rng.integers(2, 5))):
        phase: list[tuple[Any, ...]] = []
        for _ in range(int(rng.integers(2, 9))):
            kind = rng.choice(["read", "add", "add", "write", "write", "guard"])
            place = int(rng.integers(known))
            if kind == "write":
                phase.append(("write", int(rng.integers(SLOTS)), place))
                continue
            known += 1
            of = (int(rng.integers(SLOTS)),) if kind == "read" else (place, int(rng.integers(place + 1)))
            phase.append((str(kind), *of))
        phases.append(phase)
    return Program(phases, [int(result) for result in rng.integers(known, size=3)])


def inputs(rng: np.random.Generator) -> Iterator[np.ndarray]:
    for bad in (None, np.inf, None, np.nan):
        x = rng.normal(size=SIZE).astype(np.float32)
        if bad is not None:
            x[int(rng.integers(SIZE))] = bad
        yield x


@pytest.mark.parametrize("route", ROUTES, ids=["engine", "plain", "backend"])
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_random_program_means_what_it_says(seed: int, route: dict[str, Any]) -> None:
    rng = np.random.default_rng(seed)
    program = drawn(rng)
    slots = [pt.Slot(pt.tensor(rng.normal(size=SIZE).astype(np.float32)), name=f"slot{at}") for at in range(SLOTS)]
    step = pt.compile(lambda x: program.traced(slots, x), on_nonfinite="skip", **route)
    for x in inputs(rng):
        results, held, tripped = program.worked_out([slot.numpy() for slot in slots], x)
        got = step(pt.tensor(x))
        for found, wanted in zip(got, results, strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted)
        for slot, wanted in zip(slots, held, strict=True):
            np.testing.assert_array_equal(slot.numpy(), wanted)
        assert step.tripped == tripped


@pytest.mark.parametrize("route", ROUTES, ids=["engine", "plain", "backend"])
def test_weights_that_are_clipped_after_an_update_stay_where_a_step_is_left_out(route: dict[str, Any]) -> None:
    model = pt.nn.Linear(3, 2)
    optimizer = pt.optim.AdamW(model, lr=0.1)
    loss_and_grads = pt.nn.value_and_grad(model, lambda x: model(x).mean())

    def body(x: pt.Tensor) -> pt.Tensor:
        loss, grads = loss_and_grads(x)
        optimizer.update(grads)
        for weight in model.parameters():
            weight.value = pt.clip(weight.value, -0.4, 0.4)
        return loss

    step = pt.compile(body, on_nonfinite="skip", **route)
    step(np.ones((2, 3), np.float32))
    before = [weight.numpy() for weight in model.parameters()]
    assert max(np.abs(weight).max() for weight in before) <= np.float32(0.4)
    step(np.array([[1, 1, np.inf]] * 2, np.float32))
    assert step.tripped
    for weight, wanted in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), wanted)


def test_a_step_that_leaves_out_costs_no_copy_of_what_it_reads_once() -> None:
    weight, average = (pt.Slot(pt.zeros(1000), name=name) for name in ("weight", "average"))

    @pt.compile
    def step(x: pt.Tensor) -> None:
        weight.value = weight.value + pt.guard(x)
        pt.end_phase()
        average.value = 0.9 * average.value + 0.1 * weight.value
        pt.end_phase()

    skipping = pt.compile(step.__wrapped__, on_nonfinite="skip")
    for one in (step, skipping):
        one(pt.ones(1000))
    assert skipping.describe().count("copy") == step.describe().count("copy")
    assert [p["arena_bytes"] for p in skipping.programs] == [p["arena_bytes"] for p in step.programs]

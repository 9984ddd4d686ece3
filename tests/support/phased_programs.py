"""Random programs of phases that read and write slots, some of which a guard leaves out; and what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt

SLOTS, SIZE = 4, 3


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


def examine(seed: int, device: str = "cpu", **route: Any) -> None:
    """Compare some calls of a random program, compiled by a route, with what it comes to."""
    rng = np.random.default_rng(seed)
    program = drawn(rng)
    with pt.device(device):
        slots = [pt.Slot(pt.tensor(rng.normal(size=SIZE).astype(np.float32)), name=f"slot{at}") for at in range(SLOTS)]
    step = pt.compile(lambda x: program.traced(slots, x), on_nonfinite="skip", **route)
    for x in inputs(rng):
        results, held, tripped = program.worked_out([slot.numpy() for slot in slots], x)
        got = step(pt.tensor(x).to(device))
        for found, wanted in zip(got, results, strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted)
        for slot, wanted in zip(slots, held, strict=True):
            np.testing.assert_array_equal(slot.numpy(), wanted)
        assert step.tripped == tripped

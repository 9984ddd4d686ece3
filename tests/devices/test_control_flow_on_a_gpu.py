"""Loops, branches, checkpoints and random numbers on a simulated GPU have the CPU's bits, and so do their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import same_bits
from calls import outputs
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]
X = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")


def summed(x: Any) -> Any:
    last, all_sums = pt.scan(lambda total, row: (total * 0.5 + row, pt.tanh(total)), pt.zeros((5,)), x)
    return last, all_sums


def backwards(x: Any) -> Any:
    return pt.scan(lambda total, row: (total + row * row, total), pt.zeros((5,)), x, reverse=True)


def chosen(x: Any) -> Any:
    return pt.cond(x.sum() > 0, lambda y: pt.exp(y), lambda y: y * 3 - 1, x)


def doubled(x: Any) -> Any:
    return pt.while_loop(lambda y: pt.abs(y).sum() < 1e3, lambda y: y * 2 + 0.125, x)


def loop_in_branch(x: Any) -> Any:
    return pt.cond(x[0, 0] < 100, lambda y: summed(y)[0], lambda y: y[0], x)


def recomputed(x: Any) -> Any:
    return pt.checkpoint(lambda y: pt.tanh(pt.exp(y * 0.5)) * y)(x).sum(axis=0)


def gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    def of_sum(x: Any) -> Any:
        return sum((y * (1 + y)).sum(axis=-1).sum() for y in outputs(function(x)))

    return pt.grad(of_sum)


CALLS = {
    "scan": summed,
    "scan from the end": backwards,
    "one branch": chosen,
    "the other branch": lambda x: chosen(x - 10),
    "while": doubled,
    "no step of while": lambda x: doubled(x + 1e3),
    "a scan in a branch": loop_in_branch,
    "checkpoint": recomputed,
    "gradient of scan": gradient(summed),
    "gradient of a scan from the end": gradient(backwards),
    "gradient of a branch": gradient(chosen),
    "gradient of a scan in a branch": gradient(loop_in_branch),
    "gradient of a checkpoint": gradient(recomputed),
}


def results(call: Callable[..., Any], device: str) -> list[Any]:
    """Of an eager call, and of four of a compiled one: the first ones are not recorded."""
    with pt.device(device):
        x, step = pt.tensor(X), pt.compile(call)
        made = [y for run in (call, *4 * [step]) for y in outputs(run(x))]
    assert {str(y.device) for y in made} == {device}
    return [y.numpy() for y in made]


@pytest.mark.parametrize("name", CALLS)
def test_control_flow_has_the_bits_of_the_cpu(name: str) -> None:
    here, there = (results(CALLS[name], device) for device in ("cpu", GPU))
    assert len(here) == len(there)
    assert all(map(same_bits, there, here))


def test_a_branch_assigns_its_slots_alone() -> None:
    held: dict[str, list[float]] = {}
    for device in ("cpu", GPU):
        with pt.device(device):
            up, down = pt.Slot(pt.tensor(1.0), "up"), pt.Slot(pt.tensor(1.0), "down")

            def grow(x: Any, up: pt.Slot = up) -> Any:
                up.value = up.value + x
                return x

            def shrink(x: Any, down: pt.Slot = down) -> Any:
                down.value = down.value - x
                return -x

            step = pt.compile(lambda x, grow=grow, shrink=shrink: pt.cond(x > 0, grow, shrink, x))
            for number in (1.5, -2.0, 3.0, 4.0, -5.0):
                step(pt.tensor(number))
        assert str(up.device) == str(down.device) == device
        held[device] = [up.value.item(), down.value.item()]
    assert held[GPU] == held["cpu"] == [9.5, 8.0]


DRAWS: dict[str, Callable[[], Any]] = {
    "uniform": lambda: pt.random.uniform(size=(3, 7)),
    "normal": lambda: pt.random.normal(size=(5, 33)),
    "integers": lambda: pt.random.integers(0, 1000, size=(40,)),
    "permutation": lambda: pt.random.permutation(50),
    "dropout": lambda: pt.nn.functional.dropout(pt.ones((9, 11)), 0.4, training=True),
}


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers_are_those_of_the_cpu(name: str) -> None:
    drawn = {}
    for device in ("cpu", GPU):
        pt.random.seed(7)
        with pt.device(device):
            step = pt.compile(DRAWS[name])
            drawn[device] = [each().numpy() for each in (DRAWS[name], DRAWS[name], step, step, step, step)]
    assert all(map(same_bits, drawn[GPU], drawn["cpu"]))
    assert not np.array_equal(drawn[GPU][-1], drawn[GPU][-2])

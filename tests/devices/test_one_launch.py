"""From its third run on, a compiled step on a GPU is one launch of a graph: what the driver is asked for, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from device_models import MODELS, Model, batches, training
from simulated_gpu import counts, counts_since, simulated_gpus

GPU = simulated_gpus()[0]
pytestmark = pytest.mark.simulated

# What a step asks for: the batch's two arrays go to the GPU, the graph is launched, and the host waits for its end. By
# then the graph itself has copied out whether a guard tripped, and what was committed.
STEP = {"graphs": 1, "waits": 1, "copies in": 2}
READ = {"waits": 1, "copies out": 1, "bytes out": 4}  # the loss, by item()


def joined(*parts: dict[str, int]) -> dict[str, int]:
    return {name: sum(part.get(name, 0) for part in parts) for name in {name for part in parts for name in part}}


def asked(call: Any) -> dict[str, int]:
    before = counts()
    call()
    found = counts_since(before)
    found.pop("questions", 0)  # whether a copy to the GPU is done, which waits for nothing
    return found


@pytest.mark.parametrize("make", MODELS)
def test_a_step_is_one_launch(make: Model) -> None:
    step = training(make, GPU)[1]
    source = batches(make)
    for _ in range(2):
        step(*next(source))
    for _ in range(6):
        x, y = next(source)
        wanted = joined(STEP, {"bytes in": x.nbytes + y.nbytes})
        assert asked(lambda x=x, y=y: step(x, y)) == wanted


@pytest.mark.parametrize("make", MODELS)
def test_the_batch_may_lie_there_and_the_loss_be_kept_and_read(make: Model) -> None:
    step = training(make, GPU)[1]
    source = batches(make)
    there = [[pt.asarray(part).to(GPU) for part in next(source)] for _ in range(2)]
    kept, losses = None, []
    alone = {name: count for name, count in STEP.items() if name != "copies in"}
    for number in range(12):
        x, y = there[number % 2]

        def one(x: Any = x, y: Any = y) -> None:
            nonlocal kept
            kept = step(x, y)
            losses.append(kept.item())

        found = asked(one)
        if number < 4:  # each batch with each of two results: seen first, then recorded
            continue
        assert found.pop("launches", 0) == 0 or number < 8
        assert found == joined(alone, READ)
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_a_step_in_a_run_is_one_launch() -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(64, 12)).astype("float32"), draw.integers(0, 4, 64)

    def of_run(steps: int) -> dict[str, int]:
        return asked(
            lambda: pt.fit(
                model=MODELS[0](), data=(x, y), steps=steps, batch_size=8, device=GPU, verbose=False,
                **{"run.save_seconds": 600, "run.evaluate.every": f"{steps} steps"},
            )
        )  # fmt: skip

    def of_16_steps() -> dict[str, int]:
        few, many = of_run(24), of_run(40)
        return {name: many.get(name, 0) - few.get(name, 0) for name in few | many}

    of_run(8)
    # A batch is inputs, labels and weights of examples, of 8 each. How many are sent ahead when a run ends is a matter
    # of time. So is where a batch arrives, and a step is recorded where it has met no batch before; and what a run does
    # now and then, such as showing how far it is. What a step did would count 16 times, in every try.
    wanted = {"graphs": 16, "waits": 16, "copies in": 16 * 3, "bytes in": 16 * 8 * (12 * 4 + 8 + 4)}
    tries = [of_16_steps() for _ in range(4)]
    for name in set().union(*tries):
        away = [abs(more.get(name, 0) - wanted.get(name, 0)) for more in tries]
        assert min(away) <= 4 * max(1, wanted.get(name, 0) // 16), (name, tries)

"""Times a training step of a recipe of the strategy diffusion beside the same step in PyTorch.

    python -m benchmarks.diffusion_step [RECIPE] [--threads N] [--rounds N]

fashion-mnist-diffusion and two threads without. Both take turns in one process, each with its own batches, noise,
update, clipping, schedule and average of the weights. The figure of each is the median of its turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from benchmarks.peers.torch_diffusion import Training

import powertrain as pt
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunFolder
from powertrain.train.run.sources import prepare

SECONDS = 1.0  # of one turn
PAUSE = 0.3  # threads go on spinning for a while after a step, at the cost of whoever computes next


def engine(recipe: str, folder: Path) -> Callable[[], int]:
    """Some steps of a run, as often as it is called; how many they were."""
    settings = ["run.until=1000000 steps", "run.evaluate={ every = '1000000 steps' }", "expect={}"]
    run: Any = build(load_recipe(recipe, settings), RunFolder(folder / "run"), Display(quiet=True))
    run.strategy.setup(run)

    def steps() -> int:
        before = run.progress.steps
        run.strategy.round(run)
        return int(run.progress.steps - before)

    return steps


def in_torch(recipe: str) -> Callable[[], int]:
    read = load_recipe(recipe)
    training = Training(read, prepare(read, Path()), 0)

    def steps() -> int:
        training.step()
        return 1

    return steps


def turn(steps: Callable[[], int]) -> float:
    """Milliseconds of a step."""
    time.sleep(PAUSE)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        count += steps()
    return 1e3 * (time.perf_counter() - began) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="fashion-mnist-diffusion")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    pt.set_threads(given.threads)
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        racers = {"powertrain": engine(given.recipe, Path(folder)), "pytorch": in_torch(given.recipe)}
        for steps in racers.values():
            turn(steps)
        turns = [{name: turn(steps) for name, steps in racers.items()} for _ in range(given.rounds)]
    ratios = sorted(one["pytorch"] / one["powertrain"] for one in turns)
    print(f"{given.recipe}, {given.threads} threads, PyTorch {torch.__version__}: milliseconds a step")
    for name in racers:
        print(f"{name:<12} {statistics.median(one[name] for one in turns):8.3f}")
    print(f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()

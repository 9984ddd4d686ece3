"""A training step of every workload, in Powertrain and in each peer that is installed, by pytest-benchmark.

    python -m pytest benchmarks --benchmark-enable --benchmark-only -k mlp_mnist

One process after the other's turn is what a ratio needs: for that, `make bench`. This is for a quick look.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from powertrain.cli.bench.arrays import WORKLOADS
from powertrain.cli.bench.losses import compare_losses
from race.field import installed

FRAMEWORKS = [name for name in ("powertrain", "powertrain eager", "torch", "torch fused", "jax") if installed(name)]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("workload", [name for name in WORKLOADS if name != "gpt2_124m"])
def test_training_step(benchmark: Any, workload: str, framework: str) -> None:
    benchmark.group = workload
    name, _, variant = framework.partition(" ")
    peer = importlib.import_module(f"peers.{name}_steps")
    step = peer.training(workload, variant, "f32")
    published = WORKLOADS[workload]
    error, wrong = compare_losses([float(step()) for _ in range(4)], published.losses, published.sgd)
    assert not wrong, f"{framework} does other work than {workload}: losses differ by {error}"

    def wait_for_step() -> None:
        peer.wait(step())

    benchmark(wait_for_step)

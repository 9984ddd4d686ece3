"""Training steps of every workload, Powertrain beside PyTorch; first that both do the same work, then the time."""

from __future__ import annotations

from typing import Any

import pytest

from powertrain.bench.arrays import WORKLOADS
from powertrain.bench.steps import training_step

FRAMEWORKS = ("powertrain", "torch eager", "torch fused")


def make(framework: str, workload: str) -> Any:
    if framework == "powertrain":
        return training_step(workload)
    pytest.importorskip("torch", reason="PyTorch is not installed; make bench installs it")
    from peers.torch_steps import step

    return step(workload, framework.split()[1])


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("workload", [name for name in WORKLOADS if name != "gpt2_124m"])
def test_training_step(benchmark: Any, workload: str, framework: str) -> None:
    benchmark.group = workload
    step = make(framework, workload)
    want = WORKLOADS[workload].losses
    for i in range(2 if WORKLOADS[workload].sgd else 4):
        assert abs(step().item() - want[i]) <= 1e-3 * want[i], f"step {i + 1} does not do the work of {workload}"
    benchmark(step)

"""Runs on a simulated GPU: beside the CPU, resumed, and from one place to the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.devices import loading
from simulated_gpu import built, simulated_gpus

simulated_gpus()

X = np.random.default_rng(0).normal(size=(96, 8)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "path_of", lambda kind: str(built()))


def trained(steps: int, device: str, folder: Path | None = None, resume: bool = False) -> pt.TrainedRun:
    pt.random.seed(1)
    model = pt.nn.Sequential(pt.nn.Linear(8, 16), pt.nn.ReLU(), pt.nn.Linear(16, 2))
    return pt.fit(
        model=model, data=(X, Y), steps=steps, batch_size=16, device=device, verbose=False, folder=folder, resume=resume
    )


def weights(run: pt.TrainedRun) -> list[np.ndarray]:
    return [np.asarray(slot.value) for slot in run.model.parameters()]


def test_a_run_trains_there_as_on_the_cpu() -> None:
    here, there = trained(12, "cpu"), trained(12, "cuda")
    assert {str(slot.device) for slot in there.model.parameters()} == {"cuda:0"}
    assert {str(slot.device) for slot in here.model.parameters()} == {"cpu"}
    for one, other in zip(weights(here), weights(there), strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-4, atol=2e-6)
    assert there.predict(X[:5]).outputs.shape == (5, 2)


def test_a_run_goes_on_with_the_same_bits_and_anywhere(tmp_path: Path) -> None:
    whole = trained(12, "cuda")
    trained(6, "cuda", tmp_path / "run")
    resumed = trained(12, "cuda", tmp_path / "run", resume=True)
    assert all((one == other).all() for one, other in zip(weights(whole), weights(resumed), strict=True))
    on_cpu = trained(15, "cpu", tmp_path / "run", resume=True)
    assert on_cpu.results["steps"] == 15 and {str(s.device) for s in on_cpu.model.parameters()} == {"cpu"}

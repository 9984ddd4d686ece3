"""Recipes on a simulated GPU, smaller than they are: losses beside the CPU's, and bits after a kill."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.devices import loading
from powertrain.train.folder.ledger import read_lines
from running import SMALL, command, results, run
from simulated_gpu import SETTINGS, built, gpu_environment, simulated_gpus

simulated_gpus()
ROOT = Path(__file__).parents[2]

FEW_DIGITS = {"use": "digits", "split": {"valid": 0.02, "test": 0.02, "stratify": True}}
WORDS = {"use": "text", "path": str(ROOT / "LICENSE"), "context": 16, "valid": 0.1}
SMALLER: dict[str, dict[str, Any]] = {
    "digits": {"data": FEW_DIGITS, "model.channels": [4, 8]},
    "mnist1d-gru": {"data": {"use": "mnist1d", "examples": 100}, "model.width": 6},
    "austen-char": {
        "data": WORDS, "model.layers": 2, "model.heads": 2, "model.width": 16, "strategy.sample": 0,
        "evaluate.most": 8,
    },
    "fashion-mnist-resnet": {"data": FEW_DIGITS, "model.widths": [4, 8]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "path_of", lambda kind: str(built()))


def losses(recipe: str, device: str, steps: int, **overrides: Any) -> list[float]:
    """The mean of each fifth of the first steps."""
    done = pt.fit(
        recipe, steps=steps, batch_size=8, device=device, verbose=False,
        **{"report": {"baseline": False}, "run.evaluate.every": f"{steps // 5} steps", **overrides},
    )  # fmt: skip
    assert {str(slot.device) for slot in done.model.parameters()} == {"cpu" if device == "cpu" else "cuda:0"}
    return done.history["train.loss"]


@pytest.mark.parametrize(
    ("recipe", "steps"),
    [("digits", 10), ("mnist1d-gru", 10), *(pytest.param(name, 50, marks=pytest.mark.long) for name in SMALLER)],
)
def test_recipes_train_there_as_on_the_cpu(recipe: str, steps: int) -> None:
    here, there = (losses(recipe, device, steps, **SMALLER[recipe]) for device in ("cpu", "cuda"))
    assert len(here) == 5
    # Products are summed in another order, and what that changes grows from step to step.
    np.testing.assert_allclose(there, here, rtol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize(("recipe", "rtol"), [("digits", 2e-3), ("mnist1d-gru", 1e-4)])
def test_whole_recipes_train_there_as_on_the_cpu(recipe: str, rtol: float) -> None:
    here, there = (losses(recipe, device, 50) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(there, here, rtol=rtol)


def killed_and_resumed(folder: Path, recipe: str, **settings: str) -> None:
    """A run that is killed after an epoch and resumed has the bits of one that nothing disturbs."""
    (folder / "small.toml").write_text(recipe)
    arguments = ["train", "small.toml", "--device", "cuda", "--json"]
    package = (built().parents[1],)
    whole = results(run([*arguments, "--run", "whole"], folder, package, **SETTINGS, **settings))
    process = subprocess.Popen(
        command([*arguments[:-1], "--run", "a"]), cwd=folder, env=gpu_environment(**settings), stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    next(line for line in process.stdout if line.startswith("epoch"))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    resumed = results(run([*arguments, "--run", "a", "--resume"], folder, package, **SETTINGS, **settings))
    assert resumed["hash"] == whole["hash"] and resumed["steps"] == whole["steps"]
    assert [line["step"] > 0 for line in read_lines(folder / "a") if line["event"] == "resume"] == [True]


def test_killed_and_resumed_ends_with_the_same_bits(tmp_path: Path) -> None:
    killed_and_resumed(tmp_path, SMALL.replace("[32]", "[16]").replace("6 epochs", "3 epochs"))


@pytest.mark.simulated
def test_with_products_by_cublaslt_too(tmp_path: Path) -> None:
    """The resumed process asks the library anew which algorithm each product takes."""
    recipe = SMALL.replace("[32]", "[768]").replace("6 epochs", "2 epochs")  # the last layer's sums are long
    killed_and_resumed(tmp_path, recipe, POWERTRAIN_CUBLASLT="sim")
    failing = {"POWERTRAIN_CUBLASLT": "sim", "POWERTRAIN_SIM_CUBLASLT": "fail_product=1"}
    arguments = ["train", "small.toml", "--device", "cuda", "--run", "failing"]
    failed = run(arguments, tmp_path, (built().parents[1],), expect=2, **SETTINGS, **failing)
    assert "says CUBLAS_STATUS_EXECUTION_FAILED while multiplying f32[" in failed.stderr

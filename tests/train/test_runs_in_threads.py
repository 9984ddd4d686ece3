"""Runs that train or answer at the same time, each in a thread of one program: none takes another's random numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import powertrain as pt


def trained(seed: int) -> Any:
    recipe = {"data": {"use": "digits"}, "model": {"use": "mlp", "hidden": [16], "dropout": 0.3}, "optimizer": "adamw"}
    return pt.fit(recipe, epochs=2, seed=seed, verbose=False)


@pytest.mark.slow
def test_runs_that_train_at_once_have_the_bits_of_one_alone() -> None:
    seeds = (3, 4, 5)
    alone = [trained(seed).results["hash"] for seed in seeds]
    with ThreadPoolExecutor(len(seeds)) as pool:
        together = [run.results["hash"] for run in pool.map(trained, seeds)]
    assert together == alone and len(set(alone)) == len(seeds)


def test_who_predicts_changes_no_numbers_of_who_draws() -> None:
    run = trained(0)
    x = np.zeros((1, 8, 8))
    pt.random.seed(1)
    wanted = [pt.rand().item() for _ in range(400)]
    pt.random.seed(1)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: [run.predict(x) for _ in range(200)])
        found = [pt.rand().item() for _ in range(400)]
        asked.result()
    assert found == wanted


def test_the_modes_of_a_loaded_run_are_those_of_answering(tmp_path: Any) -> None:
    pt.fit("digits", folder=tmp_path / "run", epochs=1, verbose=False)
    run = pt.load(tmp_path / "run")
    assert not any(part.training for module in run.run.table.modules.values() for part in module.modules())

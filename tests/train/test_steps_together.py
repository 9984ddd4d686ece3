"""Steps that are made in one call: the same bits, counts and places as one by one."""

from __future__ import annotations

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.train.run import compiled_steps

RECIPE = """
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [16] }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "%s", batch_size = 16, seed = 3, save_seconds = 0%s }
"""


def run(folder, until="300 steps", more="", **settings):
    recipe = folder.with_suffix(".toml")
    recipe.write_text(RECIPE % (until, more))
    return pt.fit(str(recipe), folder=folder, **settings)


@pytest.fixture
def calls(monkeypatch):
    """Whether each call was one of several steps, by how many."""
    seen: list[int] = []
    each = compiled_steps.Stepper._each

    def noted(self, step, block):
        seen.append(len(block))
        each(self, step, block)

    monkeypatch.setattr(compiled_steps.Stepper, "_each", noted)
    return seen


def digest(done):
    return done.results["hash"]


def test_together_and_one_by_one_are_the_same_run(tmp_path, calls, monkeypatch):
    together = run(tmp_path / "together")
    assert max(calls) > 4
    monkeypatch.setattr(compiled_steps, "CALL_SECONDS", 0)
    calls.clear()
    alone = run(tmp_path / "alone")
    assert max(calls) == 1
    assert digest(together) == digest(alone)
    assert together.results["steps"] == alone.results["steps"] == 300
    assert list(together.history) == list(alone.history)


@pytest.mark.parametrize("first", [37, 113])
def test_a_run_that_ends_within_what_was_made_together_goes_on_behind_it(first, tmp_path, calls):
    whole = run(tmp_path / "whole")
    run(tmp_path / "parts", f"{first} steps")
    parts = run(tmp_path / "parts", resume=True)
    assert max(calls) > 4
    x = np.random.default_rng(0).uniform(0, 16, (50, 8, 8)).astype(np.float32)
    assert (
        parts.predict(x).outputs.tobytes() == whole.predict(x).outputs.tobytes()
    )  # rounds, which the hash has, are others


def test_steps_that_somebody_looks_into_are_made_alone(tmp_path, calls):
    watched = run(tmp_path / "watched", more=", histograms = { every = 7 }")
    assert max(calls) <= 6 and sum(calls) > 150
    assert digest(watched) == digest(run(tmp_path / "alone"))


def test_numbers_of_workers_and_threads_change_nothing(tmp_path, calls):
    found = set()
    before = pt.get_threads()
    try:
        for at, (workers, threads) in enumerate([(0, 1), (1, 2), (2, 4), (8, 7)]):
            pt.set_threads(threads)
            found.add(digest(run(tmp_path / str(at), until="120 steps", more=f", num_workers = {workers}")))
    finally:
        pt.set_threads(before)
    assert len(found) == 1


def test_a_plan_knows_steps_as_the_run_makes_them(tmp_path, calls):
    run(tmp_path / "done", "100 steps")
    calls.clear()
    assert main(["plan", str(tmp_path / "done.toml")]) == 0
    assert max(calls) > 4

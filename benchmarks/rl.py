"""PPO on CartPole beside Stable-Baselines3 and JAX: environment steps per second, seconds, and what was reached.

    pip install stable-baselines3 gymnasium jax optax
    python benchmarks/rl.py                        # three seeds of 200,000 steps, most of the time SB3's
    python benchmarks/rl.py --seeds 1 --steps 50000

Each trains in a process of its own, one after the other, in turns, with the settings of the recipe ppo-cartpole. The
rate leaves compiling out, the seconds have it; evaluations are left out. What is not installed is left out, by name.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "peers"
OURS = """
import json, sys, time
settings = json.loads(sys.argv[1])
import powertrain as pt
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunFolder
import tempfile
pt.set_threads(settings["threads"])
began = time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    given = [f"run.until={settings['steps']} env_steps", f"run.seed={settings['seed']}"]
    run = build(load_recipe("ppo-cartpole", given), RunFolder(folder + "/run"), Display(quiet=True))
    run.strategy.setup(run)
    run.evaluations.prepare()
    run.strategy.round(run)
    compiled, before = time.perf_counter(), run.progress.env_steps
    while not run.done:
        run.strategy.round(run)
    ended = time.perf_counter()
    rate = (run.progress.env_steps - before) / (ended - compiled)
    reached = run.evaluations.evaluator("env").values["return"]
    print(json.dumps({"rate": rate, "seconds": ended - began, "return": reached}))
"""
NEEDS = {"powertrain": "powertrain_rl", "jax": "optax", "stable-baselines3": "stable_baselines3"}


def settings_of(recipe: str) -> dict[str, Any]:
    """The recipe's numbers by the names that the peers take."""
    from powertrain.recipe import load_recipe

    read = load_recipe(recipe)
    strategy, optimizer = read.strategy.params, read.optimizers["model"]
    own = {name: getattr(strategy, name) for name in
           ("horizon", "epochs", "minibatch", "clip", "discount", "gae", "entropy", "value")}  # fmt: skip
    assert read.model is not None
    return {
        **own, "copies": read.copies["env"], "hidden": list(read.model.params.hidden), "lr": optimizer.use.params.lr,
        "clip_norm": optimizer.clip, "longest": read.data["env"].params.longest,
    }  # fmt: skip


def measure(name: str, settings: dict[str, Any]) -> dict[str, float]:
    script = {"jax": "ppo_jax.py", "stable-baselines3": "ppo_sb3.py"}.get(name)
    command = ["-c", OURS] if script is None else [str(PEERS / script)]
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))[: settings["threads"]]))
    done = subprocess.run(
        ["taskset", "-c", cores, sys.executable, *command, json.dumps(settings)], check=True, capture_output=True,
        text=True, env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--steps", type=int, default=200_000)
    given = asked.parse_args()
    settings = {**settings_of("ppo-cartpole"), "threads": given.threads, "steps": given.steps}
    present = [name for name, module in NEEDS.items() if importlib.util.find_spec(module)]
    for name in NEEDS.keys() - set(present):
        print(f"{name} is not installed, and left out")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in present}
    for seed in range(given.seeds):
        for name in present:
            found[name].append(measure(name, {**settings, "seed": seed}))
    print(f"PPO on CartPole, {given.steps:,} steps, {given.threads} threads, {given.seeds} seeds")
    print(f"{'':<20} {'steps/s':>10} {'seconds':>9}   return")
    for name, runs in found.items():
        rate, seconds = (statistics.median(run[what] for run in runs) for what in ("rate", "seconds"))
        returns = ", ".join(f"{run['return']:.0f}" for run in runs)
        print(f"{name:<20} {rate:>10,.0f} {seconds:>9.1f}   {returns}")


if __name__ == "__main__":
    main()

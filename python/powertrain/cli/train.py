"""`powertrain train`: a recipe to a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from powertrain.cli.exit_codes import BY_SIGNAL, FINE, MISSED, USER
from powertrain.io.console import say
from powertrain.io.plain_json import dumps
from powertrain.recipe import Recipe, load_recipe
from powertrain.train import session
from powertrain.train.display.display import Display
from powertrain.train.folder.lock import naming_not_installed
from powertrain.train.folder.run_folder import RUNS, latest_folder, new_folder
from powertrain.train.workers.processes import Job, demand_workers, started


def train(options: argparse.Namespace) -> int:
    settings = []
    if options.smoke:
        unit = load_recipe(options.recipe, options.set, trust=options.trust).run.until.unit
        settings = [f"run.until={'1 round' if unit == 'rounds' else '2 steps'}", "expect={}"]
    with naming_not_installed(options.run if options.resume else None):
        recipe = given_recipe(options, settings)
    demand_workers(options.workers, recipe)
    path = _run_folder(options, recipe)
    with started(options.workers, Job.of(recipe, path, options.trust, options.changed_data)) as transport:
        outcome = session.train(
            recipe, path, resume=options.resume, display=Display(options.json), max_minutes=options.max_minutes,
            changed_data=options.changed_data, transport=transport,
        )  # fmt: skip
    if options.json:
        say(dumps(outcome.results), flush=True)
    return _exit_code(outcome)


def given_recipe(options: argparse.Namespace, more: Sequence[str] = ()) -> Recipe:
    """The recipe with the settings that the options name, and more."""
    settings = [*options.set, *more]
    if options.threads is not None:
        settings.append(f"run.threads={options.threads}")
    if options.device is not None:
        settings.append(f"run.device={options.device}")
    return load_recipe(options.recipe, settings, trust=options.trust)


def _exit_code(outcome: session.Outcome) -> int:
    if outcome.signal:
        return BY_SIGNAL + outcome.signal
    if not outcome.saved:
        return USER
    return FINE if outcome.met else MISSED


def _run_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    if options.run is not None:
        return Path(options.run)
    latest = latest_folder(RUNS, recipe.name) if options.resume else None
    return latest or new_folder(RUNS, recipe.name)

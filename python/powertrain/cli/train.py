"""`powertrain train`: a recipe to a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from powertrain._core import Error
from powertrain.cli.exit_codes import BY_SIGNAL, FINE, MISSED, USER
from powertrain.io.console import complain, say
from powertrain.io.launcher import end_job, launched, together
from powertrain.io.plain_json import dumps
from powertrain.plugin.brought import brought
from powertrain.plugin.transport import Transport, WorkerError
from powertrain.recipe import Recipe, load_recipe
from powertrain.train import session
from powertrain.train.display.display import Display
from powertrain.train.folder.lock import naming_not_installed
from powertrain.train.folder.run_folder import RUNS, latest_folder, new_folder
from powertrain.train.workers.agreement import told
from powertrain.train.workers.cluster import demand_policy, demand_sharing, grouped
from powertrain.train.workers.processes import Job, demand_workers
from powertrain.train.workers.regrouping import lead


def train(options: argparse.Namespace) -> int:
    if (count := launched()) > 1:
        return _train_by_mpi(options, count)
    recipe = _recipe(options)
    demand_sharing(recipe, options.workers, options.ray, options.when_lost)
    path = _run_folder(options, recipe)
    job = Job.of(recipe, path, options.trust, options.changed_data)
    with grouped(options.ray, options.workers, recipe.run.threads or 1, job, options.when_lost) as groups:
        return lead(
            groups, path, options.resume, options.max_minutes,
            lambda transport, resume, minutes: _lead(options, recipe, path, transport, resume, minutes),
        )  # fmt: skip


def _train_by_mpi(options: argparse.Namespace, count: int) -> int:
    """Train as one of several processes that a launcher of MPI has started with the same command."""
    try:
        mpi = brought("mpirun", "powertrain_distributed.mpi", "leads to the other processes", "mpi")
    except Error as error:
        complain(str(error))
        end_job()
        raise
    with mpi.joined(count) as transport, together():
        if options.workers not in (1, count):
            raise WorkerError(
                f"[--workers {options.workers}] mpirun has started {count} processes, which are the workers; "
                "expected no other number of them; leave --workers out"
            )
        if options.ray is not None:
            raise WorkerError(
                f"[--ray {options.ray}] mpirun has started {count} processes, which are the workers; expected them "
                "from MPI or from Ray; leave --ray out, or start the command without mpirun"
            )
        demand_policy(options.when_lost, options.ray)
        recipe = _recipe(options)
        demand_workers(transport.size, recipe, most=recipe.run.shards)
        path = Path(told(transport, str(_run_folder(options, recipe))))
        if transport.rank == 0:
            return _lead(options, recipe, path, transport, options.resume, options.max_minutes)
        session.follow(recipe, path, transport, changed_data=options.changed_data)
    return FINE


def _lead(
    options: argparse.Namespace, recipe: Recipe, path: Path, transport: Transport, resume: bool, minutes: float | None
) -> int:
    """Train as the first worker, or as the only one."""
    outcome = session.train(
        recipe, path, resume=resume, display=Display(options.json), max_minutes=minutes,
        changed_data=options.changed_data, transport=transport,
    )  # fmt: skip
    if options.json:
        say(dumps(outcome.results), flush=True)
    return _exit_code(outcome)


def _recipe(options: argparse.Namespace) -> Recipe:
    """The recipe of this run; with --smoke for two steps."""
    settings = []
    if options.smoke:
        unit = load_recipe(options.recipe, options.set, trust=options.trust).run.until.unit
        settings = [f"run.until={'1 round' if unit == 'rounds' else '2 steps'}", "expect={}"]
    with naming_not_installed(options.run if options.resume else None):
        return given_recipe(options, settings)


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

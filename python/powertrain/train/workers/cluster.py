"""Workers of a run that a cluster starts, and starts again where they end."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import TYPE_CHECKING

from powertrain.plugin.brought import brought
from powertrain.plugin.transport import WorkerError
from powertrain.train.workers.processes import Job, demand_workers
from powertrain.train.workers.regrouping import Groups
from powertrain.train.workers.worker import take_part

if TYPE_CHECKING:
    from powertrain.recipe import Recipe


# What a run does when a worker is lost: go on with fewer, or wait for another one.
FEWER, WAIT = "fewer", "wait"


def demand_policy(when_lost: str | None, address: str | None) -> None:
    """Refuse a policy that is none, or that has no effect, since nothing starts lost workers again."""
    if when_lost not in (None, FEWER, WAIT):
        raise WorkerError(
            f'[when_lost] received {when_lost!r}; expected "{FEWER}" or "{WAIT}"; leave it out to go on with fewer'
        )
    if when_lost is not None and address is None:
        raise WorkerError(
            f"[when_lost] received {when_lost!r} without Ray, and nothing else starts workers again; expected the "
            'address of a cluster; add --ray ADDRESS (in Python ray="auto"), or leave it out'
        )


def on_ray(address: str, count: int, recipe: Recipe, job: Job, when_lost: str | None) -> AbstractContextManager[Groups]:
    """Workers that are actors of a Ray cluster."""
    demand_workers(count, recipe, most=recipe.run.shards)
    if count == 1:
        raise WorkerError(
            f"[ray {address}] received 1 worker, which is this process; expected at least 2; add --workers 2 (in "
            "Python workers=2), or leave Ray out"
        )
    module = brought("ray", "powertrain_distributed.on_ray", "asks Ray for the workers", "ray")
    threads = recipe.run.threads or 1
    connected: AbstractContextManager[Groups] = module.connected(
        address, count, threads, when_lost == WAIT, take_part, asdict(job)
    )
    return connected

"""Where the workers of a run come from: this machine, or a cluster, which starts them again where they end."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING

from powertrain.plugin.brought import brought
from powertrain.plugin.transport import WorkerError
from powertrain.train.workers.processes import Job, Restarted, demand_workers
from powertrain.train.workers.regrouping import Groups
from powertrain.train.workers.shared_memory import MOST_WORKERS
from powertrain.train.workers.worker import take_part

if TYPE_CHECKING:
    from powertrain.recipe import Recipe


# What a run does when a worker is lost: go on with fewer, or wait for another one.
FEWER, WAIT = "fewer", "wait"


def demand_policy(when_lost: str | None, address: str | None) -> None:
    """Refuse a policy that is none, or that has no effect, since no cluster starts workers again."""
    if when_lost not in (None, FEWER, WAIT):
        raise WorkerError(
            f'[when_lost] received {when_lost!r}; expected "{FEWER}" or "{WAIT}"; leave it out to go on with fewer'
        )
    if when_lost is not None and address is None:
        raise WorkerError(
            f"[when_lost] received {when_lost!r} without Ray, and workers of one machine are all started again; "
            'expected the address of a cluster; add --ray ADDRESS (in Python ray="auto"), or leave it out'
        )


def demand_sharing(recipe: Recipe, count: int, address: str | None, when_lost: str | None) -> None:
    """Refuse a number of workers, or a policy, that does not fit the recipe or where the workers come from."""
    demand_workers(count, recipe, most=MOST_WORKERS if address is None else recipe.run.shards)
    demand_policy(when_lost, address)
    if address is not None and count == 1:
        raise WorkerError(
            f"[ray {address}] received 1 worker, which is this process; expected at least 2; add --workers 2 (in "
            "Python workers=2), or leave Ray out"
        )


def grouped(
    address: str | None, count: int, threads: int, job: Job, when_lost: str | None
) -> AbstractContextManager[Groups]:
    """The workers of a run: processes of this machine, or, with an address, actors of a Ray cluster with so many
    threads each."""
    if address is None:
        return nullcontext(Restarted(count, job))
    module = brought("ray", "powertrain_distributed.on_ray", "asks Ray for the workers", "ray")
    connected: AbstractContextManager[Groups] = module.connected(
        address, count, threads, when_lost == WAIT, take_part, asdict(job)
    )
    return connected
